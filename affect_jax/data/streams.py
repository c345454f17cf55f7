"""Prepared corpora -> endless streams of labelled, encoded rows.

A row is {'id', inputs as they are stored, 'labels': {task: ...}, 'weights':
{...}}; pictures are encoded.
Their order is a function of (seed, row) alone.
"""

from collections.abc import Callable, Mapping, Sequence
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
from affect_jax.data import merge
from affect_jax.data import record_places
from affect_jax.data import sampling
from affect_jax.errors import UserError
from affect_jax.training import processes

DATA_DIR = '~/tensorflow_datasets'
# What the number of a record takes in memory.
NUMBER_BYTES = 8


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
    """What a number depends on: version, checksums, sizes, what was left out.

    `samples` are those of the splits in use, `bytes` those of the records of
    each split of the corpus.
    """
    found = records.metadata(self.builder)
    splits = self.builder.info.splits
    return {
      'name': self.builder.info.full_name,
      'sources': found['sources'],
      'skipped': found['skipped'],
      'samples': {
        part: splits[split].num_examples for part, split in self.splits.items()
      },
      'bytes': {name: split.num_bytes for name, split in splits.items()},
    }


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


def record_bytes(builder: Any) -> float:
  """Bytes of a record on disk, on average over all splits."""
  splits = builder.info.splits.values()
  return sum(s.num_bytes for s in splits) / sum(s.num_examples for s in splits)


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


def train_streams(
  corpora: Sequence[Corpus],
  tasks: Sequence[Any],
  shares: Mapping[str, float],
  balance: str,
  *,
  numbered: bool = False,
  get_inputs: Callable[..., dict[str, tf.Tensor]] = inputs_of,
) -> list[merge.Stream]:
  """One stream per corpus, or per class of each corpus.

  Rows that are `numbered` have 'row', int64 below `train_size`: the place of
  the sample among those of training, corpus after corpus. Rows of all corpora
  need the same inputs: `get_inputs` makes them of (record, builder).
  """
  streams = []
  before = 0
  for corpus in corpora:
    if 'train' not in corpus.splits:
      continue
    builder, split = corpus.builder, corpus.splits['train']
    share = shares[corpus.name]

    def to_row(
      i: tf.Tensor, record: Any, builder: Any = builder, before: int = before
    ) -> dict[str, Any]:
      row = {
        **get_inputs(record, builder),
        **labels_of(record, builder, tasks),
      }
      return {**row, 'row': i + before} if numbered else row

    if balance:
      task = balanced_task(tasks, balance)
      streams += _classes(corpus, task, to_row, share)
    else:
      dataset, size = records_of(builder, split)
      # The order of the records is always the same.
      dataset = dataset.enumerate().map(to_row, tf.data.AUTOTUNE)
      streams.append(
        merge.Stream(corpus.name, dataset, size, record_bytes(builder), share)
      )
    before += split_size(builder, split)
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
  corpus: Corpus, task: Any, to_row: Callable[..., Any], share: float
) -> list[merge.Stream]:
  """A corpus by its likeliest classes: each equally often where labelled.

  Samples without a label of the task keep their share.
  """
  builder, decoders = corpus.builder, undecoded(corpus.builder)
  places, classes = record_places.find(
    builder,
    corpus.splits['train'],
    decoders,
    lambda r: class_of(labels_of(r, builder, [task]), task),
  )
  counts = np.bincount(classes, minlength=len(task.outputs) + 1)

  def parse(number: tf.Tensor, record: tf.Tensor) -> dict[str, Any]:
    features = builder.info.features
    return to_row(
      number, features.deserialize_example(record, decoders=decoders)
    )

  def read(numbers: tf.data.Dataset) -> tf.data.Dataset:
    found = record_places.read(numbers, places)
    return found.map(parse, tf.data.AUTOTUNE, deterministic=True)

  return [
    merge.Stream(
      f'{corpus.name}/{class_name}',
      tf.data.Dataset.from_tensor_slices(np.flatnonzero(classes == i)),
      int(counts[i]),
      NUMBER_BYTES,
      share * class_share,
      read,
    )
    for i, (class_name, class_share) in enumerate(
      zip(
        (*task.outputs, 'unlabelled'),
        sampling.class_shares(counts),
        strict=True,
      )
    )
    if counts[i]
  ]
