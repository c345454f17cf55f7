"""Weighted losses: (outputs, labels, weights, **options) -> a float32 scalar.

Shapes: `outputs` are raw head outputs [B, units], `labels` [B, K], `weights`
[B] or [B, K], one per label (`data.batch` says what a weight is). For every
loss here:

- The mean is weighted: sum(w * l) / sum(w).
- A label with weight 0 has no effect: neither its value (which may be NaN) nor
  its gradient.
- A total weight of 0 gives exactly 0, with a gradient of exactly 0.
- The arithmetic is float32, even if `outputs` are bfloat16.
- Arrays hold the whole (global) batch: CCC is not a mean over its parts.
"""

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from affect_jax.errors import UserError


def weighted_mean(values: jax.Array, weights: jax.Array) -> jax.Array:
  """Returns sum(w * v) / sum(w) of arrays of one shape; 0 if sum(w) is 0."""
  values = jnp.where(weights > 0, values, 0.0)
  return _ratio(jnp.sum(weights * values), jnp.sum(weights))


def softmax_cross_entropy(
  outputs: jax.Array,
  labels: jax.Array,
  weights: jax.Array,
  *,
  class_weights: npt.ArrayLike | None = None,
  label_smoothing: float = 0.0,
  focal_gamma: float = 0.0,
) -> jax.Array:
  """Returns the cross entropy of a softmax and a distribution over K classes.

  With c = class_weights, q = (1 - s) * label + s / K and s = label_smoothing:
  sum_b w_b sum_k c_k q_bk (1 - p_bk)^gamma (-log p_bk), divided by
  sum_b w_b sum_k c_k label_bk. On one-hot labels this is PyTorch's
  `CrossEntropyLoss(weight=c, label_smoothing=s)`; a multiple of c gives the
  same loss.

  Args:
    outputs: Logits [B, K].
    labels: Distributions [B, K]; a hard label is one-hot.
    weights: [B].
    class_weights: None, or [K], factors of the label mass of each class.
    label_smoothing: s, in [0, 1).
    focal_gamma: Exponent gamma that downweights easy samples (Lin et al.,
      2017); 0 gives cross entropy.
  """
  weights = jnp.broadcast_to(weights[:, None], labels.shape)
  outputs, labels, weights = _float32(outputs, labels, weights)
  outputs, labels = _counted(weights, outputs, labels)
  log_p = jax.nn.log_softmax(outputs, axis=-1)
  values = -log_p * _power(-jnp.expm1(log_p), focal_gamma)
  if class_weights is not None:
    weights = weights * jnp.asarray(class_weights, jnp.float32)[None, :]
  k = labels.shape[-1]
  smoothed = (1.0 - label_smoothing) * labels + label_smoothing / k
  return _ratio(jnp.sum(weights * smoothed * values), jnp.sum(weights * labels))


def sigmoid_cross_entropy(
  outputs: jax.Array,
  labels: jax.Array,
  weights: jax.Array,
  *,
  pos_weight: npt.ArrayLike | None = None,
) -> jax.Array:
  """Returns the binary cross entropy of K independent binary labels.

  The mean runs over all labels, not over outputs first: an output that is
  annotated less often counts less.

  Args:
    outputs: Logits [B, K].
    labels: [B, K] in [0, 1]; values in between are soft labels.
    weights: [B, K].
    pos_weight: None, or [K], factors of the positive term, as in PyTorch's
      `BCEWithLogitsLoss`. They do not enter the divisor.
  """
  return _binary(
    outputs, labels, weights, jax.nn.softplus, jax.nn.softplus, pos_weight
  )


