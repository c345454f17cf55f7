"""Algebra of the Gram matrix of the tasks' gradients.

Lengths of gradients of one batch may lie many orders of magnitude apart, so
methods read cosines where they can: those fit float32.
"""

import jax
import jax.numpy as jnp


def dot(a: jax.Array, b: jax.Array) -> jax.Array:
  """Matrix product in full float32, which accelerators do not give unasked."""
  return jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST)


def divide(a: jax.Array, b: jax.Array) -> jax.Array:
  """a / b, and 0 where b is 0; of equal shapes, or b a scalar."""
  return jnp.where(b == 0, 0, a / jnp.where(b == 0, 1, b))


def scale(gram: jax.Array) -> jax.Array:
  """The largest squared length [], 1 if all are 0: to divide the Gram by."""
  largest = jnp.diagonal(gram).max()
  return jnp.where(largest > 0, largest, 1)


def lengths_and_cosines(gram: jax.Array) -> tuple[jax.Array, jax.Array]:
  """Takes a Gram matrix apart.

  Args:
    gram: [K, K].

  Returns:
    lengths: [K], of the gradients.
    cosines: [K, K], between them; rows and columns of gradients of length 0
      are 0.
  """
  lengths = jnp.sqrt(jnp.maximum(jnp.diagonal(gram), 0))
  inverse = divide(jnp.ones_like(lengths), lengths)
  cosines = jnp.clip(gram * inverse[:, None] * inverse[None, :], -1, 1)
  exact = jnp.diag((lengths > 0).astype(gram.dtype))
  return lengths, jnp.where(jnp.eye(len(gram), dtype=bool), exact, cosines)


def length(gram: jax.Array, weights: jax.Array) -> jax.Array:
  """The length [] of the sum of weight [K] * gradient."""
  return jnp.sqrt(jnp.maximum(dot(weights, dot(gram, weights)), 0))


def mean_weights(present: jax.Array, dtype: jnp.dtype) -> jax.Array:
  """Weights [K] of the mean over tasks that are present; 0 for the others."""
  return present.astype(dtype) / jnp.maximum(present.sum(), 1).astype(dtype)


def spectrum(
  gram: jax.Array, num_tasks: jax.Array, tolerance: float
) -> tuple[jax.Array, jax.Array, jax.Array]:
  """Returns eigenvalues [K], ascending, eigenvectors [K, K], and their rank.

  Args:
    gram: [K, K].
    num_tasks: Number of tasks that are present, [].
    tolerance: Eigenvalues up to largest * num_tasks * tolerance * machine
      epsilon are rounding: they become 0, and do not count in the rank.
  """
  values, vectors = jnp.linalg.eigh(gram)
  rounding = num_tasks * tolerance * jnp.finfo(gram.dtype).eps
  real = values > jnp.maximum(values[-1], 0) * rounding
  return jnp.where(real, values, 0), vectors, real.sum()


def inverse(matrix: jax.Array) -> jax.Array:
  """Inverse [K, K] of a positive definite matrix, by Gauss-Jordan's method.

  It needs no pivots, and for few tasks compiles and runs faster than LAPACK.
  """

  def eliminate(k, a):
    here = jnp.arange(len(a)) == k
    pivot, row, column = a[k, k], a[k] / a[k, k], a[:, k]
    a -= column[:, None] * row[None, :]
    a = jnp.where(here[:, None], row[None, :], a)
    return jnp.where(
      here[None, :], jnp.where(here, 1 / pivot, -column / pivot)[:, None], a
    )

  return jax.lax.fori_loop(0, len(matrix), eliminate, matrix)


def solve(gram: jax.Array, target: jax.Array, num_tasks: jax.Array):
  """Returns the shortest x [K] of least error |gram x - target|."""
  values, vectors, _ = spectrum(gram, num_tasks, 8)
  return dot(vectors, divide(dot(vectors.T, target), values))
