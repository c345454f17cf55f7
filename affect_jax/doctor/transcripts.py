"""Utterances with the same words, in two splits or with other labels."""

from collections.abc import Mapping

from affect_jax.doctor import damage
from affect_jax.doctor import duplicates
from affect_jax.doctor import findings
from affect_jax.doctor import leakage
from affect_jax.doctor import sameness
from affect_jax.doctor import survey as survey_lib

# Whoever says less than that says it again.
MIN_WORDS = 6


def group(survey: survey_lib.Survey, short: bool) -> duplicates.Exact:
  """Utterances by their words: those of less than MIN_WORDS, or the others."""
  words = survey.looks['num_words']
  chosen = (words < MIN_WORDS) == short
  return duplicates.exact(
    survey.looks['words'],
    survey.split,
    len(survey.splits),
    survey.first & (words > 0) & chosen,
  )


def find(
  survey: survey_lib.Survey,
  groups: duplicates.Exact,
  *,
  remedies: Mapping[str, str],
  strict: bool,
) -> list[findings.Finding]:
  """What the long ones have in common, and a note on short ones.

  Args: as `leakage.exact_findings`, and
    groups: The long ones, of `group`.
  """
  found = leakage.exact_findings(
    survey, groups, sameness.TRANSCRIPT, remedies=remedies, strict=strict
  )
  found += damage.contradictions(survey, groups, sameness.TRANSCRIPT)
  small = group(survey, short=True)
  again = {
    name: n
    for s, name in enumerate(survey.splits)
    if (n := small.also_before(s))
  }
  if again:
    detail = ', '.join(f'{k} {n:,}' for k, n in again.items())
    found.append(
      findings.Finding(
        findings.NOTE,
        'common_phrases',
        f'Utterances of less than {MIN_WORDS} words that were said in another '
        f'split, too: {detail}.',
        data={'utterances': again},
      )
    )
  return found
