"""Finds utterances with the same words in two splits or with other labels."""

from collections.abc import Mapping

import numpy as np

from affect_jax.doctor import damage
from affect_jax.doctor import duplicates
from affect_jax.doctor import findings
from affect_jax.doctor import leakage
from affect_jax.doctor import sameness
from affect_jax.doctor import survey as survey_lib

# Shorter utterances ("Yes, I know.") repeat by chance.
MIN_WORDS = 6


def group(survey: survey_lib.Survey, short: bool) -> duplicates.Exact:
  """Groups short (< MIN_WORDS), or all other, utterances by their words."""
  words = survey.looks['num_words']
  chosen = (words < MIN_WORDS) == short
  return duplicates.exact(
    survey.looks['words'],
    survey.split,
    len(survey.splits),
    survey.first & (words > 0) & chosen,
  )


def wordless(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Finds transcripts without any word, as '...'."""
  rows = (survey.looks['wordless'] & survey.first).nonzero()[0]
  if not len(rows):
    return []
  names = [f'{survey.where(r)} {survey.id(r)}' for r in rows[:100].tolist()]
  return [
    findings.Finding(
      findings.WARNING,
      'empty_words',
      f'{len(rows):,} transcripts hold signs, but no word: '
      f'{findings.some_of(names, 3, len(rows))}.',
      'A model of text reads them as if something was said: leave their text '
      'empty in the source, then the modality is missing, and the model knows.',
      {'utterances': len(rows), 'ids': names},
    )
  ]


def garbled(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Finds transcripts that were decoded wrongly."""
  wrong = survey.looks['garbled'] & survey.first
  rows = wrong.nonzero()[0]
  if not len(rows):
    return []
  by_split = np.bincount(survey.split[rows], minlength=len(survey.splits))
  numbers = dict(zip(survey.splits, by_split.tolist(), strict=True))
  names = [f'{survey.where(r)} {survey.id(r)}' for r in rows[:100].tolist()]
  return [
    findings.Finding(
      findings.WARNING,
      'garbled_text',
      f'{len(rows):,} transcripts hold characters that were decoded wrongly: '
      f'{findings.some_of(names, most=3, total=len(rows))}.',
      'Save the source as UTF-8. What can be mended is mended when a corpus is '
      'prepared anew.',
      {'utterances': numbers},
    )
  ]


def find(
  survey: survey_lib.Survey,
  groups: duplicates.Exact,
  *,
  remedies: Mapping[str, str],
  strict: bool,
) -> list[findings.Finding]:
  """Reports equal long utterances, with a note on short ones.

  Arguments are those of `leakage.exact_findings`; `groups` are the long ones,
  from `group`.
  """
  result = leakage.exact_findings(
    survey, groups, sameness.TRANSCRIPT, remedies=remedies, strict=strict
  )
  result += damage.contradictions(survey, groups, sameness.TRANSCRIPT)
  small = group(survey, short=True)
  repeated = {
    name: n
    for s, name in enumerate(survey.splits)
    if (n := small.also_before(s))
  }
  if repeated:
    detail = ', '.join(f'{k} {n:,}' for k, n in repeated.items())
    result.append(
      findings.Finding(
        findings.NOTE,
        'common_phrases',
        f'Utterances of fewer than {MIN_WORDS} words that another split has, '
        f'too: {detail}.',
        data={'utterances': repeated},
      )
    )
  return result
