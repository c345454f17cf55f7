"""IMTL-G: an update of equal projections onto all gradients."""

import jax.numpy as jnp

from affect_jax.multitask import base
from affect_jax.multitask import gram as gram_lib


def build() -> base.Method:
  """Weights of sum 1 whose update projects equally onto each gradient.

  Liu et al., 2021, Towards impartial multi-task learning, equation (6), in the
  form of Quinton & Rey, 2024, which also takes dependent gradients; here it is
  solved in cosines, so that the update's direction does not change with the
  scale of a loss. Weights may be negative; where all of them together are,
  before they are made to sum to 1, the formula makes every loss grow, as in
  TorchJD; where the sum is 0, they are 0. Gradients of 0 take no part. One
  task: weight 1.
  """

  def update(state, signals):
    gram = signals.gram / gram_lib.scale(signals.gram)
    lengths, cosines = gram_lib.lengths_and_cosines(gram)
    ones = (lengths > 0).astype(gram.dtype)
    parts = gram_lib.solve(cosines, ones, signals.present.sum())
    weights = gram_lib.divide(parts, lengths)
    total = weights.sum()
    # A sum of almost nothing is rounding, and would make weights huge.
    rounding = 4 * jnp.sqrt(jnp.finfo(gram.dtype).eps)
    exists = jnp.abs(total) > rounding * jnp.abs(weights).sum()
    return jnp.where(exists, gram_lib.divide(weights, total), 0), state

  return base.Method(lambda num_tasks, shared: (), update, reads_gradients=True)
