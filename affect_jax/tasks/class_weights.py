"""Weights of classes and outputs: given, or balanced by training counts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from affect_jax.errors import UserError

# Names that class_weights and pos_weight know.
METHODS = ('balanced', 'effective')


def by_counts(options: Mapping[str, Any]) -> list[str]:
  """Names of a task's options whose values are computed from `counts`.

  Where there is one, `build` of the task wants `counts`.
  """
  named = [k for k, v in options.items() if isinstance(v, str) and v in METHODS]
  if options.get('logit_adjustment'):
    named.append('logit_adjustment')
  return named


def resolve(
  option: str,
  value: Sequence[float] | str | None,
  outputs: Sequence[str],
  *,
  counts: Any,
  cap: float | None,
  beta: float,
) -> np.ndarray | None:
  """The weights that an option of a task asks for, float32 [K].

  Args:
    option: 'class_weights' of K classes, or 'pos_weight' of K yes/no labels.
    value: None, numbers, or one of `METHODS`.
    outputs: Names of the K outputs.
    counts: As `class_weights` or `pos_weights` want them; read by `METHODS`.
    cap: Of `METHODS`: None, or the largest weight.
    beta: Of 'effective'.

  Returns:
    None where value is None: all weigh the same.

  Raises:
    ValueError: See `checked`, `class_weights` and `pos_weights`.
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
  """The weights that a config gives, as float32 [K].

  Raises:
    ValueError: Not one per output, negative, not finite, or all 0.
  """
  if isinstance(weights, str):
    raise UserError(
      f"{option} is {weights!r}; known: None, 'balanced', 'effective', or "
      f'{len(outputs)} numbers.'
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
  """Weights of K classes with n_c samples each, of N, float32 [K].

  Without beta 'balanced': N / (K * n_c), scikit-learn's. With beta
  'effective': proportional to 1 / effective_number(n_c, beta), by Cui et al.,
  2019. Beta 0 weighs all classes alike, beta towards 1 is 'balanced'. Both
  have a mean of 1 over the samples (Cui et al.: over the classes; a multiple
  is the same loss).

  Args:
    counts: Summed label mass of each class, of what training draws [K].
    outputs: Names of the K classes.
    cap: None, or the largest weight allowed; that of an absent class.
    beta: None, or in [0, 1).

  Raises:
    ValueError: No counts, wrong length, an absent class without a cap, or a
      beta out of range.
  """
  what = 'of samples of each class [K]'
  (counts,) = _counts((counts,), outputs, what, _method(beta))
  numbers = counts if beta is None else effective_number(counts, beta)
  shares = np.where(numbers > 0, counts / np.where(numbers > 0, numbers, 1), 1)
  return _ratios(
    counts.sum() / shares.sum(), numbers, outputs, cap, 'no training sample'
  )


def pos_weights(
  counts: Sequence[npt.ArrayLike] | None,
  outputs: Sequence[str],
  cap: float | None = None,
  beta: float | None = None,
) -> np.ndarray:
  """Weights of the positives of K yes/no labels, float32 [K].

  Without beta 'balanced': negatives / positives. With beta 'effective': the
  same ratio of their effective numbers (Cui et al., 2019, for every output as
  two classes); beta 0 is 1, beta towards 1 is 'balanced'.

  Args:
    counts: (positives [K], labelled [K]) of what training draws.
    outputs: Names of the K outputs.
    cap: None, or the largest weight allowed; that of an output without
      positives.
    beta: None, or in [0, 1).

  Raises:
    ValueError: No counts, wrong lengths, more positives than labels, an
      output without negatives (its weight would be 0, and nothing would be
      learnt from it), one without positives and no cap, or a beta out of
      range.
  """
  what = 'of labels (positives [K], labelled [K])'
  positives, labelled = _counts(
    counts or (None, None), outputs, what, _method(beta)
  )
  for name, up, total in zip(outputs, positives, labelled, strict=True):
    if up > total:
      raise UserError(f'{name} has {up:g} positives of {total:g} labels.')
    if up == total > 0:
      raise UserError(
        f'{name} has no negative training label: it cannot be balanced. '
        'Give pos_weight as numbers, or leave the output out.'
      )
  negatives = labelled - positives
  if beta is not None:
    negatives = effective_number(negatives, beta)
    positives = effective_number(positives, beta)
  return _ratios(
    negatives, positives, outputs, cap, 'no positive training label'
  )


def effective_number(counts: npt.ArrayLike, beta: float) -> np.ndarray:
  """(1 - beta^n) / (1 - beta) of every count n, float64.

  Cui et al., 2019, "Class-balanced loss based on effective number of
  samples": how many samples n are worth, where each further one may repeat
  what the others showed. Grows from 0 to 1 / (1 - beta); 1 where beta is 0.

  Args:
    counts: Any shape, >= 0; label mass need not be whole.
    beta: In [0, 1); the paper uses .9 to .9999.

  Raises:
    ValueError: beta out of range.
  """
  if not 0 <= beta < 1:
    raise UserError(f'beta must be in [0, 1), not {beta}.')
  return (1 - np.power(beta, np.asarray(counts, np.float64))) / (1 - beta)


def log_priors(
  counts: npt.ArrayLike | None, outputs: Sequence[str]
) -> np.ndarray:
  """log(n_c / N) of K classes with n_c of N samples, float32 [K].

  Args:
    counts: Summed label mass of each class, of what training draws [K].
    outputs: Names of the K classes.

  Raises:
    ValueError: No counts, wrong length, or an absent class: nothing in the
      loss would keep its logit down, and it would be predicted everywhere.
  """
  what = 'of samples of each class [K]'
  (counts,) = _counts((counts,), outputs, what, 'logit_adjustment')
  absent = [n for n, c in zip(outputs, counts, strict=True) if c == 0]
  if absent:
    raise UserError(
      f'{absent} have no training sample: logit_adjustment needs the prior of '
      'every class. Leave the outputs out, or set logit_adjustment to 0.'
    )
  return np.log(counts / counts.sum()).astype(np.float32)


def _method(beta):
  return repr(METHODS[0] if beta is None else METHODS[1])


def _counts(counts, outputs, what, method):
  """Float64 arrays [K], checked."""
  if any(c is None for c in counts):
    raise UserError(f'{method} needs `counts` {what}.')
  arrays = [np.asarray(c, np.float64) for c in counts]
  for array in arrays:
    if array.shape != (len(outputs),) or not np.all(array >= 0):
      raise UserError(
        f'Counts {array.tolist()} must be {what}, >= 0, for {list(outputs)}.'
      )
  return arrays


def _ratios(numerators, counts, outputs, cap, reason):
  """numerators / counts, not above the cap."""
  if cap is not None and not cap > 0:
    raise UserError(f'weight_cap must be above 0, not {cap}.')
  absent = [n for n, c in zip(outputs, counts, strict=True) if c == 0]
  if absent and cap is None:
    raise UserError(
      f'{absent} have {reason}: they would weigh infinitely. Set weight_cap, '
      'give the weights as numbers, or leave the outputs out.'
    )
  numerators = np.broadcast_to(numerators, counts.shape)
  weights = numerators / np.where(counts > 0, counts, 1)
  weights = np.where(counts > 0, weights, np.inf)
  return np.minimum(weights, np.inf if cap is None else cap).astype(np.float32)
