"""Counts the labels that training has, and those that it draws.

The two differ if corpora have shares of their own (config.data.sampling), or
if classes are drawn equally often (config.data.balance). Class weights and
priors follow from the labels that are drawn.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from affect_jax.corpora.builders import records
from affect_jax.data import sampling
from affect_jax.data import streams
from affect_jax.data import weak_labels

# {task: {'labelled': [K] or [], 'mass': [K]}}, float64: sum of weights, and of
# weights x labels (samples of a class; positives of an action unit).
Counts = dict[str, dict[str, np.ndarray]]


def of_training(
  corpora: Sequence[streams.Corpus],
  tasks: Sequence[Any],
  shares: Mapping[str, float],
  balance: str = '',
  weak: bool = False,
) -> tuple[Counts, Counts]:
  """Counts the labels of the training splits, and those that training draws.

  Reads every corpus once.

  Args:
    corpora: Corpora whose 'train' split, if any, is read.
    tasks: The tasks to count.
    shares: {corpus: share of the training rows}.
    balance: Name of the task whose classes are drawn equally often, or ''.
    weak: Count weak labels too, by their weights.

  Returns:
    (present, drawn); drawn is the expected count in as many draws as there are
    rows, so that both are equal if all rows are drawn equally often.
  """
  total = streams.train_size(corpora)
  present, drawn = [], []
  for corpus in corpora:
    if 'train' not in corpus.splits:
      continue
    split = corpus.splits['train']
    join = weak_labels.make_join(corpus.weak() if weak else {}, tasks)
    rows, counts = by_class(corpus, split, tasks, balance, join)
    present.append(_weighted(counts, np.ones(len(rows))))
    # How often a row is drawn, relative to drawing all rows equally often.
    size = streams.split_size(corpus.builder, split)
    factors = np.full(len(rows), shares[corpus.name] * total / size)
    if balance:
      natural = np.maximum(rows, 1) / rows.sum()
      factors *= sampling.class_shares(rows) / natural
    drawn.append(_weighted(counts, factors))
  return _sum(present), _sum(drawn)


def by_class(
  corpus: streams.Corpus,
  split: str,
  tasks: Sequence[Any],
  balance: str = '',
  join: Callable[..., dict[str, Any]] | None = None,
) -> tuple[np.ndarray, Counts]:
  """Counts rows and labels of a split, by the class that rows are drawn by.

  Args:
    corpus: Its windows are counted by their frames.
    split: Name or slice.
    tasks: The tasks to count.
    balance: Name of one of them, or '': all rows are of one class.
    join: Adds weak labels, see `weak_labels.make_join`.

  Returns:
    (rows [G], `Counts` with G in front of every shape). Without `balance`, G
    is 1; with K classes it is K + 1, the last for rows without a label.
  """
  builder = corpus.builder
  streams.split_size(builder, split)
  by = streams.balanced_task(tasks, balance) if balance else None
  groups = len(by.outputs) + 1 if by else 1

  # Autograph would first translate all that this calls, which takes seconds.
  @tf.autograph.experimental.do_not_convert
  def labels_of(record: Mapping[str, tf.Tensor]) -> dict[str, Any]:
    gold = streams.labels_of(record, builder, tasks, corpus.gold_share)
    labels = join(record['id'], gold) if join else gold
    return {**labels, 'class': streams.class_of(gold, by)} if by else labels

  dataset = builder.as_dataset(split=split, decoders=streams.undecoded(builder))
  dataset = dataset.map(labels_of)
  if records.metadata(builder).get('windows'):
    dataset = dataset.unbatch()
  rows = np.zeros(groups, np.int64)
  counts = {
    t.name: {
      'labelled': np.zeros(
        (groups, len(t.outputs)) if t.weight_per_output else groups
      ),
      'mass': np.zeros((groups, len(t.outputs))),
    }
    for t in tasks
  }
  for batch in tfds.as_numpy(dataset.batch(4096)):
    size = len(next(iter(batch['labels'].values())))
    chosen = batch.get('class', np.zeros(size, np.int32))
    rows += np.bincount(chosen, minlength=groups)
    for task in tasks:
      labels = batch['labels'][task.name].astype(np.float64)
      weights = batch['weights'][task.name].astype(np.float64)
      np.add.at(counts[task.name]['labelled'], chosen, weights)
      if not task.weight_per_output:
        weights = weights[:, None]
      np.add.at(counts[task.name]['mass'], chosen, weights * labels)
  return rows, counts


def _weighted(counts: Counts, factors: np.ndarray) -> Counts:
  """Sums over the first axis, the classes, each times its factor."""
  return {
    task: {key: np.tensordot(factors, x, 1) for key, x in arrays.items()}
    for task, arrays in counts.items()
  }


def _sum(each: Sequence[Counts]) -> Counts:
  return {
    task: {key: np.sum([c[task][key] for c in each], 0) for key in arrays}
    for task, arrays in each[0].items()
  }
