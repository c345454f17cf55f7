"""ConFIG: an update of equal cosines with all gradients."""

import jax.numpy as jnp

from affect_jax.multitask import base
from affect_jax.multitask import gram as gram_lib


def build() -> base.Method:
  """The direction of equal cosines, as long as the gradients' projections.

  Liu, Chu & Thuerey, 2024, ConFIG: towards conflict-free training of physics
  informed neural networks, equation (2), arXiv 2408.11104: the length is the
  sum of the gradients' projections onto the direction, a scale also of
  TorchJD. The direction does not change with the scale of a loss. Gradients of
  0 take no part. One task: weight 1.
  """

  def update(state, signals):
    factor = gram_lib.scale(signals.gram)
    lengths, cosines = gram_lib.lengths_and_cosines(signals.gram / factor)
    ones = (lengths > 0).astype(cosines.dtype)
    parts = gram_lib.solve(cosines, ones, signals.present.sum())
    long = gram_lib.length(cosines, parts)
    projected = gram_lib.dot(lengths, gram_lib.dot(cosines, parts))
    # Where gradients cancel, what is left of them is rounding.
    rounding = 8 * jnp.sqrt(jnp.finfo(cosines.dtype).eps)
    rounding *= jnp.maximum(jnp.abs(parts).max(), 1)
    parts = jnp.where(long > rounding, parts, 0)
    weights = gram_lib.divide(parts, lengths)
    return weights * gram_lib.divide(projected, long**2), state

  return base.Method(lambda num_tasks, shared: (), update, reads_gradients=True)
