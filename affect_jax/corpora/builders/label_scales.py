"""Notices labels that fit their range, but seem to be on another scale.

CH-SIMS has sentiment in [-1, 1], tables of opinions 1 to 3 or 0 to 1, where
[-3, 3] is meant; valence comes in [0, 1]. All of these are in range.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from absl import logging
import numpy as np

from affect_jax import tasks

# From so many labels on it is no chance that none is negative, or large.
ENOUGH = 20
# A scale that ends at this share of the range has another unit.
SMALL = 1 / 3


class Suspicion(NamedTuple):
  """What is odd of a column of labels, and the scale that it seems to have."""

  text: str
  low: float
  high: float

  @property
  def pair(self) -> str:
    """The scale as a setting has it, '(0, 1)'."""
    return f'({self.low:g}, {self.high:g})'


def suspect(
  name: str, low: float, high: float, values: np.ndarray
) -> Suspicion | None:
  """Returns what is odd of labels that should lie in [low, high].

  Args:
    name: Name of the column.
    low: Smallest possible label; only scales with two signs are judged.
    high: Largest possible label.
    values: Labels [n]; NaN is not annotated.
  """
  values = np.asarray(values, np.float64)
  values = values[np.isfinite(values)]
  if low >= 0 or len(values) < ENOUGH:
    return None
  least, most = float(values.min()), float(values.max())
  # Labels that are stored with fewer bits end a little beside the number.
  slack = 1e-3
  found = f'{len(values):,} labels of {name} run from {least:g} to {most:g}'
  if least >= 0 and most > 0:
    begin = 0.0 if most <= 1 + slack or least < 1 else np.floor(least + slack)
    end = 1.0 if most <= 1 + slack else np.ceil(most - slack)
    text = f'{found}: none is negative, in [{low:g}, {high:g}]'
    return Suspicion(text, float(begin), float(end))
  bound = high * SMALL
  if high > 1 and max(-least, most) <= bound + slack:
    text = f'{found}: a small part of [{low:g}, {high:g}]'
    return Suspicion(text, -bound, bound)
  return None


def suspects(
  outputs: Mapping[str, Sequence[str]], values: Mapping[str, Sequence[float]]
) -> dict[str, Suspicion]:
  """Returns {output: what is odd of its labels}, of tasks that are numbers.

  Args:
    outputs: {task: names}.
    values: {output: its labels}.
  """
  found = {}
  for task, names in outputs.items():
    annotation = tasks.get_annotation(task)
    if annotation.kind != 'value':
      continue
    for name in names:
      odd = suspect(
        name,
        annotation.low,
        annotation.high,
        np.asarray(values.get(name, ()), np.float64),
      )
      if odd:
        found[name] = odd
  return found


def advice(name: str, odd: Suspicion, options: Sequence[str]) -> str:
  """Says which of a corpus' options converts these labels."""
  if 'scales' in options:
    setting = f"config.data.scales={{'{name}': {odd.pair}}}"
  elif 'label_range' in options:
    setting = f'config.data.label_range={odd.high:g}'
  else:
    return 'If they are on another scale, convert the file.'
  return f'If this is their scale, {setting} converts them.'


def warn(
  source: Any,
  outputs: Mapping[str, Sequence[str]],
  values: Mapping[str, Sequence[float]],
  options: Sequence[str],
) -> None:
  """Warns of each suspicion; see `suspects` and `advice`.

  Args:
    source: What the labels come from, for the message.
    outputs: {task: names}.
    values: {output: its labels}.
    options: The corpus' options.
  """
  for name, odd in suspects(outputs, values).items():
    logging.warning('%s: %s. %s', source, odd.text, advice(name, odd, options))
