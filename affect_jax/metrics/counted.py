"""What a metric counts: the labels with a weight above 0."""

from collections.abc import Mapping

import numpy as np

from affect_jax.errors import UserError


def arrays(
  predictions: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Checks the three and returns float64 [N, K], 0 where the weight is 0.

  Args:
    predictions: [N, K].
    labels: [N, K].
    weights: [N] or [N, K], finite and >= 0.

  Raises:
    UserError: Shapes do not fit, a weight is negative or not finite, or a
      counted prediction or label is not finite; the message names the row.
  """
  predictions, labels, weights = (
    np.asarray(x, np.float64) for x in (predictions, labels, weights)
  )
  if labels.ndim != 2 or predictions.shape != labels.shape:
    raise UserError(
      f'Predictions {predictions.shape} and labels {labels.shape} must both '
      'be [N, K].'
    )
  if weights.shape not in (labels.shape, labels.shape[:1]):
    raise UserError(
      f'Weights {weights.shape} must be [N] or [N, K] of labels {labels.shape}.'
    )
  if weights.ndim == 1:
    weights = np.broadcast_to(weights[:, None], labels.shape)
  wrong = ~np.isfinite(weights) | (weights < 0)
  if wrong.any():
    row, column = np.argwhere(wrong)[0]
    raise UserError(
      f'Weight {weights[row, column]} of row {row}, column {column} is not a '
      'finite number >= 0.'
    )
  predictions = np.where(weights > 0, predictions, 0)
  labels = np.where(weights > 0, labels, 0)
  for name, values in (('Prediction', predictions), ('Label', labels)):
    wrong = ~np.isfinite(values)
    if wrong.any():
      row, column = np.argwhere(wrong)[0]
      raise UserError(
        f'{name} {values[row, column]} of row {row}, column {column} is not '
        'finite, but it has a weight.'
      )
  return predictions, labels, weights


def divide(
  a: np.ndarray, b: np.ndarray | np.floating, empty: float
) -> np.ndarray:
  """Divides a / b by element; `empty` where b is 0. Same shapes, float64."""
  return np.where(b != 0, a / np.where(b != 0, b, 1), empty)


def mean(values: Mapping[str, float]) -> float:
  """Mean over the outputs whose value is defined; NaN if none is."""
  defined = [v for v in values.values() if not np.isnan(v)]
  return float(np.mean(defined)) if defined else float('nan')
