"""GradNorm: weights are learned until all tasks train at similar rates."""

import jax
import jax.numpy as jnp
import optax

from affect_jax.multitask import base
from affect_jax.multitask import gram as gram_lib


def build(*, alpha: float = 1.5, learning_rate: float = 0.025) -> base.Method:
  """Learns weights that make weighted gradients as long as their rate says.

  Chen et al., 2018, GradNorm, algorithm 1, defaults of section 5.1: a task
  whose loss has fallen less than the mean, relative to its first one, gets a
  longer gradient. As in LibMTL, weights are K softmax(logits) over K present
  tasks, which keeps them positive and of sum K; a step of Adam moves the logits
  after the weights were used. One task: weight 1, nothing is learned.

  The state, an entry for each task: `logits`, `first` (the loss of its first
  batch), `seen` and Adam's `moments`.

  Args:
    alpha: Strength of the pull towards equal rates; 0 makes lengths equal.
    learning_rate: Of Adam.
  """
  tx = optax.adam(learning_rate)

  def init(num_tasks, shared):
    del shared
    logits = jnp.zeros(num_tasks)
    return {
      'logits': logits,
      'first': jnp.zeros(num_tasks),
      'seen': jnp.zeros(num_tasks, bool),
      'moments': jax.vmap(tx.init)(logits),
    }

  def update(state, signals):
    present, logits = signals.present, state['logits']
    count = present.sum().astype(logits.dtype)
    shares = base.softmax(logits, present)
    weights = count * shares

    new = present & ~state['seen']
    first = jnp.where(new, signals.losses, state['first'])
    rates = jnp.where(first == 0, 1, gram_lib.divide(signals.losses, first))
    rates = jnp.where(present, jnp.maximum(rates, 0), 0)
    mean_rate = rates.sum() / jnp.maximum(count, 1)
    rates = jnp.where(mean_rate > 0, gram_lib.divide(rates, mean_rate), 1)

    gram = signals.gram / gram_lib.scale(signals.gram)
    lengths = jnp.sqrt(jnp.maximum(jnp.diagonal(gram), 0))
    mean_length = (weights * lengths).sum() / jnp.maximum(count, 1)
    # The slope of sum |weight * length - target| in the logits, with constant
    # targets.
    too_long = jnp.sign(weights * lengths - mean_length * rates**alpha)
    pull = too_long * lengths
    slopes = weights * (pull - (shares * pull).sum())

    steps, moments = jax.vmap(tx.update)(slopes, state['moments'])
    # The weight of a task that is alone says nothing.
    learns = present & (count > 1)
    keep = lambda new, old: jnp.where(learns, new, old)
    return weights, {
      'logits': keep(logits + steps, logits),
      'first': first,
      'seen': state['seen'] | present,
      'moments': jax.tree.map(keep, moments, state['moments']),
    }

  return base.Method(init, update, reads_gradients=True)
