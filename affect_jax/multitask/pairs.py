"""Random orders of pairs of tasks that know nothing of other tasks."""

import jax
import jax.numpy as jnp

from affect_jax.multitask import base


def random_orders(signals: base.Signals) -> jax.Array:
  """Returns [K, K]: row i is the order in which task i meets all tasks.

  Which of two tasks comes first depends on the names of the three alone, so
  an absent task does not change the order of the others.
  """

  def numbers(rng):
    keys = jax.vmap(jax.random.fold_in, (None, 0))(rng, signals.task_ids)
    return jax.vmap(jax.random.bits)(keys)

  return jnp.argsort(jax.vmap(numbers)(signals.task_rngs), axis=1)
