"""Metrics of K independent yes/no labels, e.g. action units.

`predictions` [N, K] are probabilities, `labels` [N, K] in [0, 1] are positive
above .5, `weights` are [N] or [N, K]. Results are {output: value in [0, 1]};
an output without any counted label has NaN.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from affect_jax.errors import UserError
from affect_jax.metrics import counted

# Candidates of `tune`; n / 20 is exactly .5 in the middle.
THRESHOLDS = tuple(n / 20 for n in range(1, 20))


def f1(
  predictions: np.ndarray,
  labels: np.ndarray,
  weights: np.ndarray,
  names: Sequence[str],
  thresholds: Mapping[str, float | None] | None = None,
) -> dict[str, float]:
  """{output: F1 of its positives}.

  An output that is labelled but has neither gold nor predicted positives has
  an F1 of 0 (scikit-learn's `zero_division=0`).

  Args:
    predictions: [N, K]; positive if above the threshold.
    labels: [N, K].
    weights: [N] or [N, K].
    names: The K outputs.
    thresholds: {output: threshold}, e.g. from `tune`; an output whose threshold
      is None has an F1 of NaN. None: .5 for all.
  """
  predictions, labels, weights = counted.arrays(predictions, labels, weights)
  cut = np.array([_threshold(thresholds, name) for name in names])
  values = _f1(predictions > cut[None, :], labels > 0.5, weights)
  values = np.where(np.isnan(cut), np.nan, values)
  return dict(zip(names, values.tolist(), strict=True))


def mean_f1(
  predictions: np.ndarray,
  labels: np.ndarray,
  weights: np.ndarray,
  names: Sequence[str],
  thresholds: Mapping[str, float | None] | None = None,
) -> float:
  """Mean of `f1` over the labelled outputs: P_AU of the ABAW challenges.

  With thresholds, over those of them that have one.
  """
  return counted.mean(f1(predictions, labels, weights, names, thresholds))


def accuracy(
  predictions: np.ndarray,
  labels: np.ndarray,
  weights: np.ndarray,
  names: Sequence[str],
) -> dict[str, float]:
  """{output: share of right answers}, at the threshold .5."""
  predictions, labels, weights = counted.arrays(predictions, labels, weights)
  right = weights * ((predictions > 0.5) == (labels > 0.5))
  values = counted.divide(right.sum(axis=0), weights.sum(axis=0), np.nan)
  return dict(zip(names, values.tolist(), strict=True))


def auc(
  predictions: np.ndarray,
  labels: np.ndarray,
  weights: np.ndarray,
  names: Sequence[str],
) -> dict[str, float]:
  """{output: area under the ROC curve}.

  The chance that a positive scores above a negative, where a tie counts half
  (Mann & Whitney, 1947). NaN if the gold labels are all positive or negative.
  """
  predictions, labels, weights = counted.arrays(predictions, labels, weights)
  columns = zip(predictions.T, labels.T > 0.5, weights.T, strict=True)
  values = [_auc(*column) for column in columns]
  return dict(zip(names, values, strict=True))


def mean_accuracy(
  predictions: np.ndarray,
  labels: np.ndarray,
  weights: np.ndarray,
  names: Sequence[str],
) -> float:
  """Mean of `accuracy` over the labelled outputs."""
  return counted.mean(accuracy(predictions, labels, weights, names))


def mean_auc(
  predictions: np.ndarray,
  labels: np.ndarray,
  weights: np.ndarray,
  names: Sequence[str],
) -> float:
  """Mean of `auc` over the outputs where it is defined."""
  return counted.mean(auc(predictions, labels, weights, names))


def tune(
  predictions: np.ndarray,
  labels: np.ndarray,
  weights: np.ndarray,
  names: Sequence[str],
) -> dict[str, float | None]:
  """{output: the threshold in .05, .10, ... .95 with the highest F1}.

  Among equally good thresholds the one closest to .5 wins, and the lower of two
  equally close. An output without gold positives cannot be tuned: its threshold
  is None. Tune on validation only: F1 on the data that thresholds were tuned on
  flatters.
  """
  predictions, labels, weights = counted.arrays(predictions, labels, weights)
  scores = np.stack(
    [_f1(predictions > t, labels > 0.5, weights) for t in THRESHOLDS]
  )
  # Equal scores may differ in the last digit, which must not decide.
  scores = np.round(scores, 12)
  by_distance = sorted(range(len(THRESHOLDS)), key=_distance)
  result: dict[str, float | None] = {}
  positives = np.sum(weights * (labels > 0.5), axis=0)
  for name, column, total in zip(names, scores.T, positives, strict=True):
    if not total > 0:
      result[name] = None
      continue
    # max() keeps the first of equals.
    best = max(by_distance, key=lambda i: np.nan_to_num(column[i]))
    result[name] = THRESHOLDS[best]
  return result


def _distance(i):
  return (abs(THRESHOLDS[i] - 0.5), i)


def _threshold(thresholds, name):
  if thresholds is None:
    return 0.5
  if name not in thresholds:
    raise UserError(f'No threshold for {name!r}; known: {list(thresholds)}.')
  threshold = thresholds[name]
  return np.nan if threshold is None else threshold


def _f1(predicted, gold, weights):
  """F1 of boolean [N, K]: [K]; NaN where no label counts."""
  right = np.sum(weights * (predicted & gold), axis=0)
  sizes = np.sum(weights * predicted, axis=0) + np.sum(weights * gold, axis=0)
  values = counted.divide(2 * right, sizes, 0.0)
  return np.where(weights.sum(axis=0) > 0, values, np.nan)


def _auc(scores, gold, weights):
  """Area under the ROC curve of one output, all arguments [N]."""
  _, rank = np.unique(scores, return_inverse=True)
  positive = np.bincount(rank, weights * gold)
  negative = np.bincount(rank, weights * ~gold)
  pairs = positive.sum() * negative.sum()
  below = np.cumsum(negative) - negative / 2
  return float(np.sum(positive * below) / pairs) if pairs > 0 else float('nan')
