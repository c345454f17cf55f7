"""CAGrad: near the mean gradient, what is best for the worst-off task."""

import jax
import jax.numpy as jnp

from affect_jax import errors
from affect_jax.multitask import base
from affect_jax.multitask import gram as gram_lib
from affect_jax.multitask import quadratic

MAX_ITERATIONS = 60
# Lengths |g_w| that are told from 0, in lengths of the longest gradient.
SHORTEST = 1e-7


def build(*, c: float = 0.5) -> base.Method:
  """The mean gradient g, moved by c |g| to help the task that gains least.

  Liu et al., 2021, Conflict-averse gradient descent, equation (4): weights are
  1 / K + c |g| / |g_w| w, where w of the simplex minimises <g, g_w> + c |g|
  |g_w|. Default: `cagrad` in their `mtrl/mtrl_files/cagrad.py`. Scale: that of
  the paper and TorchJD, without the division by 1 + c^2 of their code. One
  task: weight 1 + c.

  Where g_w is 0, as for a task without gradient, no direction helps all. Then
  g is projected to conflict with none, which is among the paper's solutions,
  so that the other tasks train on; TorchJD's weights are 0 there, and already
  where g_w is below 1e-4 of the Jacobian.

  Args:
    c: Radius, in lengths of the mean gradient. 0 is the mean; from 1 on the
      update never conflicts with any task, as MGDA's.
  """
  if c < 0:
    raise errors.UserError(f'c of CAGrad must not be negative, but is {c}.')

  def update(state, signals):
    present = signals.present
    gram = signals.gram / gram_lib.scale(signals.gram)
    mean = gram_lib.mean_weights(present, gram.dtype)
    radius = c * gram_lib.length(gram, mean)
    # Of the nearest update that conflicts with no task.
    added = quadratic.nonnegative(gram, -gram_lib.dot(gram, mean))
    reached = gram_lib.length(gram, added) <= radius
    w, length, cancels = _worst_case(gram, present, mean, radius, reached)
    moved = mean + gram_lib.divide(radius, length) * w
    weights = jnp.where(cancels & reached, mean + added, moved)
    return jnp.where(present, weights, 0), state

  return base.Method(lambda num_tasks, shared: (), update, reads_gradients=True)


def _worst_case(gram, present, mean, radius, reached):
  """Minimises <g, g_w> + radius |g_w| over w of the simplex.

  With |g_w| <= (|g_w|^2 / m + m) / 2, equal at m = |g_w|, the minimum over w
  for a given m is the shortest vector of the hull of the points
  radius / m * g_k + g, and m is right where it is the length that it gives.

  Args:
    gram: [K, K], elements up to 1.
    present: bool [K].
    mean: Weights of g, [K].
    radius: [].
    reached: Whether some update of the ball conflicts with no task, [].

  Returns:
    w [K], |g_w|, and whether that is but rounding.
  """
  to_mean = gram_lib.dot(gram, mean)
  squared = gram_lib.dot(mean, to_mean)
  both = present[:, None] & present[None, :]
  eps = jnp.finfo(gram.dtype).eps

  def solve(log_m):
    s = radius / jnp.exp(log_m)
    points = s**2 * gram + s * (to_mean[:, None] + to_mean[None, :]) + squared
    w = quadratic.shortest(jnp.where(both, points, 0), present)
    length = gram_lib.length(gram, w)
    cancels = length <= 4 * jnp.sqrt(eps) * gram_lib.length(jnp.abs(gram), w)
    # A length of rounding cannot say whether m is too large or too small.
    gap = jnp.log(jnp.maximum(length, 1e-30)) - log_m
    gap = jnp.where(cancels, jnp.where(reached, -1.0, 1.0), gap)
    return w, length, cancels, gap.astype(gram.dtype)

  def iterate(state):
    low, high, gap_low, gap_high, count, *_ = state
    # First the ends; then the root of a line (Illinois' rule halves the gap of
    # an end that stays), every third time the middle.
    slope = gap_low - gap_high
    guess = low + (high - low) * gap_low / jnp.where(slope == 0, 1, slope)
    inside = (guess > low) & (guess < high) & (count % 3 < 2)
    log_m = jnp.where(inside, guess, low + (high - low) / 2)
    log_m = jnp.where(count == 0, low, jnp.where(count == 1, high, log_m))
    *found, gap = solve(log_m)
    up = gap > 0
    return (
      jnp.where(up, log_m, low),
      jnp.where(up, high, log_m),
      jnp.where(up, gap, gap_low / 2),
      jnp.where(up, gap_high / 2, gap),
      count + 1,
      gap,
      *found,
    )

  def unfinished(state):
    low, high, _, _, count, gap, *_ = state
    open_ = (high - low > 8 * eps) & (jnp.abs(gap) > 8 * eps)
    return open_ & (count < MAX_ITERATIONS)

  none = jnp.zeros((), gram.dtype)
  start = (jnp.log(none + SHORTEST), none, none, none, jnp.array(0), none + 1)
  return jax.lax.while_loop(
    unfinished, iterate, (*start, mean, none, jnp.array(False))
  )[-3:]
