"""Pictures and labels that cannot be right."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from affect_jax.doctor import duplicates
from affect_jax.doctor import findings
from affect_jax.doctor import label_checks
from affect_jax.doctor import sameness
from affect_jax.doctor import survey as survey_lib

# Of a value in [-1, 1], or a presence.
CONTRADICTION = 0.5
SIGNS = {'negative': -1, 'positive': 1}
# A sentiment of so much is not neutral.
STRONG = 1.0


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
  survey: survey_lib.Survey,
  groups: duplicates.Exact,
  same: sameness.Sameness,
) -> list[findings.Finding]:
  """Samples that are the same and have labels that contradict each other."""
  rows = np.flatnonzero(groups.group >= 0)
  sizes = groups.counts.sum(1)
  rows = rows[sizes[groups.group[rows]] > 1]
  if not len(rows):
    return []
  names, number = np.unique(groups.group[rows], return_inverse=True)
  found: dict[str, Any] = {}
  conflicting = np.zeros(len(names), bool)
  for task in dict.fromkeys(t for t, _ in survey.columns):
    apart = np.zeros(len(names), bool)
    for value, most in _opinions(survey, rows, task):
      apart |= _spread(value, number) > most
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
      same.contradictions,
      f'{int(conflicting.sum()):,} of {len(names):,} sets of {same.noun} are '
      f'labelled in contradicting ways ({detail}): {int(chosen.sum()):,} '
      f'{same.things}.',
      same.contradicting,
      {
        'sets': int(conflicting.sum()),
        same.things: int(chosen.sum()),
        'tasks': found,
      },
    )
  ]


def _opinions(
  survey: survey_lib.Survey, rows: np.ndarray, task: str
) -> Iterator[tuple[np.ndarray, float]]:
  """(a number for each row, NaN if unknown; how far apart they may be)."""
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
  """Utterances whose sentiment, and its class, are opposed to each other."""
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
      f'({findings.listed(examples, 3, len(rows))}).',
      'Is it the order of the classes, or the sign of the sentiment?',
      {'utterances': len(rows), 'of': int(known.sum()), 'examples': examples},
    )
  ]


def signs(labels: np.ndarray, names: Sequence[str]) -> np.ndarray:
  """[N], -1 negative, 0 neutral, 1 positive; NaN where not annotated."""
  of_class = np.array([SIGNS.get(name, 0) for name in names], float)
  best = dominant(labels)
  return np.where(best < 0, np.nan, of_class[best])


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
