"""Smooth Tchebycheff scalarisation: the worst task counts most.

Lin et al., 2024: "Smooth Tchebycheff Scalarization for Multi-Objective
Optimization"; the loss is that of the authors' code (Xi-L/STCH, STCH.py). Its
mu is 1 unless given; .5 is ours.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from affect_jax.multitask import base

SMALLEST = 1e-20


class State(NamedTuple):
  """What the warm-up measures: the paper's nadir point."""

  nadir: jax.Array  # [K], mean loss of the first batches that have labels.
  count: jax.Array  # [K], number of these batches.
  step: jax.Array  # [], batches that have any label.


def build(*, mu: float = 0.5, warmup_steps: int = 100) -> base.Method:
  """Builds the method, whose loss is K mu log sum exp(log(L / nadir) / mu).

  The nadir is a task's mean loss over its first `warmup_steps` labelled
  batches; the authors' is that of the warm-up's last epoch, which a task with
  few labels may not have. During the first `warmup_steps` steps the sum of
  log L is minimised.
  The scale of a loss changes nothing.

  Args:
    mu: Smoothness; towards 0 only the worst task counts.
    warmup_steps: Length of the warm-up (4 epochs for the authors).
  """

  def init(num_tasks, shared):
    del shared
    none = jnp.zeros(num_tasks)
    return State(none, none, jnp.zeros(()))

  def update(state, signals):
    losses = jnp.maximum(signals.losses, SMALLEST)
    counts = signals.present & (state.count < warmup_steps)
    count = state.count + counts
    nadir = state.nadir + jnp.where(
      counts, (losses - state.nadir) / jnp.maximum(count, 1), 0.0
    )
    is_warm = state.step >= warmup_steps
    logs = jnp.log(losses / jnp.where(nadir > 0, nadir, 1.0))
    shares = signals.present.sum() * base.softmax(logs / mu, signals.present)
    shares = jnp.where(is_warm, shares, signals.present)
    weights = jnp.where(signals.present, shares / losses, 0.0)
    step = state.step + signals.present.any()
    return weights, State(nadir, count, step)

  return base.Method(init=init, update=update)
