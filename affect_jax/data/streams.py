"""Prepared corpora -> endless streams of labelled, encoded rows.

A row is {'id', inputs as they are stored, 'labels': {task: ...}, 'weights':
{...}}; pictures are encoded.
Their order is a function of (seed, row) alone.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import os
from typing import Any

import jax
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from affect_jax import corpora as corpora_lib
from affect_jax.corpora.builders import records
from affect_jax.data import label_mapping
from affect_jax.data import sampling
from affect_jax.errors import UserError
from affect_jax.training import processes

DATA_DIR = '~/tensorflow_datasets'


@dataclasses.dataclass(frozen=True)
class Corpus:
  """A prepared corpus, and the parts of it that a run uses.

  Attributes:
    name: As the config calls it.
    builder: Its tfds builder.
    splits: {'train' | 'val' | 'test': name or slice of a split}.
  """

  name: str
  builder: Any
  splits: Mapping[str, str]

  def describe(self) -> dict[str, Any]:
    """What a number depends on: version, checksums, what was left out."""
    found = records.metadata(self.builder)
    return {
      'name': self.builder.info.full_name,
      'sources': found['sources'],
      'skipped': found['skipped'],
    }


@dataclasses.dataclass(frozen=True)
class Stream:
  """Rows that are drawn with one probability; endless by repetition."""

  rows: tf.data.Dataset
  size: int
  share: float


def build_corpus(
  name: str, data_dir: str | None, download_config: Any = None, **options: Any
) -> Any:
  """The prepared tfds builder of a corpus; prepares it on first use.

  Process 0 does so alone; where the others have disks of their own, they do
  it after that.
  """
  data_dir = os.path.expanduser(data_dir or DATA_DIR)
  builder = corpora_lib.get_corpus(name)(data_dir=data_dir, **options)
  given = {'download_config': download_config} if download_config else {}
  processes.first_then_others(
    'preparation', lambda: builder.download_and_prepare(**given)
  )
  return builder


def split_size(builder: Any, split: str) -> int:
  """Number of samples of a split over all processes.

  Raises:
    ValueError: No such split, or an empty one.
  """
  try:
    size = builder.info.splits[split].num_examples
  except (KeyError, ValueError) as error:
    raise UserError(
      f'{builder.name} has no split {split!r}; there are '
      f'{sorted(builder.info.splits)}, and slices as '
      "'train[:90%]'. Name one in config.data.splits, or give "
      '--config.data.splits.test= (nothing) to go without.'
    ) from error
  if not size:
    raise UserError(f'Split {split!r} of {builder.name} is empty.')
  return size


def records_of(builder: Any, split: str) -> tuple[tf.data.Dataset, int]:
  """The undecoded records of a split in their stored order, and how many.

  Each process reads all of them, and decodes its own (`own_rows`): batches
  are the same however many processes there are, and no process is without
  rows. Records are read faster than pictures are decoded.
  """
  size = split_size(builder, split)
  dataset = builder.as_dataset(
    split=split,
    shuffle_files=False,
    decoders=undecoded(builder),
    read_config=tfds.ReadConfig(try_autocache=False),
  )
  return dataset, size


def own_rows(batch_size: int) -> slice:
  """The rows of a batch that this process holds; all processes hold as many."""
  count = batch_size // jax.process_count()
  start = jax.process_index() * count
  return slice(start, start + count)


def train_size(corpora: Sequence[Corpus]) -> int:
  """Number of samples of training, of all corpora."""
  return sum(
    split_size(c.builder, c.splits['train'])
    for c in corpora
    if 'train' in c.splits
  )


def undecoded(builder: Any) -> dict[str, Any]:
  """Decoders of `as_dataset` that leave pictures encoded."""
  skip = tfds.decode.SkipDecoding()
  return {k: skip for k in records.PICTURE if k in builder.info.features}


def inputs_of(
  record: Mapping[str, tf.Tensor], builder: Any
) -> dict[str, tf.Tensor]:
  """'id' and the inputs of a record."""
  return {k: record[k] for k in ('id', *records.input_names(builder))}


def _columns(builder: Any, task: Any) -> Sequence[str]:
  return records.metadata(builder)['outputs'].get(task.name, ())


def labels_of(
  record: Mapping[str, tf.Tensor], builder: Any, tasks: Sequence[Any]
) -> dict[str, Any]:
  """{'labels', 'weights'} of a record, in the tasks' own outputs."""
  pairs = {
    t.name: label_mapping.to_task(record, t, _columns(builder, t))
    for t in tasks
  }
  return {
    'labels': {name: pair[0] for name, pair in pairs.items()},
    'weights': {name: pair[1] for name, pair in pairs.items()},
  }


