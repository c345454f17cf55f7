"""Geometric loss strategy: the geometric mean of the losses is minimised.

Chennupati et al., 2019: "MultiNet++: Multi-Stream Feature Aggregation and
Geometric Loss Strategy for Multi-Task Learning".
"""

import jax.numpy as jnp

from affect_jax.multitask import base

# A loss below counts as this large, lest its weight is infinite.
SMALLEST = 1e-8


def build() -> base.Method:
  """Builds the method: the gradient of (prod L)^(1/K) over K present tasks.

  The weights are that mean / (K L): a loss times 1000 changes their ratios such
  that every task's share of the update stays the same.
  """

  def update(state, signals):
    losses = jnp.maximum(signals.losses, SMALLEST)
    number = jnp.maximum(signals.present.sum(), 1)
    logs = jnp.where(signals.present, jnp.log(losses), 0.0)
    mean = jnp.exp(logs.sum() / number)
    weights = jnp.where(signals.present, mean / (number * losses), 0.0)
    return weights, state

  return base.Method(init=lambda num_tasks, shared: (), update=update)
