"""Weights of classes and outputs: given, or balanced by training counts."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def checked(
  weights: Sequence[float] | str, outputs: Sequence[str], option: str
) -> np.ndarray:
  """The weights that a config gives, as float32 [K].

  Raises:
    ValueError: Not one per output, negative, not finite, or all 0.
  """
  if isinstance(weights, str):
    raise ValueError(
      f"{option} is {weights!r}; known: None, 'balanced', or {len(outputs)} "
      'numbers.'
    )
  array = np.asarray(weights, np.float32)
  if array.shape != (len(outputs),):
    raise ValueError(
      f'{option} {list(weights)} must have one number for each of the '
      f'{len(outputs)} outputs {list(outputs)}.'
    )
  if not (np.all(np.isfinite(array)) and np.all(array >= 0) and array.any()):
    raise ValueError(
      f'{option} {list(weights)} must be finite, >= 0 and not all 0.'
    )
  return array


def class_weights(
  counts: npt.ArrayLike | None,
  outputs: Sequence[str],
  cap: float | None = None,
) -> np.ndarray:
  """Weights N / (K * n_c) of K classes with n_c of N samples, float32 [K].

  Their mean over the samples is 1 (scikit-learn's `class_weight='balanced'`).

  Args:
    counts: Summed label mass of each class in the training split [K].
    outputs: Names of the K classes.
    cap: None, or the largest weight allowed; that of an absent class.

  Raises:
    ValueError: No counts, wrong length, or an absent class without a cap.
  """
  (counts,) = _counts((counts,), outputs, 'expression counts [K]')
  return _ratios(
    counts.sum() / len(outputs), counts, outputs, cap, 'no training sample'
  )


def pos_weights(
  counts: Sequence[npt.ArrayLike] | None,
  outputs: Sequence[str],
  cap: float | None = None,
) -> np.ndarray:
  """Weights negatives / positives of K yes/no labels, float32 [K].

  Args:
    counts: (positives [K], labelled [K]) of the training split.
    outputs: Names of the K outputs.
    cap: None, or the largest weight allowed; that of an output without
      positives.

  Raises:
    ValueError: No counts, wrong lengths, more positives than labels, an
      output without negatives (its weight would be 0, and nothing would be
      learnt from it), or one without positives and no cap.
  """
  what = 'action unit counts (positives [K], labelled [K])'
  positives, labelled = _counts(counts or (None, None), outputs, what)
  for name, up, total in zip(outputs, positives, labelled, strict=True):
    if up > total:
      raise ValueError(f'{name} has {up:g} positives of {total:g} labels.')
    if up == total > 0:
      raise ValueError(
        f'{name} has no negative training label: it cannot be balanced. '
        'Give pos_weight as numbers, or leave the output out.'
      )
  return _ratios(
    labelled - positives, positives, outputs, cap, 'no positive training label'
  )


def _counts(counts, outputs, what):
  """Float64 arrays [K], checked."""
  if any(c is None for c in counts):
    raise ValueError(f"'balanced' needs `counts`: {what}.")
  arrays = [np.asarray(c, np.float64) for c in counts]
  for array in arrays:
    if array.shape != (len(outputs),) or not np.all(array >= 0):
      raise ValueError(
        f'Counts {array.tolist()} must be {what}, >= 0, for {list(outputs)}.'
      )
  return arrays


def _ratios(numerators, counts, outputs, cap, reason):
  """numerators / counts, not above the cap."""
  if cap is not None and not cap > 0:
    raise ValueError(f'weight_cap must be above 0, not {cap}.')
  absent = [n for n, c in zip(outputs, counts, strict=True) if c == 0]
  if absent and cap is None:
    raise ValueError(
      f"{absent} have {reason}: 'balanced' would weigh them infinitely. Set "
      'weight_cap, give the weights as numbers, or leave the outputs out.'
    )
  numerators = np.broadcast_to(numerators, counts.shape)
  weights = numerators / np.where(counts > 0, counts, 1)
  weights = np.where(counts > 0, weights, np.inf)
  return np.minimum(weights, np.inf if cap is None else cap).astype(np.float32)
