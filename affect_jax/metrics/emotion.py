"""Metrics of K emotions of which several can be present at once.

`predictions` [N, K] are probabilities, `labels` [N, K] in [0, 1]; an emotion
is present above .5. `weights` are [N] or [N, K]. The other metrics that papers
report are elsewhere:

  F1, AUC of each emotion, macro-F1   `multilabel`; `mean_f1` is the macro-F1
  one emotion out of K                `classification`: `weighted_f1`, `uar`,
                                      `accuracy` ("WA" of speech papers)
"""

from collections.abc import Sequence

import numpy as np

from affect_jax.metrics import classification
from affect_jax.metrics import counted


def weighted_accuracy(
  predictions: np.ndarray,
  labels: np.ndarray,
  weights: np.ndarray,
  names: Sequence[str],
) -> dict[str, float]:
  """{emotion: mean of the recalls of "present" and "absent"}.

  (TP * N / P + TN) / (2 N), where P rows have the emotion and N do not: the
  weighted accuracy of CMU-MOSEI papers (in the code of Tsai et al., 2019, and
  Dai et al., 2020), elsewhere called balanced accuracy. It is not the "WA" of
  speech papers, which is plain accuracy. Guessing scores .5.

  NaN if all gold labels are the same: the formula then divides by 0.
  """
  predictions, labels, weights = counted.arrays(predictions, labels, weights)
  gold = labels > 0.5
  right = (predictions > 0.5) == gold
  recalls = [
    counted.divide(
      np.sum(weights * (right & rows), axis=0),
      np.sum(weights * rows, axis=0),
      np.nan,
    )
    for rows in (gold, ~gold)
  ]
  values = (recalls[0] + recalls[1]) / 2
  return dict(zip(names, values.tolist(), strict=True))


def mean_weighted_accuracy(
  predictions: np.ndarray,
  labels: np.ndarray,
  weights: np.ndarray,
  names: Sequence[str],
) -> float:
  """Mean of `weighted_accuracy` over the emotions where it is defined."""
  return counted.mean(weighted_accuracy(predictions, labels, weights, names))


def weighted_f1(
  predictions: np.ndarray,
  labels: np.ndarray,
  weights: np.ndarray,
  names: Sequence[str],
) -> dict[str, float]:
  """{emotion: mean of the F1s of "present" and "absent", by gold rows}.

  Papers report it for each emotion of IEMOCAP and CMU-MOSEI (in the code of
  Tsai et al., 2019, and Dai et al., 2020). It flatters: a model that never
  finds an emotion of 5 % of the rows scores .93. Read it beside
  `multilabel.f1`, the F1 of "present" alone, which is then 0. NaN for an
  emotion without any counted label.
  """
  predictions, labels, weights = counted.arrays(predictions, labels, weights)
  values = [
    classification.weighted_f1(*classification.two_classes(p, y, w))
    for p, y, w in (
      (predictions[:, [k]], labels[:, [k]], weights[:, k])
      for k in range(labels.shape[1])
    )
  ]
  return dict(zip(names, values, strict=True))


def mean_weighted_f1(
  predictions: np.ndarray,
  labels: np.ndarray,
  weights: np.ndarray,
  names: Sequence[str],
) -> float:
  """Mean of `weighted_f1` over the labelled emotions."""
  return counted.mean(weighted_f1(predictions, labels, weights, names))
