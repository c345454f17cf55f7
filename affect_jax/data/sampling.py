"""From which stream each row of a batch comes: shares, and the draws.

Several corpora, or the classes of one, are streams that a batch draws from.
Draws are functions of (seed, row) alone, so that a resumed run goes on with
the same ones, and how often each stream was drawn before any row is known
without reading it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from affect_jax import by_name
from affect_jax.errors import UserError

SAMPLINGS = ('proportional', 'uniform', 'temperature', 'shares')
# Draws are made this many at a time.
BLOCK = 65_536


def shares(
  sizes: Mapping[str, int],
  sampling: str,
  *,
  temperature: float = 2.0,
  fixed: Mapping[str, float] | None = None,
) -> dict[str, float]:
  """Share of each corpus in the rows of training; they sum to 1.

  Args:
    sizes: {corpus: samples}.
    sampling: 'proportional' to the sizes; 'uniform'; 'temperature':
      proportional to size ** (1 / temperature), between the two; 'shares':
      those of `fixed`.
    temperature: At least 1: 1 is proportional, infinity uniform.
    fixed: {corpus: share}, of any sum.

  Raises:
    ValueError: unknown `sampling`; a temperature below 1; `fixed` does not
      name exactly the corpora, or holds a share that is not positive.
  """
  by_name.check('config.data.sampling', sampling, SAMPLINGS)
  if not temperature >= 1:
    raise UserError(f'config.data.temperature={temperature} is below 1.')
  if sampling == 'shares':
    found = dict(fixed or {})
    if found.keys() != sizes.keys() or not all(v > 0 for v in found.values()):
      raise UserError(
        f'config.data.shares={found} needs a positive share for each of '
        f'{sorted(sizes)}, and for nothing else.'
      )
  else:
    power = {'proportional': 1.0, 'uniform': 0.0}.get(sampling, 1 / temperature)
    found = {name: float(size) ** power for name, size in sizes.items()}
  total = sum(found.values())
  return {name: found[name] / total for name in sizes}


def class_shares(rows: np.ndarray) -> np.ndarray:
  """Share of each class in the draws of one corpus: float64 [K + 1].

  Classes that occur share evenly what labelled rows have of the corpus; rows
  without a label keep their share.

  Args:
    rows: Of each of K classes, and of none: int [K + 1].
  """
  labelled = rows[:-1].sum() / rows.sum()
  occurs = rows[:-1] > 0
  return np.append(
    occurs * labelled / max(1, np.count_nonzero(occurs)), 1 - labelled
  )


def draw(seed: int, block: Any, weights: Sequence[float]) -> tf.Tensor:
  """Streams of the rows of one block: int64 [BLOCK].

  Args:
    seed: Of the run.
    block: Rows block * BLOCK to (block + 1) * BLOCK are meant.
    weights: Share of each stream; they sum to 1.
  """
  # Inner bounds only: rounding of the last must not open a further stream.
  bounds = tf.constant(np.cumsum(weights)[:-1], tf.float64)
  # Of one type: folding in 1 and int64 1 gives two keys.
  key: Any = tf.random.fold_in((seed, 3), tf.cast(block, tf.int64))
  uniform = tf.random.stateless_uniform([BLOCK], key, dtype=tf.float64)
  return tf.searchsorted(bounds, uniform, side='right', out_type=tf.int64)


def draws(seed: int, start: int, weights: Sequence[float]) -> tf.data.Dataset:
  """Endless streams of the rows from row `start` on: int64 []."""
  blocks = tf.data.Dataset.range(start // BLOCK, np.iinfo(np.int64).max)
  blocks = blocks.flat_map(
    lambda b: tf.data.Dataset.from_tensor_slices(draw(seed, b, weights))
  )
  return blocks.skip(start % BLOCK)


def drawn(seed: int, rows: int, weights: Sequence[float]) -> np.ndarray:
  """How often each stream is drawn in the first `rows` rows: int64 [S]."""
  counts = np.zeros(len(weights), np.int64)
  for block in range(-(-rows // BLOCK)):
    chosen = draw(seed, block, weights).numpy()[: rows - block * BLOCK]
    counts += np.bincount(chosen, minlength=len(weights))
  return counts
