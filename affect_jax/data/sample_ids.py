"""Samples of a split, their gold and their words; inputs are not read."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from affect_jax.corpora.builders import records
from affect_jax.data import blocks
from affect_jax.data import gold_share
from affect_jax.data import label_mapping


def ids_of(builder: Any, split: str) -> list[str]:
  """Returns the ids of a split's samples, frame by frame of windows."""
  return [x for ids, _ in ids_and_gold(builder, split, ()) for x in ids]


def with_gold(
  builder: Any, split: str, task: str, shares: Mapping[str, float]
) -> set[str]:
  """Returns the ids of the samples that show any gold of a task."""
  found = set()
  for ids, gold in ids_and_gold(builder, split, [task], shares):
    has = gold.get(task, np.zeros(len(ids), bool))
    found.update(np.array(ids, object)[has])
  return found


def gold_of(
  builder: Any,
  split: str,
  task: Any,
  shares: Mapping[str, float] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Returns ids [N] str, labels [N, K] and weights of a task in a split.

  `shares` hides gold, see `gold_share`.
  """
  wanted = {'id', task.name, f'{task.name}_weights'}
  features = builder.info.features
  decoders = tfds.decode.PartialDecoding({k: features[k] for k in wanted})
  columns = records.metadata(builder)['outputs'][task.name]
  dataset = builder.as_dataset(
    split=split, shuffle_files=False, decoders=decoders
  )
  dataset = dataset.map(
    lambda r: (r['id'], *label_mapping.to_task(r, task, columns))
  )
  if records.metadata(builder).get('windows'):
    dataset = dataset.unbatch()
  parts = [*dataset.batch(8192).as_numpy_iterator()]
  ids, labels, weights = (np.concatenate(x) for x in zip(*parts, strict=True))
  weights = gold_share.hide(ids, {task.name: weights}, shares or {})[task.name]
  ids = np.array([x.decode() for x in ids], object)
  return ids, labels, np.asarray(weights)


def has_transcripts(builder: Any) -> bool:
  """Returns whether records of a corpus have a transcript; it may be ''."""
  return 'transcript' in builder.info.features


def transcripts_of(builder: Any, split: str) -> tuple[np.ndarray, np.ndarray]:
  """Returns ids [N] and transcripts [N] of a split's utterances, as str."""
  wanted = ('id', 'transcript')
  features = builder.info.features
  decoders = tfds.decode.PartialDecoding({k: features[k] for k in wanted})
  dataset = builder.as_dataset(
    split=split, shuffle_files=False, decoders=decoders
  )
  found = []
  for record in blocks.rows(dataset):
    columns = (np.atleast_1d(record[k]) for k in wanted)
    # Windows have many utterances.
    found += (x for x in zip(*columns, strict=True) if x[0])
  pairs = [[x.decode() for x in pair] for pair in found]
  ids, texts = np.array(pairs, object).reshape(-1, 2).T
  return ids, texts


def ids_and_gold(
  builder: Any,
  split: str,
  tasks: Sequence[str],
  shares: Mapping[str, float] | None = None,
) -> Iterator[tuple[list[str], dict[str, np.ndarray]]]:
  """Yields ids, and whether samples show any gold of tasks, in parts.

  It reads nothing else of the records. `shares` hides gold, see `gold_share`.
  """
  known = records.metadata(builder)['outputs']
  names = [t for t in tasks if t in known]
  wanted = {'id', *(f'{t}_weights' for t in names)}
  features = builder.info.features
  decoders = tfds.decode.PartialDecoding({k: features[k] for k in wanted})
  dataset = builder.as_dataset(
    split=split, shuffle_files=False, decoders=decoders
  )
  if records.metadata(builder).get('windows'):
    dataset = dataset.map(lambda r: {k: r[k] for k in wanted}).unbatch()
  for part in dataset.batch(8192).as_numpy_iterator():
    ids = [x.decode() for x in part['id']]
    gold = {}
    all_weights = {t: part[f'{t}_weights'] for t in names}
    shown = gold_share.hide(part['id'], all_weights, shares or {})
    for task in names:
      weights = np.asarray(shown[task])
      gold[task] = (weights == 1).reshape(len(ids), -1).any(-1)
    yield ids, gold
