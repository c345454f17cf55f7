"""Joins tables of weak labels to the rows that training reads.

Only labels and weights of training rows change, and only where there is no
gold: a weight between 0 and 1 says that a label is weak. Evaluation reads
records, which know nothing of this.
"""

import collections
from collections.abc import Iterable, Iterator, Mapping, Sequence
import dataclasses
from typing import Any

from absl import logging
import numpy as np
import tensorflow as tf

from affect_jax.data import batch as batch_lib
from affect_jax.errors import UserError
from affect_jax.weak import selection
from affect_jax.weak import table


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
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
Parts = Mapping[str, Sequence[Part]]


def read(
  paths: Sequence[str],
  settings: Mapping[str, Any],
  corpus: str,
  builder: Any,
  others: Sequence[str] = (),
) -> dict[str, list[Part]]:
  """Reads, chooses and weighs the weak labels of a corpus.

  Args:
    paths: Tables. Where several label a sample, the first of them counts.
    settings: config.weak.
    corpus: The corpus' name in the config.
    builder: Its builder.
    others: Full names of the config's other corpora, whose rows are skipped.

  Returns:
    {task: parts}; {} if no table has rows of this corpus.

  Raises:
    UserError: A table cannot be read, was made for another version of the
      corpus, or nothing of it is kept.
  """
  found: dict[str, list[Part]] = {}
  known: dict[str, set[str]] = collections.defaultdict(set)
  repeated: collections.Counter[str] = collections.Counter()
  for path in paths:
    for labels in table.read(path):
      if not is_of(labels, corpus, builder, others):
        continue
      _check_version(path, labels, corpus, builder, settings)
      is_new = np.array([x not in known[labels.task] for x in labels.ids], bool)
      repeated[labels.task] += int(np.sum(~is_new))
      known[labels.task].update(labels.ids)
      options = options_of(settings, labels.task, corpus)
      values, weights = selection.weigh(labels, **options)
      found.setdefault(labels.task, []).append(
        Part(
          labels.outputs,
          labels.kind,
          labels.ids[is_new],
          values[is_new],
          weights[is_new],
        )
      )
      _check_kept(path, labels, weights, options, corpus)
  for task, count in repeated.items():
    if count:
      logging.info(
        '%s: %d weak labels of %s are in several tables; the first counts.',
        corpus,
        count,
        task,
      )
  return found


def is_of(
  labels: table.WeakLabels, corpus: str, builder: Any, others: Sequence[str]
) -> bool:
  """Returns whether labels are of a corpus; for the arguments see `read`."""
  if labels.corpus not in ('', builder.name, corpus):
    return False
  now = builder.info.full_name
  return labels.version == now or labels.version not in others


def options_of(
  settings: Mapping[str, Any], task: str, corpus: str
) -> dict[str, Any]:
  """Returns options of `selection.weigh` for a task of a corpus.

  The setting of the task comes before the general one, that of the corpus
  before that of the task.
  """
  general = {
    k: v
    for k, v in settings.items()
    if k not in ('by_task', 'by_corpus', 'warmup_steps', 'count', 'any_version')
  }
  of_task = settings.get('by_task', {}).get(task, {})
  of_corpus = settings.get('by_corpus', {}).get(corpus, {})
  return {**general, **of_task, **of_corpus}


def _check_version(path, labels, corpus, builder, settings) -> None:
  now = builder.info.full_name
  if labels.version in ('', now) or settings['any_version']:
    return
  raise UserError(
    f'{path} has labels of {labels.version}, but {corpus} is {now} now. If the '
    'samples are the same, and only their features were made differently, give '
    '--config.weak.any_version; else make the table again.'
  )


def _check_kept(path, labels, weights, options, corpus) -> None:
  """Raises UserError if labels that should count are all left out."""
  kept = int(np.sum(weights.reshape(len(weights), -1).any(-1)))
  logging.info(
    '%s: %d of %d weak labels of %s count, by %s (mean weight %.2f).',
    corpus,
    kept,
    len(weights),
    labels.task,
    options['rule'],
    weights[weights > 0].mean() if kept else 0.0,
  )
  if kept or not options['weight']:
    return
  least = labels.confidence.reshape(len(weights), -1).max(-1)
  lower = ', '.join(
    f'{int(np.sum(least >= t))} at {t:g}' for t in (0.9, 0.8, 0.7, 0.6, 0.5)
  )
  raise UserError(
    f'{path}: no weak label of {labels.task} for {corpus} is kept by '
    f'config.weak.rule={options["rule"]!r} with threshold '
    f'{options["threshold"]}. As confident as a lower threshold are {lower}, '
    f'of {len(weights)}.'
  )


def check_ids(
  parts: Parts, ids: Iterable[str], corpus: str
) -> dict[str, tuple[int, int]]:
  """Counts the labels whose samples training has.

  Args:
    parts: From `read`.
    ids: Those of the corpus' training split.
    corpus: Its name.

  Returns:
    {task: (labels of samples of the split, labels of others)}.

  Raises:
    UserError: No label of a task is of a sample of the split.
  """
  known = set(ids)
  counts = {}
  for task, of_task in parts.items():
    names = [x for part in of_task for x in part.ids]
    strangers = [x for x in names if x not in known]
    counts[task] = (len(names) - len(strangers), len(strangers))
    if len(strangers) == len(names) and names:
      raise UserError(
        f'None of the {len(names)} weak labels of {task} is of a sample of '
        f'{corpus}. They have ids as {strangers[0]!r}, the samples as '
        f'{next(iter(known), "(none)")!r}.'
      )
    if strangers:
      logging.warning(
        '%s: %d of %d weak labels of %s are of no training sample, as %r.',
        corpus,
        len(strangers),
        len(names),
        task,
        strangers[0],
      )
  return counts


def to_task(part: Part, task: Any) -> tuple[np.ndarray, np.ndarray]:
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
  labels = part.labels @ matrix
  if task.weight_per_output:
    weights = part.weights
    if weights.ndim == 1:
      weights = np.repeat(weights[:, np.newaxis], len(part.outputs), 1)
    return labels, weights @ matrix
  weights = part.weights if part.weights.ndim == 1 else part.weights.max(-1)
  mass = labels.sum(-1)
  kept = mass > 0.5 * part.labels.sum(-1)
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
