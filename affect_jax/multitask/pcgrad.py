"""PCGrad: each gradient without what conflicts with the others."""

import jax
import jax.numpy as jnp

from affect_jax.multitask import base
from affect_jax.multitask import gram as gram_lib
from affect_jax.multitask import pairs


def build() -> base.Method:
  """Projects gradients off those that they conflict with; sums them.

  Yu et al., 2020, Gradient surgery for multi-task learning, algorithm 1: each
  gradient meets the others in a random order. Scale: a sum, as in the paper
  and TorchJD. Without conflict, and for one task, all weights are 1. Of two
  tasks, the update conflicts with neither.
  """

  def update(state, signals):
    lengths, cosines = gram_lib.lengths_and_cosines(signals.gram)

    def surgery(own, order):
      """The gradient of one task, in multiples [K] of unit gradients."""

      def meet(position, parts):
        other = order[position]
        product = gram_lib.dot(cosines[other], parts)
        conflicts = (other != own) & (product < 0)
        return parts.at[other].add(-jnp.where(conflicts, product, 0))

      start = jax.nn.one_hot(own, len(order), dtype=cosines.dtype)
      return jax.lax.fori_loop(0, len(order), meet, start)

    owns = jnp.arange(len(lengths))
    parts = jax.vmap(surgery)(owns, pairs.random_orders(signals))
    inverse = gram_lib.divide(jnp.ones_like(lengths), lengths)
    weights = gram_lib.dot(lengths, parts) * inverse
    # A gradient of 0 has no part in any other, and keeps weight 1.
    weights = jnp.where(lengths > 0, weights, 1)
    return jnp.where(signals.present, weights, 0), state

  return base.Method(lambda num_tasks, shared: (), update, reads_gradients=True)
