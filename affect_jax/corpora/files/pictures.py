"""Reads picture files as bytes that all runs decode alike, and checks them."""

import io
from typing import Any

from etils import epath
import numpy as np
from PIL import Image
from PIL import ImageOps
import tensorflow as tf
import tensorflow_datasets as tfds

from affect_jax import file_kind
from affect_jax.errors import UserError

_ORIENTATION = 0x0112  # EXIF: 1 is upright


def inputs(windows: bool = False) -> dict[str, Any]:
  """Returns {'image': the tfds feature that stores what `read` returns}."""
  if windows:  # Encoded pictures are strings: frames may differ in size.
    return {'image': tfds.features.Tensor(shape=(None,), dtype=np.object_)}
  return {'image': tfds.features.Image(shape=(None, None, 3))}


def read(path: epath.PathLike) -> bytes:
  """Reads a file as an encoded, upright RGB picture.

  An upright 8-bit RGB JPEG or PNG keeps its bytes. Everything else that
  Pillow reads (grey, palette, CMYK, 16-bit grey, turned by EXIF, other
  formats) becomes a PNG; an alpha channel is dropped.

  Args:
    path: A picture file.

  Raises:
    UserError: the file is missing, truncated or not a picture. The message
      begins with a verb; the caller says which file it is.
  """
  try:
    data = epath.Path(path).read_bytes()
  except OSError as e:
    raise UserError(f'cannot be read ({e.strerror})') from e
  if not data:
    raise UserError('is an empty file')
  try:
    with Image.open(io.BytesIO(data)) as picture:
      picture.load()
      upright = picture.getexif().get(_ORIENTATION, 1) == 1
      plain = picture.mode == 'RGB' and picture.format in ('JPEG', 'PNG')
      if upright and plain:
        # Pillow forgives what would stop a training run later, such as a PNG
        # without its last bytes.
        tf.io.decode_image(data, channels=3, expand_animations=False)
        return data
      return _png(ImageOps.exif_transpose(picture))
  except Exception as e:  # Pillow's plugins raise errors of any type.
    if isinstance(e, Image.UnidentifiedImageError):
      kind = file_kind.describe(data[: file_kind.HEAD])
      raise UserError(kind or 'is not a picture') from e
    raise UserError(f'cannot be decoded ({_first_line(e)})') from e


def _png(picture: Image.Image) -> bytes:
  if picture.mode == 'I' or picture.mode.startswith('I;16'):
    # Pillow would clip 16-bit greys at 255 instead of scaling them.
    greys = np.clip(np.asarray(picture), 0, 65535)
    picture = Image.fromarray((greys >> 8).astype(np.uint8))
  elif picture.mode == 'F':
    raise UserError('has floating point pixels, whose range is unknown')
  encoded = io.BytesIO()
  picture.convert('RGB').save(encoded, 'PNG')
  return encoded.getvalue()


def _first_line(error: Exception) -> str:
  return (str(error).splitlines() or [type(error).__name__])[0][:200]
