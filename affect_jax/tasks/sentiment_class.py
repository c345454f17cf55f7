"""Sentiment of an utterance as a class: negative, neutral or positive.

MELD annotates it (Poria et al., 2019). `sentiment` is the task of the number.
"""

from collections.abc import Sequence
import dataclasses

import numpy.typing as npt

from affect_jax import by_name
from affect_jax.errors import UserError
from affect_jax.metrics import classification
from affect_jax.metrics import sentiment as metrics
from affect_jax.tasks import annotation
from affect_jax.tasks import base
from affect_jax.tasks import expression
from affect_jax.tasks import sentiment

CLASSES = ('negative', 'neutral', 'positive')
ANNOTATION = annotation.Annotation('class', CLASSES, csvs=('utterances',))


def build(
  outputs: Sequence[str] = CLASSES,
  loss: str = 'cross_entropy',
  class_weights: Sequence[float] | str | None = None,
  label_smoothing: float = 0.0,
  focal_gamma: float = 2.0,
  counts: npt.ArrayLike | None = None,
  weight_cap: float | None = None,
  beta: float = 0.9999,
  logit_adjustment: float = 0.0,
) -> base.Task:
  """Builds 'sentiment_class'; its headline is the weighted F1, as in MELD.

  The task has the softmax and the loss of `expression`: labels [B, K] are
  distributions, weights [B]. `acc2_...` and `f1_2_...` compare negative and
  positive, see `metrics.sentiment.of_classes`.

  Args:
    outputs: 'negative' and 'positive', with or without 'neutral', in any order.
    loss: 'cross_entropy' or 'focal'.
    class_weights: See `expression.build`, as for all that follow.
    label_smoothing: Share of the label that is spread evenly, in [0, 1).
    focal_gamma: Focusing exponent of 'focal', >= 0.
    counts: Summed label mass of each class [K] in the samples that training
      draws.
    weight_cap: Largest weight computed from counts, also the weight of absent
      classes.
    beta: Option of class_weights='effective', in [0, 1).
    logit_adjustment: tau >= 0 of Menon et al., 2021.

  Raises:
    UserError: A name is unknown or a value is out of range; the message lists
      the choices.
  """
  outputs = base.check_outputs('sentiment_class', outputs)
  if not {'negative', 'positive'} <= set(outputs) <= set(CLASSES):
    raise UserError(
      f'sentiment_class: outputs must be {CLASSES}, with or without neutral, '
      f'not {outputs}.'
    )
  by_name.check('sentiment_class loss', loss, expression.LOSSES)
  task = expression.build(
    outputs,
    loss,
    class_weights=class_weights,
    label_smoothing=label_smoothing,
    focal_gamma=focal_gamma,
    counts=counts,
    weight_cap=weight_cap,
    beta=beta,
    logit_adjustment=logit_adjustment,
  )

  def without_neutral(metric):
    return lambda p, y, w: metric(*metrics.of_classes(p, y, w, outputs))

  two = sentiment.by_rule(metrics.TWO_CLASSES)
  return dataclasses.replace(
    task,
    name='sentiment_class',
    metrics={
      'weighted_f1': classification.weighted_f1,
      **task.metrics,
      **{name: without_neutral(metric) for name, metric in two.items()},
    },
    headline='weighted_f1',
  )
