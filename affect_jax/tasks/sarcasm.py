"""Sarcasm of an utterance: present or absent."""

from collections.abc import Sequence
import dataclasses
import functools

import numpy.typing as npt

from affect_jax.errors import UserError
from affect_jax.metrics import classification
from affect_jax.metrics import multilabel
from affect_jax.tasks import annotation
from affect_jax.tasks import base
from affect_jax.tasks import emotion

ANNOTATION = annotation.Annotation(
  'presence', ('sarcasm',), csvs=('utterances',)
)


def build(
  outputs: Sequence[str] = ('sarcasm',),
  pos_weight: Sequence[float] | str | None = None,
  counts: Sequence[npt.ArrayLike] | None = None,
  weight_cap: float | None = None,
  beta: float = 0.9999,
) -> base.Task:
  """Builds the task 'sarcasm'; its headline is the weighted F1, as in MUStARD.

  The loss of the one binary label is the binary cross entropy of a multilabel
  `emotion`: outputs are logits [B, 1], predictions probabilities, labels
  [B, 1] in [0, 1], weights [B, 1]. A probability above 0.5 means sarcastic; no
  threshold is tuned.

  Castro et al., 2019 (MUStARD) report weighted precision, recall and F1 over
  both classes, averaged over five folds. Their weighted recall is the accuracy.
  Later papers on the extended corpus report `macro_f1`.

  Args:
    outputs: ('sarcasm',).
    pos_weight: Factor of sarcastic labels: None, one number in a sequence,
      'balanced' or 'effective', see `class_weights`.
    counts: (sarcastic [1], labelled [1]) of the samples that training draws;
      only 'balanced' and 'effective' read them.
    weight_cap: Largest weight computed from counts.
    beta: Option of 'effective', in [0, 1).

  Raises:
    UserError: There are other outputs, or a value is out of range.
  """
  outputs = base.check_outputs('sarcasm', outputs)
  if outputs != ('sarcasm',):
    raise UserError(f"sarcasm: outputs must be ('sarcasm',), not {outputs}.")
  task = emotion.build(
    outputs,
    kind='multilabel',
    pos_weight=pos_weight,
    counts=counts,
    weight_cap=weight_cap,
    beta=beta,
  )

  def of_two(metric):
    return lambda p, y, w: metric(*classification.two_classes(p, y, w))

  return dataclasses.replace(
    task,
    name='sarcasm',
    metrics={
      'weighted_f1': of_two(classification.weighted_f1),
      'weighted_precision': of_two(classification.weighted_precision),
      'weighted_recall': of_two(classification.accuracy),
      'macro_f1': of_two(classification.macro_f1),
      'accuracy': of_two(classification.accuracy),
      'auc': functools.partial(multilabel.mean_auc, names=outputs),
    },
    headline='weighted_f1',
    tune=None,
    tuned_metrics={},
  )
