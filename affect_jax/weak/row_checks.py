"""Checks rows of a table of weak labels, and names the first that is wrong."""

import pathlib
from typing import Any

import numpy as np

from affect_jax import tasks as tasks_lib
from affect_jax.errors import UserError

# How far the probabilities of classes may be from summing to 1.
SUM_TOLERANCE = 1e-3


def check(file: pathlib.Path, places: np.ndarray, part: Any) -> None:
  """Raises UserError at the first row that is no label, or is there twice.

  Args:
    file: The table.
    places: Number of each row in it [N].
    part: `table.WeakLabels`.
  """
  annotation = tasks_lib.get_annotation(part.task)
  for output in part.outputs:
    annotation.name(output)

  def refuse(bad: Any, what: str, values: np.ndarray) -> None:
    if bad.any():
      i = int(bad.argmax())
      raise UserError(
        f'{file}, row {places[i]}: {part.task} of {part.ids[i]!r} {what}: '
        f'{np.round(values[i], 4).tolist()}. {int(bad.sum())} of {len(bad)} '
        'rows are so.'
      )

  labels, confidence = part.labels, part.confidence
  refuse(~np.isfinite(labels).all(-1), 'is not finite', labels)
  low, high = annotation.low, annotation.high
  if part.kind != 'value':  # Values of networks may leave the range.
    outside = ((labels < low - 1e-6) | (labels > high + 1e-6)).any(-1)
    refuse(outside, f'is not in [{low:g}, {high:g}]', labels)
  if part.kind == 'class':
    off = np.abs(labels.sum(-1) - 1) > SUM_TOLERANCE
    refuse(off, 'has probabilities that do not sum to 1', labels)
  inside = (confidence >= 0) & (confidence <= 1 + 1e-6)  # Not so for NaN.
  refuse(
    ~inside.reshape(len(inside), -1).all(-1),
    'has a confidence outside of [0, 1]',
    confidence,
  )
  if len(set(part.ids)) < len(part.ids):
    _, first, counts = np.unique(
      part.ids.astype(str), return_index=True, return_counts=True
    )
    i = int(first[counts > 1][0])
    raise UserError(
      f'{file}: {part.task} of {part.ids[i]!r} appears {counts.max()} times by '
      'one teacher; keep one row of it.'
    )
