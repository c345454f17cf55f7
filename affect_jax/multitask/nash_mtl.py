"""Nash-MTL: the tasks' bargaining solution."""

import jax.numpy as jnp

from affect_jax.multitask import base
from affect_jax.multitask import fairness
from affect_jax.multitask import gram as gram_lib


def build(*, max_norm: float = 1.0) -> base.Method:
  """Weights a with gram a = 1 / a: each task gains in inverse to its weight.

  Navon et al., 2022, Multi-task learning as a bargaining game, equation (3)
  and algorithm 1. As in their `methods/weight_methods.py` and TorchJD, the
  Gram is first divided by its Frobenius norm F, so that the update of K tasks
  has length sqrt(K F), and updates longer than `max_norm` are shortened to it.
  The equation is solved to the end in each step, so unlike those codes this
  one needs no state, and the update's direction does not change with the scale
  of a loss. Gradients of 0 take no part. One task: weight 1, or what gives
  length `max_norm`.

  Args:
    max_norm: Greatest length of the update; 0 for any.
  """

  def update(state, signals):
    factor = gram_lib.scale(signals.gram)
    gram = signals.gram / factor
    frobenius = jnp.sqrt((gram**2).sum())
    weights = fairness.fair_weights(gram, 1.0) * jnp.sqrt(frobenius)
    if max_norm:
      length = gram_lib.length(gram, weights) * jnp.sqrt(factor)
      weights *= max_norm / jnp.maximum(length, max_norm)
    return weights, state

  return base.Method(lambda num_tasks, shared: (), update, reads_gradients=True)
