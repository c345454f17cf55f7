"""Reads pictures as frames, with the pixels that a run would learn from."""

from collections.abc import Callable
import pathlib

import numpy as np

from affect_jax.corpora.files import decoding
from affect_jax.corpora.files import pictures as picture_files
from affect_jax.media import frame as frame_lib


def read(
  path: pathlib.Path,
  rules: picture_files.Rules | None = None,
  decode: Callable[..., np.ndarray] = decoding.by_tensorflow,
) -> frame_lib.Frame:
  """Reads a picture upright, as RGB; one that cannot be read has a reason.

  By default it is decoded as in training and evaluation: the same file gives
  the same values, to the last bit.

  Args:
    path: A picture file.
    rules: How the run's corpus brought pictures into shape; None: as they are.
    decode: One of the functions of `decoding`.
  """
  try:
    data = picture_files.read(path, rules, decode).data
  except ValueError as error:
    return frame_lib.failed(str(error))
  return frame_lib.Frame(0, float('nan'), decode(data))
