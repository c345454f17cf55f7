"""Sequences of features [T, D]: read from files and checked."""

import collections
from collections.abc import Mapping
import pathlib

import numpy as np

from affect_jax.corpora.files import numpy_file
from affect_jax.errors import UserError

# Raise it where the same file becomes other features.
READING = 2
# Recordings that libsndfile reads.
RECORDINGS = (
  *('.wav', '.flac', '.ogg', '.oga', '.opus', '.mp3'),
  *('.aif', '.aiff', '.aifc', '.au', '.caf', '.rf64', '.w64'),
)
ARRAYS = ('.npy', '.npz')
# The file beside what `export_features` writes: 'step', 'weights' and others.
EXPORTED = 'features.json'
SUFFIXES = {'audio': (*ARRAYS, *RECORDINGS), 'vision': (*ARRAYS, '.csv')}


def checked(array: np.ndarray, dim: int | None = None) -> np.ndarray:
  """Checks a sequence and returns it as f32 [T, D].

  Args:
    array: Numbers [T, D], T and D above 0.
    dim: The D that is required; None: any.

  Raises:
    UserError: the array is something else. The message begins with a verb, as
      in 'has the shape ...'; the caller says which array it is.
  """
  if not isinstance(array, np.ndarray) or array.dtype.kind not in 'fiu':
    kind = getattr(array, 'dtype', type(array).__name__)
    raise UserError(f'is {kind}, not an array of numbers')
  if array.ndim != 2 or not array.size:
    raise UserError(
      f'has the shape {array.shape}, not (steps, features), each above 0'
    )
  if dim is not None and array.shape[1] != dim:
    raise UserError(f'has {array.shape[1]} features per step, not {dim}')
  given = array
  with np.errstate(over='ignore', invalid='ignore'):
    array = array.astype(np.float32)
  finite = np.isfinite(array)
  if not finite.all():
    row, column = np.argwhere(~finite)[0]
    if np.isfinite(given[row, column]):
      raise UserError(
        f'has {given[row, column]:g} in row {row}, column {column}, which is '
        'beyond the range of float32 (3.4e38): divide these features, or leave '
        'them out'
      )
    raise UserError(
      f'has {array[row, column]} in row {row}, column {column}; '
      f'{np.count_nonzero(~finite)} of its values are not finite'
    )
  return array


def read(
  path: pathlib.Path, counts: collections.Counter | None = None
) -> np.ndarray:
  """Reads the array of a file, or the features of a recording, [T, D].

  A first axis of 1 before [T, D], the batch of the model that computed the
  features, is dropped.

  Args:
    path: A .npy, an .npz of one array, or a file with one of RECORDINGS.
    counts: {what is odd of a recording: recordings}, which is added to.

  Raises:
    UserError: the file cannot be read; the caller says which file it is.
  """
  if path.suffix.lower() in RECORDINGS:
    from affect_jax.corpora.features import wav_features

    return wav_features.features(path, counts=counts)
  with numpy_file.opened(path, subject='') as found:
    array = _only(found) if isinstance(found, Mapping) else found
  return array[0] if array.ndim == 3 and len(array) == 1 else array


def _only(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
  """Returns the one array of an archive."""
  names = list(arrays)
  if len(names) != 1:
    raise UserError(
      f'is an .npz archive of {len(names)} arrays ({", ".join(names[:10])}), '
      'not of one'
    )
  return arrays[names[0]]
