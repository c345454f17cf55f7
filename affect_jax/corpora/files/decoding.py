"""Decodes pictures: as training does, or without TensorFlow."""

import io
from typing import Any

import numpy as np
from PIL import Image

from affect_jax.errors import MissingExtra
from affect_jax.errors import UserError


def by_tensorflow(data: bytes, wide: bool = False) -> np.ndarray:
  """Returns uint8 [H, W, 3], the pixels that training sees.

  Args:
    data: A picture of a format that TensorFlow knows.
    wide: Return the values of a PNG of 16 bits, uint16 [H, W, C], instead.
  """
  import tensorflow as tf

  decoded: Any
  if wide:
    decoded = tf.io.decode_png(data, dtype=tf.uint16)
  else:
    decoded = tf.io.decode_image(data, channels=3, expand_animations=False)
  return decoded.numpy()


def without_tensorflow(data: bytes, wide: bool = False) -> np.ndarray:
  """Returns the same, to the last bit.

  TensorFlow decodes JPEG by libjpeg's fast transform, which is 2 of 255 off the
  exact one that Pillow uses: enough to move the box of a face by a pixel.

  Args:
    data: A picture of a format that Pillow knows.
    wide: Return the values of a grey PNG of 16 bits, uint16 [H, W, 1], instead.

  Raises:
    MissingExtra: simplejpeg is not installed, and the picture is a JPEG.
    UserError: Of colours of 16 bits Pillow keeps 8.
  """
  if data.startswith(b'\xff\xd8'):
    try:
      import simplejpeg
    except ImportError as error:
      raise MissingExtra(
        'Without TensorFlow, JPEGs are read by the package simplejpeg: pip '
        'install simplejpeg.'
      ) from error
    return simplejpeg.decode_jpeg(data, colorspace='RGB', fastdct=True)
  with Image.open(io.BytesIO(data)) as picture:
    if not wide:
      # Alpha is dropped, not blended; `convert` does so, too.
      return np.asarray(picture.convert('RGB'))
    if not picture.mode.startswith('I'):
      raise UserError(
        'has colours of 16 bits, which only TensorFlow reads; save it with 8'
      )
    return np.asarray(picture).astype(np.uint16)[..., None]
