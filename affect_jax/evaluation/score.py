"""Computes exact metrics of whole splits on gold labels, in float64."""

from collections.abc import Collection, Mapping, Sequence
import math
from typing import Any

import numpy as np

from affect_jax.metrics import challenge

HEADLINE = 'headline'
# Metrics that are errors. Of all others, higher is better.
LOWER_IS_BETTER = ('mae', 'rmse')


def gold(task: Any, rows: Mapping[str, Any]) -> np.ndarray:
  """Returns weights of a split's gold labels: 1 if the weight is 1, else 0."""
  return (rows['weights'][task.name] == 1).astype(np.float64)


def tune(tasks: Sequence[Any], rows: Mapping[str, Any]) -> dict[str, Any]:
  """Tunes {task: {output: threshold}} on the rows of the validation split.

  A threshold is None if validation has no positive of the output, and a task is
  left out if that is so of all.
  """
  tuned = {
    t.name: t.tune(
      rows['predictions'][t.name], rows['labels'][t.name], gold(t, rows)
    )
    for t in tasks
    if t.tune
  }
  return {
    name: thresholds
    for name, thresholds in tuned.items()
    if any(x is not None for x in thresholds.values())
  }


def score(
  tasks: Sequence[Any],
  rows: Mapping[str, Any],
  thresholds: Mapping[str, Any],
  judged: Collection[str] | None = None,
) -> dict[str, float]:
  """Returns all metrics of a split: {'task/metric[/output]': value}.

  A metric without any gold label is NaN. 'headline' is the mean of the tasks'
  headline metrics that are defined. 'p_mtl' is the sum of the headline metrics
  of expression, action units and valence-arousal (NaN if one is not defined);
  it is left out unless all three are tasks.

  Args:
    tasks: The tasks.
    rows: From `predict_split`.
    thresholds: From `tune` on validation; {} leaves out tuned metrics.
    judged: The tasks that may enter 'headline': those that validation has gold
      of, so that headlines of validation and test are of the same; None: all.
  """
  scores: dict[str, float] = {}
  for task in tasks:
    triple = (
      rows['predictions'][task.name],
      rows['labels'][task.name],
      gold(task, rows),
    )
    values = {name: m(*triple) for name, m in task.metrics.items()}
    if thresholds.get(task.name):
      for name, m in task.tuned_metrics.items():
        values[name] = m(*triple, thresholds[task.name])
    values['num_gold'] = float(triple[2].sum())
    for name, value in values.items():
      scores |= flat(f'{task.name}/{name}', value)
  headlines = [scores[f'{t.name}/{t.headline}'] for t in tasks]
  defined = [
    x
    for t, x in zip(tasks, headlines, strict=True)
    if not math.isnan(x) and (judged is None or t.name in judged)
  ]
  scores[HEADLINE] = float(np.mean(defined)) if defined else math.nan
  names = [t.name for t in tasks]
  if {'expression', 'action_units', 'valence_arousal'} <= set(names):
    by_name = dict(zip(names, headlines, strict=True))
    scores['p_mtl'] = challenge.p_mtl(
      p_va=by_name['valence_arousal'],
      p_expr=by_name['expression'],
      p_au=by_name['action_units'],
    )
  return scores


def names(tasks: Sequence[Any]) -> list[str]:
  """Returns the names of all scores of a split."""
  rows: dict[str, Any] = {'predictions': {}, 'labels': {}, 'weights': {}}
  for task in tasks:
    # One row without gold: every metric is NaN, under its name.
    shape = (1, len(task.outputs))
    rows['predictions'][task.name] = np.zeros(shape, np.float32)
    rows['labels'][task.name] = np.zeros(shape, np.float32)
    rows['weights'][task.name] = np.zeros(
      shape if task.weight_per_output else 1, np.float32
    )
  thresholds = {t.name: dict.fromkeys(t.outputs, 0.5) for t in tasks if t.tune}
  return [*score(tasks, rows, thresholds)]


def flat(name: str, value: Any) -> dict[str, float]:
  """Returns {name: value}, or {name/output: value} if it is a mapping."""
  if not isinstance(value, Mapping):
    return {name: float(value)}
  values = {}
  for key, item in value.items():
    values |= flat(f'{name}/{key}', item)
  return values
