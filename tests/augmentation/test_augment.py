"""Augmentations: what they may change, and that labels stay true."""

import math

import numpy as np
import pytest
import tensorflow as tf

from affect_jax.augmentation import augment
from affect_jax.augmentation import warp

SEEDS = [np.array([3, k], np.int32) for k in range(40)]
OPTIONS = {
  'flip': {},
  'crop': {'pad': 4},
  'resized_crop': {'scale': (0.5, 1.0), 'ratio': (0.8, 1.25)},
  'colour': {
    'brightness': 0.4,
    'contrast': 0.4,
    'saturation': 0.4,
    'hue': 0.1,
  },
  'rotation': {'degrees': 20},
  'erasing': {'probability': 0.9},
  'rand_augment': {'magnitude': 15.0},
}


def noise(height=24, width=20, channels=3):
  rng = np.random.default_rng(0)
  return rng.uniform(size=(height, width, channels)).astype(np.float32)


def apply(image, seed, augmentations):
  return augment.apply(image, {}, {}, seed, augmentations, outputs={})[0]


def results(name, image, **options):
  function = tf.function(
    lambda seed: augment.AUGMENTATIONS[name](image, seed, **options)
  )
  return [function(seed).numpy() for seed in SEEDS]


def test_every_augmentation_is_tested_here():
  assert OPTIONS.keys() == augment.AUGMENTATIONS.keys()


@pytest.mark.parametrize('channels', [1, 3])
@pytest.mark.parametrize('name', OPTIONS)
def test_shape_range_and_repeatability(name, channels):
  image = noise(channels=channels)
  first = results(name, image, **OPTIONS[name])
  again = results(name, image, **OPTIONS[name])
  for a, b in zip(first, again, strict=True):
    np.testing.assert_array_equal(a, b)
    assert a.shape == image.shape
    assert a.dtype == np.float32
    assert a.min() >= 0
    assert a.max() <= 1
  changed = [not np.array_equal(a, image) for a in first]
  assert np.mean(changed) > 0.3
  # Different seeds give different pictures, or a mirror could not be random.
  assert any(not np.array_equal(first[0], a) for a in first[1:])


@pytest.mark.parametrize('name', OPTIONS)
def test_works_in_a_pipeline_of_pictures_of_unknown_size(name):
  data = tf.data.Dataset.from_generator(
    lambda: [noise(24, 20), noise(30, 32)],
    output_signature=tf.TensorSpec((None, None, 3), tf.float32),
  )
  data = data.map(lambda x: apply(x, SEEDS[1], [(name, OPTIONS[name])]))
  shapes = [x.shape for x in data.as_numpy_iterator()]
  assert shapes == [(24, 20, 3), (30, 32, 3)]


def test_flip_mirrors_exactly_when_flips_says_so():
  image = noise()
  decided = [bool(augment.flips(seed)) for seed in SEEDS]
  assert 8 < sum(decided) < 32
  for result, flipped in zip(results('flip', image), decided, strict=True):
    expected = image[:, ::-1] if flipped else image
    np.testing.assert_array_equal(result, expected)
  for result in results('flip', image, probability=0.0):
    np.testing.assert_array_equal(result, image)
  for result in results('flip', image, probability=1.0):
    np.testing.assert_array_equal(result, image[:, ::-1])


def test_mirror_swaps_the_sides_and_nothing_else():
  outputs = ['AU1', 'AU12L', 'AU6', 'AU12R', 'valence']
  labels = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
  np.testing.assert_array_equal(
    labels[augment.mirror(outputs)], [0.1, 0.4, 0.3, 0.2, 0.5]
  )
  expressions = ['neutral', 'anger', 'other']
  np.testing.assert_array_equal(augment.mirror(expressions), [0, 1, 2])
  with pytest.raises(ValueError, match='AU12L has no AU12R'):
    augment.mirror(['AU12L', 'AU1'])


