"""Labels of a chunk of records, and which of them cannot be."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from affect_jax import tasks

# Above it something is present.
PRESENT = 0.5


def kind(task: str) -> str:
  """'class': one is the likeliest; 'presence': any number is; or 'value'."""
  return tasks.get_annotation(task).kind


def read(
  chunk: Mapping[str, Any],
  split: str,
  outputs: Mapping[str, Sequence[str]],
  columns: Sequence[tuple[str, str]],
) -> tuple[np.ndarray, list[str]]:
  """Labels [n, K], NaN where not annotated, and a problem per bad sample.

  Args:
    chunk: n records.
    split: Where they belong, for the problems.
    outputs: {task: names of its columns} in the records.
    columns: (task, output) of each of the K columns that are wanted.
  """
  n = len(chunk['id'])
  found = np.full((n, len(columns)), np.nan, np.float16)
  problems: dict[int, str] = {}
  for task, names in outputs.items():
    values, weights = chunk[task], chunk[task + '_weights']
    annotation = tasks.get_annotation(task)
    if weights.ndim == 1:
      weights = np.repeat(weights[:, None], len(names), 1)
    # A label that is not annotated counts nowhere, but NaN would spread.
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
        found[:, columns.index((task, name))] = np.where(
          usable[:, k], values[:, k], np.nan
        )
  return found, [
    f'{split} {chunk["id"][i].decode()}: {text}' for i, text in problems.items()
  ]
