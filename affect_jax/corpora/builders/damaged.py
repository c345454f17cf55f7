"""Finds damage in prepared corpora, which only helps to be deleted."""

from collections.abc import Iterator
import contextlib
import json
import traceback
from typing import Any

from etils import epath
from google.protobuf import json_format
import tensorflow as tf

from affect_jax.errors import UserError

# Around each record a TFRecord file has its length and two checksums.
FRAME = 16
# {folder of a corpus that this process has checked: its files}, to find later
# what was damaged or went.
CHECKED: dict[str, list[epath.Path]] = {}


def advice(folder: Any) -> str:
  """Says what to do about a damaged folder."""
  return f'Delete this folder, then it is prepared again: {folder}'


@contextlib.contextmanager
def explained(folder: str) -> Iterator[None]:
  """Explains what tfds raises if it cannot read its own JSON in a folder."""
  try:
    yield
  except (json_format.ParseError, json.JSONDecodeError) as error:
    frames = traceback.extract_tb(error.__traceback__)
    if not any('tensorflow_datasets' in frame.filename for frame in frames):
      raise  # A file of the user.
    raise UserError(
      f'What describes a prepared corpus is damaged ({error}). {advice(folder)}'
    ) from error


def check_sizes(builder: Any) -> None:
  """Checks that all files of a prepared corpus are there, and whole.

  Raises:
    UserError: a file is missing, or those of a split are shorter or longer than
      they were; the message says which folder to delete.
  """
  files = []
  for name, split in builder.info.splits.items():
    paths = [epath.Path(path) for path in split.filepaths]
    files += paths
    missing = [path.name for path in paths if not path.exists()]
    if missing:
      raise UserError(
        f'{builder.name}: the prepared split {name} lacks {missing[0]}. '
        + advice(builder.data_dir)
      )
    size = sum(path.stat().length for path in paths)
    # tfds counts the bytes of records; `shards` those of files.
    framed = split.num_bytes + FRAME * split.num_examples
    if split.num_bytes and size not in (split.num_bytes, framed):
      raise UserError(
        f'{builder.name}: the files of the prepared split {name} have {size:,} '
        f'bytes, not {framed:,}: they are damaged. ' + advice(builder.data_dir)
      )
  CHECKED[str(builder.data_dir)] = files


def gone(message: str | None = None) -> str:
  """Says which prepared file is not there any more; '' if all are there.

  Args:
    message: Of an error; corpora whose folder it does not name are passed over.
      None: all are looked at.
  """
  for folder, files in CHECKED.items():
    if message is not None and folder not in message:
      continue
    missing = next((path for path in files if not path.exists()), None)
    if missing is not None:
      return (
        f'{missing} was there when this command began, and is gone: its disk '
        'may be away. Put it back, then give the same command again; or delete '
        f'{folder}, then it is prepared again.'
      )
  return ''


def find() -> str:
  """Explains tf.errors.DataLossError: says which file of a corpus is damaged.

  Returns '' if no checksum of any corpus that this process uses is wrong.
  """
  for folder in CHECKED:
    for path in sorted(epath.Path(folder).glob('*.tfrecord*')):
      try:
        for _ in tf.data.TFRecordDataset(str(path)):
          pass
      except tf.errors.OpError:
        return f'{path} is damaged. {advice(folder)}'
  return ''
