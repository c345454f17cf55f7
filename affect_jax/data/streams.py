"""Reads prepared corpora as endless streams of labelled rows.

A row is {'id', inputs as they are stored, 'labels': {task: ...}, 'weights':
{...}}; pictures are encoded.
The order of rows is a function of (seed, row) alone.
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
from affect_jax.corpora.builders import damaged
from affect_jax.corpora.builders import records
from affect_jax.data import gold_share
from affect_jax.data import label_mapping
from affect_jax.data import merge
from affect_jax.data import record_places
from affect_jax.data import sampling
from affect_jax.data import weak_labels
from affect_jax.errors import UserError
from affect_jax.training import processes

DATA_DIR = '~/tensorflow_datasets'
# Memory that the number of a record takes.
NUMBER_BYTES = 8
# Records that take less are parsed once, and not once per epoch.
KEPT_BYTES = 256e6


@dataclasses.dataclass(frozen=True)
class Corpus:
  """A prepared corpus, and the parts of it that a run uses.

  Attributes:
    name: As the config calls it.
    builder: Its tfds builder.
    splits: {'train' | 'val' | 'test': name or slice of a split}.
    weak: Reads the weak labels of its training samples; {} if it has none.
    gold_share: {task: share of its gold that training sees}, see `gold_share`.
  """

  name: str
  builder: Any
  splits: Mapping[str, str]
  weak: Callable[[], weak_labels.Parts] = dict
  gold_share: Mapping[str, float] = dataclasses.field(default_factory=dict)

  def describe(self) -> dict[str, Any]:
    """Describes the data: version, checksums, sizes, what was left out.

    `samples` counts the samples of the splits in use, `bytes` those of the
    records of each split of the corpus.
    """
    metadata = records.metadata(self.builder)
    splits = self.builder.info.splits
    return {
      'name': self.builder.info.full_name,
      'sources': metadata['sources'],
      'skipped': metadata['skipped'],
      'samples': {
        part: splits[split].num_examples for part, split in self.splits.items()
      },
      'bytes': {name: split.num_bytes for name, split in splits.items()},
    }


def build_corpus(
  name: str, data_dir: str | None, download_config: Any = None, **options: Any
) -> Any:
  """Returns the tfds builder of a corpus; prepares the corpus on first use.

  Process 0 prepares it first; others, if they have disks of their own, later.
  """
  data_dir = os.path.expanduser(data_dir or DATA_DIR)
  with damaged.explained(os.path.join(data_dir, name)):
    builder = corpora_lib.get_corpus(name)(data_dir=data_dir, **options)
    extra = {'download_config': download_config} if download_config else {}
    processes.first_then_others(
      'preparation', lambda: builder.download_and_prepare(**extra)
    )
  damaged.check_sizes(builder)
  return builder


def split_size(builder: Any, split: str, part: str = '') -> int:
  """Returns the number of samples of a split over all processes.

  Args:
    builder: The corpus' builder.
    split: Name or slice of the split.
    part: 'train', 'val' or 'test', which the run uses it for, for the message.

  Raises:
    UserError: The split does not exist, or is empty.
  """
  try:
    size = builder.info.splits[split].num_examples
  except (KeyError, ValueError) as error:
    setting = f'config.data.splits.{part}' if part else 'config.data.splits'
    without = f', or give --{setting}= (nothing) to go without'
    raise UserError(
      f'{builder.name} has no split {split!r}; it has '
      f'{sorted(builder.info.splits)}, and slices as '
      f"'train[:90%]'. Name one in {setting}"
      f'{without if part in ("val", "test") else ""}.'
    ) from error
  if not size:
    raise UserError(f'Split {split!r} of {builder.name} is empty.')
  return size


def records_of(builder: Any, split: str) -> tuple[tf.data.Dataset, int]:
  """Returns the undecoded records of a split in stored order, and their number.

  Each process reads all records, and decodes its own (`own_rows`). So batches
  do not depend on the number of processes, and no process lacks rows. Reading
  records is faster than decoding pictures.
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
  """Returns the rows of a batch that this process holds, an equal part."""
  count = batch_size // jax.process_count()
  start = jax.process_index() * count
  return slice(start, start + count)


def record_bytes(builder: Any) -> float:
  """Returns the bytes of a record on disk, on average over all splits."""
  splits = builder.info.splits.values()
  return sum(s.num_bytes for s in splits) / sum(s.num_examples for s in splits)


def train_size(corpora: Sequence[Corpus]) -> int:
  """Returns the number of training samples of all corpora."""
  return sum(
    split_size(c.builder, c.splits['train'])
    for c in corpora
    if 'train' in c.splits
  )


