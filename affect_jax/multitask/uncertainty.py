"""Weights tasks by the noise of their labels, which is learned.

Kendall et al., 2018: "Multi-Task Learning Using Uncertainty to Weigh Losses".
"""

import jax
import jax.numpy as jnp
import optax

from affect_jax.multitask import base


def build(*, learning_rate: float = 0.01) -> base.Method:
  """Builds the method, whose total loss is sum(exp(-s) L / 2 + s / 2).

  s = log(sigma^2) of each task begins at 0, where weights are .5, and is
  learned by Adam along with the network (equation 10 of the paper; 1/2 for
  every kind of loss, as in LibMTL). At the optimum the weight is 1 / (2 L).

  Args:
    learning_rate: Of s, which is a few numbers: larger than the network's.
  """
  adam = optax.adam(learning_rate)

  def init(num_tasks, shared):
    del shared
    s = jnp.zeros(num_tasks)
    # One state for each task, so that absent ones stay as they are.
    return s, jax.vmap(adam.init)(s)

  def update(state, signals):
    s, opt_state = state
    weights = jnp.where(signals.present, jnp.exp(-s) / 2, 0.0)
    gradient = (1 - signals.losses * jnp.exp(-s)) / 2
    updates, new_opt_state = jax.vmap(adam.update)(gradient, opt_state)
    keep = lambda new, old: jnp.where(signals.present, new, old)
    new = s + updates, new_opt_state
    return weights, jax.tree.map(keep, new, state)

  return base.Method(init=init, update=update)
