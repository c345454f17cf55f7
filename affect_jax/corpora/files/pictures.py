"""Picture files -> bytes that every run decodes alike, checked by decoding."""

import io
from typing import Any

from etils import epath
import numpy as np
from PIL import Image
from PIL import ImageOps
import tensorflow as tf
import tensorflow_datasets as tfds

from affect_jax.errors import UserError

_ORIENTATION = 0x0112  # EXIF: 1 is upright


def inputs(windows: bool = False) -> dict[str, Any]:
  """{'image': tfds feature}: what `read` returns, as a corpus stores it."""
  if windows:  # Encoded pictures are strings: frames may differ in size.
    return {'image': tfds.features.Tensor(shape=(None,), dtype=np.object_)}
  return {'image': tfds.features.Image(shape=(None, None, 3))}


def read(path: epath.PathLike) -> bytes:
  """Encoded upright RGB picture of a file.

  An upright 8-bit RGB JPEG or PNG keeps its bytes. Everything else that
  Pillow reads (grey, palette, CMYK, 16-bit grey, turned by EXIF, other
  formats) becomes a PNG; an alpha channel is dropped.

  Args:
    path: A picture file.

  Raises:
    ValueError: missing, truncated or no picture; says which.
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
      raise UserError('is not a picture') from e
    raise UserError(f'cannot be decoded ({_first_line(e)})') from e


def _png(picture: Image.Image) -> bytes:
  if picture.mode == 'I' or picture.mode.startswith('I;16'):
    # Pillow would clip 16-bit greys at 255 instead of scaling them.
    greys = np.clip(np.asarray(picture), 0, 65535)
    picture = Image.fromarray((greys >> 8).astype(np.uint8))
  elif picture.mode == 'F':
    raise UserError('floating point pixels have no known range')
  encoded = io.BytesIO()
  picture.convert('RGB').save(encoded, 'PNG')
  return encoded.getvalue()


def _first_line(error: Exception) -> str:
  return (str(error).splitlines() or [type(error).__name__])[0][:200]