def undecoded(builder: Any) -> dict[str, Any]:
  """Returns decoders for `as_dataset` that leave pictures encoded."""
  skip = tfds.decode.SkipDecoding()
  return {k: skip for k in records.PICTURE if k in builder.info.features}


def inputs_of(
  record: Mapping[str, tf.Tensor], corpus: Corpus
) -> dict[str, tf.Tensor]:
  """Returns 'id' and the inputs of a record."""
  return {k: record[k] for k in ('id', *records.input_names(corpus.builder))}


def _columns(builder: Any, task: Any) -> Sequence[str]:
  return records.metadata(builder)['outputs'].get(task.name, ())


def labels_of(
  record: Mapping[str, tf.Tensor],
  builder: Any,
  tasks: Sequence[Any],
  shares: Mapping[str, float] | None = None,
) -> dict[str, Any]:
  """Returns {'labels', 'weights'} of a record, for the tasks' outputs.

  `shares` hides gold in training, see `gold_share`.
  """
  pairs = {
    t.name: label_mapping.to_task(record, t, _columns(builder, t))
    for t in tasks
  }
  return {
    'labels': {name: pair[0] for name, pair in pairs.items()},
    'weights': gold_share.hide(
      record['id'],
      {name: pair[1] for name, pair in pairs.items()},
      shares or {},
    ),
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
  """Returns one stream per corpus, or per class of each corpus.

  If `numbered`, 'row', int64 below `train_size`, numbers all training samples,
  corpus after corpus. `get_inputs`: (record, corpus) -> inputs, alike in all.
  """
  streams = []
  before = 0
  for corpus in corpora:
    if 'train' not in corpus.splits:
      continue
    builder, split = corpus.builder, corpus.splits['train']
    share = shares[corpus.name]
    join = weak_labels.make_join(corpus.weak(), tasks)

    @tf.autograph.experimental.do_not_convert
    def to_row(
      i: tf.Tensor,
      record: Any,
      corpus: Corpus = corpus,
      before: int = before,
      join: Callable[..., dict[str, Any]] = join,
    ) -> dict[str, Any]:
      row = {
        **get_inputs(record, corpus),
        **join(
          record['id'],
          labels_of(record, corpus.builder, tasks, corpus.gold_share),
        ),
      }
      return {**row, 'row': i + before} if numbered else row

    if balance:
      task = balanced_task(tasks, balance)
      streams += _classes(corpus, task, to_row, share)
    else:
      dataset, size = records_of(builder, split)
      # Records always come in the same order, so their numbers stay the same.
      dataset = dataset.enumerate().map(to_row, tf.data.AUTOTUNE)
      if size * record_bytes(builder) <= KEPT_BYTES:
        dataset = dataset.cache()
      streams.append(
        merge.Stream(corpus.name, dataset, size, record_bytes(builder), share)
      )
    before += split_size(builder, split)
  return streams


def balanced_task(tasks: Sequence[Any], name: str) -> Any:
  """Returns the task whose classes config.data.balance draws equally often.

  Raises:
    UserError: It is none of the tasks, or has no classes.
  """
  for task in tasks:
    if task.name == name and not task.weight_per_output:
      return task
  known = [t.name for t in tasks if not t.weight_per_output]
  raise UserError(
    f'config.data.balance={name!r} is no task with classes; these are: {known}.'
  )


def class_of(row: Mapping[str, Any], task: Any) -> tf.Tensor:
  """Returns the likeliest class of a row, or K if it has no label: int32 []."""
  best = tf.argmax(row['labels'][task.name], output_type=tf.int32)
  return tf.where(row['weights'][task.name] > 0, best, len(task.outputs))


def _classes(
  corpus: Corpus, task: Any, to_row: Callable[..., Any], share: float
) -> list[merge.Stream]:
  """Returns a stream per class: labelled classes are drawn equally often.

  A sample belongs to its likeliest class. Samples without a label of the task
  keep their share.
  """
  builder, decoders = corpus.builder, undecoded(corpus.builder)
  places, classes = record_places.find(
    builder,
    corpus.splits['train'],
    decoders,
    lambda r: class_of(labels_of(r, builder, [task], corpus.gold_share), task),
  )
  counts = np.bincount(classes, minlength=len(task.outputs) + 1)

  def parse(number: tf.Tensor, record: tf.Tensor) -> dict[str, Any]:
    features = builder.info.features
    return to_row(
      number, features.deserialize_example(record, decoders=decoders)
    )

  def read(numbers: tf.data.Dataset) -> tf.data.Dataset:
    pairs = record_places.read(numbers, places)
    return pairs.map(parse, tf.data.AUTOTUNE, deterministic=True)

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