def sigmoid_focal(
  outputs: jax.Array,
  labels: jax.Array,
  weights: jax.Array,
  *,
  gamma: float = 2.0,
  alpha: float | None = None,
  pos_weight: npt.ArrayLike | None = None,
) -> jax.Array:
  """Returns the binary cross entropy times (1 - p(label))^gamma.

  Lin et al., 2017, "Focal loss for dense object detection". A soft label y
  mixes the terms of both answers: y * l(1) + (1 - y) * l(0).

  Args:
    outputs: Logits [B, K].
    labels: [B, K] in [0, 1].
    weights: [B, K].
    gamma: Focusing exponent, >= 0; 0 gives `sigmoid_cross_entropy`.
    alpha: None, or in [0, 1]: factor of positives; negatives get 1 - alpha.
    pos_weight: None, or [K], as in `sigmoid_cross_entropy`.
  """

  positive, negative = (1.0, 1.0) if alpha is None else (alpha, 1.0 - alpha)

  # This is l(1) at the logit -x, and l(0) at x: both err by sigmoid(x).
  def term(x):
    return _power(jax.nn.sigmoid(x), gamma) * jax.nn.softplus(x)

  return _binary(
    outputs,
    labels,
    weights,
    lambda x: positive * term(x),
    lambda x: negative * term(x),
    pos_weight,
  )


def sigmoid_asymmetric(
  outputs: jax.Array,
  labels: jax.Array,
  weights: jax.Array,
  *,
  gamma_neg: float = 4.0,
  gamma_pos: float = 1.0,
  clip: float = 0.05,
  pos_weight: npt.ArrayLike | None = None,
) -> jax.Array:
  """Returns a focal loss that forgives easy negatives more than positives.

  l(1) = -(1 - p)^gamma_pos log p and l(0) = -m^gamma_neg log(1 - m) with
  m = max(p - clip, 0): Ridnik et al., 2021, "Asymmetric loss for multi-label
  classification", eq. 7 (a weighted mean instead of their sum; the gradient
  also flows through the focusing factors, as in their analysis). A soft label
  y mixes both: y * l(1) + (1 - y) * l(0).

  Args:
    outputs: Logits [B, K].
    labels: [B, K] in [0, 1].
    weights: [B, K].
    gamma_neg: Focusing exponent for negatives, >= 0.
    gamma_pos: Focusing exponent for positives, >= 0.
    clip: Probability, in [0, 1), below which negatives have no loss.
    pos_weight: None, or [K], as in `sigmoid_cross_entropy`.
  """

  def positive(x):
    return _power(jax.nn.sigmoid(x), gamma_pos) * jax.nn.softplus(x)

  def negative(x):
    if clip == 0:  # 1 - p may round to 0, softplus(x) = -log(1 - p) does not.
      return _power(jax.nn.sigmoid(x), gamma_neg) * jax.nn.softplus(x)
    shifted = jnp.clip(jax.nn.sigmoid(x) - clip, 0.0, 1.0 - 1e-7)
    return -_power(shifted, gamma_neg) * jnp.log1p(-shifted)

  return _binary(outputs, labels, weights, positive, negative, pos_weight)


def concordance(
  outputs: jax.Array,
  labels: jax.Array,
  weights: jax.Array,
  *,
  eps: float = 1e-8,
) -> jax.Array:
  """Returns 1 - CCC, averaged over the outputs that have any weight, in [0, 2].

  CCC is the concordance correlation coefficient, 2 cov / (var + var + gap^2),
  with weighted population moments over the batch (Lin, 1989). With constant
  labels (or one row) or constant predictions, CCC is 0; constant labels give no
  gradient. Constant predictions get gradients that move them apart, but none
  that moves all of them together: add a small `squared_error` for that.

  Args:
    outputs: Predictions [B, K].
    labels: [B, K].
    weights: [B, K].
    eps: Added to the denominator, so that 0 / 0 is 0.
  """
  outputs, labels, weights = _float32(outputs, labels, weights)
  outputs, labels = _counted(weights, outputs, labels)
  total = jnp.sum(weights, axis=0, keepdims=True)

  def mean(x):
    return _ratio(jnp.sum(weights * x, axis=0, keepdims=True), total)

  gap = mean(outputs) - mean(labels)
  # Means first, moments second: raw sums of squares lose digits in float32.
  outputs, labels = outputs - mean(outputs), labels - mean(labels)
  spread = mean(outputs**2) + mean(labels**2) + gap**2
  ccc = 2 * mean(outputs * labels) / (spread + eps)
  return weighted_mean(1.0 - ccc, (total > 0).astype(jnp.float32))


