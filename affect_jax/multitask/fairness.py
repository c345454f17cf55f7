"""Weights of Nash-MTL and FairGrad: each task gains by a power of its weight.

x > 0 with (gram x)_k = x_k^-power is the minimum of the convex function
x' gram x / 2 - sum(f(x_k)), f' = x^-power. Newton's method finds it to machine
precision, where the papers' codes stop a general solver early.
"""

import jax
import jax.numpy as jnp

from affect_jax.multitask import gram as gram_lib

# Of the ridge that bounds weights where gradients cancel, in epsilons.
RIDGE = 8
MAX_ITERATIONS = 100


def fair_weights(gram: jax.Array, power: float) -> jax.Array:
  """Solves (gram x)_k = x_k^-power for x > 0.

  Args:
    gram: [K, K], 0 in rows and columns of absent tasks.
    power: > 0.

  Returns:
    x [K]; 0 where the gradient is 0, as for absent tasks. Where some sum of
    positive multiples of gradients is 0, no x solves it, and x is large.
  """
  factor = gram_lib.scale(gram)
  lengths, cosines = gram_lib.lengths_and_cosines(gram / factor)
  usable = lengths > 0
  eps = jnp.finfo(gram.dtype).eps
  cosines += jnp.diag(jnp.where(usable, RIDGE * eps, 1.0).astype(gram.dtype))
  # In y = x / unit, a gradient that is orthogonal to all others has y = 1.
  safe = jnp.where(usable, lengths, 1)
  unit = safe ** (-2 / (1 + power))
  root = safe ** ((power - 1) / (1 + power))

  def objective(y):
    scaled = root * y
    if power == 1:
      gains = jnp.log(y)
    else:
      gains = y ** (1 - power) / (1 - power)
    gains = jnp.where(usable, root**2 * gains, 0).sum()
    return gram_lib.dot(scaled, gram_lib.dot(cosines, scaled)) / 2 - gains

  def iterate(state):
    y, _, count = state
    slope = y * gram_lib.dot(cosines, root * y) - root * y ** (1 - power)
    curvature = cosines * y[:, None] * y[None, :]
    curvature += jnp.diag(power * y ** (1 - power))
    change = -gram_lib.dot(gram_lib.inverse(curvature), slope) / root
    change = jnp.where(usable, change, 0)
    # Full steps near the solution; far from it, the best of several.
    steps = 2.0 ** -jnp.arange(16, dtype=y.dtype)
    tried = y[None, :] * (1 + steps[:, None] * change[None, :])
    valid = (tried > 0).all(axis=1)
    values = jax.vmap(objective)(jnp.where(valid[:, None], tried, 1))
    best = jnp.where(valid, values, jnp.inf).argmin()
    size = jnp.abs(change).max()
    return jnp.where(size < 0.2, tried[0], tried[best]), size, count + 1

  def unfinished(state):
    _, size, count = state
    return (size > 20 * eps) & (count < MAX_ITERATIONS)

  count = jnp.maximum(usable.sum(), 1).astype(gram.dtype)
  start = jnp.ones_like(lengths) * count ** (-1 / (1 + power))
  y, _, _ = jax.lax.while_loop(
    unfinished, iterate, (start, jnp.array(jnp.inf, gram.dtype), jnp.array(0))
  )
  return jnp.where(usable, unit * y, 0) * factor ** (-1 / (1 + power))
