"""Reads picture files as bytes that all runs decode alike, and checks them."""

from collections.abc import Callable, Mapping
import dataclasses
import io
from typing import Any, NamedTuple

from etils import epath
import numpy as np
from PIL import Image
from PIL import ImageOps
from PIL import JpegImagePlugin

from affect_jax import by_name
from affect_jax import file_kind
from affect_jax.corpora.files import decoding
from affect_jax.errors import MissingExtra
from affect_jax.errors import UserError

# Raise it where the same file becomes another picture. JPEGs have been read
# alike all along; others are prepared anew.
READING = 2
JPEG = ('.jpg', '.jpeg')
RESIZE = ('stretch', 'crop', 'pad')
# What `read` notes of a picture.
NOT_SQUARE = {
  'stretch': 'pictures that are not square (training stretches them)',
  'crop': 'pictures that are not square (cropped)',
  'pad': 'pictures that are not square (padded)',
}
WIDE = 'pictures of more than 8 bits (made 8)'
SCALED = 'pictures larger than max_side (scaled down)'
# Sides that differ by less are square to the eye.
SQUARE = 1.02
# A picture of 16 bits that stays below is dark, or has fewer bits.
FULL_16 = 1 << 14
_ORIENTATION = 0x0112  # EXIF: 1 is upright
_TIFF_BITS = 258
_FILTER = Image.Resampling.LANCZOS
Decode = Callable[..., np.ndarray]
_LOSSY = ('JPEG', 'MPO', 'WEBP', 'AVIF', 'HEIF', 'JPEG2000')


@dataclasses.dataclass(frozen=True)
class Rules:
  """How pictures are brought into shape before they are stored.

  Attributes:
    resize: What becomes of a picture that is not square: 'stretch' keeps it,
      and training stretches it to a square; 'crop' keeps the square in its
      middle; 'pad' adds black to both ends of its shorter side.
    max_side: Larger pictures are scaled down to this many pixels of their
      longer side; 0: never.
    picture_bits: Bits of the values in pictures of more than 8 bits; 0: as the
      file says, but those that say 16 and use less are an error.
  """

  resize: str = 'stretch'
  max_side: int = 0
  picture_bits: int = 0

  def __post_init__(self):
    by_name.check('resize', self.resize, RESIZE)
    if self.max_side < 0:
      raise UserError(f'max_side is {self.max_side}; it must be 0 or more.')
    if self.picture_bits and not 8 <= self.picture_bits <= 32:
      raise UserError(
        f'picture_bits is {self.picture_bits}; it must be 0, or 8 to 32.'
      )

  @classmethod
  def among(cls, options: Mapping[str, Any]) -> 'Rules':
    """Returns those that stand among other options, such as config.data."""
    names = [field.name for field in dataclasses.fields(cls)]
    return cls(**{k: options[k] for k in names if options.get(k)})

  def sources(self) -> dict[str, str]:
    """Returns {option: value} of what changes the stored pictures."""
    return {name: str(value) for name, value in self.stated().items()}

  def stated(self) -> dict[str, Any]:
    """Returns {option: value} of those that differ from the defaults."""
    values = ((f, getattr(self, f.name)) for f in dataclasses.fields(self))
    return {f.name: value for f, value in values if value != f.default}


class Picture(NamedTuple):
  """An encoded, upright picture, and what is worth knowing of it."""

  data: bytes
  notes: tuple[str, ...] = ()


def inputs(windows: bool = False) -> dict[str, Any]:
  """Returns {'image': the tfds feature that stores what `read` returns}."""
  # Late: what only reads pictures needs no TensorFlow.
  import tensorflow_datasets as tfds

  if windows:  # Encoded pictures are strings: frames may differ in size.
    return {'image': tfds.features.Tensor(shape=(None,), dtype=np.object_)}
  return {'image': tfds.features.Image(shape=(None, None, 3))}


def read(
  path: epath.PathLike,
  rules: Rules | None = None,
  decode: Decode = decoding.by_tensorflow,
) -> Picture:
  """Reads a file as an encoded, upright picture that decodes as RGB.

  An upright JPEG or PNG of 8 bits, grey or RGB, with or without alpha, keeps
  its bytes, unless the rules change it. Everything else that Pillow reads is
  encoded anew: as JPEG, with the quality that it had, if its own format loses
  something, else as PNG. An alpha channel is dropped.

  Args:
    path: A picture file.
    rules: How it is brought into shape.
    decode: One of the functions of `decoding`.

  Raises:
    UserError: the file is missing, truncated or not a picture, or the range of
      its values is unknown. The message begins with a verb; the caller says
      which file it is.
  """
  rules = rules or Rules()
  try:
    data = epath.Path(path).read_bytes()
  except OSError as e:
    raise UserError(f'cannot be read ({e.strerror})') from e
  if not data:
    raise UserError('is an empty file')
  try:
    with Image.open(io.BytesIO(data)) as picture:
      return _read(picture, data, rules, decode)
  except (MissingExtra, UserError):
    raise
  except Exception as e:  # Pillow's plugins raise errors of any type.
    if isinstance(e, Image.UnidentifiedImageError):
      kind = file_kind.describe(data[: file_kind.HEAD])
      raise UserError(kind or 'is not a picture') from e
    raise UserError(f'cannot be decoded ({_first_line(e)})') from e