def squared_error(
  outputs: jax.Array, labels: jax.Array, weights: jax.Array
) -> jax.Array:
  """Returns the mean squared error over all labels; arguments are [B, K]."""
  outputs, labels, weights = _float32(outputs, labels, weights)
  outputs, labels = _counted(weights, outputs, labels)
  return weighted_mean((outputs - labels) ** 2, weights)


def absolute_error(
  outputs: jax.Array, labels: jax.Array, weights: jax.Array
) -> jax.Array:
  """Returns the mean absolute error over all labels; arguments are [B, K]."""
  outputs, labels, weights = _float32(outputs, labels, weights)
  outputs, labels = _counted(weights, outputs, labels)
  return weighted_mean(jnp.abs(outputs - labels), weights)


def bin_values(bins: int) -> np.ndarray:
  """Returns the values of the bins, evenly spaced from -1 to 1."""
  return np.linspace(-1, 1, bins, dtype=np.float32)


def bin_expectation(outputs: jax.Array, bins: int) -> jax.Array:
  """Returns means of K binned distributions: [B, K * bins] -> [B, K].

  Means are in [-1, 1]. Unit k * bins + i is bin i of output k.
  """
  logits = outputs.astype(jnp.float32).reshape(outputs.shape[0], -1, bins)
  probabilities = jax.nn.softmax(logits, axis=-1)
  return jnp.sum(probabilities * bin_values(bins)[None, None, :], axis=-1)


def binned_cross_entropy(
  outputs: jax.Array,
  labels: jax.Array,
  weights: jax.Array,
  *,
  bins: int = 20,
  soft: bool = False,
) -> jax.Array:
  """Returns the cross entropy of real labels in [-1, 1], cut into bins.

  Deng et al., 2020, "Multitask emotion recognition with incomplete labels"
  (20 bins); `bin_expectation` turns the logits back into numbers.

  Args:
    outputs: Logits [B, K * bins], laid out as in `bin_expectation`.
    labels: [B, K] in [-1, 1]; values outside are clipped.
    weights: [B, K].
    bins: Number of bins per output, >= 2.
    soft: False puts all mass on the nearest of `bin_values`. True shares it
      between the two nearest, so that their expectation is the label.
  """
  _, labels, weights = _float32(labels, labels, weights)
  _, labels = _counted(weights, labels, labels)
  position = (jnp.clip(labels, -1.0, 1.0) + 1.0) * (bins - 1) / 2
  position = position if soft else jnp.round(position)
  distance = jnp.abs(position[:, :, None] - np.arange(bins)[None, None, :])
  return softmax_cross_entropy(
    outputs.reshape(-1, bins),
    jnp.maximum(1.0 - distance, 0.0).reshape(-1, bins),
    weights.reshape(-1),
  )


def _float32(outputs, labels, weights):
  """Casts to float32; raises UserError if shapes differ."""
  if not outputs.shape == labels.shape == weights.shape:
    raise UserError(
      f'Shapes of outputs {outputs.shape}, labels {labels.shape} and weights '
      f'{weights.shape} differ.'
    )
  return (x.astype(jnp.float32) for x in (outputs, labels, weights))


def _counted(weights, *arrays):
  """Sets arrays to 0 where the weight is 0, since 0 * NaN would be NaN."""
  return (jnp.where(weights > 0, x, 0.0) for x in arrays)


def _ratio(numerator, denominator):
  """Returns numerator / denominator; 0 / 0 gives 0 with gradient 0."""
  return numerator / jnp.where(denominator > 0, denominator, 1.0)


def _power(x, gamma):
  """Returns x^gamma for x in [0, 1], with a finite gradient at 0."""
  return 1.0 if gamma == 0 else jnp.maximum(x, 1e-12) ** gamma


def _binary(outputs, labels, weights, positive, negative, pos_weight):
  """Averages y * pos_weight * positive(-logit) + (1 - y) * negative(logit)."""
  outputs, labels, weights = _float32(outputs, labels, weights)
  outputs, labels = _counted(weights, outputs, labels)
  up = labels * positive(-outputs)
  if pos_weight is not None:
    up = up * jnp.asarray(pos_weight, jnp.float32)[None, :]
  return weighted_mean(up + (1.0 - labels) * negative(outputs), weights)
