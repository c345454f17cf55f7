"""Pictures of more than 8 bits, of any shape, turned, or large."""

import io

import numpy as np
from PIL import Image
from PIL import ImageDraw
import pytest
import tensorflow as tf

from affect_jax.corpora.files import pictures
from affect_jax.errors import UserError

RAMP = np.linspace(0, 1, 40 * 60).reshape(40, 60)


def decoded(data):
  """As the input pipeline decodes: TensorFlow, three channels."""
  return tf.io.decode_image(data, channels=3, expand_animations=False).numpy()


def save_16(path, top, colour=False):
  """A ramp from 0 to `top` in a picture of 16 bits."""
  values = (RAMP * top).astype(np.uint16)
  if colour:
    values = np.repeat(values[..., None], 3, axis=2)
    path.write_bytes(tf.io.encode_png(values).numpy())
  else:
    Image.fromarray(values).save(path)
  return path


@pytest.mark.parametrize('suffix', ['png', 'tiff'])
@pytest.mark.parametrize('bits', [10, 12, 14])
def test_greys_that_do_not_use_their_16_bits(tmp_path, suffix, bits):
  path = save_16(tmp_path / f'x.{suffix}', 2**bits - 1)
  with pytest.raises(
    UserError, match=rf'at most {2**bits - 1} in 16 .*picture_bits={bits}, or'
  ):
    pictures.read(path)
  result = pictures.read(path, pictures.Rules(picture_bits=bits))
  expected = np.floor(RAMP * (2**bits - 1)) // 2 ** (bits - 8)
  np.testing.assert_array_equal(decoded(result.data)[..., 1], expected)
  assert pictures.WIDE in result.notes
  # A dark picture of 16 bits, if the user says so.
  dark = pictures.read(path, pictures.Rules(picture_bits=16))
  assert decoded(dark.data).max() == 2 ** (bits - 8) - 1
  with pytest.raises(UserError, match='not of 9 bits'):
    pictures.read(path, pictures.Rules(picture_bits=9))


def test_all_16_bits(tmp_path):
  for colour in (False, True):
    result = pictures.read(save_16(tmp_path / 'x.png', 65535, colour))
    expected = np.floor(RAMP * 65535) // 256
    np.testing.assert_array_equal(decoded(result.data)[..., 0], expected)
  black = pictures.read(save_16(tmp_path / 'x.png', 0))
  assert not decoded(black.data).any()


def test_colours_of_12_bits(tmp_path):
  """Pillow would keep their upper 8 of 16 bits: 0 to 15."""
  path = save_16(tmp_path / 'x.png', 4095, colour=True)
  assert np.asarray(Image.open(path)).max() == 15
  with pytest.raises(UserError, match='at most 4095 in 16 bits'):
    pictures.read(path)
  result = pictures.read(path, pictures.Rules(picture_bits=12))
  assert decoded(result.data).max() == 255


def test_values_of_unknown_range(tmp_path):
  path = tmp_path / 'x.tiff'
  Image.fromarray(np.full((4, 4), 70000, np.int32)).save(path)
  with pytest.raises(UserError, match='70000, not of 16 bits; set config'):
    pictures.read(path)
  Image.fromarray(np.full((4, 4), 0.5, np.float32)).save(path)
  with pytest.raises(UserError, match='floating point'):
    pictures.read(path)


def circle(path, size=(60, 80), **options):
  """A white circle of radius 20 in the middle of a black picture."""
  picture = Image.new('RGB', size)
  x, y = size[0] / 2, size[1] / 2
  ImageDraw.Draw(picture).ellipse((x - 20, y - 20, x + 20, y + 20), 'white')
  picture.save(path, **options)
  return path


def extent(data):
  """Height and width of what is white, and of the picture."""
  white = decoded(data)[..., 0] > 128
  return white.any(1).sum(), white.any(0).sum(), *white.shape


@pytest.mark.parametrize(
  ('resize', 'side'), [('stretch', None), ('crop', 60), ('pad', 80)]
)
def test_pictures_that_are_not_square(tmp_path, resize, side):
  path = circle(tmp_path / 'x.png')
  result = pictures.read(path, pictures.Rules(resize=resize))
  assert result.notes == (pictures.NOT_SQUARE[resize],)
  height, width, *shape = extent(result.data)
  assert shape == ([side, side] if side else [80, 60])
  assert height == width == 41  # A circle stays one.
  square = circle(path, (80, 80)).read_bytes()
  assert pictures.read(path, pictures.Rules(resize=resize)) == (square, ())


def test_large_pictures_are_scaled(tmp_path):
  path = circle(tmp_path / 'x.jpg', (600, 800), quality=95)
  result = pictures.read(path, pictures.Rules(max_side=200))
  assert extent(result.data)[2:] == (200, 150)
  assert pictures.SCALED in result.notes
  assert Image.open(io.BytesIO(result.data)).format == 'JPEG'
  result = pictures.read(path, pictures.Rules(resize='crop', max_side=200))
  assert extent(result.data) == pytest.approx((14, 14, 200, 200), abs=1)


def test_turned_jpegs_stay_jpegs(tmp_path):
  """About as large as they were, and nearly the same pixels."""
  rng = np.random.default_rng(0)
  noise = Image.fromarray(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8))
  photo = noise.resize((320, 240), Image.Resampling.BICUBIC)
  exif = Image.Exif()
  exif[0x0112] = 6
  path = tmp_path / 'x.jpg'
  photo.save(path, quality=90, exif=exif)
  result = pictures.read(path).data
  assert Image.open(io.BytesIO(result)).format == 'JPEG'
  assert len(result) < 1.3 * path.stat().st_size
  upright = np.rot90(np.asarray(photo), -1).astype(int)
  assert np.abs(decoded(result) - upright).mean() < 2
  assert decoded(result).shape == (320, 240, 3)
  assert not Image.open(io.BytesIO(result)).getexif().get(0x0112)


def test_grey_jpegs_keep_their_bytes(tmp_path):
  Image.fromarray((RAMP * 255).astype(np.uint8)).save(tmp_path / 'x.jpg')
  result = pictures.read(tmp_path / 'x.jpg').data
  assert result == (tmp_path / 'x.jpg').read_bytes()
  assert decoded(result).shape == (40, 60, 3)


@pytest.mark.parametrize(
  'options', [{'resize': 'fit'}, {'max_side': -1}, {'picture_bits': 7}]
)
def test_rules_that_are_none(options):
  with pytest.raises(UserError, match=next(iter(options))):
    pictures.Rules(**options)


def test_only_rules_that_change_pictures_are_sources():
  assert pictures.Rules().sources() == {}
  assert pictures.Rules('pad', 300).sources() == {
    'resize': 'pad',
    'max_side': '300',
  }
