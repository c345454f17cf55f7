"""The splits of a run's corpora, read in chunks of samples."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
import contextlib
import dataclasses
import functools
import itertools
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from affect_jax.corpora.builders import records
from affect_jax.errors import UserError

CHUNK = 512
# Sequences of an utterance can be megabytes.
CHUNK_OF_UTTERANCES = 32
TEXTS = ('id', 'subject', 'dialogue', 'transcript')
ORDER = ('train', 'val', 'test')


@dataclasses.dataclass(frozen=True)
class Part:
  """Samples of one split of a run that come from one corpus.

  Attributes:
    split: 'train', 'val' or 'test'.
    corpus: Its name.
    stored: Name or slice of the stored split, such as 'train[:97%]'.
    size: Number of samples that are read.
    outputs: {task: names of its columns}.
    stream: Function that yields chunks {'id', 'subject', 'image', task, task +
      '_weights'} of records, as `builders.records` describes them. Instead of
      'image', utterances have 'dialogue', 'turn', 'transcript', modality +
      '_length', and a list of sequences for each modality.
    dims: {modality: features per step; 0: token ids} of utterances; empty if
      the part holds pictures.
  """

  split: str
  corpus: str
  stored: str
  size: int
  outputs: Mapping[str, Sequence[str]]
  stream: Any
  dims: Mapping[str, int] = dataclasses.field(default_factory=dict)


def parts_of(corpora: Iterable[Any], limit: int = 0) -> list[Part]:
  """Lists the parts of a run's corpora (`streams.Corpus`), by split.

  Args:
    corpora: Prepared corpora and their splits.
    limit: The most samples of each part to read; 0: all.
  """
  parts = []
  for corpus in corpora:
    metadata = records.metadata(corpus.builder)
    pictures = records.input_names(corpus.builder) == records.PICTURE
    stream = _pictures if pictures else _utterances
    for split, stored in corpus.splits.items():
      size = corpus.builder.info.splits[stored].num_examples
      parts.append(
        Part(
          split,
          corpus.name,
          stored,
          min(size, limit or size),
          metadata['outputs'],
          functools.partial(stream, corpus.builder, stored, limit),
          {} if pictures else dict(metadata['dims']),
        )
      )
  return sorted(parts, key=lambda p: ORDER.index(p.split))


def _pictures(
  builder: Any, stored: str, limit: int
) -> Iterator[dict[str, np.ndarray]]:
  keys = ('id', 'subject', *records.PICTURE, *_labels(builder))
  dataset: Any = _records(builder, stored, limit, keys)
  with _explained(builder, stored):
    yield from dataset.batch(CHUNK).as_numpy_iterator()


def _utterances(
  builder: Any, stored: str, limit: int
) -> Iterator[dict[str, Any]]:
  keys = (*TEXTS, 'turn', *records.input_names(builder), *_labels(builder))
  ragged = set(records.metadata(builder)['dims'])
  rows = _records(builder, stored, limit, keys).as_numpy_iterator()
  with _explained(builder, stored):
    while taken := list(itertools.islice(rows, CHUNK_OF_UTTERANCES)):
      columns = {k: [row[k] for row in taken] for k in keys}
      yield {
        # As bytes of numpy, all would be as long as the longest.
        k: x if k in ragged else np.array(x, object if k in TEXTS else None)
        for k, x in columns.items()
      }


def _labels(builder: Any) -> Iterator[str]:
  for task in records.metadata(builder)['outputs']:
    yield from (task, task + '_weights')


def _records(
  builder: Any, stored: str, limit: int, keys: Sequence[str]
) -> tf.data.Dataset:
  """Reads the keys of records in their stored order, pictures encoded."""
  skip = tfds.decode.SkipDecoding()
  dataset = builder.as_dataset(
    split=stored,
    shuffle_files=False,
    decoders={k: skip for k in records.PICTURE if k in keys},
    read_config=tfds.ReadConfig(try_autocache=False),
  )
  if limit:
    dataset = dataset.take(limit)
  return dataset.map(lambda record: {k: record[k] for k in keys})


@contextlib.contextmanager
def _explained(builder: Any, stored: str) -> Iterator[None]:
  """Explains errors of damaged files: which one it is, and what to do."""
  try:
    yield
  except tf.errors.DataLossError as error:
    raise UserError(
      f'{builder.data_dir}: the stored split {stored} is damaged; delete this '
      'folder, then it is prepared again. '
      f'({error.message.splitlines()[0]})'
    ) from error
