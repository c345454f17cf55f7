"""Losses of MISA: central moment discrepancy, overlap and squared error.

All take vectors [B, D] and `rows` bool [B], True for the rows that count. They
return a float32 scalar, which is 0 with gradient 0 if no row counts.
"""

import jax
import jax.numpy as jnp
import numpy as np


def cmd(
  x: jax.Array, y: jax.Array, rows: jax.Array, moments: int = 5
) -> jax.Array:
  """Central moment discrepancy of vectors in [0, 1] (Zellinger et al., 2017).

  Returns the distance between the means over rows, plus the distances between
  the k-th central moments over rows, k = 2 to `moments`.
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
  """Measures how far x and y are from orthogonal (Bousmalis et al., 2016).

  Returns the mean square of the entries of x^T y [D, D], after centring each
  column and scaling each row to length 1. The gradient treats the lengths as
  constants, as in the authors' code of MISA.
  """
  x, y, rows = _float32(x, y, rows)
  x, y = (_unit((v - _mean(v, rows)) * rows) for v in (x, y))
  return jnp.mean(jnp.einsum('bi,bj->ij', x, y) ** 2)


def squared_error(x: jax.Array, y: jax.Array, rows: jax.Array) -> jax.Array:
  """Returns the mean of (x - y)^2 over rows and entries."""
  x, y, rows = _float32(x, y, rows)
  return _mean((x - y) ** 2, rows).mean()


def _float32(x, y, rows):
  x, y, rows = (jnp.asarray(a, jnp.float32) for a in (x, y, rows))
  # Values of rows that do not count may be NaN and must not reach a product.
  rows = rows[:, np.newaxis]
  return jnp.where(rows > 0, x, 0), jnp.where(rows > 0, y, 0), rows


def _mean(x, rows):
  """Returns the mean over rows, [B, D] -> [1, D]."""
  return (x * rows).sum(0, keepdims=True) / jnp.maximum(rows.sum(), 1)


def _distance(x, y):
  square = ((x - y) ** 2).sum()
  # The gradient of a square root at 0 is not finite.
  return jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1)), 0)


def _unit(x):
  # The gradient stops before the root, where it would not be finite at 0.
  square = (jax.lax.stop_gradient(x) ** 2).sum(-1, keepdims=True)
  return x / (jnp.sqrt(square) + 1e-6)
