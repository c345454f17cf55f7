"""UPGrad: the mean of gradients without what conflicts with any task."""

import jax
import jax.numpy as jnp

from affect_jax.multitask import base
from affect_jax.multitask import gram as gram_lib
from affect_jax.multitask import quadratic


def build(*, regularization: float = 1e-4) -> base.Method:
  """Projects each gradient onto the cone of no conflict, and takes the mean.

  Quinton & Rey, 2024, Jacobian descent for multi-objective optimization,
  section 3, arXiv 2406.16232; the default and the scale, that of a mean, are
  those of their TorchJD. The update has no negative inner product with any
  task's gradient, but for the regularization. One task: weight 1.

  Args:
    regularization: Part of the sum of squared lengths that is added to the
      Gram's diagonal. Conflicts of gradients much shorter than its root are
      not resolved.
  """

  def update(state, signals):
    matrix = signals.gram / gram_lib.scale(signals.gram)
    matrix = gram_lib.divide(matrix, jnp.trace(matrix))
    ridge = jnp.where(signals.present, regularization, 0.0)
    matrix += jnp.diag(ridge.astype(matrix.dtype))
    mean = gram_lib.mean_weights(signals.present, matrix.dtype)
    # Projecting the gradient u adds what solves a nonnegative problem.
    rows = jnp.diag(mean)
    targets = -gram_lib.dot(rows, matrix)
    added = jax.vmap(quadratic.nonnegative, in_axes=(None, 0))(matrix, targets)
    weights = mean + added.sum(axis=0)
    return jnp.where(signals.present, weights, 0), state

  return base.Method(lambda num_tasks, shared: (), update, reads_gradients=True)
