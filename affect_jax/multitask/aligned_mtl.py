"""Aligned-MTL: gradients are made orthogonal and of one length, then meant."""

import jax.numpy as jnp

from affect_jax import by_name
from affect_jax.multitask import base
from affect_jax.multitask import gram as gram_lib

LENGTHS = ('min', 'median', 'rmse')


def build(*, length: str = 'min') -> base.Method:
  """Takes the mean of the nearest orthogonal gradients of equal lengths.

  Senushkin et al., 2023, Independent component alignment for multi-task
  learning, algorithm 1, in the scale of TorchJD: weights are those of a mean.
  Scaling one loss changes the direction unless gradients are orthogonal. In
  float32, gradients below about 1e-3 of the longest count as rounding, and are
  left out. One task: weight 1.

  Args:
    length: Of the new gradients: the smallest singular value of the Jacobian
      ('min'), the 'median', or the root of the mean square ('rmse').
  """
  by_name.check('length', length, LENGTHS, "method 'aligned_mtl'")

  def update(state, signals):
    gram = signals.gram / gram_lib.scale(signals.gram)
    num_tasks = signals.present.sum()
    values, vectors, rank = gram_lib.spectrum(gram, num_tasks, 1)
    # Ascending: those of rounding come first.
    size = len(values)
    if length == 'rmse':
      new = values.sum() / jnp.maximum(rank, 1)
    else:
      # The lower of two medians, as in TorchJD.
      above = 0 if length == 'min' else (rank - 1) // 2
      new = values[jnp.clip(size - rank + above, 0, size - 1)]
    stretch = gram_lib.divide(jnp.ones_like(values), jnp.sqrt(values))
    stretch *= jnp.sqrt(new)
    mean = gram_lib.mean_weights(signals.present, gram.dtype)
    aligned = gram_lib.dot(vectors, stretch * gram_lib.dot(vectors.T, mean))
    weights = jnp.where(rank > 0, aligned, mean)
    return jnp.where(signals.present, weights, 0), state

  return base.Method(lambda num_tasks, shared: (), update, reads_gradients=True)
