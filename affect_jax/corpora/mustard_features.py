"""Feature files of MUStARD, as sequences [T, D] in the order of its table.

Each reader takes the file, the ids of all rows and the wanted rows, ascending,
and streams their arrays, unchecked.
"""

import collections
from collections.abc import Callable, Iterator, Mapping, Sequence
import json
import pathlib
from typing import Any

import numpy as np

from affect_jax.corpora.builders import feature_file
from affect_jax.corpora.files import csd_file
from affect_jax.corpora.files import numpy_pickle
from affect_jax.errors import MissingExtra
from affect_jax.errors import UserError


def from_pickle(
  file: pathlib.Path, ids: Sequence[str], rows: Sequence[int]
) -> Iterator[np.ndarray]:
  """Streams arrays [T, D] of a pickle {id: (D, T)}, features first.

  Other ids are ignored.

  Raises:
    UserError: the file is not such a pickle, or an id is not in it.
  """
  arrays = numpy_pickle.load(file, encoding='latin1')
  if not isinstance(arrays, dict):
    raise UserError(
      f'{file} holds a {type(arrays).__name__}, not a dict of arrays.'
    )
  for row in rows:
    with numpy_pickle.understood(file):
      array = np.transpose(_get(file, arrays, ids[row]))
    yield array


def finite_audio(array: np.ndarray, counts: collections.Counter) -> np.ndarray:
  """Puts 0 for what is not finite, counted as `feature_file.finite` does.

  An array without any finite number is returned as it is.
  """
  if array.dtype.kind != 'f' or np.isfinite(array).all():
    return array
  replaced: collections.Counter = collections.Counter()
  result = feature_file.finite(array, 'audio', replaced)
  if result is None:
    return array
  counts.update(replaced)
  return result


def from_hdf5(
  file: pathlib.Path, ids: Sequence[str], rows: Sequence[int]
) -> Iterator[np.ndarray]:
  """Streams arrays [T, D] of an HDF5 file {id: (T, D)}; ignores other ids.

  Raises:
    ImportError: h5py is not installed.
    UserError: the file is not HDF5, is damaged, or an id is not in it.
  """
  try:
    import h5py
  except ImportError as e:
    raise MissingExtra(
      f"{file}: HDF5 files need h5py: pip install 'affect_jax[csd]'."
    ) from e
  try:
    data = h5py.File(file, 'r')
  except OSError as e:
    raise UserError(f'{file} is not an HDF5 file: {e}.') from e
  with data:
    for row in rows:
      with csd_file.damage_explained(f'{file}: {ids[row]}'):
        array = np.asarray(_get(file, data, ids[row]))
      yield array


def from_bert(
  file: pathlib.Path, ids: Sequence[str], rows: Sequence[int]
) -> Iterator[np.ndarray]:
  """Streams arrays [T, D] that BERT's `extract_features.py` wrote, by line.

  A step is a word piece, the mean of its layers. Only the wanted lines are
  parsed.

  Raises:
    UserError: there are not as many lines as ids, or a line is of another
      form.
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
          f'{file}:{row + 1}: {ids[row]!r} is not output of '
          f'extract_features.py ({type(e).__name__}: {e}).'
        ) from e


def _mean(piece: Mapping[str, Any]) -> np.ndarray:
  """Averages the layers of a word piece: [D]."""
  layers = [layer['values'] for layer in piece['layers']]
  return np.asarray(layers, np.float32).mean(axis=0)


def _get(file: pathlib.Path, arrays: Mapping[str, Any], name: str) -> Any:
  if name not in arrays:
    raise UserError(
      f'{file} holds nothing for {name!r}, though {len(arrays)} other ids.'
    )
  return arrays[name]


Reader = Callable[
  [pathlib.Path, Sequence[str], Sequence[int]], Iterator[np.ndarray]
]
READERS: dict[str, Reader] = {
  'text': from_bert,
  'audio': from_pickle,
  'vision': from_hdf5,
}
