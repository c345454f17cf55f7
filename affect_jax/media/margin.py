"""How large faces are in a corpus' crops, so that others are cut alike."""

from collections.abc import Callable, Sequence
import pathlib

import numpy as np
from PIL import Image

from affect_jax.corpora.files import decoding
from affect_jax.errors import UserError
from affect_jax.media import detector
from affect_jax.media import pictures

# Pictures that are looked at, and pixels that they are brought to: small faces
# are found more often when they are enlarged (experiments/benchmarks).
_MOST, _SIDE = 200, 160


def of_crops(
  paths: Sequence[pathlib.Path],
  decode: Callable[..., np.ndarray] = decoding.by_tensorflow,
) -> float:
  """Returns the margin by which `box.cut` makes crops such as these.

  That is the median of (side of the crop / side of the face's box) - 1 over
  crops in which a face is found: at most 200, evenly from all.

  Args:
    paths: Crops of faces that a run has learned from.
    decode: One of the functions of `decoding`.

  Raises:
    UserError: In less than half of them a face is found.
    MissingExtra: The detector is not installed.
  """
  count = min(len(paths), _MOST)
  chosen = [paths[i * len(paths) // count] for i in range(count)]
  ratios = []
  for path in chosen:
    image = pictures.read(path, decode=decode).image
    if image is None:
      continue
    # Also crops that are not square: training stretches them.
    square = Image.fromarray(image).resize((_SIDE, _SIDE))
    boxes = detector.detect(np.asarray(square))
    if boxes:
      ratios.append(_SIDE / max(box.side for box in boxes))
  if 2 * len(ratios) < max(1, len(chosen)):
    raise UserError(
      f'A face is found in {len(ratios)} of {len(chosen)} crops only, so that '
      'their margin cannot be measured. Give --margin instead.'
    )
  return round(float(np.median(ratios)) - 1, 2)
