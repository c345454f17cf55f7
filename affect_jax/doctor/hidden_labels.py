"""Finds features that tell the labels of their own rows almost alone.

A table of features that was saved with its labels has them as a column, and a
model that reads it has nothing left to learn. Such a feature is found by
Chatterjee's correlation xi (2021): 0 where a label does not depend on it, near
1 where the label is any function of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from affect_jax.doctor import damage
from affect_jax.doctor import findings
from affect_jax.doctor import label_checks
from affect_jax.doctor import survey as survey_lib

# From this xi on. It is about the .97 of an accuracy, or the .99 of a
# correlation.
LIMIT = 0.9
# The standard deviation of a chance xi of so many rows is .06.
MIN_ROWS = 100
# Rows that must differ from the commonest label; fewer can be sorted by chance.
MIN_OTHERS = 20
VIEWS = ('mean over steps', 'first step')
_CHUNK = 256


def find(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Finds the features of each corpus and modality that tell labels."""
  result = []
  corpora = list(dict.fromkeys(p.corpus for p in survey.parts))
  for corpus in corpora:
    prefix = f'corpora.{corpus}.' if len(corpora) > 1 else ''
    numbers = [i for i, p in enumerate(survey.parts) if p.corpus == corpus]
    for name in survey.parts[numbers[0]].dims:
      taken = [
        survey.views[i][name] for i in numbers if name in survey.views[i]
      ]
      if not taken:
        continue
      rows = np.concatenate([r for r, _ in taken])
      values = np.concatenate([v for _, v in taken])
      telling = telling_features(survey, rows, values)
      if telling:
        size = values.shape[-1]
        result.append(_finding(corpus, prefix, name, size, telling))
  return result


def telling_features(
  survey: survey_lib.Survey, rows: np.ndarray, values: np.ndarray
) -> list[dict[str, Any]]:
  """Finds features that tell labels of their rows, the surest first.

  Args:
    survey: Whose labels they are.
    rows: int [n], rows in `survey`.
    values: f32 [n, 2, D], the two VIEWS of the features of each row.

  Returns:
    For each feature and task: 'feature' (from 0), 'view', 'task', 'output',
    'xi' and 'rows' with labels.
  """
  kept = survey.first[rows]
  # In random order, so that the order of equal values tells nothing.
  shuffled = np.random.default_rng(0).permutation(np.flatnonzero(kept))
  rows, values = rows[shuffled], values[shuffled]
  best: dict[tuple[int, str], dict[str, Any]] = {}
  for known, labels in _targets(survey, rows):
    for v, view in enumerate(VIEWS):
      x = values[known, v]
      for start in range(0, x.shape[1], _CHUNK):
        order = np.argsort(x[:, start : start + _CHUNK], axis=0, kind='stable')
        for (task, output), label in labels.items():
          xi = chatterjee(order, label)
          for k in np.flatnonzero(xi >= LIMIT).tolist():
            key = (start + k, task)
            if key not in best or xi[k] > best[key]['xi']:
              best[key] = {
                'feature': start + k,
                'view': view,
                'task': task,
                'output': output,
                'xi': float(xi[k]),
                'rows': len(label),
              }
  return sorted(best.values(), key=lambda x: -x['xi'])


def _targets(
  survey: survey_lib.Survey, rows: np.ndarray
) -> Iterator[tuple[np.ndarray, dict[tuple[str, str], np.ndarray]]]:
  """Yields annotated rows, bool [n], and {(task, output): f64 [m]} of them.

  Outputs with too few labels, or too few that differ, are left out.
  """
  groups: dict[bytes, tuple[np.ndarray, dict[tuple[str, str], Any]]] = {}
  for k, (task, output) in enumerate(survey.columns):
    label = survey.labels[rows, k].astype(np.float64)
    known = ~np.isnan(label)
    kind = label_checks.kind(task)
    if kind == 'class':
      columns = survey.column(task)
      best = damage.dominant(survey.labels[np.ix_(rows, columns)])
      known = best >= 0
      label = (best == np.searchsorted(columns, k)).astype(float)
    elif kind == 'presence':
      label = (label > label_checks.PRESENT).astype(float)
    label = label[known]
    if len(label) < MIN_ROWS:
      continue
    _, times = np.unique(label, return_counts=True)
    if len(label) - times.max() >= MIN_OTHERS:
      _, same = groups.setdefault(known.tobytes(), (known, {}))
      same[task, output] = label
  yield from groups.values()


def chatterjee(order: np.ndarray, label: np.ndarray) -> np.ndarray:
  """Computes Chatterjee's xi of a label for each of D features.

  Args:
    order: int [n, D], the rows by each feature; equal values at random.
    label: f64 [n], not constant.

  Returns:
    f64 [D]: 1 - O(1 / n) where the label is a function of the feature.
  """
  n = len(label)
  ordered = np.sort(label)
  at_most = np.searchsorted(ordered, label, 'right')
  at_least = n - np.searchsorted(ordered, label, 'left')
  changes = np.abs(np.diff(at_most[order], axis=0)).sum(0)
  return 1 - n * changes / (2 * np.sum(at_least * (n - at_least)))


def _finding(
  corpus: str,
  prefix: str,
  modality: str,
  size: int,
  telling: Sequence[Mapping[str, Any]],
) -> findings.Finding:
  features = list(dict.fromkeys(x['feature'] for x in telling))
  columns = ', '.join(str(k) for k in sorted(features)) + ','
  setting = (
    f'--config.data.{prefix}without_features="{{\'{modality}\': ({columns})}}"'
  )
  names = [
    f'feature {x["feature"]} ({x["view"]}) tells {x["task"]} '
    f'(xi {x["xi"]:.2f}, {x["rows"]:,} rows)'
    for x in telling
  ]
  return findings.Finding(
    findings.ERROR,
    'labels_in_features',
    f'{corpus}: {len(features):,} of {size:,} features of {modality} '
    f'{"tells" if len(features) == 1 else "tell"} labels of their own rows '
    f'almost alone: {findings.some_of(names, 4)}.',
    'It seems that labels were saved among the features, and scores on them '
    f'say nothing: {setting} leaves these columns out (counted from 0 among '
    'those that are read now).',
    {'corpus': corpus, 'modality': modality, 'features': list(telling)[:1000]},
  )
