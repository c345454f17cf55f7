"""Sentiment of an utterance as a number: -3 very negative ... 3 very positive.

This is the scale of CMU-MOSI and MOSEI (Zadeh et al., 2016). 0 means neutral,
not missing.
"""

from collections.abc import Sequence
import functools

import jax
import jax.numpy as jnp

from affect_jax import by_name
from affect_jax.errors import UserError
from affect_jax.metrics import counted
from affect_jax.metrics import regression
from affect_jax.metrics import sentiment
from affect_jax.tasks import annotation
from affect_jax.tasks import base
from affect_jax.tasks import losses

ANNOTATION = annotation.Annotation(
  'value', ('sentiment',), low=-3, high=3, csvs=('utterances',)
)

LOSSES = {
  'mae': losses.absolute_error,
  'mse': losses.squared_error,
  'ccc': losses.concordance,
}


def loss(
  outputs: jax.Array,
  labels: jax.Array,
  weights: jax.Array,
  *,
  kind: str = 'mae',
) -> jax.Array:
  """Returns the loss of sentiment.

  mae  Mean absolute error: MulT, and most models of MMSA.
  mse  Mean squared error: MISA.
  ccc  1 - CCC (Lin, 1989): does not shrink predictions towards the mean.
       Constant predictions get no gradient that moves them together.

  Args:
    outputs: Predictions [B, 1].
    labels: [B, 1] in [-3, 3].
    weights: [B, 1].
    kind: One of the three.
  """
  return LOSSES[kind](outputs, labels, weights)


def predict(outputs: jax.Array) -> jax.Array:
  """Returns raw outputs [B, 1] as predictions, which may leave [-3, 3].

  Papers do not clip either; class metrics clip on their own.
  """
  return outputs.astype(jnp.float32)


def build(
  outputs: Sequence[str] = ('sentiment',), loss: str = 'mae'
) -> base.Task:
  """Builds the task 'sentiment'; its headline is CCC.

  Papers report MAE and Pearson correlation. But the headlines of all tasks are
  averaged, and MAE has another scale. Pearson correlation ignores a wrong
  scale, and is undefined for constant predictions, so that the task would drop
  out of the mean. CCC notices a wrong scale and is 0 for constant predictions.

  `acc2_...`, `acc3`, ... and `f1_2_...`, `f1_3`, ... are accuracy and weighted
  F1 by the rules of `metrics.sentiment`, which says who reports which.

  Args:
    outputs: ('sentiment',).
    loss: 'mae', 'mse' or 'ccc'.

  Raises:
    UserError: There are other outputs, or the loss is unknown.
  """
  outputs = base.check_outputs('sentiment', outputs)
  if outputs != ('sentiment',):
    raise UserError(
      f"sentiment: outputs must be ('sentiment',), not {outputs}."
    )
  by_name.check('sentiment loss', loss, tuple(LOSSES))

  def of_output(metric):
    # The mean over one output is the metric of that output.
    return lambda p, y, w: counted.mean(metric(p, y, w, outputs))

  return base.Task(
    name='sentiment',
    outputs=outputs,
    loss=functools.partial(_loss, kind=loss),
    predict=predict,
    metrics={
      'ccc': of_output(regression.ccc),
      'mae': of_output(regression.mae),
      'pearson': of_output(regression.pearson),
      **by_rule(sentiment.RULES),
    },
    headline='ccc',
    weight_per_output=True,
  )


def by_rule(rules: Sequence[str]) -> dict[str, base.Metric]:
  """Returns accuracy and weighted F1 by each rule: 'acc<rule>', 'f1_<rule>'."""
  return {
    name: functools.partial(metric, rule=rule)
    for rule in rules
    for name, metric in (
      (f'acc{rule}', sentiment.accuracy),
      (f'f1_{rule}', sentiment.weighted_f1),
    )
  }


_loss = loss  # Inside `build`, `loss` is the option.