@pytest.mark.parametrize('times', [1, 2, 3])
def test_labels_of_one_side_follow_the_mirrored_picture(times):
  # A bright left side is AU12L: after the flip it is on the right.
  image = np.zeros((8, 8, 1), np.float32)
  image[:, :4] = 1
  outputs = {'action_units': ['AU12L', 'AU1', 'AU12R']}
  labels = {
    'action_units': tf.constant([1.0, 0.5, 0.0]),
    'expression': tf.constant([0.2, 0.8]),
  }
  weights = {
    'action_units': tf.constant([1.0, 0.5, 0.25]),
    'expression': tf.constant(1.0),
  }
  augmentations = [('colour', {}), *[('flip', {})] * times]
  seen = set()
  for seed in SEEDS:
    result, new_labels, new_weights = augment.apply(
      image, labels, weights, seed, augmentations, outputs=outputs
    )
    bright = int(result.numpy()[:, 4:].mean() > 0.5)  # 0 left, 1 right
    expected = [[1, 0.5, 0], [0, 0.5, 1]][bright]
    np.testing.assert_allclose(new_labels['action_units'], expected)
    expected = [[1, 0.5, 0.25], [0.25, 0.5, 1]][bright]
    np.testing.assert_allclose(new_weights['action_units'], expected)
    np.testing.assert_allclose(new_labels['expression'], [0.2, 0.8])
    seen.add(bright)
  assert seen == {0, 1}
  np.testing.assert_allclose(labels['action_units'], [1, 0.5, 0])


def test_one_side_alone_is_an_error_only_where_pictures_are_flipped():
  arguments = (
    noise(),
    {'action_units': tf.constant([1.0])},
    {'action_units': tf.constant([1.0])},
    SEEDS[0],
  )
  outputs = {'action_units': ['AU12L']}
  augment.apply(*arguments, [('crop', {'pad': 1})], outputs=outputs)
  with pytest.raises(ValueError, match='AU12L has no AU12R'):
    augment.apply(*arguments, [('flip', {})], outputs=outputs)


@pytest.mark.parametrize('mode', ['reflect', 'zero'])
def test_crop_only_shifts_and_keeps_the_centre(mode):
  image = noise()
  padded = np.pad(
    image,
    [(3, 3), (3, 3), (0, 0)],
    'reflect' if mode == 'reflect' else 'constant',
  )
  shifts = set()
  for result in results('crop', image, pad=3, mode=mode):
    found = [
      (y, x)
      for y in range(7)
      for x in range(7)
      if np.array_equal(result, padded[y : y + 24, x : x + 20])
    ]
    assert len(found) == 1
    shifts.update(found)
    y, x = 3 - found[0][0], 3 - found[0][1]
    np.testing.assert_array_equal(
      result[3 + y : 21 + y, 3 + x : 17 + x], image[3:21, 3:17]
    )
  assert len(shifts) > 15
  for result in results('crop', image, pad=0, mode=mode):
    np.testing.assert_array_equal(result, image)


