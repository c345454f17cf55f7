"""Joins tables of weak labels to the rows that training reads.

Only labels and weights of training rows change, and only where there is no
gold: a weight between 0 and 1 says that a label is weak. Evaluation reads
records, which know nothing of this.
"""

from collections.abc import Iterator, Mapping, Sequence
import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from affect_jax.data import batch as batch_lib
from affect_jax.errors import UserError
from affect_jax.weak import table


@dataclasses.dataclass(frozen=True, eq=False)
class Weighed:
  """Weak labels of one task, chosen and weighed.

  Attributes:
    outputs: Names of the columns.
    kind: See `table.WeakLabels`.
    ids: [N] str, each once.
    labels: f32 [N, columns].
    weights: f32 [N] of classes, else [N, columns]; below 1.
  """

  outputs: tuple[str, ...]
  kind: str
  ids: np.ndarray
  labels: np.ndarray
  weights: np.ndarray


# {task: its weak labels}, of one corpus.
Parts = Mapping[str, Sequence[Weighed]]


def to_task(part: Weighed, task: Any) -> tuple[np.ndarray, np.ndarray]:
  """Maps columns to a task's outputs by name, as `label_mapping.to_task`.

  Returns:
    (labels f32 [N, K], weights f32 [N] or [N, K], as the task wants them).

  Raises:
    UserError: They have no output in common, or are of another kind.
  """
  kind = table.kind_of(task)
  if not set(part.outputs) & set(task.outputs) or (part.kind == 'value') != (
    kind == 'value'
  ):
    raise UserError(
      f'Weak labels of {task.name} are of {list(part.outputs)}, and the run '
      f'learns {list(task.outputs)}: they have nothing in common.'
    )
  matrix = np.array(
    [[c == o for o in task.outputs] for c in part.outputs], np.float32
  )
  labels, weights = part.labels, part.weights
  if task.weight_per_output:
    if weights.ndim == 1:
      weights = np.repeat(weights[:, np.newaxis], len(part.outputs), 1)
    return labels @ matrix, weights @ matrix
  if part.kind == 'presence':
    # What is absent, or does not count, is no class.
    weights = weights.reshape(len(weights), -1)
    present = (weights > 0) & (labels > 0.5)
    labels, weights = (np.where(present, x, 0) for x in (labels, weights))
  weights = weights if weights.ndim == 1 else weights.max(-1)
  total, labels = labels.sum(-1), labels @ matrix
  mass = labels.sum(-1)
  # What the task has no class for is not the others' either.
  kept = mass > 0.5 * total
  labels = labels / np.where(mass > 0, mass, 1)[:, np.newaxis]
  return (
    np.where(kept[:, np.newaxis], labels, 0).astype(np.float32),
    np.where(kept, weights, 0).astype(np.float32),
  )


def make_join(parts: Parts, tasks: Sequence[Any]):
  """Makes (id, {'labels', 'weights'}) -> the same with weak labels.

  Gold stays. Ids may have an axis of time, as labels then do.
  """
  lookups = {}
  for task in tasks:
    if not (of_task := parts.get(task.name)):
      continue
    mapped = [to_task(part, task) for part in of_task]
    ids = np.concatenate([part.ids for part in of_task]).astype(str)
    # The last row is that of samples without a weak label.
    labels, weights = (
      np.concatenate([*values, np.zeros_like(values[0][:1])])
      if len(values[0])
      else np.zeros((1, *values[0].shape[1:]), np.float32)
      for values in zip(*mapped, strict=True)
    )
    rows = tf.lookup.StaticHashTable(
      tf.lookup.KeyValueTensorInitializer(
        tf.constant(ids, tf.string), tf.range(len(ids), dtype=tf.int64)
      ),
      default_value=len(ids),
    )
    lookups[task.name] = (rows, tf.constant(labels), tf.constant(weights))

  def join(ids: tf.Tensor, labelled: Mapping[str, Any]) -> dict[str, Any]:
    labels, weights = dict(labelled['labels']), dict(labelled['weights'])
    for name, (rows, weak_labels, weak_weights) in lookups.items():
      row = rows.lookup(ids)
      weak_label = tf.gather(weak_labels, row)
      weak_weight = tf.gather(weak_weights, row)
      use = tf.logical_and(weights[name] == 0, weak_weight > 0)
      one = use if len(use.shape) == len(labels[name].shape) else use[..., None]
      labels[name] = tf.where(one, weak_label, labels[name])
      weights[name] = tf.where(use, weak_weight, weights[name])
    return {'labels': labels, 'weights': weights}

  return join


def warmed_up(
  batches: Iterator[batch_lib.Batch], first_step: int, steps: int
) -> Iterator[batch_lib.Batch]:
  """Lets weights of weak labels grow from 0 to their own in `steps` updates.

  Args:
    batches: Those of training, from `first_step` on.
    first_step: Finished updates.
    steps: 0 leaves all as they are.
  """
  for step, batch in enumerate(batches, first_step):
    if step >= steps:
      yield batch
      continue
    share = np.float32(step / steps)
    weights = {
      name: np.where((w > 0) & (w < 1), w * share, w)
      for name, w in batch['weights'].items()
    }
    yield {**batch, 'weights': weights}


def outputs_of(parts: Parts, task: str) -> tuple[str, ...]:
  """Returns the outputs that weak labels of a task have, in their order."""
  names = [o for part in parts.get(task, ()) for o in part.outputs]
  return tuple(dict.fromkeys(names))
