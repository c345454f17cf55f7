"""Metrics of one class out of K, e.g. expression.

`predictions` [N, K] are scores, `labels` [N, K] distributions: the predicted
and the gold class are their argmax (the first of equals). `weights` are [N].
Results are in [0, 1], except for the confusion matrix, and NaN if no row
counts.
"""

from collections.abc import Sequence

import numpy as np

from affect_jax.errors import UserError
from affect_jax.metrics import counted


def macro_f1(
  predictions: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> float:
  """Mean of the K F1 scores: P_EXPR of the ABAW challenges.

  All K classes enter the mean. A class with neither gold nor predicted rows has
  an F1 of 0, as in scikit-learn's `f1_score(labels=range(K),
  average='macro', zero_division=0)`, so a split that lacks a class cannot reach
  1. It is the mean of F1s, not the F1 of mean precision and recall (Opitz &
  Burst, 2019).
  """
  f1 = _f1(_confusion(predictions, labels, weights))
  return float(np.mean(f1))


def weighted_f1(
  predictions: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> float:
  """Mean of the F1 scores, each weighted by the gold rows of its class.

  It equals scikit-learn's `f1_score(gold, predicted, average='weighted')`,
  which papers on MELD, IEMOCAP and MUStARD report. A class without gold rows
  does not count, even if it is predicted. Some published code swaps the two
  arguments, which weights each F1 by its predicted rows instead.
  """
  matrix = _confusion(predictions, labels, weights)
  return _by_gold_rows(_f1(matrix), matrix)


def weighted_precision(
  predictions: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> float:
  """Mean of the precisions, each weighted by the gold rows of its class.

  A class that is never predicted has a precision of 0. Weighted recall has no
  function of its own: it equals `accuracy`.
  """
  matrix = _confusion(predictions, labels, weights)
  precision = counted.divide(np.diag(matrix), matrix.sum(axis=0), 0.0)
  return _by_gold_rows(precision, matrix)


def per_class_f1(
  predictions: np.ndarray,
  labels: np.ndarray,
  weights: np.ndarray,
  names: Sequence[str],
) -> dict[str, float]:
  """{class: F1}; 0 for a class with neither gold nor predicted rows."""
  f1 = _f1(_confusion(predictions, labels, weights))
  return dict(zip(names, f1.tolist(), strict=True))


def accuracy(
  predictions: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> float:
  """Share of rows whose predicted class is the gold class.

  Papers on speech emotion call it "WA", weighted accuracy: the mean of the
  recalls, each weighted by the gold rows of its class. ("UA" is `uar`.)
  """
  matrix = _confusion(predictions, labels, weights)
  return float(counted.divide(np.trace(matrix), matrix.sum(), np.nan))


def uar(
  predictions: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> float:
  """Unweighted average recall, over the classes that have gold rows.

  Also called balanced accuracy (Schuller et al., 2009).
  """
  matrix = _confusion(predictions, labels, weights)
  gold = matrix.sum(axis=1)
  if not gold.any():
    return float('nan')
  return float(np.mean(np.diag(matrix)[gold > 0] / gold[gold > 0]))


def confusion(
  predictions: np.ndarray,
  labels: np.ndarray,
  weights: np.ndarray,
  names: Sequence[str],
) -> dict[str, float]:
  """{'gold/predicted': summed weight}, all K * K pairs."""
  matrix = _confusion(predictions, labels, weights)
  if not matrix.any():
    matrix = np.full_like(matrix, np.nan)
  if len(names) != len(matrix):
    raise UserError(f'{len(names)} names {names} for {len(matrix)} classes.')
  return {
    f'{gold}/{predicted}': float(matrix[i, j])
    for i, gold in enumerate(names)
    for j, predicted in enumerate(names)
  }


def two_classes(
  predictions: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Turns a yes/no label into two classes, no and yes, for the metrics above.

  Args:
    predictions: Probabilities [N, 1]: yes above .5, else no.
    labels: [N, 1] in [0, 1]: likewise.
    weights: [N] or [N, 1].

  Returns:
    (predictions [N, 2], labels [N, 2], weights [N]).

  Raises:
    UserError: More than one label, or see `counted.arrays`.
  """
  predictions, labels, weights = counted.arrays(predictions, labels, weights)
  if labels.shape[1] != 1:
    raise UserError(f'One yes/no label is [N, 1], not {labels.shape}.')
  both = lambda yes: np.hstack([1 - yes, yes])
  return both(predictions), both(labels), weights[:, 0]


def _confusion(predictions, labels, weights):
  """Summed weights [K, K]: rows are gold classes, columns predicted ones."""
  if np.ndim(weights) != 1:
    raise UserError(f'One class out of K has weights [N], not {weights.shape}.')
  predictions, labels, weights = counted.arrays(predictions, labels, weights)
  k = labels.shape[1]
  cells = np.argmax(labels, axis=1) * k + np.argmax(predictions, axis=1)
  matrix = np.bincount(cells, weights[:, 0], minlength=k * k)
  # Without rows, bincount returns integers whatever the weights are.
  return matrix.astype(np.float64).reshape(k, k)


def _f1(matrix):
  """F1 of each class [K]; NaN if the matrix is empty."""
  right = np.diag(matrix)
  sizes = matrix.sum(axis=0) + matrix.sum(axis=1)
  return counted.divide(2 * right, sizes, 0.0 if matrix.any() else np.nan)


def _by_gold_rows(values, matrix):
  """Mean of one value per class, weighted by its gold rows; NaN if none."""
  gold = matrix.sum(axis=1)
  return float(counted.divide(np.sum(gold * values), gold.sum(), np.nan))
