"""RandAugment: every operation against Pillow, the table, the draw."""

import numpy as np
from PIL import Image
from PIL import ImageEnhance
from PIL import ImageOps
import pytest
import tensorflow as tf

from affect_jax.augmentation import rand_augment

SEEDS = [np.array([5, k], np.int32) for k in range(30)]
# Values that Pillow rounds or cuts to one of 256.
STEP = 1.001 / 255


def levels(height=40, width=33, channels=3):
  """A picture of narrow range, so that autocontrast has something to do."""
  rng = np.random.default_rng(0)
  smooth = np.linspace(30, 150, width)[None, :, None]
  noise = rng.integers(0, 60, (height, width, channels))
  return (smooth + noise).astype(np.uint8)


def picture(array):
  return Image.fromarray(array if array.shape[-1] == 3 else array[..., 0])


def as_float(array):
  return tf.constant(np.asarray(array, np.float32) / 255)


def compare(ours, pillow, atol=STEP):
  theirs = np.asarray(pillow, np.float32) / 255
  ours = np.asarray(ours)
  np.testing.assert_allclose(ours, theirs.reshape(ours.shape), atol=atol)


@pytest.mark.parametrize('channels', [1, 3])
def test_autocontrast_is_pillows(channels):
  array = levels(channels=channels)
  ours = rand_augment.autocontrast(as_float(array))
  compare(ours, ImageOps.autocontrast(picture(array)))
  assert ours.numpy().min() == 0
  assert ours.numpy().max() == pytest.approx(1)
  constant = tf.fill([4, 5, channels], 0.3)
  np.testing.assert_array_equal(rand_augment.autocontrast(constant), constant)


@pytest.mark.parametrize('channels', [1, 3])
@pytest.mark.parametrize('size', [(40, 33), (9, 11), (64, 64)])
def test_equalize_is_pillows(channels, size):
  # 99 pixels are too few for a step, 1320 for a fine one.
  array = levels(*size, channels)
  ours = rand_augment.equalize(as_float(array))
  compare(ours, ImageOps.equalize(picture(array)), atol=1e-6)


def test_equalize_of_few_values():
  for array in (
    np.full((30, 30, 3), 77, np.uint8),
    np.where(np.arange(900).reshape(30, 30, 1) < 300, 20, 90).astype(np.uint8),
    np.where(np.arange(900).reshape(30, 30, 1) < 890, 20, 90).astype(np.uint8),
  ):
    ours = rand_augment.equalize(as_float(array))
    compare(ours, ImageOps.equalize(picture(array)), atol=1e-6)


@pytest.mark.parametrize('threshold', [0, 90, 128, 255])
def test_solarize_is_pillows(threshold):
  array = levels()
  # Half a level below: no value of a picture sits on the edge of rounding.
  ours = rand_augment.solarize(as_float(array), (threshold - 0.5) / 255)
  compare(ours, ImageOps.solarize(picture(array), threshold), atol=1e-6)


@pytest.mark.parametrize('bits', [1, 4, 7, 8])
def test_posterize_is_pillows(bits):
  array = levels()
  ours = rand_augment.posterize(as_float(array), bits)
  compare(ours, ImageOps.posterize(picture(array), bits), atol=1e-6)


@pytest.mark.parametrize('factor', [0.1, 0.73, 1.0, 1.27, 1.9])
@pytest.mark.parametrize(
  ('name', 'enhancer'),
  [
    ('brightness', ImageEnhance.Brightness),
    ('color', ImageEnhance.Color),
    ('contrast', ImageEnhance.Contrast),
    ('sharpness', ImageEnhance.Sharpness),
  ],
)
def test_enhancers_are_pillows(name, enhancer, factor):
  array = levels()
  ours = getattr(rand_augment, name)(as_float(array), factor)
  ours = np.clip(ours, 0, 1)
  # Pillow also rounds what it blends with (times 1 - factor), then cuts.
  compare(
    ours,
    enhancer(picture(array)).enhance(factor),
    atol=STEP * (1 + abs(1 - factor)),
  )


def test_grey_pictures_have_no_colour_to_change():
  image = as_float(levels(channels=1))
  np.testing.assert_allclose(rand_augment.color(image, 0.2), image, atol=1e-6)


def test_translations_move_whole_pixels_and_repeat_the_edge():
  array = np.asarray(as_float(levels(20, 20)))
  right = rand_augment.translate(array, 0.25, 0.0).numpy()
  np.testing.assert_allclose(right[:, 5:], array[:, :-5], atol=1e-5)
  np.testing.assert_allclose(
    right[:, :5], np.repeat(array[:, :1], 5, 1), atol=1e-5
  )
  up = rand_augment.translate(array, 0.0, -0.1).numpy()
  np.testing.assert_allclose(up[:-2], array[2:], atol=1e-5)


@pytest.mark.parametrize('slopes', [(0.3, 0.0), (0.0, 0.3), (-0.2, 0.0)])
def test_shears_are_pillows_affine_about_the_centre(slopes):
  array = levels(31, 31, 1)
  x, y = slopes
  # Pillow samples at a X + b Y + c, X and Y pixel centres (i + .5).
  half = 31 / 2
  theirs = Image.fromarray(array[..., 0].astype(np.float32)).transform(
    (31, 31),
    Image.Transform.AFFINE,
    (1, x, -x * half, y, 1, -y * half),
    Image.Resampling.BILINEAR,
  )
  ours = rand_augment.shear(as_float(array), x, y).numpy()[..., 0]
  # Where nothing comes from outside.
  inside = np.s_[7:-7, 7:-7]
  np.testing.assert_allclose(
    ours[inside], np.asarray(theirs)[inside] / 255, atol=1e-4
  )
  # The centre stays, which the upper left corner's shear would not do.
  np.testing.assert_allclose(ours[15, 15], array[15, 15, 0] / 255, atol=1e-5)


