"""Makes a teacher's probabilities as sure as it is right.

A temperature T > 1 makes them less sure, p^(1 / T) normalised; its ranking of
classes stays (Guo et al., 2017). One T per task is fitted to the labels of the
teacher's own validation.
"""

import numpy as np
from scipy import optimize

# Where T is looked for.
LOWEST, HIGHEST = 0.05, 20.0
# Smaller probabilities count as this: a network in float32 may say 0.
SMALLEST = 1e-12


def temper(kind: str, labels: np.ndarray, temperature: float) -> np.ndarray:
  """Returns probabilities [N, K] at a temperature; values stay as they are.

  Args:
    kind: 'class': rows are distributions. 'presence': each number is one.
    labels: [N, K].
    temperature: T > 0.
  """
  if kind == 'value' or temperature == 1:
    return labels
  log = np.log(np.clip(labels.astype(np.float64), SMALLEST, 1)) / temperature
  if kind == 'class':
    powers = np.exp(log - log.max(-1, keepdims=True))
    return (powers / powers.sum(-1, keepdims=True)).astype(np.float32)
  other = np.clip(1 - labels.astype(np.float64), SMALLEST, 1)
  logit = log - np.log(other) / temperature
  return (1 / (1 + np.exp(-logit))).astype(np.float32)


def fit(
  kind: str, predicted: np.ndarray, gold: np.ndarray, weights: np.ndarray
) -> float:
  """Returns the temperature with the least negative log likelihood.

  Args:
    kind: See `temper`.
    predicted: Probabilities [N, K].
    gold: Labels [N, K]: distributions, or 0 to 1.
    weights: Of gold, [N] or [N, K]: 1 counts, 0 does not.

  Returns:
    T in [LOWEST, HIGHEST]; 1 for values, and without any label.
  """
  counts = weights == 1
  if kind == 'value' or not counts.any():
    return 1.0

  def loss(log_temperature: float) -> float:
    p = temper(kind, predicted, float(np.exp(log_temperature)))
    p = np.clip(p.astype(np.float64), SMALLEST, 1 - SMALLEST)
    each = -gold * np.log(p)
    if kind == 'class':
      return float(each.sum(-1)[counts].mean())
    return float((each - (1 - gold) * np.log(1 - p))[counts].mean())

  bounds = (float(np.log(LOWEST)), float(np.log(HIGHEST)))
  found = optimize.minimize_scalar(loss, bounds=bounds, method='bounded')
  # The bounds are never reached by the search itself.
  best = min((0.0, *bounds, float(found.x)), key=loss)
  return float(np.exp(best))


def confidence_where_right(
  kind: str, predicted: np.ndarray, gold: np.ndarray, weights: np.ndarray
) -> np.ndarray | None:
  """Returns the mean confidence of the samples that are predicted right.

  Args:
    kind, predicted, gold, weights: See `fit`.

  Returns:
    [K], by class, of 'class'; [2 K] of 'presence': absent and present of each
    output. 0 where nothing is right; None for values.
  """
  if kind == 'value':
    return None
  if kind == 'class':
    counts = weights == 1
    right = counts & (predicted.argmax(-1) == gold.argmax(-1))
    return np.array(
      [
        _mean(predicted[:, k][right & (gold.argmax(-1) == k)])
        for k in range(gold.shape[1])
      ],
      np.float32,
    )
  counts = np.broadcast_to(weights == 1, gold.shape)
  found = []
  for k in range(gold.shape[1]):
    for present in (False, True):
      p = predicted[:, k] if present else 1 - predicted[:, k]
      right = counts[:, k] & ((gold[:, k] > 0.5) == present) & (p > 0.5)
      found.append(_mean(p[right]))
  return np.array(found, np.float32)


def _mean(values: np.ndarray) -> float:
  return float(values.mean()) if len(values) else 0.0


def calibration_error(
  confidence: np.ndarray, right: np.ndarray, bins: int = 15
) -> float:
  """Returns the expected calibration error, in [0, 1] (Naeini et al., 2015).

  Mean over bins of confidence, (0, 1/15], ... of |accuracy - mean confidence|,
  weighted by their samples.

  Args:
    confidence: [N] in [0, 1].
    right: bool [N].
    bins: Of equal width.
  """
  if not len(confidence):
    return float('nan')
  places = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
  total = 0.0
  for i in range(bins):
    inside = places == i
    if inside.any():
      gap = abs(right[inside].mean() - confidence[inside].mean())
      total += inside.mean() * gap
  return float(total)