def test_resized_crop_keeps_its_share_of_the_picture():
  # Colour = position, so that a result tells which part it shows.
  height, width = 60, 40
  y, x = np.mgrid[:height, :width]
  image = np.stack([y / height, x / width], -1).astype(np.float32)
  shares, ratios = [], []
  options = {'scale': (0.5, 0.8), 'ratio': (0.8, 1.25)}
  for result in results('resized_crop', image, **options):
    # The slope in the middle is free of repeated edges.
    inner = result[10:50, 10:30]
    steps_y = np.diff(inner[..., 0], axis=0) * height
    steps_x = np.diff(inner[..., 1], axis=1) * width
    np.testing.assert_allclose(steps_y, steps_y.mean(), atol=2e-3)
    np.testing.assert_allclose(steps_x, steps_x.mean(), atol=2e-3)
    shares.append(steps_y.mean() * steps_x.mean())
    ratios.append(steps_x.mean() / steps_y.mean())
    # The part lies inside: positions grow from edge to edge, no repetition.
    top, left = result[0, 0]
    assert top >= -0.01
    assert left >= -0.01
    assert result[..., 0].max() - top <= steps_y.mean() + 0.02
  assert 0.495 <= min(shares) < 0.6
  assert 0.7 < max(shares) <= 0.805
  assert 0.79 <= min(ratios) < 0.95
  assert 1.05 < max(ratios) <= 1.26
  image = noise()
  for result in results('resized_crop', image, scale=(1, 1), ratio=(1, 1)):
    np.testing.assert_allclose(result, image, atol=1e-5)
  # A quarter of the picture may lie anywhere in it, and nowhere else. The
  # middle tells where: half of 6 pixels, seen from their centres.
  ramp = np.broadcast_to(np.arange(6.0) / 6, (6, 6))[..., np.newaxis]
  lefts = [
    result[3, 3, 0] - (3 * 0.5 - 0.25) / 6
    for result in results(
      'resized_crop', ramp.astype(np.float32), scale=(0.25, 0.25), ratio=(1, 1)
    )
  ]
  assert -1e-3 < min(lefts) < 0.04
  assert 0.46 < max(lefts) < 0.5 + 1e-3
  # Where a stretched part would not fit, it is stretched less, not smaller.
  for result in results('resized_crop', image, scale=(1, 1), ratio=(3, 3)):
    np.testing.assert_allclose(result, image, atol=1e-5)
  ramp = np.mgrid[:60, :60].transpose(1, 2, 0).astype(np.float32) / 60
  for result in results('resized_crop', ramp, scale=(0.7, 0.7), ratio=(3, 3)):
    steps = np.diff(result[20:40, 20:40], axis=0)[:, :-1, 0].mean() * 60
    np.testing.assert_allclose(steps, 0.7, atol=1e-2)  # height: all of 0.7
    steps = np.diff(result[20:40, 20:40], axis=1)[..., 1].mean() * 60
    np.testing.assert_allclose(steps, 1, atol=1e-2)  # width: the whole


def test_colour_keeps_the_geometry():
  image = np.full((12, 10, 3), 0.4, np.float32)
  image[2, 7] = 0.6
  for result in results('colour', image, **OPTIONS['colour']):
    others = np.delete(result.reshape(-1, 3), 2 * 10 + 7, axis=0)
    np.testing.assert_allclose(others, np.broadcast_to(others[0], others.shape))
    assert np.all(result[2, 7] > others[0])
    np.testing.assert_allclose(result.max(-1), result.min(-1), atol=1e-5)


def test_colour_by_hand():
  image = noise() * 0.5 + 0.25
  for result in results('colour', image):
    np.testing.assert_allclose(result, image, atol=1e-6)
  added = [r - image for r in results('colour', image, brightness=0.2)]
  for difference in added:
    np.testing.assert_allclose(difference, difference.mean(), atol=1e-5)
  means = [d.mean() for d in added]
  assert -0.2 <= min(means) < -0.1
  assert 0.1 < max(means) <= 0.2
  mean = image.mean()
  for result in results('colour', image, contrast=0.2):
    factor = (result - mean) / (image - mean)
    np.testing.assert_allclose(factor, np.median(factor), atol=1e-2)
    assert 0.8 <= np.median(factor) <= 1.2
  luma = image @ [0.2989, 0.587, 0.114]
  for result in results('colour', image, saturation=0.2):
    np.testing.assert_allclose(result @ [0.2989, 0.587, 0.114], luma, atol=1e-3)
  for result in results('colour', image, hue=0.2):
    np.testing.assert_allclose(result.max(-1), image.max(-1), atol=1e-4)