def test_the_table_of_torchvision():
  # Magnitude 9 of 31 bins, as linspace(0, max, 31)[9].
  image = as_float(levels(60, 60))
  m = 9 / 30

  def op(name, sign=1.0):
    return rand_augment.OPS[name](image, m, sign)

  def linspace(high):
    return np.linspace(0, high, 31)[9]

  same = np.testing.assert_allclose
  for sign in (-1.0, 1.0):
    slope, shift = sign * linspace(0.3), sign * linspace(150 / 331)
    factor = 1 + sign * linspace(0.9)
    for name, expected in (
      ('shear_x', rand_augment.shear(image, slope, 0.0)),
      ('shear_y', rand_augment.shear(image, 0.0, slope)),
      ('translate_x', rand_augment.translate(image, shift, 0.0)),
      ('translate_y', rand_augment.translate(image, 0.0, shift)),
      ('brightness', image * factor),
      ('color', rand_augment.color(image, factor)),
      ('contrast', rand_augment.contrast(image, factor)),
      ('sharpness', rand_augment.sharpness(image, factor)),
    ):
      same(op(name, sign), expected, atol=1e-4)
  threshold = np.linspace(255, 0, 31)[9] / 255
  same(op('solarize'), rand_augment.solarize(image, threshold), atol=1e-6)
  bits = 8 - (np.arange(31) / ((31 - 1) / 4)).round().astype(int)
  assert [8 - round(4 * k / 30) for k in range(31)] == bits.tolist()
  same(op('posterize'), rand_augment.posterize(image, bits[9]))
  # 9 degrees, counter-clockwise: compare with Pillow's, inside.
  grey = levels(61, 61, 1)
  turned = rand_augment.OPS['rotate'](as_float(grey), m, 1.0).numpy()[..., 0]
  theirs = Image.fromarray(grey[..., 0].astype(np.float32)).rotate(
    9, Image.Resampling.BILINEAR
  )
  inside = np.s_[12:-12, 12:-12]
  same(turned[inside], np.asarray(theirs)[inside] / 255, atol=1e-3)


def function(image, **options):
  return tf.function(
    lambda seed: rand_augment.rand_augment(image, seed, **options)
  )


@pytest.mark.parametrize('channels', [1, 3])
def test_shape_range_and_repeatability(channels):
  image = as_float(levels(channels=channels))
  call = function(image, magnitude=20.0)
  first = [call(s).numpy() for s in SEEDS]
  for result, seed in zip(first, SEEDS, strict=True):
    np.testing.assert_array_equal(result, call(seed).numpy())
    assert result.shape == image.shape
    assert result.dtype == np.float32
    assert result.min() >= 0
    assert result.max() <= 1
  assert len({r.tobytes() for r in first}) > 20


def test_every_operation_and_both_signs_are_drawn():
  image = as_float(levels(12, 12))
  call = function(image, num_ops=1, ops=('identity', 'brightness'))
  seeds = [np.array([1, k], np.int32) for k in range(200)]
  ratios = [float(tf.reduce_mean(call(s) / image)) for s in seeds]
  counts = [
    sum(abs(r - expected) < 0.02 for r in ratios)
    for expected in (1.0, 0.73, 1.27)
  ]
  # 100, 50, 50 expected; within four standard deviations.
  assert sum(counts) == 200
  assert 72 < counts[0] < 128
  assert 25 < counts[1] < 75
  expected = {
    *('identity', 'autocontrast', 'equalize', 'rotate', 'solarize', 'color'),
    *('posterize', 'contrast', 'brightness', 'sharpness', 'shear_x'),
    *('shear_y', 'translate_x', 'translate_y'),
  }
  assert set(rand_augment.OPS) == expected


def test_operations_follow_each_other_under_seeds_of_their_own():
  image = as_float(levels(12, 12) // 2)  # Dark: 1.69 times it stays below 1.
  none = function(image, num_ops=0)(SEEDS[0])
  np.testing.assert_array_equal(none, image)
  call = function(image, num_ops=2, ops=('brightness',), magnitude=10)
  found = {round(float(tf.reduce_mean(call(s) / image)), 2) for s in SEEDS}
  # (1 +- .3)(1 +- .3): equal signs and different ones.
  assert found == {0.49, 0.91, 1.69}


def test_works_in_a_pipeline_of_pictures_of_unknown_size():
  data = tf.data.Dataset.from_generator(
    lambda: [as_float(levels(24, 20)), as_float(levels(30, 32))] * 10,
    output_signature=tf.TensorSpec((None, None, 3), tf.float32),
  )
  seeds = tf.data.Dataset.range(20)
  data = tf.data.Dataset.zip(data, seeds).map(
    lambda x, k: rand_augment.rand_augment(
      x, tf.stack([0, tf.cast(k, tf.int32)])
    )
  )
  assert [x.shape for x in data.as_numpy_iterator()] == [
    (24, 20, 3),
    (30, 32, 3),
  ] * 10


def test_bad_options_list_the_known():
  image = as_float(levels())
  for options, message in (
    ({'ops': ('rotate', 'invert')}, "'invert'.*; known: identity"),
    ({'ops': 'invert'}, "'invert'.*; known: identity"),
    ({'magnitude': 31}, r'magnitude must be in \[0, 30\], not 31'),
    ({'magnitude': -1.0}, 'magnitude'),
    ({'num_ops': -1}, 'num_ops must be .* not -1'),
    ({'num_ops': 1.5}, 'num_ops must be .* not 1.5'),
  ):
    with pytest.raises(ValueError, match=message):
      rand_augment.rand_augment(image, SEEDS[0], **options)
