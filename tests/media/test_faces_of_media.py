"""Boxes, crops, tracks and blur, without a detector."""

import numpy as np
import pytest
from scipy import ndimage

from affect_jax.media import box as box_lib
from affect_jax.media import quality
from affect_jax.media import tracks


def box(x, y, width=10, height=10, confidence=0.9):
  return box_lib.Box(x, y, width, height, confidence)


def test_overlaps_are_intersection_over_union():
  first = [box(0, 0), box(100, 100)]
  second = [box(0, 0), box(5, 0), box(0, 5, 20, 5), box(50, 50)]
  expected = [[1, 50 / 150, 50 / 150, 0], [0, 0, 0, 0]]
  np.testing.assert_allclose(box_lib.overlaps(first, second), expected)
  assert box_lib.overlaps(first, []).shape == (2, 0)


def test_a_crop_is_the_square_around_the_box():
  image = np.zeros((40, 60, 3), np.uint8)
  image[..., 0] = np.arange(60)[None, :]
  image[..., 1] = np.arange(40)[:, None]
  crop = box_lib.cut(image, box(20, 10, 8, 10), 0.4)
  # 10 × 1.4 = 14 pixels around (24, 15).
  assert crop.shape == (14, 14, 3)
  assert crop[0, 0].tolist() == [17, 8, 0]
  assert crop[-1, -1].tolist() == [30, 21, 0]


@pytest.mark.parametrize('corner', [(-5, -5), (35, 35)])
def test_a_face_at_the_border_is_filled_up_with_black(corner):
  image = np.full((40, 40, 3), 200, np.uint8)
  crop = box_lib.cut(image, box(*corner), 0)
  assert crop.shape == (10, 10, 3)
  seen = crop[5:, 5:] if corner[0] < 0 else crop[:5, :5]
  assert (seen == 200).all()
  assert crop.sum() == 25 * 3 * 200


def test_a_box_outside_the_picture_is_black():
  image = np.full((20, 20, 3), 200, np.uint8)
  assert not box_lib.cut(image, box(50, 50), 0.2).any()


def test_faces_keep_their_numbers_while_they_move_and_cross():
  follow = tracks.Tracks()
  assert follow.update(0, [box(50, 0), box(0, 0)]) == [1, 0]
  assert follow.update(1, [box(2, 0), box(52, 0)]) == [0, 1]
  # One is away, another is new, the order is another.
  assert follow.update(2, [box(90, 0), box(4, 0)]) == [2, 0]
  assert follow.update(3, [box(53, 0), box(6, 0), box(91, 0)]) == [1, 0, 2]


def test_pairs_are_the_best_of_all_not_of_each():
  follow = tracks.Tracks()
  follow.update(0, [box(0, 0), box(6, 0)])
  # The first alone would take the box of the second.
  assert follow.update(1, [box(4, 0), box(10, 0)]) == [0, 1]


def test_a_face_that_comes_back_late_is_a_new_one():
  follow = tracks.Tracks(patience=5)
  assert follow.update(0, [box(0, 0)]) == [0]
  assert follow.update(5, [box(0, 0)]) == [0]
  assert follow.update(11, [box(0, 0)]) == [1]


def test_a_jump_is_a_new_face():
  follow = tracks.Tracks()
  follow.update(0, [box(0, 0)])
  assert follow.update(1, [box(9, 0)]) == [1]
  assert follow.update(2, []) == []


def test_blur_grows_with_blur_and_hardly_with_size():
  r = np.random.default_rng(0)
  blocks = r.integers(0, 256, (28, 28, 1), np.uint8).repeat(3, -1)
  sharp = blocks.repeat(4, 0).repeat(4, 1)
  blurred = [ndimage.gaussian_filter(sharp, (s, s, 0)) for s in (1, 2, 4)]
  values = [quality.blur(x) for x in (sharp, *blurred)]
  assert values == sorted(values)
  assert values[0] >= 0
  assert values[-1] <= 1
  assert values[-1] - values[0] > 0.2
  large = sharp.repeat(3, 0).repeat(3, 1)
  assert quality.blur(large) == pytest.approx(values[0], abs=0.1)
  assert quality.blur(np.full((20, 20, 3), 7, np.uint8)) == 1
  assert 0 <= quality.blur(sharp[:1, :1]) <= 1


def seen(yaw, roll=0.0, nose=1 / 1.6):
  """Landmarks of a head that turns, then tilts, seen from far away."""
  solid = np.array(
    [
      [-0.5, -0.5, 0],
      [0.5, -0.5, 0],
      [0, 0, nose],
      [-0.4, 0.5, 0],
      [0.4, 0.5, 0],
    ]
  )
  c, s = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
  turned = solid @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T
  c, s = np.cos(roll), np.sin(roll)
  flat = turned[:, :2] @ np.array([[c, -s], [s, c]]).T
  return [tuple(p) for p in 70 * flat + 200]


@pytest.mark.parametrize('yaw', [-80, -25, 0, 40])
def test_yaw_is_that_of_a_turned_head(yaw):
  assert quality.yaw(seen(yaw)) == pytest.approx(yaw, abs=1e-6)
  assert quality.yaw(seen(yaw, roll=0.4)) == pytest.approx(yaw, abs=1e-6)
  # A flatter nose looks less turned.
  flat = quality.yaw(seen(yaw, nose=0.5))
  assert abs(flat) < abs(yaw) or yaw == 0


def test_yaw_is_unknown_without_landmarks():
  assert np.isnan(quality.yaw(()))
  assert np.isnan(quality.yaw([(3, 3)] * 5))


@pytest.mark.parametrize(
  ('measured', 'expected'),
  [
    ((64, 0.4, 0.0, 1.0), 1.0),
    ((500, 0.1, float('nan'), 1.0), 1.0),
    ((16, 0.1, 0.0, 0.9), 0.25),
    ((64, 0.7, 0.0, 0.9), 0.5),
    ((64, 0.1, -60.0, 0.9), 0.5),
    ((64, 0.1, 0.0, 0.62), 0.62),
    ((64, 1.0, 0.0, 0.9), 0.0),
  ],
)
def test_quality_is_that_of_the_worst_property(measured, expected):
  assert quality.quality(*measured) == pytest.approx(expected)
