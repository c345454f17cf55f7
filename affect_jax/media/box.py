"""Boxes around faces, and the square pictures that are cut out by them."""

from typing import NamedTuple

import numpy as np


class Box(NamedTuple):
  """A face in a frame, in pixels from the upper left corner.

  Attributes:
    x, y: The upper left corner; below 0 if the face is cut off there.
    width, height: The size.
    confidence: Of the detector, in [0, 1]; no probability.
    points: (x, y) of the landmarks: both eyes, the nose's tip, both corners of
      the mouth, the left one in the picture first; () if they are not known.
  """

  x: int
  y: int
  width: int
  height: int
  confidence: float
  points: tuple[tuple[float, float], ...] = ()

  @property
  def side(self) -> int:
    """Pixels of the longer side."""
    return max(self.width, self.height)


def overlaps(first: list[Box], second: list[Box]) -> np.ndarray:
  """Returns intersection over union of each pair, f64 [N, M] in [0, 1]."""
  a, b = (
    np.array([box[:4] for box in boxes], float).reshape(-1, 4)
    for boxes in (first, second)
  )
  low = np.maximum(a[:, None, :2], b[None, :, :2])
  high = np.minimum(
    (a[:, :2] + a[:, 2:])[:, None], (b[:, :2] + b[:, 2:])[None, :]
  )
  both = np.prod(np.clip(high - low, 0, None), axis=-1)
  areas = [np.prod(boxes[:, 2:], axis=-1) for boxes in (a, b)]
  either = areas[0][:, None] + areas[1][None, :] - both
  return np.divide(both, either, out=np.zeros_like(both), where=either > 0)


def cut(image: np.ndarray, box: Box, margin: float) -> np.ndarray:
  """Cuts out the square around a box, with black where the picture ends.

  The square's centre is that of the box; its side is the longer side of the
  box, times 1 + margin. Where a crop of training came from elsewhere, it
  differs from this one:

  - Corpora crop by other detectors, whose boxes take in more or less of
    forehead, ears and chin. `margin` is what makes the scales agree: give what
    makes faces as large as in the pictures that the run has learned from.
  - Many corpora turn and scale faces so that the eyes lie at the same places.
    This square is upright and knows of no eyes.
  - Faces at the border are padded with black, as aligned crops are, where
    some corpora shift the square into the picture or repeat its border.

  Args:
    image: uint8 [H, W, 3].
    box: A face in it.
    margin: Share of the box's longer side that is added, half at each end.

  Returns:
    uint8 [S, S, 3], S at least 1.
  """
  side = max(1, round(box.side * (1 + margin)))
  left = round(box.x + (box.width - side) / 2)
  top = round(box.y + (box.height - side) / 2)
  height, width = image.shape[:2]
  crop = np.zeros((side, side, 3), np.uint8)
  x, y = max(0, left), max(0, top)
  part = image[y : min(height, top + side), x : min(width, left + side)]
  if part.size:
    end_y, end_x = y - top + part.shape[0], x - left + part.shape[1]
    crop[y - top : end_y, x - left : end_x] = part
  return crop