def key_of(seed: int, stream: int, index: Any) -> Any:
  """Key of an epoch's order (stream 0), a row's changes (1) or window (2)."""
  return tf.random.fold_in((seed, stream), index)


def train_streams(
  corpora: Sequence[Corpus],
  tasks: Sequence[Any],
  shares: Mapping[str, float],
  balance: str,
  *,
  numbered: bool = False,
) -> list[Stream]:
  """One stream per corpus, or per class of each corpus.

  Rows that are `numbered` have 'row', int64 below `train_size`: the place of
  the sample among those of training, corpus after corpus.
  """
  streams = []
  before = 0
  for corpus in corpora:
    if 'train' not in corpus.splits:
      continue
    builder, split = corpus.builder, corpus.splits['train']
    dataset, size = records_of(builder, split)
    share = shares[corpus.name]
    # The order of the records is always the same.
    dataset = dataset.enumerate(before)
    dataset = dataset.map(
      lambda i, r, b=builder: {
        **inputs_of(r, b),
        **labels_of(r, b, tasks),
        **({'row': i} if numbered else {}),
      },
      tf.data.AUTOTUNE,
    )
    before += size
    if balance:
      streams += _classes(dataset, tasks, balance, share)
    else:
      streams.append(Stream(dataset, size, share))
  return streams


def balanced_task(tasks: Sequence[Any], name: str) -> Any:
  """The task whose classes config.data.balance draws equally often.

  Raises:
    ValueError: It is none of the tasks, or has no classes.
  """
  for task in tasks:
    if task.name == name and not task.weight_per_output:
      return task
  known = [t.name for t in tasks if not t.weight_per_output]
  raise UserError(
    f'config.data.balance={name!r} is no task with classes; here: {known}.'
  )


def class_of(row: Mapping[str, Any], task: Any) -> tf.Tensor:
  """The likeliest class of a row, or K where it has no label: int32 []."""
  best = tf.argmax(row['labels'][task.name], output_type=tf.int32)
  return tf.where(row['weights'][task.name] > 0, best, len(task.outputs))


def _classes(
  dataset: tf.data.Dataset, tasks: Sequence[Any], name: str, share: float
) -> list[Stream]:
  """A corpus by its likeliest classes: each equally often where labelled.

  Samples without a label of the task keep their share.
  """
  task = balanced_task(tasks, name)
  counts = np.zeros(len(task.outputs) + 1, np.int64)
  classes = dataset.map(lambda row: class_of(row, task))
  for chosen in tfds.as_numpy(classes.batch(4096)):
    counts += np.bincount(chosen, minlength=len(counts))
  return [
    Stream(
      dataset.filter(lambda row, i=i: tf.equal(class_of(row, task), i)),
      int(counts[i]),
      share * class_share,
    )
    for i, class_share in enumerate(sampling.class_shares(counts))
    if counts[i]
  ]


def merge(
  streams: Sequence[Stream], seed: int, start: int, shuffle_buffer: int
) -> tf.data.Dataset:
  """The rows of all streams from row `start` on, as `sampling` draws them."""
  buffer = max(1, shuffle_buffer // len(streams))

  def rows(index: int, stream: Stream, read: int) -> tf.data.Dataset:
    def order(epoch: tf.Tensor) -> tf.data.Dataset:
      key = key_of(seed, 0, epoch * len(streams) + index)
      # Drawn: of the key itself, only the second number depends on the epoch.
      own: Any = tf.random.stateless_uniform((), key, 1, 2**31 - 1, tf.int64)
      return stream.rows.shuffle(
        min(stream.size, buffer), own, reshuffle_each_iteration=False
      )

    epochs = tf.data.Dataset.range(
      read // stream.size, np.iinfo(np.int64).max // len(streams)
    )
    return epochs.flat_map(order).skip(read % stream.size)

  if len(streams) == 1:
    return rows(0, streams[0], start)
  weights = [s.share for s in streams]
  read = sampling.drawn(seed, start, weights)
  return tf.data.Dataset.choose_from_datasets(
    [
      rows(i, s, int(n))
      for i, (s, n) in enumerate(zip(streams, read, strict=True))
    ],
    sampling.draws(seed, start, weights),
  )
