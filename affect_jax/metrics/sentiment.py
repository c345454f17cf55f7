"""Sentiment in [-3, 3] as 2, 3, 5 or 7 classes, by the published rules.

`predictions` and `labels` are [N, 1], `weights` [N] or [N, 1]. Papers call
several rules by one name; here every number names its own rule:

  2_neg_nonneg  < 0 and >= 0. Papers on CMU-MOSI and MOSEI until 2019; MMSA's
                "Has0", MISA's "non-neg/neg".
  2_neg_pos     < 0 and > 0: rows with a gold label of 0 are left out, a
                prediction of 0 is negative. Papers since 2019; MMSA's "Non0",
                MulT, MISA's "pos/neg". It is 1 to 3 points higher.
  2_nonpos_pos  <= 0 and > 0. MMSA on CH-SIMS.
  3, 5, 7       Clipped to +-1, +-2, +-3, then rounded, halves to the even
                number: MulT, MISA, MMSA on MOSI and MOSEI. (On CH-SIMS, in
                [-1, 1], MMSA cuts 3 and 5 classes at .1 and .7, which is not
                provided here.)
  7_cmu         ... [-1, 0) is -1, 0 is 0, (0, 1] is 1, (1, 2] is 2 ...: the
                README of CMU-MOSEI; only an exact 0 is neutral.

A fourth rule of two classes is MMSA's for models with three classes, see
`of_classes`. MAE and Pearson correlation are in `regression`; MMSA prints
both times 100.
"""

from collections.abc import Sequence

import numpy as np

from affect_jax import by_name
from affect_jax.errors import UserError
from affect_jax.metrics import classification
from affect_jax.metrics import counted


def _rounded(values, largest):
  """Classes 0 ... 2 * largest."""
  return np.round(np.clip(values, -largest, largest)) + largest


def _cmu(values):
  return np.clip(np.sign(values) * np.ceil(np.abs(values)), -3, 3) + 3


# {rule: (values [N] -> classes 0, 1, ...; how many there are)}.
_RULES = {
  '2_neg_nonneg': (lambda x: x >= 0, 2),
  '2_neg_pos': (lambda x: x > 0, 2),
  '2_nonpos_pos': (lambda x: x > 0, 2),
  '3': (lambda x: _rounded(x, 1), 3),
  '5': (lambda x: _rounded(x, 2), 5),
  '7': (lambda x: _rounded(x, 3), 7),
  '7_cmu': (_cmu, 7),
}
RULES = tuple(_RULES)
TWO_CLASSES = RULES[:3]


def accuracy(
  predictions: np.ndarray, labels: np.ndarray, weights: np.ndarray, rule: str
) -> float:
  """Share of rows whose prediction is in the class of the label, in [0, 1].

  NaN if no row counts; for '2_neg_pos', also if all labels that count are 0.

  Raises:
    UserError: The rule is unknown, or see `counted.arrays`.
  """
  return classification.accuracy(*_classes(predictions, labels, weights, rule))


def weighted_f1(
  predictions: np.ndarray, labels: np.ndarray, weights: np.ndarray, rule: str
) -> float:
  """Mean of the classes' F1 scores, weighted by their gold rows, in [0, 1].

  This is MMSA's F1. MulT and MISA ('2_neg_pos') and code that builds on them
  swap gold and prediction, which weights each F1 by its predicted rows: their
  numbers differ from these if a model prefers a class. NaN as in `accuracy`.
  """
  return classification.weighted_f1(
    *_classes(predictions, labels, weights, rule)
  )


def of_classes(
  predictions: np.ndarray,
  labels: np.ndarray,
  weights: np.ndarray,
  names: Sequence[str],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Turns classes negative, neutral, positive into values for two-class rules.

  The label is -1, 0 or 1 (the likeliest class, the first of equals), the
  prediction p(positive) - p(negative), even if neutral is likelier than both.
  With these values '2_nonpos_pos' is the "Has0" of MMSA's classification mode,
  and '2_neg_pos' is what its "Non0" is meant to be: MMSA compares predictions
  0, 1 with labels 0, 2, so that no positive row can be right, and publishes 26
  to 49 %. '2_neg_nonneg' counts a tie as positive; no paper is known to report
  it for classes.

  Args:
    predictions: Probabilities [N, K].
    labels: Distributions [N, K].
    weights: [N].
    names: The K classes: 'negative', 'positive' and possibly 'neutral'.

  Returns:
    (predictions [N, 1], labels [N, 1], weights [N]).

  Raises:
    UserError: 'negative' or 'positive' is missing, weights are not [N], or
      see `counted.arrays`.
  """
  if missing := [n for n in ('negative', 'positive') if n not in names]:
    raise UserError(f'The classes {list(names)} lack {missing}.')
  if np.ndim(weights) != 1:
    raise UserError(f'One class out of K has weights [N], not {weights.shape}.')
  predictions, labels, weights = counted.arrays(predictions, labels, weights)
  down, up = names.index('negative'), names.index('positive')
  gold = np.argmax(labels, axis=1)
  values = (gold == up).astype(np.float64) - (gold == down)
  difference = predictions[:, up] - predictions[:, down]
  return difference[:, None], values[:, None], weights[:, 0]


def _classes(predictions, labels, weights, rule):
  """Applies a rule: one-hot predictions and labels [N, K], and weights [N]."""
  by_name.check('rule', rule, RULES)
  predictions, labels, weights = counted.arrays(predictions, labels, weights)
  if labels.shape[1] != 1:
    raise UserError(f'Sentiment is [N, 1], not {labels.shape}.')
  to_class, k = _RULES[rule]
  weights = weights[:, 0]
  if rule == '2_neg_pos':
    weights = np.where(labels[:, 0] == 0, 0, weights)
  one_hot = lambda x: np.eye(k)[to_class(x[:, 0]).astype(int)]
  return one_hot(predictions), one_hot(labels), weights
