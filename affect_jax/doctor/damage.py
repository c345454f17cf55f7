"""Pictures and labels that cannot be right."""

from typing import Any

import numpy as np

from affect_jax.doctor import duplicates
from affect_jax.doctor import findings
from affect_jax.doctor import survey as survey_lib

# Of a value in [-1, 1], or a probability.
CONTRADICTION = 0.5


def bad_labels(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Labels that are not finite or out of range."""
  if not survey.bad_labels:
    return []
  return [
    findings.Finding(
      findings.ERROR,
      'bad_labels',
      f'{survey.bad_labels:,} samples have impossible labels: '
      f'{findings.listed(survey.problems, 3, survey.bad_labels)}.',
      'Mend the annotation file: what is not annotated is to be left empty.',
      {'samples': survey.bad_labels, 'examples': list(survey.problems)},
    )
  ]


def bad_pictures(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Unreadable, constant and grey pictures."""
  found = []
  kinds = (
    (
      'unreadable_pictures',
      ~survey.looks['readable'],
      findings.ERROR,
      'cannot be decoded',
      'Training would stop at them: fetch these files again, delete the '
      'prepared corpus, or leave them out of the annotation.',
    ),
    (
      'constant_pictures',
      survey.looks['constant'],
      findings.WARNING,
      'are of a single colour',
      'They show no face: leave them out, or take their labels away.',
    ),
  )
  for kind, chosen, level, what, advice in kinds:
    if rows := np.flatnonzero(chosen).tolist():
      names = [f'{survey.where(r)} {survey.id(r)}' for r in rows[:1000]]
      by_split = np.bincount(survey.split[rows], minlength=len(survey.splits))
      numbers = dict(zip(survey.splits, by_split.tolist(), strict=True))
      found.append(
        findings.Finding(
          level,
          kind,
          f'{len(rows):,} pictures {what} '
          f'({findings.listed(names, 3, len(rows))}).',
          advice,
          {'pictures': numbers, 'ids': names},
        )
      )
  grey = int(np.sum(survey.looks['grey']))
  if grey:
    share = grey / max(1, int(survey.looks['readable'].sum()))
    found.append(
      findings.Finding(
        findings.NOTE,
        'grey_pictures',
        f'{grey:,} pictures ({share:.1%}) are grey.',
        'Colour augmentation and weights learnt on colour expect colours.'
        if share < 1
        else '',
        {'pictures': grey},
      )
    )
  return found


def contradictions(
  survey: survey_lib.Survey, groups: duplicates.Exact
) -> list[findings.Finding]:
  """Pixel-identical pictures whose labels contradict each other."""
  rows = np.flatnonzero(groups.group >= 0)
  sizes = groups.counts.sum(1)
  rows = rows[sizes[groups.group[rows]] > 1]
  if not len(rows):
    return []
  names, number = np.unique(groups.group[rows], return_inverse=True)
  found: dict[str, Any] = {}
  conflicting = np.zeros(len(names), bool)
  for task in dict.fromkeys(t for t, _ in survey.columns):
    columns = survey.column(task)
    if task == 'expression':
      values = dominant(survey.labels[np.ix_(rows, columns)]).astype(float)
      apart = _spread(np.where(values < 0, np.nan, values), number) > 0
    else:
      apart = np.zeros(len(names), bool)
      for k in columns:
        value = survey.labels[rows, k].astype(float)
        if task == 'action_units':
          value = np.where(np.isnan(value), value, value > CONTRADICTION)
        apart |= _spread(value, number) > CONTRADICTION
    if apart.any():
      found[task] = int(apart.sum())
      conflicting |= apart
  if not found:
    return []
  chosen = np.isin(number, np.flatnonzero(conflicting))
  detail = ', '.join(f'{t} {n:,}' for t, n in found.items())
  return [
    findings.Finding(
      findings.WARNING,
      'contradictions',
      f'{int(conflicting.sum()):,} of {len(names):,} sets of pixel-identical '
      f'pictures are labelled in contradicting ways ({detail}): '
      f'{int(chosen.sum()):,} pictures.',
      'At least one label of each is wrong; duplicates.csv (--out) lists the '
      'pictures. Soft labels or several annotators would tell which.',
      {
        'sets': int(conflicting.sum()),
        'pictures': int(chosen.sum()),
        'tasks': found,
      },
    )
  ]


def dominant(labels: np.ndarray) -> np.ndarray:
  """int [N], likeliest class of [N, K]; -1 where nothing is annotated."""
  filled = np.where(np.isnan(labels), -np.inf, labels)
  return np.where(np.isnan(labels).all(1), -1, filled.argmax(1))


def _spread(values: np.ndarray, number: np.ndarray) -> np.ndarray:
  """Largest minus smallest known value of each set; -inf if none is known."""
  size = int(number.max()) + 1
  low, high = np.full(size, np.inf), np.full(size, -np.inf)
  known = ~np.isnan(values)
  np.minimum.at(low, number[known], values[known])
  np.maximum.at(high, number[known], values[known])
  return high - low
