"""Sequences of features [T, D]: read from files and checked."""

import pathlib

import numpy as np

from affect_jax.errors import UserError

SUFFIXES = {'audio': ('.npy', '.wav'), 'vision': ('.npy', '.csv')}


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
  with np.errstate(over='ignore', invalid='ignore'):
    array = array.astype(np.float32)
  finite = np.isfinite(array)
  if not finite.all():
    row, column = np.argwhere(~finite)[0]
    raise UserError(
      f'has {array[row, column]} in row {row}, column {column}; '
      f'{np.count_nonzero(~finite)} of its values are not finite'
    )
  return array


def read(path: pathlib.Path) -> np.ndarray:
  """Reads the array of a .npy file, or the features of a .wav file, [T, D].

  Raises:
    UserError: the file cannot be read; the caller says which file it is.
  """
  if path.suffix.lower() == '.wav':
    from affect_jax.corpora.features import wav_features

    return wav_features.features(path)
  try:
    array = np.load(path, allow_pickle=False)
  except (OSError, ValueError, EOFError) as e:
    raise UserError(f'is not a .npy file of numbers: {e}') from e
  if not isinstance(array, np.ndarray):  # A zip archive by another name.
    array.close()
    raise UserError('is an .npz archive, not a .npy file')
  return array
