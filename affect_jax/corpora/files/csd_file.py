"""Computational sequences (.csd): the HDF5 files of CMU-MultimodalSDK.

A file holds one stream of one corpus, as the SDK writes it
(mmsdk/mmdatasdk/computational_sequence/file_ops.py):

  /<stream>/data/<video>/features    [n, D]
  /<stream>/data/<video>/intervals   [n, 2], start and end
  /<stream>/metadata/<key>           JSON text

Files that were packed from several (mosei.hdf5) hold many streams, without
`data` in between. Rows stand in any order. After the SDK's align(reference),
entries are 'video[k]', where k is the row of the reference: what two of its
segments share stands in both, and what crosses their borders is cut there.
`opened` undoes all of this.

CMU offered the streams of CMU-MOSI and CMU-MOSEI at immortal.multicomp.cs.cmu
.edu (addresses: mmsdk/mmdatasdk/dataset/standard_datasets), which is often
down; the SDK's licence, of the MIT kind, makes users responsible for proper
use of the data. Cite Zadeh et al., 2018 (CMU-MOSEI, ACL).

h5py reads one entry at a time: memory does not grow with the file.
"""

import collections
from collections.abc import Callable, Iterator, Sequence
import contextlib
import pathlib
import re
from typing import Any

import numpy as np

from affect_jax.errors import MissingExtra
from affect_jax.errors import UserError

REPEATED = 'rows that appear twice'
NOT_FINITE = 'rows whose interval is not finite'
BACKWARDS = 'rows that end before they start'
# Seconds; intervals in float32 are this exact for ten minutes.
EPSILON = 1e-4
_ALIGNED = re.compile(r'(.+?)((?:\[\d+\])+)')


def streams(path: str | pathlib.Path) -> list[str]:
  """Lists the names of the streams in a file.

  Raises:
    FileNotFoundError: there is no such file.
    UserError: the file is not HDF5.
  """
  with _open(path) as file:
    return _keys(path, file)


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
    for key in _keys(path, data):
      yield key, *_entry(path, key, data)


def split_key(key: str) -> tuple[str, int]:
  """Splits 'video[3]' into video and row, as align writes it; else row 0.

  What was aligned again, 'video[3][0]', is row 3, the sum.
  """
  if match := _ALIGNED.fullmatch(key):
    return match[1], sum(map(int, re.findall(r'\d+', match[2])))
  return key, 0


@contextlib.contextmanager
def opened(
  path: str | pathlib.Path,
  stream: str = '',
  *,
  counts: collections.Counter | None = None,
) -> Iterator[Callable[[str], tuple[np.ndarray, np.ndarray] | None]]:
  """Opens a file as a function from a video to features and intervals.

  These are [n, D] and [n, 2] by time, or None if the stream does not have the
  video: all entries of the video, as `in_time` puts them together. Other
  arguments and errors are those of `entries`.

  Args:
    path: A .csd file.
    stream: Its name; '' if the file has only one.
    counts: {reason: rows that were left out}, which is added to.
  """
  counts = collections.Counter() if counts is None else counts
  with _open(path) as file:
    data = _data(path, file, stream)
    keys: dict[str, list[str]] = {}
    for key in _keys(path, data):
      keys.setdefault(split_key(key)[0], []).append(key)

    def get(video: str) -> tuple[np.ndarray, np.ndarray] | None:
      if video not in keys:
        return None
      order = sorted(keys[video], key=lambda k: (split_key(k)[1], k))
      parts = [_entry(path, key, data) for key in order]
      if len(widths := {features.shape[1] for features, _ in parts}) > 1:
        raise UserError(
          f'{path}: entries of {video} have {sorted(widths)} features per row.'
        )
      return in_time(parts, counts)

    yield get


