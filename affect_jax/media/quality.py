"""How good a face is to predict from: its blur, its turn, its quality."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

# Pixels that faces are compared at, and over which they are blurred once more.
_SIDE, _WIDTH = 112, 11
# The distance of the eyes, by how far the nose stands out before eyes and
# mouth: measured on rendered faces of known pose.
_EYES_BY_NOSE = 1.6
# A face of these pixels, and of this blur, has nothing against it.
GOOD_PX, GOOD_BLUR = 64, 0.4


def blur(crop: np.ndarray) -> float:
  """Returns how blurred a picture is, from 0 (sharp) to 1.

  A sharp picture loses much of the difference between neighbouring pixels when
  it is blurred once more, a blurred one hardly any (Crété et al., 2007, "The
  blur effect: perception and estimation with a new no-reference perceptual
  blur metric"). A picture of one colour has blur 1. A picture above 112 pixels
  is thinned to them first, so that faces of different size compare.

  Args:
    crop: uint8 [H, W, 3].
  """
  step = max(1, max(crop.shape[:2]) // _SIDE)
  grey = crop.astype(np.float32).mean(-1)
  if step > 1:
    grey = ndimage.uniform_filter(grey, step)[::step, ::step]
  worst = 0.0
  for axis in (0, 1):
    smooth = ndimage.uniform_filter1d(grey, _WIDTH, axis)
    before = np.abs(np.diff(grey, axis=axis))
    after = np.abs(np.diff(smooth, axis=axis))
    total = float(before.sum())
    lost = float(np.maximum(0, before - after).sum())
    worst = max(worst, 1 - lost / total if total > 0 else 1.0)
  return worst


def yaw(points: Sequence[tuple[float, float]]) -> float:
  """Returns by how many degrees a face is turned to a side, in (-90, 90).

  0 looks into the camera; above 0, the nose points to the right of the picture,
  which is the person's left; mirroring changes the sign. A nose that stands
  out by n before the plane of eyes and mouth moves aside by n sin(yaw) when the
  head turns, and the eyes' distance e shrinks to e cos(yaw). So yaw is atan(e /
  n · d), with d the nose's distance from the middle of eyes and mouth, along
  the line through the eyes, by the eyes' distance in the picture (after Gee and
  Cipolla, 1994, "Determining the gaze of faces in images"). e / n = 1.6 is an
  average: on rendered faces within 35° the error is 2.6° on average and 8° at
  most; people's noses differ. A tilt of the head changes nothing.

  Args:
    points: (x, y) of the landmarks, see `box.Box`.

  Returns:
    NaN if there are no landmarks, or if the eyes are in one place.
  """
  if len(points) != 5:
    return float('nan')
  left, right, nose, *mouth = np.asarray(points, float)
  eyes = right - left
  distance = float(eyes @ eyes)
  if not distance:
    return float('nan')
  middle = np.mean([left, right, *mouth], axis=0)
  aside = float((nose - middle) @ eyes) / distance
  return float(np.degrees(np.arctan(_EYES_BY_NOSE * aside)))


def quality(
  face_px: int, blurred: float, degrees: float, confidence: float
) -> float:
  """Returns how good a face is to predict from, in [0, 1].

  It is the least of four numbers, so that what is worst decides: the detector's
  confidence; face_px / 64, at most 1; (1 - blur) / 0.6, at most 1, which is
  reached by the blur .4 of sharp photographs; cos(yaw). A yaw that is not known
  does not count. It does not look at light, nor at what covers a face.

  Args:
    face_px: Pixels of the face's longer side.
    blurred: See `blur`.
    degrees: See `yaw`; NaN if it is not known.
    confidence: Of the detector, in [0, 1].
  """
  frontal = 1.0 if np.isnan(degrees) else float(np.cos(np.radians(degrees)))
  sharp = (1 - blurred) / (1 - GOOD_BLUR)
  return max(0.0, min(confidence, face_px / GOOD_PX, sharp, frontal, 1.0))
