"""Pictures of every make become what TensorFlow decodes as RGB."""

import io

import numpy as np
from PIL import Image
import pytest
import tensorflow as tf
from toys.faces_csv import pixels
from toys.faces_csv import save

from affect_jax.corpora.files import pictures


@pytest.fixture
def folder(tmp_path):
  for k, name in enumerate(('a.png', 'b.jpg')):
    save(tmp_path / name, k)
  return tmp_path


def decoded(data):
  """As the input pipeline decodes: TensorFlow, three channels."""
  return tf.io.decode_image(data, channels=3, expand_animations=False).numpy()


@pytest.mark.parametrize('name', ['a.png', 'b.jpg'])
def test_rgb_pictures_keep_their_bytes(folder, name):
  assert pictures.read(folder / name).data == (folder / name).read_bytes()


def test_grey_palette_alpha_and_16_bit_become_rgb(tmp_path):
  grey = pixels(channels=1)[..., 0]
  rgb = np.repeat(grey[..., np.newaxis], 3, -1)
  path = tmp_path / 'x.png'
  Image.fromarray(grey).save(path)
  np.testing.assert_array_equal(decoded(pictures.read(path).data), rgb)
  Image.fromarray(grey).convert('P').save(path)
  np.testing.assert_array_equal(decoded(pictures.read(path).data), rgb)
  Image.fromarray(np.dstack([rgb, 255 - grey])).save(path)
  np.testing.assert_array_equal(decoded(pictures.read(path).data), rgb)
  wide = grey.astype(np.uint16) * 257  # the full range of 16 bits
  Image.fromarray(wide).save(path)
  assert Image.open(path).mode.startswith('I')
  np.testing.assert_array_equal(decoded(pictures.read(path).data), rgb)
  stored = Image.open(io.BytesIO(pictures.read(path).data))
  assert (stored.format, stored.mode) == ('PNG', 'L')


def test_cmyk_jpegs_and_other_formats_become_rgb(tmp_path):
  flat = Image.new('RGB', (16, 16), (200, 40, 90))
  flat.convert('CMYK').save(tmp_path / 'x.jpg', quality=95)
  result = decoded(pictures.read(tmp_path / 'x.jpg').data).reshape(-1, 3)
  np.testing.assert_allclose(result.mean(0), (200, 40, 90), atol=4)
  for suffix in ('bmp', 'tiff', 'gif'):
    flat.save(tmp_path / f'x.{suffix}')
    result = decoded(pictures.read(tmp_path / f'x.{suffix}').data).reshape(
      -1, 3
    )
    np.testing.assert_allclose(result.mean(0), (200, 40, 90), atol=4)


@pytest.mark.parametrize(
  ('orientation', 'turns'), [(1, 0), (6, 3), (3, 2), (8, 1)]
)
def test_orientation_is_respected(tmp_path, orientation, turns):
  upright = np.zeros((24, 16, 3), np.uint8)
  upright[:8, :8] = 255  # bright top left
  exif = Image.Exif()
  exif[0x0112] = orientation
  # What the camera stored: the turn that the tag undoes, undone.
  stored = np.ascontiguousarray(np.rot90(upright, -turns))
  path = tmp_path / 'x.jpg'
  Image.fromarray(stored).save(path, quality=95, exif=exif)
  result = decoded(pictures.read(path).data).astype(int)
  assert result.shape == upright.shape
  assert np.abs(result - upright).mean() < 3


@pytest.mark.parametrize('name', ['a.png', 'b.jpg'])
@pytest.mark.parametrize('cut', [1, 5, 30, 200])
def test_what_passes_can_be_decoded_in_training(folder, name, cut):
  data = (folder / name).read_bytes()[:-cut]
  (folder / name).write_bytes(data)
  with pytest.raises(tf.errors.InvalidArgumentError):
    decoded(data)
  with pytest.raises(ValueError, match='cannot be decoded'):
    pictures.read(folder / name)


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    (b'', 'empty file'),
    (b'text', 'not a picture'),
    (None, 'cannot be read'),
    (b'\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'is a HEIC .*heif-convert'),
    (b'version https://git-lfs.github.com/spec/v1\n', 'git lfs pull'),
  ],
)
def test_no_picture(tmp_path, content, message):
  path = tmp_path / 'x.jpg'
  if content is not None:
    path.write_bytes(content)
  with pytest.raises(ValueError, match=message):
    pictures.read(path)
