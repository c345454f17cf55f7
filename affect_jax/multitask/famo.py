"""Fast adaptive multitask optimisation: all losses fall at the same rate.

Liu et al., 2023: "FAMO: Fast Adaptive Multitask Optimization"; constants as in
LibMTL's code. The authors' (Cranial-XIX/FAMO, famo.py) decays w by .01.
"""

import jax
import jax.numpy as jnp
import optax

from affect_jax.multitask import base

SMALLEST = 1e-8


def build(
  *, learning_rate: float = 0.025, weight_decay: float = 0.001
) -> base.Method:
  """Builds the method: weights softmax(w) / L, scaled to sum to 1.

  After each step the losses of the same batch are computed again, and Adam
  raises w of the tasks whose logarithm fell least.

  Args:
    learning_rate: Of w.
    weight_decay: Pull of w towards 0, added to its gradient.
  """
  adam = optax.chain(
    optax.add_decayed_weights(weight_decay), optax.adam(learning_rate)
  )

  def init(num_tasks, shared):
    del shared
    w = jnp.zeros(num_tasks)
    # One state for each task, so that absent ones stay as they are.
    return w, jax.vmap(adam.init)(w)

  def update(state, signals):
    losses = jnp.maximum(signals.losses, SMALLEST)
    weights = base.softmax(state[0], signals.present) / losses
    total = weights.sum()
    return weights / jnp.where(total > 0, total, 1.0), state

  def look_back(state, signals, losses):
    w, opt_state = state
    logs = lambda x: jnp.log(jnp.maximum(x, SMALLEST))
    fell = jnp.where(signals.present, logs(signals.losses) - logs(losses), 0.0)
    softmax = lambda w: base.softmax(w, signals.present)
    (gradient,) = jax.vjp(softmax, w)[1](fell)
    updates, new_opt_state = jax.vmap(adam.update)(gradient, opt_state, w)
    keep = lambda new, old: jnp.where(signals.present, new, old)
    new = w + updates, new_opt_state
    return jax.tree.map(keep, new, state)

  return base.Method(init=init, update=update, look_back=look_back)
