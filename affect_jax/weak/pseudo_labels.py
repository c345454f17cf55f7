"""Pseudo-labels: training takes what the model itself is sure of as labels.

The model, or its moving average, predicts the weak view of a batch; its answers
are labels of the strong view where there are none (FixMatch: Sohn et al.,
2020). Rules turn confidences into factors in [0, 1]: m is the probability of
the likeliest class c (of something present or absent: the larger of p and
1 - p).

  fixed       m >= threshold
  freematch   m >= tau * p_c / max p (Wang et al., 2023)
  softmatch   exp(-(m - mu)^2 / (2 var / 2^2)) below mu, 1 above (Chen et al.,
              2023), without their alignment to a uniform distribution: classes
              of affect are not balanced

tau and mu are running means of m, p of the distributions, var of the variance
of m, over what has no label, with `momentum`; they begin at 1 / classes and
var = 1, as the authors' code does (TorchSSL's successor USB). Values have no
classes, and no confidence: each of their pseudo-labels counts.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from affect_jax import by_name
from affect_jax.errors import UserError
from affect_jax.weak import selection

RULES = ('fixed', 'freematch', 'softmatch')


class Means(NamedTuple):
  """Running means of G groups of C classes: a task, or each of its units.

  Attributes:
    confidence: f32 [G].
    variance: Of confidences, f32 [G].
    distribution: f32 [G, C].
  """

  confidence: jax.Array
  variance: jax.Array
  distribution: jax.Array


def start(kind: str, outputs: int) -> Means | tuple[()]:
  """Returns the first means of a task; () for values.

  Args:
    kind: 'class', 'presence' or 'value', see `table.kind_of`.
    outputs: K.
  """
  if kind == 'value':
    return ()
  groups, classes = (1, outputs) if kind == 'class' else (outputs, 2)
  even = 1 / classes
  return Means(
    jnp.full(groups, even), jnp.ones(groups), jnp.full((groups, classes), even)
  )


def check(rule: str, threshold: float, momentum: float) -> None:
  """Raises UserError if an option is unknown or out of range."""
  by_name.check('config.pseudo_labels.rule', rule, RULES)
  if not 0 <= threshold <= 1:
    raise UserError(
      f'config.pseudo_labels.threshold={threshold} must be in [0, 1].'
    )
  if not 0 <= momentum < 1:
    raise UserError(
      f'config.pseudo_labels.momentum={momentum} must be in [0, 1).'
    )


def label(
  kind: str,
  predicted: jax.Array,
  unlabelled: jax.Array,
  means: Any,
  *,
  rule: str = 'fixed',
  threshold: float = 0.95,
  hard: bool = True,
  temperature: float = 1.0,
  by_confidence: bool = False,
  momentum: float = 0.999,
  axis_name: str | None = None,
) -> tuple[jax.Array, jax.Array, Any]:
  """Labels what has no label.

  Args:
    kind: See `start`.
    predicted: Predictions [..., K], in the space of labels.
    unlabelled: bool [...] of classes, else [..., K].
    means: What `start` or the step before returned.
    rule, threshold: See above.
    hard: Labels are the likeliest class, or present or absent.
    temperature: Soft labels are p^(1 / T), normalised: below 1 is sharper.
    by_confidence: Factors are multiplied by m.
    momentum: Of the running means.
    axis_name: The pmap axis over which they are taken, or None.

  Returns:
    (labels like `predicted`, factors f32 in [0, 1] like `unlabelled`, and 0
    where it is False, new means).
  """
  if kind == 'value':
    return predicted, unlabelled.astype(jnp.float32), ()
  if kind == 'class':
    p = predicted.reshape(-1, 1, predicted.shape[-1])
    use = unlabelled.reshape(-1, 1)
  else:
    both = jnp.stack([1 - predicted, predicted], -1)
    p = both.reshape(-1, *both.shape[-2:])
    use = unlabelled.reshape(-1, unlabelled.shape[-1])
  m, chosen = p.max(-1), p.argmax(-1)
  means = _update(means, p, m, use.astype(jnp.float32), momentum, axis_name)
  factors = _factors(rule, m, chosen, means, threshold)
  factors = jnp.where(use, factors * m if by_confidence else factors, 0.0)
  if hard:
    labels = jax.nn.one_hot(chosen, p.shape[-1])
  else:
    # From logarithms: small probabilities would vanish under a power.
    labels = jax.nn.softmax(jnp.log(jnp.maximum(p, 1e-30)) / temperature)
  labels = labels[:, 0] if kind == 'class' else labels[..., 1]
  return (
    labels.reshape(predicted.shape),
    factors.reshape(unlabelled.shape),
    means,
  )


def _update(means, p, m, use, momentum, axis_name) -> Means:
  """Returns means that have seen what is used of p [N, G, C], m [N, G]."""

  def total(x):
    x = x.sum(0)
    return jax.lax.psum(x, axis_name) if axis_name else x

  count = total(use)
  safe = jnp.maximum(count, 1.0)
  mean = total(use * m) / safe
  off = m - mean[jnp.newaxis]
  variance = total(use * off**2) / jnp.maximum(count - 1, 1.0)
  distribution = total(use[..., jnp.newaxis] * p) / safe[:, jnp.newaxis]

  def moved(old, new, seen):
    seen = seen.reshape(-1, *[1] * (old.ndim - 1))
    return jnp.where(seen, momentum * old + (1 - momentum) * new, old)

  return Means(
    moved(means.confidence, mean, count > 0),
    moved(means.variance, variance, count > 1),
    moved(means.distribution, distribution, count > 0),
  )


def _factors(rule, m, chosen, means, threshold) -> jax.Array:
  if rule == 'fixed':
    return (m >= threshold).astype(jnp.float32)
  mean = means.confidence[jnp.newaxis]
  if rule == 'softmatch':
    below = jnp.minimum(m - mean, 0.0)
    variance = jnp.maximum(means.variance[jnp.newaxis], 1e-12)
    return jnp.exp(-(below**2) / (2 * variance / 2**2))
  of = means.distribution / means.distribution.max(-1, keepdims=True)
  limits = means.confidence[:, jnp.newaxis] * of
  limit = jnp.take_along_axis(
    limits[jnp.newaxis], chosen[..., jnp.newaxis], axis=-1
  )[..., 0]
  return (m >= limit).astype(jnp.float32)


def weights(factors: jax.Array, weight: Any) -> jax.Array:
  """Returns weights of pseudo-labels: never those of gold.

  Args:
    factors: See `label`.
    weight: λ, in [0, 1].
  """
  return jnp.minimum(weight * factors, selection.LARGEST)
