"""A frame: a picture, or one of those that a video consists of."""

from typing import NamedTuple

import numpy as np


class Frame(NamedTuple):
  """One frame of an input.

  Attributes:
    index: Its number in the input, from 0, in the order in which frames are
      shown. A picture is frame 0.
    seconds: Its time stamp, as the container says, from the beginning of the
      container's clock; NaN for pictures, and if there is none.
    image: RGB uint8 [H, W, 3], upright; None if it cannot be read.
    reason: Why there is no image, in one line; '' if there is one.
  """

  index: int
  seconds: float
  image: np.ndarray | None
  reason: str = ''


def failed(reason: str, index: int = 0, seconds: float = float('nan')) -> Frame:
  """Returns a frame that cannot be read; its reason is made one line."""
  return Frame(index, seconds, None, ' '.join(reason.split()))
