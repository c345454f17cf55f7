"""What a validation split cannot judge, and so what its scores stand on."""

from collections.abc import Mapping, Sequence
from typing import Any

from absl import logging
import numpy as np

from affect_jax.evaluation import score


def judged(tasks: Sequence[Any], rows: Mapping[str, Any]) -> list[str]:
  """Returns the tasks that the split has gold labels of."""
  return [t.name for t in tasks if score.gold(t, rows).any()]


def absent(task: Any, rows: Mapping[str, Any]) -> list[str]:
  """Returns the outputs that the split has no sample, or no positive, of.

  Tasks of values have none.
  """
  if not (task.tune or 'macro_f1' in task.metrics):
    return []
  weights = score.gold(task, rows)
  labels = rows['labels'][task.name]
  if weights.ndim == 1:
    weights = weights[:, None]
    found = np.argmax(labels, 1)[:, None] == np.arange(labels.shape[1])[None]
  else:
    found = labels > 0.5
  counts = np.sum(weights * found, axis=0)
  return [o for o, n in zip(task.outputs, counts, strict=True) if not n > 0]


def log(split: str, tasks: Sequence[Any], rows: Mapping[str, Any]) -> None:
  """Logs what headline, selection and tuned metrics stand on, and lack.

  Args:
    split: How scores name it: 'val' or 'val/CORPUS'.
    tasks: The tasks.
    rows: Of the split, from `predict.predict_split`.
  """
  names = judged(tasks, rows)
  stands = [f'{t.name}/{t.headline}' for t in tasks if t.name in names]
  logging.info(
    'headline, of %s and of test alike: the mean of %s',
    split,
    ', '.join(stands) or 'nothing',
  )
  for task in tasks:
    missing = absent(task, rows)
    if task.name not in names:
      logging.warning('%s', words(split, task.name))
    elif missing:
      logging.warning(
        '%s', words(split, task.name, missing, tuned=bool(task.tune))
      )


def words(
  split: str,
  task: str,
  outputs: Sequence[str] = (),
  *,
  kind: str = 'class',
  tuned: bool = False,
) -> str:
  """Says what a split cannot judge.

  Args:
    split: How scores name it: 'val', 'val/CORPUS' or 'test'.
    task: A task that it has no label of, if `outputs` is empty.
    outputs: The outputs that it has no sample, or no positive, of.
    kind: Of its labels: 'class', 'presence' or 'value'.
    tuned: Whether validation tunes thresholds of the task.
  """
  validates = split.partition('/')[0] == 'val'
  if not outputs:
    return f'{split} has no label of {task}, so ' + (
      'no score of it enters headline or the default selection.'
      if validates
      else 'it has no score of it.'
    )
  names = ', '.join(outputs)
  if kind == 'value':
    return f'{split} has no label of {task} {names}: it has no score of this.'
  if tuned and validates:
    return (
      f'{split} has no positive of {task} {names}: no threshold of it is '
      'tuned, and tuned_ metrics, of test too, leave it out.'
    )
  return (
    f'{split} has no sample of {task} {names}: it cannot judge this, and its '
    'F1 is 0.'
  )
