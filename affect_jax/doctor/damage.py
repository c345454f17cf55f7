"""Finds pictures and labels that cannot be right."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from affect_jax.doctor import duplicates
from affect_jax.doctor import findings
from affect_jax.doctor import label_checks
from affect_jax.doctor import sameness
from affect_jax.doctor import survey as survey_lib

# How far apart values in [-1, 1], or presences, may be.
CONTRADICTION = 0.5
SIGNS = {'negative': -1, 'positive': 1}
# From this |sentiment| on, 'neutral' is wrong.
STRONG = 1.0


def bad_labels(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Finds labels that are not finite or out of range."""
  if not survey.bad_labels:
    return []
  return [
    findings.Finding(
      findings.ERROR,
      'bad_labels',
      f'{survey.bad_labels:,} samples have impossible labels: '
      f'{findings.some_of(survey.problems, 3, survey.bad_labels)}.',
      'Mend the annotation file; leave cells empty if nothing is annotated.',
      {'samples': survey.bad_labels, 'examples': list(survey.problems)},
    )
  ]


def bad_pictures(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Finds unreadable, constant and grey pictures."""
  result = []
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
      'They show no face: leave them out, or remove their labels.',
    ),
  )
  for kind, chosen, level, what, advice in kinds:
    if rows := np.flatnonzero(chosen).tolist():
      names = [f'{survey.where(r)} {survey.id(r)}' for r in rows[:1000]]
      by_split = np.bincount(survey.split[rows], minlength=len(survey.splits))
      numbers = dict(zip(survey.splits, by_split.tolist(), strict=True))
      result.append(
        findings.Finding(
          level,
          kind,
          f'{len(rows):,} pictures {what} '
          f'({findings.some_of(names, 3, len(rows))}).',
          advice,
          {'pictures': numbers, 'ids': names},
        )
      )
  grey = int(np.sum(survey.looks['grey']))
  if grey:
    share = grey / max(1, int(survey.looks['readable'].sum()))
    result.append(
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
  return result


def contradictions(
  survey: survey_lib.Survey,
  groups: duplicates.Exact,
  same: sameness.Sameness,
) -> list[findings.Finding]:
  """Finds equal samples whose labels contradict each other."""
  rows = np.flatnonzero(groups.group >= 0)
  sizes = groups.counts.sum(1)
  rows = rows[sizes[groups.group[rows]] > 1]
  if not len(rows):
    return []
  names, number = np.unique(groups.group[rows], return_inverse=True)
  sets_by_task: dict[str, Any] = {}
  conflicting = np.zeros(len(names), bool)
  for task in dict.fromkeys(t for t, _ in survey.columns):
    apart = np.zeros(len(names), bool)
    for value, most in _opinions(survey, rows, task):
      apart |= _spread(value, number) > most
    if apart.any():
      sets_by_task[task] = int(apart.sum())
      conflicting |= apart
  if not sets_by_task:
    return []
  chosen = np.isin(number, np.flatnonzero(conflicting))
  detail = ', '.join(f'{t} {n:,}' for t, n in sets_by_task.items())
  return [
    findings.Finding(
      findings.WARNING,
      same.contradictions,
      f'{int(conflicting.sum()):,} of {len(names):,} sets of {same.noun} are '
      f'labelled in contradicting ways ({detail}): {int(chosen.sum()):,} '
      f'{same.things}.',
      same.contradicting,
      {
        'sets': int(conflicting.sum()),
        same.things: int(chosen.sum()),
        'tasks': sets_by_task,
      },
    )
  ]


def _opinions(
  survey: survey_lib.Survey, rows: np.ndarray, task: str
) -> Iterator[tuple[np.ndarray, float]]:
  """Yields (a number per row, NaN if unknown; how far apart they may be)."""
  columns = survey.column(task)
  labels = survey.labels[np.ix_(rows, columns)].astype(float)
  if task == 'sentiment_class':
    yield signs(labels, [survey.columns[k][1] for k in columns]), 1
  elif task == 'sentiment':
    yield np.sign(labels[:, 0]), 1
  elif label_checks.kind(task) == 'class':
    best = dominant(labels).astype(float)
    yield np.where(best < 0, np.nan, best), 0
  else:
    for value in labels.T:
      if label_checks.kind(task) == 'presence':
        value = np.where(np.isnan(value), value, value > label_checks.PRESENT)
      yield value, CONTRADICTION


def class_against_sign(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Finds utterances whose sentiment contradicts its class."""
  columns = survey.column('sentiment_class')
  value = survey.labels[:, survey.column('sentiment')].astype(float)
  if not len(columns) or not value.shape[1]:
    return []
  value = value[:, 0]
  names = [survey.columns[k][1] for k in columns]
  sign = signs(survey.labels[:, columns].astype(float), names)
  known = ~np.isnan(sign) & ~np.isnan(value)
  opposed = known & (
    (sign * value < 0) | ((sign == 0) & (np.abs(value) >= STRONG))
  )
  rows = np.flatnonzero(opposed).tolist()
  if not rows:
    return []
  examples = [
    f'{survey.where(r)} {survey.id(r)}: {value[r]:+.2f}' for r in rows[:1000]
  ]
  return [
    findings.Finding(
      findings.WARNING,
      'class_against_sign',
      f'{len(rows):,} of {int(known.sum()):,} utterances with sentiment and '
      'sentiment_class have one that contradicts the other '
      f'({findings.some_of(examples, 3, len(rows))}).',
      'Is it the order of the classes, or the sign of the sentiment?',
      {'utterances': len(rows), 'of': int(known.sum()), 'examples': examples},
    )
  ]


def signs(labels: np.ndarray, names: Sequence[str]) -> np.ndarray:
  """Returns -1 negative, 0 neutral, 1 positive, NaN not annotated: [N]."""
  of_class = np.array([SIGNS.get(name, 0) for name in names], float)
  best = dominant(labels)
  return np.where(best < 0, np.nan, of_class[best])


def dominant(labels: np.ndarray) -> np.ndarray:
  """Returns the likeliest class of [N, K], int [N]; -1: not annotated."""
  filled = np.where(np.isnan(labels), -np.inf, labels)
  return np.where(np.isnan(labels).all(1), -1, filled.argmax(1))


def _spread(values: np.ndarray, number: np.ndarray) -> np.ndarray:
  """Returns largest minus smallest known value per set; -inf if unknown."""
  size = int(number.max()) + 1
  low, high = np.full(size, np.inf), np.full(size, -np.inf)
  known = ~np.isnan(values)
  np.minimum.at(low, number[known], values[known])
  np.maximum.at(high, number[known], values[known])
  return high - low