@pytest.mark.parametrize('degrees', [0, 30, 90, -45, 180])
def test_rotate_moves_a_marker_to_where_it_belongs(degrees):
  # At (x, y) from the centre, y upwards.
  image = np.zeros((41, 41, 1), np.float32)
  x, y = 12, 5
  image[20 - y - 1 : 20 - y + 2, 20 + x - 1 : 20 + x + 2] = 1
  result = warp.rotate(image, degrees).numpy()[..., 0]
  rows, columns = np.mgrid[:41, :41]
  found = np.array(
    [
      (columns * result).sum() / result.sum() - 20,
      20 - (rows * result).sum() / result.sum(),
    ]
  )
  turned = (x + 1j * y) * np.exp(1j * math.radians(degrees))
  np.testing.assert_allclose(found, [turned.real, turned.imag], atol=0.2)


def test_rotation_stays_within_its_degrees():
  image = np.zeros((41, 41, 1), np.float32)
  image[19:22, 34:37] = 1
  rows, columns = np.mgrid[:41, :41]
  angles = []
  for result in results('rotation', image, degrees=15):
    weight = result[..., 0] / result.sum()
    angles.append(
      math.degrees(
        math.atan2(20 - (rows * weight).sum(), (columns * weight).sum() - 20)
      )
    )
  assert -15.5 < min(angles) < -8
  assert 8 < max(angles) < 15.5


def test_erasing_covers_one_rectangle_of_at_most_its_area():
  image = noise(30, 20)
  mean = image.mean((0, 1))
  shares = []
  for result in results('erasing', image, probability=1, area=(0.1, 0.3)):
    changed = np.any(result != image, axis=-1)
    shares.append(changed.mean())
    rows, columns = (
      np.flatnonzero(changed.any(1)),
      np.flatnonzero(changed.any(0)),
    )
    box = changed[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert box.all()
    np.testing.assert_allclose(
      result[changed], np.broadcast_to(mean, (changed.sum(), 3)), atol=1e-5
    )
  assert min(shares) > 0.05
  assert 0.2 < max(shares) <= 0.3
  untouched = [
    np.array_equal(r, image) for r in results('erasing', image, probability=0.5)
  ]
  assert 8 < sum(untouched) < 32


def test_apply_gives_each_its_own_seed():
  image = noise()
  once = [apply(image, s, [('crop', {'pad': 3})]) for s in SEEDS[:8]]
  expected = [
    augment.crop(image, tf.random.experimental.stateless_fold_in(s, 0), pad=3)
    for s in SEEDS[:8]
  ]
  for a, b in zip(once, expected, strict=True):
    np.testing.assert_array_equal(a, b)
  # Two flips under the same seed would always undo each other.
  twice = [('flip', {}), ('flip', {})]
  results_ = [apply(image, s, twice).numpy() for s in SEEDS]
  assert any(not np.array_equal(r, image) for r in results_)
  np.testing.assert_array_equal(apply(image, SEEDS[0], []), image)


@pytest.mark.parametrize(
  ('name', 'options', 'message'),
  [
    ('mixup', {}, "'mixup'; known: .*colour"),
    ('flip', {'probability': 2}, 'flip.probability must be in .*not 2'),
    ('crop', {'pad': -1}, 'crop.pad must be in .*not -1'),
    ('crop', {'pad': 1, 'mode': 'wrap'}, 'known: reflect, zero'),
    ('resized_crop', {'scale': (0, 1)}, 'scale must be in'),
    ('resized_crop', {'ratio': (2, 1)}, 'ratio must be in .*ascending'),
    ('colour', {'hue': 0.7}, 'colour.hue must be in .*not 0.7'),
    ('rotation', {'degrees': 200}, 'degrees must be in .*not 200'),
    ('erasing', {'area': (0.1, 1.5)}, 'area must be in'),
  ],
)
def test_bad_options_name_what_is_allowed(name, options, message):
  with pytest.raises(ValueError, match=message):
    apply(noise(), SEEDS[0], [(name, options)])


def test_unknown_options_are_errors():
  with pytest.raises(ValueError, match='strength'):
    apply(noise(), SEEDS[0], [('flip', {'strength': 1})])
