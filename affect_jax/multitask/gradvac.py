"""GradVac: gradients are turned to be as close as tasks usually are."""

import jax
import jax.numpy as jnp

from affect_jax.multitask import base
from affect_jax.multitask import gram as gram_lib
from affect_jax.multitask import pairs


def build(*, decay: float = 0.5) -> base.Method:
  """Turns gradients until their cosines reach a running mean; sums them.

  Wang et al., 2021, Gradient vaccine, algorithm 1 for the whole model: as
  PCGrad, which has the constant target 0. Default: LibMTL and TorchJD, whose
  authors have no official code. Scale: a sum. One task: weight 1. Gradients of
  0 have no cosine, and are passed over. The state is the running mean of each
  ordered pair, `cosines` [K, K].

  Args:
    decay: beta, the part of a new cosine in the running mean.
  """

  def init(num_tasks, shared):
    del shared
    return {'cosines': jnp.zeros((num_tasks, num_tasks))}

  def update(state, signals):
    lengths, cosines = gram_lib.lengths_and_cosines(signals.gram)
    eps = jnp.finfo(cosines.dtype).eps

    def vaccinate(own, order, targets):
      """The gradient of one task, in multiples [K] of unit gradients."""

      def meet(position, carry):
        parts, targets = carry
        other = order[position]
        length = gram_lib.length(cosines, parts)
        meets = (other != own) & (lengths[other] > 0) & (lengths[own] > 0)
        # What is left after gradients cancelled is rounding.
        meets &= length > 4 * jnp.sqrt(eps)
        cosine = gram_lib.dot(cosines[other], parts)
        cosine = jnp.clip(gram_lib.divide(cosine, length), -1, 1)
        # A target of 1 would take infinitely much of the other gradient.
        target = jnp.clip(targets[other], -1 + 8 * eps, 1 - 8 * eps)
        sine, wanted = jnp.sqrt(1 - cosine**2), jnp.sqrt(1 - target**2)
        added = length * (target * sine - cosine * wanted) / wanted
        added = jnp.where(meets & (cosine < target), added, 0)
        mean = targets[other] + decay * (cosine - targets[other])
        targets = targets.at[other].set(jnp.where(meets, mean, targets[other]))
        return parts.at[other].add(added), targets

      start = jax.nn.one_hot(own, len(order), dtype=cosines.dtype)
      return jax.lax.fori_loop(0, len(order), meet, (start, targets))

    owns = jnp.arange(len(lengths))
    orders = pairs.random_orders(signals)
    parts, targets = jax.vmap(vaccinate)(owns, orders, state['cosines'])
    inverse = gram_lib.divide(jnp.ones_like(lengths), lengths)
    weights = gram_lib.dot(lengths, parts) * inverse
    weights = jnp.where(lengths > 0, weights, 1)
    return jnp.where(signals.present, weights, 0), {'cosines': targets}

  return base.Method(init, update, reads_gradients=True)
