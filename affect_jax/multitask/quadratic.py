"""Small convex quadratic programs, solved inside the compiled step.

The active-set method of Lawson & Hanson, 1974, Solving least squares problems,
chapter 23, on normal equations as in Bro & de Jong, 1997. It ends after few
rounds, each of which solves one system of K equations.
"""

import jax
import jax.numpy as jnp

from affect_jax.multitask import gram as gram_lib

# Of the ridge that keeps systems regular, in machine epsilons, and of the
# rounds of refinement that take its bias away again.
RIDGE = 64
REFINEMENTS = 3


def nonnegative(matrix: jax.Array, target: jax.Array) -> jax.Array:
  """Minimises x' matrix x / 2 - target' x over x >= 0.

  Args:
    matrix: Positive semi-definite [K, K]. Where a diagonal element is 0, so is
      x.
    target: [K].

  Returns:
    x, [K]. Where the minimum is unbounded, x is large, and points to where.
  """
  lengths, cosines = gram_lib.lengths_and_cosines(matrix)
  target = gram_lib.divide(target, lengths)
  largest = jnp.abs(target).max()
  target = gram_lib.divide(target, largest)
  x = _of_unit_diagonal(cosines, target, lengths > 0)
  return gram_lib.divide(x, lengths) * largest


def _of_unit_diagonal(matrix, target, usable):
  """`nonnegative`, where all diagonal elements are 1, or 0 if not usable."""
  eps = jnp.finfo(matrix.dtype).eps

  def solve(free):
    """The minimum over free elements, of any sign; 0 for the others."""
    both = free[:, None] & free[None, :]
    block = jnp.where(both, matrix, 0)
    inverse = gram_lib.inverse(
      block + jnp.diag(jnp.where(free, RIDGE * eps, 1.0))
    )
    wanted = jnp.where(free, target, 0)
    x = gram_lib.dot(inverse, wanted)
    for _ in range(REFINEMENTS):
      x += gram_lib.dot(inverse, wanted - gram_lib.dot(block, x))
    return jnp.where(free, x, 0)

  def round_(state):
    x, free, barred, _, count = state
    goal = solve(free)
    blocking = free & (goal <= 0)
    # Goes as far towards the goal as no element becomes negative, and fixes
    # those that stop it at 0.
    ratios = jnp.where(blocking, gram_lib.divide(x, x - goal), jnp.inf)
    step = jnp.minimum(ratios.min(), 1)
    blocked = blocking & (ratios <= step)
    x = jnp.where(free & ~blocked, x + step * (goal - x), 0)
    # An element that rounding frees and fixes again in turn would do so for
    # ever: it is barred until some other step succeeds.
    entered = free & (goal > 0) & (state[0] == 0)
    moved = (step > 0) & (blocking | entered).any()
    barred = jnp.where(moved, False, barred | blocked)
    free &= ~blocked
    # Only a minimum over the free elements may free another one.
    slope = target - gram_lib.dot(matrix, x)
    slope = jnp.where(usable & ~free & ~barred, slope, -jnp.inf)
    best = slope.argmax()
    tolerance = 10 * eps * jnp.maximum(1, x.max())
    ended = (slope[best] <= tolerance) & ~blocking.any()
    frees = ~blocking.any() & ~ended
    free |= frees & (jnp.arange(len(x)) == best)
    return x, free, barred, ended, count + 1

  size = len(target)
  none = jnp.zeros(size, bool)
  state = (jnp.zeros_like(target), none, none, jnp.array(False), jnp.array(0))
  return jax.lax.while_loop(
    lambda state: ~state[3] & (state[4] < 6 * size + 2), round_, state
  )[0]


def shortest(gram: jax.Array, present: jax.Array) -> jax.Array:
  """Weights >= 0 of sum 1 whose weighted sum of gradients is the shortest.

  Where x minimises x' gram x / 2 - sum(x) over x >= 0, these are x / sum(x):
  the conditions of the two minima are the same.

  Args:
    gram: [K, K], 0 in rows and columns of absent tasks.
    present: bool [K].

  Returns:
    Weights [K], 0 for absent tasks. If gradients of present tasks are 0, they
    share the weight.
  """
  gram = gram / gram_lib.scale(gram)
  ones = present.astype(gram.dtype)
  x = nonnegative(gram, ones)
  still = present & (jnp.diagonal(gram) <= 0)
  x = jnp.where(still.any(), still.astype(gram.dtype), x)
  return gram_lib.divide(x, x.sum())
