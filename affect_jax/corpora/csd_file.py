"""Computational sequences (.csd): the HDF5 files of CMU-MultimodalSDK.

A file holds one stream of one corpus, as the SDK writes it
(mmsdk/mmdatasdk/computational_sequence/file_ops.py):

  /<stream>/data/<video>/features    [n, D]
  /<stream>/data/<video>/intervals   [n, 2], start and end
  /<stream>/metadata/<key>           JSON text

Files that were packed from several (mosei.hdf5) hold many streams, without
`data` in between. After the SDK's align(labels), entries are 'video[k]', where
k is the row of the label stream, whose rows are not in order of time.

CMU offered the streams of CMU-MOSI and CMU-MOSEI at immortal.multicomp.cs.cmu
.edu (addresses: mmsdk/mmdatasdk/dataset/standard_datasets), which is often
down; the SDK's licence, of the MIT kind, makes users responsible for proper
use of the data. Cite Zadeh et al., 2018 (CMU-MOSEI, ACL).

h5py reads one entry at a time: memory does not grow with the file.
"""

from collections.abc import Callable, Iterator
import contextlib
import pathlib
from typing import Any

import numpy as np

from affect_jax.corpora.builders import feature_file
from affect_jax.errors import MissingExtra
from affect_jax.errors import UserError


def streams(path: str | pathlib.Path) -> list[str]:
  """Lists the names of the streams in a file.

  Raises:
    FileNotFoundError: there is no such file.
    UserError: the file is not HDF5.
  """
  with _open(path) as file:
    return list(file)


def entries(
  path: str | pathlib.Path, stream: str = ''
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
  """Yields (video or 'video[k]', features [n, D], intervals [n, 2]).

  Args:
    path: A .csd file.
    stream: Its name; '' if the file has only one.

  Raises:
    FileNotFoundError: there is no such file.
    ImportError: h5py is not installed.
    UserError: the file is not HDF5, it does not have this stream or has
      several (the message lists them), or the features and intervals of an
      entry are missing or unequal in number.
  """
  with _open(path) as file:
    data = _data(path, file, stream)
    for key in data:
      yield key, *_entry(path, key, data[key])


@contextlib.contextmanager
def opened(
  path: str | pathlib.Path, stream: str = ''
) -> Iterator[Callable[[str], tuple[np.ndarray, np.ndarray] | None]]:
  """Opens a file as a function from a video to features and intervals.

  These are [n, D] and [n, 2], or None if the stream does not have the video.
  Entries 'video[k]' of one video are concatenated, in order of k. Arguments and
  errors are those of `entries`.
  """
  with _open(path) as file:
    data = _data(path, file, stream)
    keys: dict[str, list[str]] = {}
    for key in data:
      keys.setdefault(feature_file.split_id(key)[0] or key, []).append(key)

    def get(video: str) -> tuple[np.ndarray, np.ndarray] | None:
      if video not in keys:
        return None
      order = sorted(
        keys[video], key=lambda k: int(feature_file.split_id(k)[1] or 0)
      )
      parts = [_entry(path, key, data[key]) for key in order]
      features, intervals = zip(*parts, strict=True)
      return np.concatenate(features), np.concatenate(intervals)

    yield get


def _data(path: str | pathlib.Path, file: Any, stream: str) -> Any:
  names = list(file)
  stream = stream or (names[0] if len(names) == 1 else '')
  if stream not in names:
    what = f'no stream {stream!r}' if stream else 'no single stream'
    raise UserError(f'{path} has {what}, but {names}.')
  group = file[stream]
  if not hasattr(group, 'keys'):
    raise UserError(f'{path}: {stream} is an array, not a stream of videos.')
  return group.get('data', group)


def _entry(
  path: str | pathlib.Path, key: str, entry: Any
) -> tuple[np.ndarray, np.ndarray]:
  where = f'{path}: {key}'
  try:
    features, intervals = entry['features'][()], entry['intervals'][()]
  except (KeyError, AttributeError, IndexError, TypeError) as e:
    raise UserError(f'{where} has no features and intervals.') from e
  except OSError as e:
    raise UserError(f'{where} cannot be read: damaged ({e}).') from e
  shape = np.shape(intervals)
  if np.ndim(features) != 2 or shape != (len(features), 2):
    raise UserError(
      f'{where} has features {np.shape(features)} and intervals {shape}, not '
      '[n, D] and [n, 2].'
    )
  return features, intervals


def _open(path: str | pathlib.Path) -> Any:
  try:
    import h5py
  except ImportError as e:
    raise MissingExtra(
      f"{path}: .csd files need h5py: pip install 'affect_jax[csd]'"
    ) from e
  if not pathlib.Path(path).is_file():
    raise FileNotFoundError(f'{path}: no such file; a .csd is expected here.')
  try:
    return h5py.File(path, 'r')
  except OSError as e:
    raise UserError(
      f'{path} is not an HDF5 file, or is damaged or truncated ({e}).'
    ) from e
