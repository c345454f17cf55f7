"""Draws the stream that each row of a batch comes from.

Several corpora, or the classes of one, are streams that a batch draws from. A
draw is a function of (seed, row) alone: a resumed run continues with the same
draws, and knows without reading rows how often each stream was drawn before.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from affect_jax import by_name
from affect_jax.errors import UserError

SAMPLINGS = ('proportional', 'uniform', 'temperature', 'shares')
# Number of draws that are made at a time.
BLOCK = 65_536


def shares(
  sizes: Mapping[str, int],
  sampling: str,
  *,
  temperature: float = 2.0,
  fixed: Mapping[str, float] | None = None,
) -> dict[str, float]:
  """Returns the share of each corpus in the training rows; they sum to 1.

  Args:
    sizes: {corpus: samples}.
    sampling: 'proportional' to the sizes; 'uniform'; 'temperature':
      proportional to size ** (1 / temperature), between the two; 'shares':
      those of `fixed`.
    temperature: At least 1: 1 is proportional, infinity uniform.
    fixed: {corpus: share}, with any sum.

  Raises:
    UserError: `sampling` is unknown, the temperature is below 1, or `fixed`
      does not name exactly the corpora or has a share that is not positive.
  """
  by_name.check('config.data.sampling', sampling, SAMPLINGS)
  if not temperature >= 1:
    raise UserError(f'config.data.temperature={temperature} is below 1.')
  if sampling == 'shares':
    parts = dict(fixed or {})
    if parts.keys() != sizes.keys() or not all(v > 0 for v in parts.values()):
      raise UserError(
        f'config.data.shares={parts} needs a positive share for each of '
        f'{sorted(sizes)}, and for nothing else.'
      )
  else:
    power = {'proportional': 1.0, 'uniform': 0.0}.get(sampling, 1 / temperature)
    parts = {name: float(size) ** power for name, size in sizes.items()}
  total = sum(parts.values())
  return {name: parts[name] / total for name in sizes}


def class_shares(rows: np.ndarray) -> np.ndarray:
  """Returns the share of each class in a corpus' draws, float64 [K + 1].

  Classes that occur split the share of labelled rows evenly; rows without a
  label keep their share.

  Args:
    rows: Number of rows of each of K classes, and of none: int [K + 1].
  """
  labelled = rows[:-1].sum() / rows.sum()
  occurs = rows[:-1] > 0
  return np.append(
    occurs * labelled / max(1, np.count_nonzero(occurs)), 1 - labelled
  )


def draw(seed: int, block: Any, weights: Sequence[float]) -> tf.Tensor:
  """Draws the stream of each row of one block: int64 [BLOCK].

  Args:
    seed: Seed of the run.
    block: Number of the block, of rows block * BLOCK to (block + 1) * BLOCK.
    weights: Share of each stream; they sum to 1.
  """
  # Inner bounds only: rounding of the last must not open a further stream.
  bounds = tf.constant(np.cumsum(weights)[:-1], tf.float64)
  # Always int64: folding in an int32 of the same value gives another key.
  key: Any = tf.random.fold_in((seed, 3), tf.cast(block, tf.int64))
  uniform = tf.random.stateless_uniform([BLOCK], key, dtype=tf.float64)
  return tf.searchsorted(bounds, uniform, side='right', out_type=tf.int64)


def draws(seed: int, start: int, weights: Sequence[float]) -> tf.data.Dataset:
  """Returns the stream of each row from row `start` on, endless: int64 []."""
  blocks = tf.data.Dataset.range(start // BLOCK, np.iinfo(np.int64).max)
  blocks = blocks.flat_map(
    lambda b: tf.data.Dataset.from_tensor_slices(draw(seed, b, weights))
  )
  return blocks.skip(start % BLOCK)


def drawn(seed: int, rows: int, weights: Sequence[float]) -> np.ndarray:
  """Counts how often each stream is drawn in the first `rows`: int64 [S]."""
  counts = np.zeros(len(weights), np.int64)
  for block in range(-(-rows // BLOCK)):
    chosen = draw(seed, block, weights).numpy()[: rows - block * BLOCK]
    counts += np.bincount(chosen, minlength=len(weights))
  return counts
