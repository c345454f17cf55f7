"""Every task counts as much as config.loss_weights says, always."""

import jax.numpy as jnp

from affect_jax.multitask import base


def build() -> base.Method:
  """Builds the method: the weights of present tasks are 1."""
  return base.Method(
    init=lambda num_tasks, shared: (),
    update=lambda state, signals: (signals.present.astype(jnp.float32), state),
  )
