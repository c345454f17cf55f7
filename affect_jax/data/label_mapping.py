"""Maps a corpus' columns to a task's outputs, by name."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from absl import logging
import numpy as np
import tensorflow as tf

from affect_jax.errors import UserError


def to_task(
  record: Mapping[str, tf.Tensor], task: Any, columns: Sequence[str]
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns labels [K] and weights [] or [K] of a record, in the task's order.

  Records of windows have an axis of time before these.

  Outputs that the corpus does not annotate get weight 0. A distribution over
  classes loses classes that the task does not have: it is renormalised if they
  held less than half of it, else its weight is 0. Several classes at once (an
  utterance that is both sad and angry) become a distribution over them.

  Args:
    record: One record as `builders.records` describes it.
    task: The task that needs the labels.
    columns: Names of the record's columns; () if it has none of this task.
  """
  k = len(task.outputs)
  if not columns:
    time = tf.shape(record['id'])  # Of shape [] or [T].
    shape = tf.concat([time, [k]], 0)
    return tf.zeros(shape), tf.zeros(shape if task.weight_per_output else time)
  labels, weights = record[task.name], record[task.name + '_weights']
  one_weight = len(weights.shape) < len(labels.shape)
  matrix = np.array(
    [[c == o for o in task.outputs] for c in columns], np.float32
  )
  if task.weight_per_output:
    if one_weight:
      weights = tf.expand_dims(weights, -1) * tf.ones(len(columns))
    return _mapped(labels, matrix), _mapped(weights, matrix)
  if not one_weight:
    # Each class is labelled on its own: the classes with a weight share the
    # sample.
    labels = tf.where(weights > 0, labels, 0.0)
    weights = tf.reduce_max(weights, -1)
  mapped = _mapped(labels, matrix)
  mass = tf.reduce_sum(mapped, -1, keepdims=True)
  kept = mass > 0.5 * tf.reduce_sum(labels, -1, keepdims=True)
  mapped = tf.math.divide_no_nan(mapped, mass)
  return (
    tf.where(kept, mapped, 0.0),
    tf.where(tf.squeeze(kept, -1), weights, 0.0),
  )


def _mapped(values: tf.Tensor, matrix: np.ndarray) -> tf.Tensor:
  """[..., columns] -> [..., K]."""
  return tf.einsum('...c,ck->...k', values, matrix)


def require(
  counts: Mapping[str, Any],
  tasks: Sequence[Any],
  *,
  drop: bool,
  weak: Collection[str] = (),
) -> list[Any]:
  """Returns the tasks that have any label in training.

  Args:
    counts: Counts of the training split, from `label_counts`.
    tasks: The tasks of the config.
    drop: Leave out tasks without labels instead of raising.
    weak: Tasks that have weak labels, which are kept without gold.

  Raises:
    UserError: A task has no label and `drop` is False, or no task has any.
  """
  without = [t.name for t in tasks if not np.any(counts[t.name]['labelled'])]
  for name in [n for n in without if n in weak]:
    logging.warning('Task %s has no gold: it learns from weak labels.', name)
    without.remove(name)
  if without and not drop:
    raise UserError(
      f'The training split has no label of {", ".join(without)}. Leave it out '
      'of config.tasks, or set --config.drop_unlabelled_tasks to do so '
      'wherever a task has no labels.'
    )
  if len(without) == len(tasks):
    raise UserError('The training split has no label of any task.')
  for name in without:
    logging.warning(
      'Task %s is left out: the training split has no label of it.', name
    )
  return [t for t in tasks if t.name not in without]