def _read(picture: Any, data: bytes, rules: Rules, decode: Decode) -> Picture:
  notes = []
  width, height = picture.size
  square = max(width, height) <= SQUARE * min(width, height)
  large = 0 < rules.max_side < max(width, height)
  notes += [NOT_SQUARE[rules.resize]] * (not square) + [SCALED] * large
  upright = picture.getexif().get(_ORIENTATION, 1) == 1
  wide = _is_wide(picture, data)
  if large and picture.format == 'JPEG':
    # Reads a large picture at half its size, or less.
    picture.draft(None, (rules.max_side, rules.max_side))
  picture.load()
  kept = square or rules.resize == 'stretch'
  plain = picture.format in ('JPEG', 'MPO', 'PNG') and (
    picture.mode in ('RGB', 'L', 'RGBA')
  )
  if upright and plain and kept and not (wide or large):
    # Pillow forgives what would stop a training run later, such as a PNG
    # without its last bytes.
    decode(data)
    return Picture(data, tuple(notes))
  changed = picture
  if wide:
    changed = _narrow(picture, data, rules.picture_bits, decode)
    notes.append(WIDE)
  if not upright:
    changed = _turned(changed, picture.getexif())
  if changed.mode != 'L':
    changed = changed.convert('RGB')
  if not kept:
    changed = squared(changed, rules)
  elif large:
    changed.thumbnail((rules.max_side, rules.max_side), _FILTER)
  return Picture(_encoded(changed, picture), tuple(notes))


def squared(picture: Image.Image, rules: Rules) -> Image.Image:
  """Cuts a picture to a square, or pads it; stretching is left to others."""
  if rules.resize == 'stretch':
    return picture
  crops = rules.resize == 'crop'
  side = min(picture.size) if crops else max(picture.size)
  side = min(side, rules.max_side) if rules.max_side else side
  shape = ImageOps.fit if crops else ImageOps.pad
  return shape(picture, (side, side), _FILTER)


def _turned(picture: Image.Image, exif: Any) -> Image.Image:
  """Turns a picture upright as its own EXIF, or that of its source, says."""
  if not picture.getexif().get(_ORIENTATION):
    picture.getexif()[_ORIENTATION] = exif[_ORIENTATION]
  return ImageOps.exif_transpose(picture)


def _encoded(picture: Image.Image, source: Any) -> bytes:
  encoded = io.BytesIO()
  if source.format not in _LOSSY:
    picture.save(encoded, 'PNG')
    return encoded.getvalue()
  # The tables of its source: encoding it once more loses next to nothing.
  tables = getattr(source, 'quantization', None)
  if tables and source.mode in ('RGB', 'L'):
    half = JpegImagePlugin.get_sampling(source) == 2
    options = {'qtables': tables, 'subsampling': 2 if half else 0}
  else:
    options = {'quality': 95, 'subsampling': 0}
  picture.save(encoded, 'JPEG', **options)
  return encoded.getvalue()


def _is_wide(picture: Any, data: bytes) -> bool:
  """Returns whether a picture has more than 8 bits per value."""
  if picture.mode == 'F':
    raise UserError(
      'has floating point pixels, whose range is unknown; save it with 8 bits'
    )
  if picture.mode == 'I' or picture.mode.startswith('I;16'):
    return True
  # Pillow keeps only the upper bits of colours.
  return _stated_bits(picture, data) > 8


def _stated_bits(picture: Any, data: bytes) -> int:
  """Returns the bits per value that a file states; 8 if it states none."""
  if picture.format == 'PNG':
    return data[24]
  if picture.format == 'TIFF':
    return max(picture.tag_v2.get(_TIFF_BITS, (8,)))
  return 8


def _narrow(
  picture: Any, data: bytes, bits: int, decode: Decode
) -> Image.Image:
  """Scales a picture of more than 8 bits to 8: the range must be known."""
  stated = _stated_bits(picture, data)
  if picture.format == 'PNG':
    values = decode(data, True)
    values = values[..., 0] if values.shape[2] < 3 else values[..., :3]
  elif picture.mode in ('RGB', 'RGBA'):
    if bits not in (0, stated):
      raise UserError(
        f'has colours of {stated} bits, which are read as such; save it as a '
        f'PNG of {stated} bits for picture_bits={bits}'
      )
    values = np.asarray(picture)[..., :3].astype(np.int64) << (stated - 8)
  else:
    values = np.asarray(picture).astype(np.int64)
  low, top = int(values.min()), int(values.max())
  # Pillow brings all other formats to the range of 16 bits.
  known = bits or (stated if 8 < stated < 16 else 16)
  if low < 0 or top >= 1 << known:
    raise UserError(
      f'has values from {low} to {top}, not of {known} bits; set '
      'config.data.picture_bits to the bits that they have, or save it with 8'
    )
  if known == 16 and not bits and 0 < top < FULL_16:
    least = next(b for b in (8, 10, 12, 14) if top < 1 << b)
    raise UserError(
      f'has values of at most {top} in 16 bits: are they of {least} bits, or '
      f'is it dark? Set config.data.picture_bits={least}, or 16'
    )
  return Image.fromarray((values >> (known - 8)).astype(np.uint8))


def _first_line(error: Exception) -> str:
  return (str(error).splitlines() or [type(error).__name__])[0][:200]
