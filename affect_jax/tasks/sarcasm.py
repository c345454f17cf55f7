"""Sarcasm of an utterance: there or not."""

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
  """The task 'sarcasm'; its headline is the weighted F1, as of MUStARD.

  One yes/no label with the binary cross entropy of a multi-label `emotion`:
  outputs are logits [B, 1], predictions probabilities, labels [B, 1] in
  [0, 1], weights [B, 1]. Above .5 is sarcastic; no threshold is tuned.

  Castro et al., 2019 (MUStARD) report weighted precision, recall and F1 over
  both classes, the mean of five folds. Their weighted recall is the accuracy.
  `macro_f1` is what later papers on the extended corpus report.

  Args:
    outputs: ('sarcasm',).
    pos_weight: Factor of sarcastic labels: None, one number in a sequence,
      'balanced' or 'effective', see `class_weights`.
    counts: (sarcastic [1], labelled [1]) of what training draws; read by
      'balanced' and 'effective' only.
    weight_cap: Largest weight by counts.
    beta: Of 'effective', in [0, 1).

  Raises:
    ValueError: Other outputs or a value out of range, with the choices.
  """
  outputs = base.check_outputs('sarcasm', outputs)
  if outputs != ('sarcasm',):
    raise UserError(f"Outputs of sarcasm are ('sarcasm',), not {outputs}.")
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
