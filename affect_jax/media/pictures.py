"""Reads pictures as frames, with the pixels that a run would learn from."""

import pathlib
from typing import Any

import tensorflow as tf

from affect_jax.corpora.files import pictures as picture_files
from affect_jax.media import frame as frame_lib


def read(
  path: pathlib.Path, rules: picture_files.Rules | None = None
) -> frame_lib.Frame:
  """Reads a picture upright, as RGB; one that cannot be read has a reason.

  It is decoded as in training and evaluation: the same file gives the same
  values, to the last bit.

  Args:
    path: A picture file.
    rules: How the run's corpus brought pictures into shape; None: as they are.
  """
  try:
    data = picture_files.read(path, rules).data
  except ValueError as error:
    return frame_lib.failed(str(error))
  image: Any = tf.io.decode_image(data, channels=3, expand_animations=False)
  return frame_lib.Frame(0, float('nan'), image.numpy())