def in_time(
  parts: Sequence[tuple[np.ndarray, np.ndarray]], counts: collections.Counter
) -> tuple[np.ndarray, np.ndarray]:
  """Puts the entries of one video together, its rows by start and end.

  Rows of equal features and interval come once. So do pieces of one row, which
  align cut at the borders of segments that overlap: rows of different entries
  with equal features whose intervals overlap become one that spans both. Rows
  whose interval is not finite, or backwards, are left out.

  Args:
    parts: (features [n, D], intervals [n, 2]) of each entry.
    counts: {reason: rows that were left out}, which is added to.
  """
  features = np.concatenate([f for f, _ in parts])
  spans = np.concatenate([s for _, s in parts]).astype(np.float64)
  entry = np.repeat(np.arange(len(parts)), [len(f) for f, _ in parts])
  finite = np.isfinite(spans).all(axis=1)
  forward = spans[:, 0] <= spans[:, 1]
  counts[NOT_FINITE] += int(np.sum(~finite))
  counts[BACKWARDS] += int(np.sum(finite & ~forward))
  good = np.flatnonzero(finite & forward)
  # Stable: rows of one interval keep their order.
  order = good[np.lexsort((spans[good, 1], spans[good, 0]))]
  features, spans, entry = features[order], spans[order], entry[order]
  if not _may_repeat(spans, len(parts)):
    return features, spans
  kept: list[int] = []
  last: dict[Any, int] = {}
  for row, values in enumerate(features):
    content = tuple(values) if values.dtype == object else values.tobytes()
    other = last.get(content)
    if other is not None and (
      np.array_equal(spans[row], spans[other])
      or (
        entry[row] != entry[other] and spans[row, 0] < spans[other, 1] - EPSILON
      )
    ):
      spans[other, 1] = max(spans[other, 1], spans[row, 1])
      counts[REPEATED] += 1
    else:
      last[content] = row
      kept.append(row)
  return features[kept], spans[kept]


def _may_repeat(spans: np.ndarray, entries: int) -> bool:
  """Returns whether sorted intervals leave room for what `in_time` joins."""
  if len(spans) < 2:
    return False
  latest = np.maximum.accumulate(spans[:, 1])[:-1]
  overlap = entries > 1 and np.any(spans[1:, 0] < latest - EPSILON)
  return bool(overlap or np.any(np.all(spans[1:] == spans[:-1], axis=1)))


@contextlib.contextmanager
def damage_explained(where: str) -> Iterator[None]:
  """Names the place of what h5py raises, of any type, on damage."""
  try:
    yield
  except UserError:
    raise
  except (LookupError, OSError, RuntimeError, TypeError, ValueError) as e:
    raise UserError(
      f'{where} cannot be read: damaged ({e}). Fetch the file again.'
    ) from e


def _keys(path: str | pathlib.Path, group: Any) -> list[str]:
  with damage_explained(f'{path}'):
    names = list(group)
    if not all(isinstance(name, str) for name in names):
      raise ValueError('a name is not text')
    return names


def _data(path: str | pathlib.Path, file: Any, stream: str) -> Any:
  names = _keys(path, file)
  stream = stream or (names[0] if len(names) == 1 else '')
  if stream not in names:
    what = f'no stream {stream!r}' if stream else 'no single stream'
    raise UserError(f'{path} has {what}, but {names}.')
  with damage_explained(f'{path}: {stream}'):
    group = file[stream]
    if not hasattr(group, 'keys'):
      raise UserError(f'{path}: {stream} is an array, not a stream of videos.')
    # Not `get`, which takes damage for absence.
    return file[f'{stream}/data'] if 'data' in group else group


def _entry(
  path: str | pathlib.Path, key: str, group: Any
) -> tuple[np.ndarray, np.ndarray]:
  where = f'{path}: {key}'
  with damage_explained(where):
    entry = group[key]
    names = [*entry] if hasattr(entry, 'keys') else []
    if 'features' not in names or 'intervals' not in names:
      raise UserError(f'{where} has no features and intervals.')
    features, intervals = entry['features'][()], entry['intervals'][()]
  if np.shape(intervals) == (2,) and np.ndim(features) == 1:
    # The SDK takes an entry of one row like this.
    features, intervals = (
      np.asarray(features)[None],
      np.asarray(intervals)[None],
    )
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
