"""MGDA: the shortest vector of the convex hull of the tasks' gradients."""

import jax.numpy as jnp

from affect_jax import by_name
from affect_jax.multitask import base
from affect_jax.multitask import gram as gram_lib
from affect_jax.multitask import quadratic

NORMALIZE = ('none', 'length', 'loss', 'both')


def build(*, normalize: str = 'none') -> base.Method:
  """Weights of sum 1 whose weighted sum of gradients is the shortest.

  Désidéri, 2012; Sener & Koltun, 2018, Multi-task learning as multi-objective
  optimization, section 3.2. The minimum is found exactly, not by the paper's
  Frank-Wolfe iterations, which stop at a tolerance. The update has no negative
  inner product with any task's gradient, and is 0 exactly where no direction
  is good for all: so it is if one gradient is 0. One task: weight 1.

  Args:
    normalize: What the gradients are divided by when weights are sought, as
      in Sener & Koltun's `MultiObjectiveOptimization/multi_task/
      min_norm_solvers.py`: 'none', as the method is stated; their 'length';
      the 'loss'; or 'both'. Without it, the shortest gradients win.
  """
  by_name.check('normalize', normalize, NORMALIZE, "method 'mgda'")

  def update(state, signals):
    gram = signals.gram / gram_lib.scale(signals.gram)
    divisors = jnp.ones_like(signals.losses)
    if normalize in ('length', 'both'):
      divisors *= jnp.sqrt(jnp.maximum(jnp.diagonal(gram), 0))
    if normalize in ('loss', 'both'):
      divisors *= jnp.abs(signals.losses)
    # A loss or a gradient of 0 stays as it is.
    divisors = jnp.where(divisors > 0, divisors, 1).astype(gram.dtype)
    gram = gram / divisors[:, None] / divisors[None, :]
    return quadratic.shortest(gram, signals.present), state

  return base.Method(lambda num_tasks, shared: (), update, reads_gradients=True)
