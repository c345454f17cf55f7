"""Losses that tell shared from private: central moments, overlap, error.

All take vectors [B, D] and rows bool [B], those that count, and give a float32
scalar that is 0, with gradient 0, if there are none.
"""

import jax
import jax.numpy as jnp
import numpy as np


def cmd(
  x: jax.Array, y: jax.Array, rows: jax.Array, moments: int = 5
) -> jax.Array:
  """Central moment discrepancy of vectors in [0, 1] (Zellinger et al., 2017).

  The distance between the means plus those between the k-th central moments,
  k = 2 to `moments`, of each entry over rows.
  """
  x, y, rows = _float32(x, y, rows)
  x_mean, y_mean = _mean(x, rows), _mean(y, rows)
  total = _distance(x_mean, y_mean)
  for k in range(2, moments + 1):
    total += _distance(
      _mean((x - x_mean) ** k, rows), _mean((y - y_mean) ** k, rows)
    )
  return total


def overlap(x: jax.Array, y: jax.Array, rows: jax.Array) -> jax.Array:
  """How far vectors are from orthogonal (Bousmalis et al., 2016).

  The mean square of the entries [D, D] of x' y over rows, after each entry's
  mean was taken off and each row brought to length 1. Lengths are constants
  to the gradient, as in the authors' code of MISA.
  """
  x, y, rows = _float32(x, y, rows)
  x, y = (_unit((v - _mean(v, rows)) * rows) for v in (x, y))
  return jnp.mean(jnp.einsum('bi,bj->ij', x, y) ** 2)


def squared_error(x: jax.Array, y: jax.Array, rows: jax.Array) -> jax.Array:
  """The mean over rows and entries of (x - y)^2."""
  x, y, rows = _float32(x, y, rows)
  return _mean((x - y) ** 2, rows).mean()


def _float32(x, y, rows):
  x, y, rows = (jnp.asarray(a, jnp.float32) for a in (x, y, rows))
  # Whatever stands in rows that do not count must not reach a product.
  there = rows[:, np.newaxis] > 0
  return jnp.where(there, x, 0), jnp.where(there, y, 0), rows[:, np.newaxis]


def _mean(x, rows):
  """Over rows [B, D] -> [1, D]."""
  return (x * rows).sum(0, keepdims=True) / jnp.maximum(rows.sum(), 1)


def _distance(x, y):
  square = ((x - y) ** 2).sum()
  # The gradient of a root at 0 is not finite.
  return jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1)), 0)


def _unit(x):
  # Stopped before the root, whose gradient at 0 is not finite.
  square = (jax.lax.stop_gradient(x) ** 2).sum(-1, keepdims=True)
  return x / (jnp.sqrt(square) + 1e-6)
