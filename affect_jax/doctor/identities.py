"""People, videos and dialogues whose names differ only in spelling."""

from collections.abc import Mapping, Sequence
import re
import unicodedata

import numpy as np

from affect_jax.corpora.files import identity
from affect_jax.doctor import findings
from affect_jax.doctor import survey as survey_lib


def find(
  survey: survey_lib.Survey,
  skipped: Mapping[str, Mapping[str, int]],
  examples: Mapping[str, Mapping[str, Sequence[str]]],
) -> list[findings.Finding]:
  """Finds names that readers joined, and names in two splits that are alike.

  Args:
    survey: All samples.
    skipped: {corpus: {reason: how often}}, what preparing counted.
    examples: {corpus: {reason: names of some}}.
  """
  result = []
  people = 'subjects' if survey.things == 'pictures' else 'speakers'
  result += similar(survey, survey.subject, survey.subjects, people)
  result += similar(survey, survey.dialogue, survey.dialogues, 'dialogues')
  for corpus, reasons in skipped.items():
    for reason, count in reasons.items():
      if not count or not reason.endswith(identity.JOINED):
        continue
      what = reason.removesuffix(identity.JOINED).strip()
      names = list(examples.get(corpus, {}).get(reason, ()))
      shown = f': {findings.some_of(names, 5, count)}' if names else ''
      result.append(
        findings.Finding(
          findings.NOTE,
          'joined_names',
          f'{corpus}: {count:,} {what} names were read as another spelling of '
          f'the same name{shown}.',
          'If two of them are not the same, give them different names in the '
          'source.',
          {'corpus': corpus, 'names': names, 'count': count},
        )
      )
  return result


def similar(
  survey: survey_lib.Survey,
  member: np.ndarray,
  names: Sequence[str],
  what: str,
) -> list[findings.Finding]:
  """Finds names in two splits that only case, signs or zeros tell apart.

  Names that `identity.join` takes for the same are no part of it.

  Args:
    survey: All samples.
    member: int32 [N], index of each sample's name; -1: unknown.
    names: The names.
    what: What they are names of, in the plural.
  """
  used = np.zeros((len(names), len(survey.splits)), bool)
  known = member >= 0
  used[member[known], survey.split[known]] = True
  joined = identity.join(names)
  groups: dict[str, dict[str, list[int]]] = {}
  for i, name in enumerate(names):
    same = groups.setdefault(_rough(name) or name, {})
    same.setdefault(joined.get(name, name), []).append(i)
  pairs = []
  for group in groups.values():
    splits = [used[rows].any(0) for rows in group.values()]
    # Several splits in all, but not the same ones in each.
    if len(group) > 1 and np.any(splits, axis=0).sum() > 1:
      pairs.append(
        ' ~ '.join(
          f'{name!r} ({", ".join(np.array(survey.splits)[at])})'
          for name, at in zip(group, splits, strict=True)
        )
      )
  if not pairs:
    return []
  return [
    findings.Finding(
      findings.WARNING,
      f'similar_{what}',
      f'{len(pairs):,} names of {what} in two splits differ only in case, '
      f'accents, signs or leading zeros, and were not taken for the same: '
      f'{findings.some_of(pairs)}.',
      'If they are the same, write them alike in the source: then the doctor '
      'tells whether splits share them.',
      {'names': pairs[:1000], 'count': len(pairs)},
    )
  ]


def _rough(name: str) -> str:
  """Returns a name without case, accents, signs and leading zeros."""
  text = unicodedata.normalize('NFKD', identity.normal(name)).casefold()
  text = ''.join(c for c in text if not unicodedata.combining(c))
  # A sign stays a border: '1_12' is not '11_2'.
  text = re.sub(r'[\W_]+', ' ', text).strip()
  return re.sub(r'(?<!\d)0+(?=\d)', '', text)
