"""Continuous affect: valence (how pleasant) and arousal (how active).

Each is in [-1, 1] (Russell, 1980) and may be labelled or missing on its own.
"""

from collections.abc import Sequence
import functools

import jax
import jax.numpy as jnp

from affect_jax import by_name
from affect_jax.errors import UserError
from affect_jax.metrics import regression
from affect_jax.tasks import annotation
from affect_jax.tasks import base
from affect_jax.tasks import losses

ANNOTATION = annotation.Annotation(
  'value', ('valence', 'arousal'), low=-1, csvs=('faces',)
)

LOSSES = ('ccc', 'mse', 'mae', 'ccc_mse', 'bins')


def loss(
  outputs: jax.Array,
  labels: jax.Array,
  weights: jax.Array,
  *,
  kind: str = 'ccc',
  mse_weight: float = 0.5,
  ccc_weight: float = 1.0,
  bins: int = 20,
  soft_bins: bool = False,
) -> jax.Array:
  """Returns the loss of valence and arousal; ABAW scores CCC.

  ccc      1 - CCC, averaged over valence and arousal (Lin, 1989).
  mse      Mean squared error.
  mae      Mean absolute error.
  ccc_mse  (1 - CCC) + mse_weight * MSE: the second term also moves constant
           predictions together, which CCC does not.
  bins     Cross entropy of binned values + ccc_weight * (1 - CCC of their
           expectation) (Deng et al., 2020).

  Args:
    outputs: [B, 2] before tanh, or logits [B, 2 * bins] for 'bins'.
    labels: [B, 2] in [-1, 1].
    weights: [B, 2].
    kind: One of `LOSSES`, see above.
    mse_weight: Factor of MSE in 'ccc_mse'.
    ccc_weight: Factor of 1 - CCC in 'bins'.
    bins: Number of bins per dimension in 'bins'.
    soft_bins: Whether 'bins' shares a label between the two nearest bins.
  """
  if kind == 'bins':
    values = losses.bin_expectation(outputs, bins)
    return losses.binned_cross_entropy(
      outputs, labels, weights, bins=bins, soft=soft_bins
    ) + ccc_weight * losses.concordance(values, labels, weights)
  values = predict(outputs)
  if kind == 'mse':
    return losses.squared_error(values, labels, weights)
  if kind == 'mae':
    return losses.absolute_error(values, labels, weights)
  ccc = losses.concordance(values, labels, weights)
  if kind == 'ccc':
    return ccc
  return ccc + mse_weight * losses.squared_error(values, labels, weights)


def predict(outputs: jax.Array) -> jax.Array:
  """Maps raw outputs [B, 2] to values in [-1, 1] by tanh."""
  return jnp.tanh(outputs.astype(jnp.float32))


def build(
  outputs: Sequence[str] = ('valence', 'arousal'),
  loss: str = 'ccc',
  mse_weight: float = 0.5,
  ccc_weight: float = 1.0,
  bins: int = 20,
  soft_bins: bool = False,
) -> base.Task:
  """Builds 'valence_arousal'; `valence_arousal/mean_ccc` is P_VA of ABAW.

  Args:
    outputs: Names of the dimensions, in order.
    loss: 'ccc', 'mse', 'mae', 'ccc_mse' or 'bins': see `loss` above.
    mse_weight: Factor of MSE in 'ccc_mse', >= 0.
    ccc_weight: Factor of 1 - CCC in 'bins', >= 0.
    bins: Number of bins per dimension in 'bins', >= 2; the head has `bins`
      units for each dimension, and predicts the mean of their distribution.
    soft_bins: Whether 'bins' shares a label between the two nearest bins.

  Raises:
    UserError: A name is unknown or a value is out of range; the message lists
      the choices.
  """
  outputs = base.check_outputs('valence_arousal', outputs)
  by_name.check('valence-arousal loss', loss, LOSSES)
  base.check_range('mse_weight', mse_weight, 0)
  base.check_range('ccc_weight', ccc_weight, 0)
  if not isinstance(bins, int) or bins < 2:
    raise UserError(f'bins must be a whole number >= 2, not {bins!r}.')
  binned = loss == 'bins'
  return base.Task(
    name='valence_arousal',
    outputs=outputs,
    loss=functools.partial(
      _loss,
      kind=loss,
      mse_weight=mse_weight,
      ccc_weight=ccc_weight,
      bins=bins,
      soft_bins=soft_bins,
    ),
    predict=functools.partial(losses.bin_expectation, bins=bins)
    if binned
    else predict,
    metrics={
      'mean_ccc': functools.partial(regression.mean_ccc, names=outputs),
      'ccc': functools.partial(regression.ccc, names=outputs),
      'pearson': functools.partial(regression.pearson, names=outputs),
      'rmse': functools.partial(regression.rmse, names=outputs),
      'mae': functools.partial(regression.mae, names=outputs),
      'sign_agreement': functools.partial(
        regression.sign_agreement, names=outputs
      ),
    },
    headline='mean_ccc',
    weight_per_output=True,
    units=bins * len(outputs) if binned else 0,
  )


_loss = loss  # Inside `build`, `loss` is the option.
