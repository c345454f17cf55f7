"""Reads the labels of a chunk of records, and finds impossible ones."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from affect_jax import tasks

# Above this, something is present.
PRESENT = 0.5


def kind(task: str) -> str:
  """Returns a task's kind: 'class' (one of K), 'presence' (any) or 'value'."""
  return tasks.get_annotation(task).kind


def read(
  chunk: Mapping[str, Any],
  split: str,
  outputs: Mapping[str, Sequence[str]],
  columns: Sequence[tuple[str, str]],
) -> tuple[np.ndarray, list[str]]:
  """Reads labels [n, K], NaN if not annotated, and a problem per bad sample.

  Args:
    chunk: n records.
    split: Their split, for the problems.
    outputs: {task: names of its columns} in the records.
    columns: (task, output) of each of the K columns of the result.
  """
  n = len(chunk['id'])
  labels = np.full((n, len(columns)), np.nan, np.float16)
  problems: dict[int, str] = {}
  for task, names in outputs.items():
    values, weights = chunk[task], chunk[task + '_weights']
    annotation = tasks.get_annotation(task)
    if weights.ndim == 1:
      weights = np.repeat(weights[:, None], len(names), 1)
    # A label without weight does not count, but its NaN would still spread.
    known = ~(weights == 0)
    low, high = annotation.low, annotation.high
    with np.errstate(invalid='ignore', over='ignore'):
      wrong = ~np.isfinite(values) | (
        known & ~((values >= low) & (values <= high))
      )
      odd = ~((weights >= 0) & (weights <= 1))
      for i, k in np.argwhere(wrong | odd):
        what = 'weight' if odd[i, k] else 'label'
        value = weights[i, k] if odd[i, k] else values[i, k]
        a, b = (0, 1) if odd[i, k] else (low, high)
        problems.setdefault(
          int(i),
          f'{task} {names[k]}: {what} {value:g} is not in [{a:g}, {b:g}]',
        )
      if annotation.one_weight:
        sums = values.sum(1)
        for i in np.flatnonzero(known[:, 0] & ~(np.abs(sums - 1) < 0.01)):
          problems.setdefault(
            int(i), f'{task}: shares sum to {sums[i]:g}, not to 1'
          )
      usable = known & ~wrong & ~odd
      for k, name in enumerate(names):
        labels[:, columns.index((task, name))] = np.where(
          usable[:, k], values[:, k], np.nan
        )
  return labels, [
    f'{split} {chunk["id"][i].decode()}: {text}' for i, text in problems.items()
  ]
