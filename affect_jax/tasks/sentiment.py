"""Sentiment of an utterance as a number: -3 very negative ... 3 very positive.

The scale of CMU-MOSI and MOSEI (Zadeh et al., 2016). 0 is neutral, not
missing.
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
  """The loss of sentiment.

  mae  Mean absolute error: MulT, and most models of MMSA.
  mse  Mean squared error: MISA.
  ccc  1 - CCC (Lin, 1989): does not shrink predictions towards the middle.
       Predictions that are all alike get no common direction from it.

  Args:
    outputs: [B, 1], which are the predictions.
    labels: [B, 1] in [-3, 3].
    weights: [B, 1].
    kind: One of the three.
  """
  return LOSSES[kind](outputs, labels, weights)


def predict(outputs: jax.Array) -> jax.Array:
  """Raw outputs [B, 1] -> themselves: predictions may leave [-3, 3].

  Papers do not clip either; metrics of classes clip on their own.
  """
  return outputs.astype(jnp.float32)


def build(
  outputs: Sequence[str] = ('sentiment',), loss: str = 'mae'
) -> base.Task:
  """The task 'sentiment'; its headline is CCC.

  Papers report MAE and Pearson correlation. But the headlines of all tasks
  are averaged, and MAE has another scale; and Pearson's correlation is
  undefined while predictions are all alike, so that the task would drop out
  of that mean, and it does not see a wrong scale. CCC is 0 then, and does.

  `acc2_...`, `acc3`, ... and `f1_2_...`, `f1_3`, ... are accuracy and weighted
  F1 by the rules of `metrics.sentiment`, which says who reports which.

  Args:
    outputs: ('sentiment',).
    loss: 'mae', 'mse' or 'ccc'.

  Raises:
    ValueError: Other outputs, or an unknown loss.
  """
  outputs = base.check_outputs('sentiment', outputs)
  if outputs != ('sentiment',):
    raise UserError(f"Outputs of sentiment are ('sentiment',), not {outputs}.")
  by_name.check('sentiment loss', loss, tuple(LOSSES))

  def only(metric):
    # One output: its value is the metric.
    return lambda p, y, w: counted.mean(metric(p, y, w, outputs))

  return base.Task(
    name='sentiment',
    outputs=outputs,
    loss=functools.partial(_loss, kind=loss),
    predict=predict,
    metrics={
      'ccc': only(regression.ccc),
      'mae': only(regression.mae),
      'pearson': only(regression.pearson),
      **by_rule(sentiment.RULES),
    },
    headline='ccc',
    weight_per_output=True,
  )


def by_rule(rules: Sequence[str]) -> dict[str, base.Metric]:
  """Accuracy and weighted F1 by each rule, as 'acc<rule>' and 'f1_<rule>'."""
  return {
    name: functools.partial(metric, rule=rule)
    for rule in rules
    for name, metric in (
      (f'acc{rule}', sentiment.accuracy),
      (f'f1_{rule}', sentiment.weighted_f1),
    )
  }


_loss = loss  # Inside `build`, `loss` is the option.
