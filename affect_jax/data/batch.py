"""The data contract: what a batch is, everywhere in this package.

  batch = {
    'id': [B] bytes, on the host only: it never enters jit
    'inputs': {'image': f32 [B, H, W, 3], in [0, 1]}, or for utterances
      {modality: f32 [B, T, D] or int32 [B, T] token ids,
       modality + '_mask': bool [B, T]}, of text, audio, vision; where corpora
      differ in the features of a modality, modality + '_space': int32 [B], the
      number of each row's feature space, the D of others being zeros beyond
      its own; in training, if the fusion asks, 'train_row' int32 [B] and
      'train_label' f32 [B]; if a dialogue is one sequence, 'packed_text_shape'
      bool [B, N], of which only the shape is read: the tokens of a dialogue fit
      into N
    'weak_inputs': in training on pictures, if weak supervision on line asks:
      'inputs' under weak augmentation
    'labels': {task: f32, in the space of the head's outputs, finite}
    'weights': {task: f32 in [0, 1], one per label}
  }

A weight says how much a label counts, and nothing else does: 0 is not
annotated, invalid or a padding row; 1 is gold; a value between is a weak label.
Labels and weights by kind of annotation (K outputs):

  expression       labels [B, K] a distribution   weights [B]
  action_units     labels [B, K] in [0, 1]        weights [B, K]
  valence_arousal  labels [B, 2] in [-1, 1]       weights [B, 2]
  emotion          as expression, or as action_units if several can occur
  sentiment        labels [B, 1] in [-3, 3]       weights [B, 1]
  sentiment_class  as expression
  sarcasm          labels [B, 1] in [0, 1]        weights [B, 1]

T differs between modalities. The mask of a missing modality is all False.
Windows of frames, and dialogues of utterances, have an axis of time after B
everywhere, also in 'id'. Their inputs include 'image_mask' or 'utterance_mask',
bool [B, T], which is False for padding; a 'text_space' is [B, T], too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from affect_jax.errors import UserError

Batch = dict[str, Any]


def check_batch(batch: Mapping[str, Any], tasks: Sequence[Any]) -> None:
  """Raises UserError if a host batch breaks the contract above.

  Args:
    batch: One batch of numpy arrays.
    tasks: The `tasks.Task`s that will read it.
  """
  rows = {len(x) for x in batch['inputs'].values()}
  if len(rows) != 1:
    raise UserError(f'Inputs disagree on the batch size: {sorted(rows)}.')
  (size,) = rows
  lead = batch['id'].shape if 'id' in batch else (size,)
  for task in tasks:
    labels, weights = (batch[k].get(task.name) for k in ('labels', 'weights'))
    if labels is None or weights is None:
      raise UserError(f'The batch has no labels or weights of {task.name!r}.')
    expected = (*lead, len(task.outputs))
    if labels.shape != expected:
      raise UserError(f'{task.name}: labels {labels.shape}, not {expected}.')
    expected = expected if task.weight_per_output else lead
    if weights.shape != expected:
      raise UserError(f'{task.name}: weights {weights.shape}, not {expected}.')
    if not np.all(np.isfinite(labels)):
      row = int(np.argwhere(~np.isfinite(labels))[0][0])
      raise UserError(
        f'{task.name}: label {labels[row]} of row {row} is not finite; a '
        'missing label is 0 with weight 0.'
      )
    if not np.all((weights >= 0) & (weights <= 1)):
      raise UserError(f'{task.name}: weights must lie in [0, 1].')


def dummy_batch(
  tasks: Sequence[Any], image_size: int, size: int = 1, window: int = 0
) -> Batch:
  """Returns a batch of pictures that are zeros, to initialise or to pad."""
  lead = (size, window) if window else (size,)
  mask = {'image_mask': np.zeros(lead, bool)} if window else {}
  k = {t.name: len(t.outputs) for t in tasks}
  return {
    'id': np.full(lead, b'', object),
    'inputs': {
      'image': np.zeros((*lead, image_size, image_size, 3), np.float32),
      **mask,
    },
    'labels': {n: np.zeros((*lead, k[n]), np.float32) for n in k},
    'weights': {
      t.name: np.zeros(
        (*lead, k[t.name]) if t.weight_per_output else lead, np.float32
      )
      for t in tasks
    },
  }
