"""Finds where each record of a split lies in its files, to read single records.

Each class of a corpus is drawn at a rate of its own. Filtering the corpus would
read all records once per class; with their places, only drawn records are read.
"""

from collections.abc import Callable, Mapping
import dataclasses
import os
from typing import Any

from etils import epath
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

# Number of records that one call of Python reads.
READ = 32
# Bytes of a TFRecord before the data (length, uint64, and its checksum) and
# after them (a checksum).
HEADER, FOOTER = 12, 4


@dataclasses.dataclass(frozen=True)
class Places:
  """The places of N records, in their stored order.

  Attributes:
    paths: The files.
    file: Index of each record's file, int64 [N].
    offset: Bytes before the record's data in this file, int64 [N].
    length: Bytes of the record's data, int64 [N].
  """

  paths: tuple[str, ...]
  file: np.ndarray
  offset: np.ndarray
  length: np.ndarray


def find(
  builder: Any,
  split: str,
  decoders: Mapping[str, Any],
  class_of: Callable[[Any], tf.Tensor],
) -> tuple[Places, np.ndarray]:
  """Reads a split once, for the places and classes of its records.

  Args:
    builder: The builder of a corpus in TFRecord files.
    split: Name or slice.
    decoders: Decoders for `as_dataset`.
    class_of: Returns the class of a record, int32 [].

  Returns:
    (places, classes int32 [N]), in the order of `as_dataset`.
  """
  dataset = builder.as_dataset(
    split=split,
    shuffle_files=False,
    decoders=decoders,
    read_config=tfds.ReadConfig(try_autocache=False, add_tfds_id=True),
  )
  dataset = dataset.map(lambda r: (r['tfds_id'], class_of(r)), tf.data.AUTOTUNE)
  instructions = builder.info.splits[split].file_instructions
  paths = tuple(sorted({os.fspath(i.filename) for i in instructions}))
  index = {os.path.basename(path): i for i, path in enumerate(paths)}
  files, numbers, classes = [], [], []
  for names, chosen in tfds.as_numpy(dataset.batch(4096)):
    # Names are 'FILE__NUMBER', with the number of the record in its file.
    pairs = [name.decode().rsplit('__', 1) for name in names]
    files.append(np.array([index[file] for file, _ in pairs], np.int64))
    numbers.append(np.array([int(n) for _, n in pairs], np.int64))
    classes.append(chosen)
  file, number = np.concatenate(files), np.concatenate(numbers)
  offset, length = np.zeros_like(file), np.zeros_like(file)
  for i, path in enumerate(paths):
    offsets, lengths = _records(path)
    in_file = file == i
    offset[in_file] = offsets[number[in_file]]
    length[in_file] = lengths[number[in_file]]
  return Places(paths, file, offset, length), np.concatenate(classes)


def read(numbers: tf.data.Dataset, places: Places) -> tf.data.Dataset:
  """Reads records by their numbers, int64 [], as pairs (number, string [])."""

  def read_some(chosen: np.ndarray) -> np.ndarray:
    return np.array([_read(places, i) for i in chosen], object)

  def pairs(chosen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    records = tf.numpy_function(read_some, [chosen], tf.string)
    return chosen, tf.ensure_shape(records, chosen.shape)

  return (
    numbers.batch(READ)
    .map(pairs, tf.data.AUTOTUNE, deterministic=True)
    .unbatch()
  )


def _read(places: Places, number: int) -> bytes:
  with epath.Path(places.paths[places.file[number]]).open('rb') as file:
    file.seek(int(places.offset[number]))
    return file.read(int(places.length[number]))  # pyright: ignore


def _records(path: str) -> tuple[np.ndarray, np.ndarray]:
  """Reads headers of a file: (offsets, lengths) of its records, int64 [N]."""
  spans, position = [], 0
  with epath.Path(path).open('rb') as file:
    while header := file.read(HEADER):
      length = int.from_bytes(header[:8], 'little')  # pyright: ignore
      spans.append((position + HEADER, length))
      position += HEADER + length + FOOTER
      file.seek(position)
  offsets, lengths = np.array(spans, np.int64).reshape(-1, 2).T
  return offsets, lengths
