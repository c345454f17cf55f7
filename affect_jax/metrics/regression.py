"""Metrics of K real numbers, e.g. valence and arousal.

`predictions` and `labels` are [N, K], `weights` [N] or [N, K]. Results are
{output: value}; an output without any counted label has NaN. Moments are
those of the population (divided by the total weight, not by n - 1).
"""

from collections.abc import Sequence

import numpy as np

from affect_jax.metrics import counted


def ccc(
  predictions: np.ndarray,
  labels: np.ndarray,
  weights: np.ndarray,
  names: Sequence[str],
) -> dict[str, float]:
  """{output: concordance correlation coefficient}, in [-1, 1] (Lin, 1989).

  2 cov / (var + var + (difference of the means)^2); 1 means equality. It is 0
  if only one of the two is constant, or both are with different values, and NaN
  (0/0) if both are the same constant.
  """
  var_p, var_l, cov, gap = _moments(predictions, labels, weights)
  values = counted.divide(2 * cov, var_p + var_l + gap**2, np.nan)
  return dict(zip(names, values.tolist(), strict=True))


def mean_ccc(
  predictions: np.ndarray,
  labels: np.ndarray,
  weights: np.ndarray,
  names: Sequence[str],
) -> float:
  """Mean CCC over the outputs where it is defined: P_VA of ABAW."""
  return counted.mean(ccc(predictions, labels, weights, names))


def pearson(
  predictions: np.ndarray,
  labels: np.ndarray,
  weights: np.ndarray,
  names: Sequence[str],
) -> dict[str, float]:
  """{output: Pearson correlation}, in [-1, 1]; NaN if either is constant."""
  var_p, var_l, cov, _ = _moments(predictions, labels, weights)
  values = counted.divide(cov, np.sqrt(var_p) * np.sqrt(var_l), np.nan)
  return dict(zip(names, np.clip(values, -1, 1).tolist(), strict=True))


def rmse(
  predictions: np.ndarray,
  labels: np.ndarray,
  weights: np.ndarray,
  names: Sequence[str],
) -> dict[str, float]:
  """{output: root of the mean squared error}, in the unit of the labels."""
  predictions, labels, weights = counted.arrays(predictions, labels, weights)
  squares = _mean((predictions - labels) ** 2, weights)
  return dict(zip(names, np.sqrt(squares).tolist(), strict=True))


def mae(
  predictions: np.ndarray,
  labels: np.ndarray,
  weights: np.ndarray,
  names: Sequence[str],
) -> dict[str, float]:
  """{output: mean absolute error}, in the unit of the labels."""
  predictions, labels, weights = counted.arrays(predictions, labels, weights)
  values = _mean(np.abs(predictions - labels), weights)
  return dict(zip(names, values.tolist(), strict=True))


def sign_agreement(
  predictions: np.ndarray,
  labels: np.ndarray,
  weights: np.ndarray,
  names: Sequence[str],
) -> dict[str, float]:
  """{output: share of predictions with the sign of the label}, in [0, 1].

  0 is a sign of its own and agrees only with 0 (SAGR: Nicolaou et al., 2011).
  """
  predictions, labels, weights = counted.arrays(predictions, labels, weights)
  agree = np.sign(predictions) == np.sign(labels)
  values = _mean(agree.astype(np.float64), weights)
  return dict(zip(names, values.tolist(), strict=True))


def _mean(values, weights):
  """Weighted mean over rows: [N, K] -> [K]; NaN where no label counts."""
  total = weights.sum(axis=0)
  return counted.divide(np.sum(weights * values, axis=0), total, np.nan)


def _center(values, weights):
  """Returns (mean, deviations from it); those of a constant are exactly 0."""
  mean = _mean(values, weights)
  low = np.min(values, axis=0, where=weights > 0, initial=np.inf)
  high = np.max(values, axis=0, where=weights > 0, initial=-np.inf)
  mean = np.where(low == high, low, mean)
  return mean, np.where(weights > 0, values - mean[None, :], 0)


def _moments(predictions, labels, weights):
  """Returns both variances, covariance and difference of means, each [K]."""
  predictions, labels, weights = counted.arrays(predictions, labels, weights)
  mean_p, dp = _center(predictions, weights)
  mean_l, dl = _center(labels, weights)
  var_p, var_l, cov = (_mean(x, weights) for x in (dp**2, dl**2, dp * dl))
  return var_p, var_l, cov, mean_p - mean_l
