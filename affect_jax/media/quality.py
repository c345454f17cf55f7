"""How blurred a face is."""

import numpy as np
from scipy import ndimage

# Pixels that faces are compared at, and over which they are blurred once more.
_SIDE, _WIDTH = 112, 11


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
