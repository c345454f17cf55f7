"""Opens .npy and .npz files; whatever damage makes numpy raise is one error."""

from collections.abc import Iterator, Mapping
import contextlib
import os
from typing import Any

import numpy as np

from affect_jax.errors import UserError


@contextlib.contextmanager
def opened(
  path: str | os.PathLike[str], subject: str | None = None
) -> Iterator[Any]:
  """Yields the array of a .npy, or the arrays of an .npz by name.

  Those of an .npz are read when they are asked for, inside the block, which
  should do nothing else. Nothing is unpickled.

  Args:
    path: The file; its content says which of both it is.
    subject: What the message begins with, before 'is ...'; None: the path.

  Raises:
    FileNotFoundError: There is no such file.
    UserError: It is another file, or is damaged or cut, or holds objects.
  """
  subject = f'{path} ' if subject is None else subject
  try:
    with open(path, 'rb') as file:
      prefix = file.read(len(np.lib.format.MAGIC_PREFIX))
      file.seek(0)
      if prefix == np.lib.format.MAGIC_PREFIX:
        array = np.lib.format.read_array(file, allow_pickle=False)
        if file.read(1):
          raise ValueError(
            f'it goes on after the {array.shape} numbers that its head states'
          )
        yield array
        return
      if not prefix.startswith(b'PK'):
        raise ValueError('it begins like neither')
      with np.load(file, allow_pickle=False) as archive:
        yield archive
  except (UserError, FileNotFoundError):
    raise
  except Exception as e:  # Of zipfile, zlib, tokenize, numpy: nearly anything.
    raise UserError(
      f'{subject}is no .npy or .npz file of numbers, or is damaged or cut '
      f'({type(e).__name__}: {str(e)[:200]})'
    ) from e


def read_archive(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
  """Returns all arrays of an .npz; errors are those of `opened`."""
  with opened(path) as arrays:
    if not isinstance(arrays, Mapping):
      raise UserError(f'{path} is one array, not an .npz archive.')
    return {name: arrays[name] for name in arrays}
