"""Feature files of MUStARD, as sequences [T, D] in the order of its table.

Each reader takes the file, the ids of all rows and the rows that are wanted,
ascending, and streams their arrays, unchecked.
"""

import collections
from collections.abc import Callable, Iterator, Mapping, Sequence
import json
import pathlib
from typing import Any

import numpy as np

from affect_jax.corpora.builders import feature_file
from affect_jax.corpora.files import numpy_pickle
from affect_jax.errors import UserError


def from_pickle(
  file: pathlib.Path, ids: Sequence[str], rows: Sequence[int]
) -> Iterator[np.ndarray]:
  """Arrays [T, D] of a pickle {id: (D, T)}: features come first there.

  Further ids are left alone.

  Raises:
    ValueError: the file is not such a pickle, or an id is not in it.
  """
  found = numpy_pickle.load(file, encoding='latin1')
  if not isinstance(found, dict):
    raise UserError(f'{file}: {type(found).__name__}, not a dict of arrays.')
  for row in rows:
    yield np.transpose(_get(file, found, ids[row]))


def finite_audio(array: np.ndarray, counts: collections.Counter) -> np.ndarray:
  """The array with 0 for what is not finite, as `feature_file.finite` counts.

  It stays as it is if nothing else is in it.
  """
  if array.dtype.kind != 'f' or np.isfinite(array).all():
    return array
  own: collections.Counter = collections.Counter()
  found = feature_file.finite(array, 'audio', own)
  if found is None:
    return array
  counts.update(own)
  return found


def from_hdf5(
  file: pathlib.Path, ids: Sequence[str], rows: Sequence[int]
) -> Iterator[np.ndarray]:
  """Arrays [T, D] of an HDF5 file {id: (T, D)}; further ids are left alone.

  Raises:
    ImportError: h5py is not installed.
    ValueError: the file is not HDF5, or an id is not in it.
  """
  try:
    import h5py
  except ImportError as e:
    raise ImportError(
      f"{file}: HDF5 files need h5py: pip install 'affect_jax[csd]'."
    ) from e
  try:
    data = h5py.File(file, 'r')
  except OSError as e:
    raise UserError(f'{file}: is no HDF5 file: {e}.') from e
  with data:
    for row in rows:
      yield np.asarray(_get(file, data, ids[row]))


def from_bert(
  file: pathlib.Path, ids: Sequence[str], rows: Sequence[int]
) -> Iterator[np.ndarray]:
  """Arrays [T, D] of what BERT's `extract_features.py` wrote, line by line.

  A step is a word piece, the mean of its layers. Only the lines that are
  wanted are parsed.

  Raises:
    ValueError: there are not as many lines as ids, or one is something else.
  """
  with open(file, 'rb') as f:
    lines = sum(1 for _ in f)
    if lines != len(ids):
      raise UserError(
        f'{file}: {lines} lines; the table has {len(ids)} rows, and the lines '
        'are in its order.'
      )
    f.seek(0)
    wanted = set(rows)
    for row, line in enumerate(f):
      if row not in wanted:
        continue
      try:
        yield np.array([_mean(p) for p in json.loads(line)['features']])
      except (ValueError, KeyError, TypeError) as e:
        raise UserError(
          f'{file}:{row + 1}: {ids[row]!r} is no output of extract_features.py '
          f'({type(e).__name__}: {e}).'
        ) from e


def _mean(piece: Mapping[str, Any]) -> np.ndarray:
  """[D]: mean over the layers of a word piece."""
  layers = [layer['values'] for layer in piece['layers']]
  return np.asarray(layers, np.float32).mean(axis=0)


def _get(file: pathlib.Path, found: Mapping[str, Any], name: str) -> Any:
  if name not in found:
    raise UserError(
      f'{file}: there is nothing for {name!r}; it holds {len(found)} ids.'
    )
  return found[name]


Reader = Callable[
  [pathlib.Path, Sequence[str], Sequence[int]], Iterator[np.ndarray]
]
READERS: dict[str, Reader] = {
  'text': from_bert,
  'audio': from_pickle,
  'vision': from_hdf5,
}
