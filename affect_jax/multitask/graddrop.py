"""GradDrop: at each parameter only gradients of one sign act."""

import jax
import jax.numpy as jnp

from affect_jax.multitask import base
from affect_jax.multitask import gram as gram_lib


def build(*, leak: float = 0.0) -> base.Method:
  """Draws a sign for each element, and drops the gradients of the other.

  Chen et al., 2020, Just pick a sign, algorithm 1, lines 10 to 15: the more
  the tasks agree on a sign, the likelier it is. Here signs are of gradients of
  shared parameters, as in TorchJD, not of a shared layer's activations. Scale:
  a sum. Default: the paper's. One task: its own gradient.

  Args:
    leak: Part of each gradient that is never dropped, from 0 to 1.
  """

  def update(state, signals):
    return signals.present.astype(signals.losses.dtype), state

  def combine(gradients, state, signals):
    leaves, structure = jax.tree.flatten(gradients)

    def pick(index, leaf):
      size = jnp.abs(leaf).sum(axis=0)
      purity = (1 + gram_lib.divide(leaf.sum(axis=0), size)) / 2
      drawn = jax.random.uniform(
        jax.random.fold_in(signals.rng, index), size.shape, size.dtype
      )
      positive = jnp.where(leaf > 0, leaf, 0).sum(axis=0)
      negative = jnp.where(leaf < 0, leaf, 0).sum(axis=0)
      kept = jnp.where(purity > drawn, positive, negative)
      return leak * (positive + negative) + (1 - leak) * kept

    picked = [pick(index, leaf) for index, leaf in enumerate(leaves)]
    return structure.unflatten(picked), state

  return base.Method(
    lambda num_tasks, shared: (), update, reads_gradients=True, combine=combine
  )
