"""Dynamic weight average: slowly learned tasks count more.

Liu et al., 2019: "End-to-End Multi-Task Learning with Attention", section 3.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from affect_jax.multitask import base


class State(NamedTuple):
  """Losses of this period so far, and means of the last two; 0 if unknown."""

  total: jax.Array  # [K]
  count: jax.Array  # [K], batches of this period that have labels of the task.
  last: jax.Array  # [K]
  before: jax.Array  # [K]
  step: jax.Array  # [], batches of this period that have any label.


def build(*, temperature: float = 2.0, period: int = 100) -> base.Method:
  """Builds the method: K softmax(r / temperature), summing to K present tasks.

  r = last / before is how far a task's mean loss fell from one period to the
  next; 1 until two are known, so that all weights are 1 at the beginning.

  Args:
    temperature: Evens the weights out; 2 is the authors'.
    period: Number of steps that a mean is taken over, the paper's epoch.
  """

  def init(num_tasks, shared):
    del shared
    none = jnp.zeros(num_tasks)
    return State(none, none, none, none, jnp.zeros(()))

  def update(state, signals):
    known = (state.before > 0) & (state.last > 0)
    ratio = jnp.where(known, state.last / jnp.where(known, state.before, 1), 1)
    shares = base.softmax(ratio / temperature, signals.present)
    weights = shares * signals.present.sum()
    total = state.total + jnp.where(signals.present, signals.losses, 0.0)
    count = state.count + signals.present
    step = state.step + signals.present.any()
    ends = step >= period
    # A task without any label in a period keeps what it had.
    moves = ends & (count > 0)
    mean = total / jnp.maximum(count, 1)
    return weights, State(
      total=jnp.where(ends, 0.0, total),
      count=jnp.where(ends, 0.0, count),
      last=jnp.where(moves, mean, state.last),
      before=jnp.where(moves, state.last, state.before),
      step=jnp.where(ends, 0.0, step),
    )

  return base.Method(init=init, update=update)
