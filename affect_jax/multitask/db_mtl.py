"""Dual balancing: logarithms of losses, and gradients of equal length.

Lin et al., 2023: "Dual-Balancing for Multi-Task Learning"; as LibMTL's code,
which the authors maintain, but for beta_sigma, which is 0 there.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from affect_jax.multitask import base

SMALLEST = 1e-8


class State(NamedTuple):
  """Moving averages of the gradients of log L."""

  gradients: Any  # As the shared parameters, with a leading axis [K].
  step: jax.Array  # [K], batches that have labels of the task.


def build(*, beta: float = 0.9, beta_sigma: float = 0.5) -> base.Method:
  """Builds the method: every average gradient gets the longest one's length.

  A task's average is m + (1 - b) (g - m) with b = beta / step^beta_sigma and
  g the gradient of log L with respect to the shared parameters, from its own
  labelled batches alone. Losses × 1000 change nothing.

  Heads keep the gradient of L. The averages need as much memory as the shared
  parameters, for each task.

  Args:
    beta: How much of the past counts; 0 keeps no averages.
    beta_sigma: How fast that vanishes; 0: it does not.
  """

  def init(num_tasks, shared):
    # As floats, lest beta=0 holds what nobody reads.
    stack = lambda x: jnp.zeros((num_tasks, *x.shape), jnp.float32)
    gradients = jax.tree.map(stack, shared) if beta else ()
    return State(gradients, jnp.zeros(num_tasks))

  def update(state, signals):
    # For the log: what makes a gradient of L one of log L.
    losses = jnp.maximum(signals.losses, SMALLEST)
    weights = jnp.where(signals.present, 1 / losses, 0.0)
    return weights, state

  def combine(gradients, state, signals):
    losses = jnp.maximum(signals.losses, SMALLEST)
    scale = jnp.where(signals.present, 1 / losses, 0.0)
    of_logs = jax.tree.map(lambda g: _rows(scale, g) * g, gradients)
    step = state.step + signals.present
    if beta:
      share = 1 - beta / jnp.maximum(step, 1) ** beta_sigma
      share = jnp.where(signals.present, share, 0.0)
      averages = jax.tree.map(
        lambda m, g: m + _rows(share, g) * (g - m), state.gradients, of_logs
      )
      state = State(averages, step)
    else:
      averages, state = of_logs, State((), step)
    squares = [
      jnp.square(m).reshape(m.shape[0], -1).sum(1)
      for m in jax.tree.leaves(averages)
    ]
    length = jnp.sqrt(jnp.sum(jnp.stack(squares), 0))
    longest = jnp.where(signals.present, length, 0.0).max()
    factor = jnp.where(signals.present, longest / (length + SMALLEST), 0.0)
    total = lambda m: jnp.tensordot(factor, m, 1)
    return jax.tree.map(total, averages), state

  return base.Method(
    init=init, update=update, reads_gradients=True, combine=combine
  )


def _rows(values: jax.Array, like: jax.Array) -> jax.Array:
  """Gives values [K] the rank of an array [K, ...]."""
  return values.reshape(-1, *[1] * (like.ndim - 1))
