"""Facial action units (FACS): K muscle movements, each present or absent.

Ekman & Friesen, 1978. Each unit may be labelled or missing on its own.
"""

from collections.abc import Sequence
import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from affect_jax import by_name
from affect_jax.errors import UserError
from affect_jax.metrics import multilabel
from affect_jax.tasks import annotation
from affect_jax.tasks import base
from affect_jax.tasks import class_weights
from affect_jax.tasks import losses


def names(*numbers: int) -> tuple[str, ...]:
  """Returns names of units: (1, 12) -> ('AU1', 'AU12')."""
  return tuple(f'AU{n}' for n in numbers)


# Units that corpora annotate, in the order of their files.
AFFWILD2_12 = names(1, 2, 4, 6, 7, 10, 12, 15, 23, 24, 25, 26)
AFFWILD2_8 = names(1, 2, 4, 6, 12, 15, 20, 25)
DISFA_12 = names(1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
DISFA_8 = names(1, 2, 4, 6, 9, 12, 25, 26)
EMOTIONET_12 = names(1, 2, 4, 5, 6, 9, 12, 17, 20, 25, 26, 43)

LOSSES = ('binary_cross_entropy', 'focal', 'asymmetric')


def canonical_name(name: str) -> str:
  """Returns a unit's canonical name: 'au01', 'AU_1', 'AU01_c' -> 'AU1'.

  'AU12L' and 'AU12R' are units of one side of the face. `_c` marks OpenFace's
  presence columns. Its intensity columns, `_r`, are refused: 0 to 5 is not a
  probability.

  Raises:
    UserError: The name is not that of a unit from AU1 to AU64.
  """
  key = name.strip().lower()
  match = re.fullmatch(r'au[ _-]?0*(\d{1,2})([lr]?)(_c)?', key)
  if match is None or not 1 <= int(match[1]) <= 64:
    raise UserError(
      f'Unknown action unit {name!r}; known: AU1 ... AU64, also written au01, '
      'AU_1 or AU01_c (presence; AU01_r is an intensity).'
    )
  return f'AU{int(match[1])}{match[2].upper()}'


ANNOTATION = annotation.Annotation(
  'presence',
  tuple(f'AU{n}{side}' for n in range(1, 65) for side in ('', 'L', 'R')),
  spelling=canonical_name,
  csvs=('faces',),
)


def loss(
  outputs: jax.Array,
  labels: jax.Array,
  weights: jax.Array,
  *,
  kind: str = 'binary_cross_entropy',
  pos_weight: np.ndarray | None = None,
  focal_gamma: float = 2.0,
  focal_alpha: float | None = None,
  gamma_neg: float = 4.0,
  gamma_pos: float = 1.0,
  clip: float = 0.05,
) -> jax.Array:
  """Returns the mean of a binary loss over all labels; see `losses`.

  Args:
    outputs: Logits [B, K].
    labels: [B, K] in [0, 1].
    weights: [B, K].
    kind: One of `LOSSES`.
    pos_weight: None, or [K].
    focal_gamma: Option of 'focal', see `build`.
    focal_alpha: Option of 'focal'.
    gamma_neg: Option of 'asymmetric', see `build`.
    gamma_pos: Option of 'asymmetric'.
    clip: Option of 'asymmetric'.
  """
  if kind == 'focal':
    return losses.sigmoid_focal(
      outputs,
      labels,
      weights,
      gamma=focal_gamma,
      alpha=focal_alpha,
      pos_weight=pos_weight,
    )
  if kind == 'asymmetric':
    return losses.sigmoid_asymmetric(
      outputs,
      labels,
      weights,
      gamma_neg=gamma_neg,
      gamma_pos=gamma_pos,
      clip=clip,
      pos_weight=pos_weight,
    )
  return losses.sigmoid_cross_entropy(
    outputs, labels, weights, pos_weight=pos_weight
  )


def predict(outputs: jax.Array) -> jax.Array:
  """Maps logits [B, K] to probabilities [B, K]."""
  return jax.nn.sigmoid(outputs.astype(jnp.float32))


def make_loss(
  outputs: Sequence[str],
  kind: str,
  *,
  pos_weight: Sequence[float] | str | None,
  focal_gamma: float,
  focal_alpha: float | None,
  gamma_neg: float,
  gamma_pos: float,
  clip: float,
  counts: Sequence[npt.ArrayLike] | None,
  weight_cap: float | None,
  beta: float,
) -> base.Loss:
  """Returns `loss` with its options set; they are those of `build`.

  Raises:
    UserError: A value is out of range.
  """
  base.check_range('focal_gamma', focal_gamma, 0)
  base.check_range('gamma_neg', gamma_neg, 0)
  base.check_range('gamma_pos', gamma_pos, 0)
  base.check_range('clip', clip, 0, 1, open_end=True)
  base.check_range('beta', beta, 0, 1, open_end=True)
  if focal_alpha is not None:
    base.check_range('focal_alpha', focal_alpha, 0, 1)
  numbers = class_weights.resolve(
    'pos_weight',
    pos_weight,
    outputs,
    counts=counts,
    cap=weight_cap,
    beta=beta,
  )
  return functools.partial(
    loss,
    kind=kind,
    pos_weight=numbers,
    focal_gamma=focal_gamma,
    focal_alpha=focal_alpha,
    gamma_neg=gamma_neg,
    gamma_pos=gamma_pos,
    clip=clip,
  )


def build(
  outputs: Sequence[str] = AFFWILD2_12,
  loss: str = 'binary_cross_entropy',
  pos_weight: Sequence[float] | str | None = None,
  focal_gamma: float = 2.0,
  focal_alpha: float | None = None,
  gamma_neg: float = 4.0,
  gamma_pos: float = 1.0,
  clip: float = 0.05,
  counts: Sequence[npt.ArrayLike] | None = None,
  weight_cap: float | None = None,
  beta: float = 0.9999,
) -> base.Task:
  """Builds the task 'action_units'; `action_units/mean_f1` is P_AU of ABAW.

  Args:
    outputs: Canonical names of the units, in order; see `canonical_name`.
    loss: 'binary_cross_entropy', 'focal' (Lin et al., 2017) or 'asymmetric'
      (Ridnik et al., 2021).
    pos_weight: Factor of positive labels in any loss: None, one number per
      unit, 'balanced' (negatives / positives of `counts`) or 'effective' (the
      ratio of their effective numbers, see `class_weights`).
    focal_gamma: Focusing exponent of 'focal', >= 0.
    focal_alpha: Option of 'focal': None, or the factor of positives, in
      [0, 1]; negatives get 1 - focal_alpha.
    gamma_neg: Focusing exponent for negatives in 'asymmetric', >= 0.
    gamma_pos: Focusing exponent for positives in 'asymmetric', >= 0.
    clip: Probability, in [0, 1), below which negatives have no loss in
      'asymmetric'.
    counts: (positives [K], labelled [K]) of the samples that training draws;
      only 'balanced' and 'effective' read them.
    weight_cap: Largest weight computed from counts, also the weight of units
      without positives; None: no limit.
    beta: Option of 'effective', in [0, 1): 0 gives weights of 1, values near 1
      give 'balanced'.

  Raises:
    UserError: A name is unknown or a value is out of range; the message lists
      the choices.
  """
  outputs = base.check_outputs('action_units', outputs)
  by_name.check('action unit loss', loss, LOSSES)
  for name in outputs:
    if canonical_name(name) != name:
      raise UserError(
        f'action_units: write {canonical_name(name)!r} instead of {name!r}.'
      )
  binary_loss = make_loss(
    outputs,
    loss,
    pos_weight=pos_weight,
    focal_gamma=focal_gamma,
    focal_alpha=focal_alpha,
    gamma_neg=gamma_neg,
    gamma_pos=gamma_pos,
    clip=clip,
    counts=counts,
    weight_cap=weight_cap,
    beta=beta,
  )

  def tuned_f1(predictions, labels, weights, thresholds):
    return multilabel.f1(predictions, labels, weights, outputs, thresholds)

  def tuned_mean_f1(predictions, labels, weights, thresholds):
    return multilabel.mean_f1(predictions, labels, weights, outputs, thresholds)

  return base.Task(
    name='action_units',
    outputs=outputs,
    loss=binary_loss,
    predict=predict,
    metrics={
      'mean_f1': functools.partial(multilabel.mean_f1, names=outputs),
      'mean_auc': functools.partial(multilabel.mean_auc, names=outputs),
      'mean_accuracy': functools.partial(
        multilabel.mean_accuracy, names=outputs
      ),
      'f1': functools.partial(multilabel.f1, names=outputs),
      'auc': functools.partial(multilabel.auc, names=outputs),
      'accuracy': functools.partial(multilabel.accuracy, names=outputs),
    },
    headline='mean_f1',
    weight_per_output=True,
    tune=functools.partial(multilabel.tune, names=outputs),
    tuned_metrics={'tuned_f1': tuned_f1, 'tuned_mean_f1': tuned_mean_f1},
  )
