"""Weights of classes and outputs: given, or computed from training counts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from affect_jax.errors import UserError

# Methods of class_weights and pos_weight.
METHODS = ('balanced', 'effective')


def by_counts(options: Mapping[str, Any]) -> list[str]:
  """Returns a task's options whose values are computed from `counts`.

  If there are any, `build` of the task needs `counts`.
  """
  found = [k for k, v in options.items() if isinstance(v, str) and v in METHODS]
  if options.get('logit_adjustment'):
    found.append('logit_adjustment')
  return found


def resolve(
  option: str,
  value: Sequence[float] | str | None,
  outputs: Sequence[str],
  *,
  counts: Any,
  cap: float | None,
  beta: float,
) -> np.ndarray | None:
  """Returns the weights that a task's option asks for, float32 [K].

  Args:
    option: 'class_weights' of K classes, or 'pos_weight' of K binary labels.
    value: None, numbers, or one of `METHODS`.
    outputs: Names of the K outputs.
    counts: The counts of `class_weights` or `pos_weights`; only `METHODS` read
      them.
    cap: None, or the largest weight that `METHODS` compute.
    beta: Option of 'effective'.

  Returns:
    None if value is None: all weights are equal.

  Raises:
    UserError: See `checked`, `class_weights` and `pos_weights`.
  """
  if value is None:
    return None
  if not isinstance(value, str) or value not in METHODS:
    return checked(value, outputs, option)
  by_method = class_weights if option == 'class_weights' else pos_weights
  return by_method(counts, outputs, cap, beta if value == 'effective' else None)


def checked(
  weights: Sequence[float] | str, outputs: Sequence[str], option: str
) -> np.ndarray:
  """Returns the weights that a config gives, as float32 [K].

  Raises:
    UserError: There is not one weight per output, a weight is negative or not
      finite, or all are 0.
  """
  if isinstance(weights, str):
    raise UserError(
      f"{option} must be None, 'balanced', 'effective' or {len(outputs)} "
      f'numbers, not {weights!r}.'
    )
  array = np.asarray(weights, np.float32)
  if array.shape != (len(outputs),):
    raise UserError(
      f'{option} {list(weights)} must have one number for each of the '
      f'{len(outputs)} outputs {list(outputs)}.'
    )
  if not (np.all(np.isfinite(array)) and np.all(array >= 0) and array.any()):
    raise UserError(
      f'{option} {list(weights)} must be finite, >= 0 and not all 0.'
    )
  return array


def class_weights(
  counts: npt.ArrayLike | None,
  outputs: Sequence[str],
  cap: float | None = None,
  beta: float | None = None,
) -> np.ndarray:
  """Returns weights of K classes with n_c of N samples each, float32 [K].

  Without beta, weights are 'balanced': N / (K * n_c), as in scikit-learn. With
  beta, they are 'effective': proportional to 1 / effective_number(n_c, beta),
  as in Cui et al., 2019. With beta 0 all weights are equal, and near 1 they are
  'balanced'. Both have a mean of 1 over the samples (in Cui et al., over the
  classes; a multiple gives the same loss).

  Args:
    counts: Summed label mass of each class [K] in the samples that training
      draws.
    outputs: Names of the K classes.
    cap: None, or the largest weight, also the weight of an absent class, which
      is 1 without a cap: no sample is weighted by it.
    beta: None, or in [0, 1).

  Raises:
    UserError: There are no counts, their length is wrong, or beta is out of
      range.
  """
  what = 'of samples of each class [K]'
  (counts,) = _counts((counts,), outputs, what, _method(beta))
  numbers = counts if beta is None else effective_number(counts, beta)
  shares = np.where(numbers > 0, counts / np.where(numbers > 0, numbers, 1), 1)
  return _ratios(counts.sum() / shares.sum(), numbers, cap)


def pos_weights(
  counts: Sequence[npt.ArrayLike] | None,
  outputs: Sequence[str],
  cap: float | None = None,
  beta: float | None = None,
) -> np.ndarray:
  """Returns weights of the positives of K binary labels, float32 [K].

  Without beta, weights are 'balanced': negatives / positives. With beta, they
  are 'effective': the ratio of the effective numbers (Cui et al., 2019, with
  every output as two classes). Beta 0 gives 1, and beta near 1 gives
  'balanced'.

  Args:
    counts: (positives [K], labelled [K]) in the samples that training draws.
    outputs: Names of the K outputs.
    cap: None, or the largest weight, also the weight of an output without
      positives, which is 1 without a cap: no label is weighted by it.
    beta: None, or in [0, 1).

  Raises:
    UserError: There are no counts, their lengths are wrong, positives
      outnumber labels, an output has no negatives (its weight would be 0, and
      the model would learn nothing from it), or beta is out of range.
  """
  what = 'of labels (positives [K], labelled [K])'
  positives, labelled = _counts(
    counts or (None, None), outputs, what, _method(beta)
  )
  for name, up, total in zip(outputs, positives, labelled, strict=True):
    if up > total:
      raise UserError(
        f'{name} has {up:g} positives of {total:g} labels: these counts cannot '
        'be right.'
      )
    if up == total > 0:
      raise UserError(
        f'{name} has no negative training label, so its weight would be 0. Set '
        "pos_weight to numbers, or leave the output out of the task's outputs."
      )
  negatives = labelled - positives
  if beta is not None:
    negatives = effective_number(negatives, beta)
    positives = effective_number(positives, beta)
  return _ratios(negatives, positives, cap)


def effective_number(counts: npt.ArrayLike, beta: float) -> np.ndarray:
  """Returns (1 - beta^n) / (1 - beta) for every count n, float64.

  Cui et al., 2019, "Class-balanced loss based on effective number of
  samples": n samples are worth fewer, as each further one may repeat what the
  others showed. The number grows from 0 to 1 / (1 - beta); with beta 0 it is 1
  for any n > 0.

  Args:
    counts: Any shape, >= 0; label mass need not be a whole number.
    beta: In [0, 1); the paper uses 0.9 to 0.9999.

  Raises:
    UserError: beta is out of range.
  """
  if not 0 <= beta < 1:
    raise UserError(f'beta must be in [0, 1), not {beta}.')
  return (1 - np.power(beta, np.asarray(counts, np.float64))) / (1 - beta)


def log_priors(
  counts: npt.ArrayLike | None, outputs: Sequence[str]
) -> np.ndarray:
  """Returns log(n_c / N) of K classes with n_c of N samples, float32 [K].

  That of an absent class is 0, as if it were the only one: its own would leave
  its logit free in training, and it would be predicted everywhere.

  Args:
    counts: Summed label mass of each class [K] in the samples that training
      draws.
    outputs: Names of the K classes.

  Raises:
    UserError: There are no counts, all are 0, or their length is wrong.
  """
  what = 'of samples of each class [K]'
  (counts,) = _counts((counts,), outputs, what, 'logit_adjustment')
  if not counts.any():
    raise UserError(
      f'logit_adjustment needs training samples, but {list(outputs)} have none.'
    )
  priors = np.where(counts > 0, counts / counts.sum(), 1.0)
  return np.log(priors).astype(np.float32)


def _method(beta):
  return repr(METHODS[0] if beta is None else METHODS[1])


def _counts(counts, outputs, what, method):
  """Returns the counts as checked float64 arrays [K]."""
  if any(c is None for c in counts):
    raise UserError(f'{method} needs `counts` {what}.')
  arrays = [np.asarray(c, np.float64) for c in counts]
  for array in arrays:
    if array.shape != (len(outputs),) or not np.all(array >= 0):
      raise UserError(
        f'Counts {array.tolist()} must be {what}, >= 0, for {list(outputs)}.'
      )
  return arrays


def _ratios(numerators, counts, cap):
  """Returns numerators / counts, at most the cap; for 0, the cap or 1."""
  if cap is not None and not cap > 0:
    raise UserError(f'weight_cap must be above 0, not {cap}.')
  numerators = np.broadcast_to(numerators, counts.shape)
  weights = numerators / np.where(counts > 0, counts, 1)
  weights = np.where(counts > 0, weights, 1.0 if cap is None else cap)
  return np.minimum(weights, np.inf if cap is None else cap).astype(np.float32)
