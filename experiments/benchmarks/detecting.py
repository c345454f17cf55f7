"""Measures the face detector: how many faces it finds, and how fast.

  python experiments/benchmarks/detecting.py [--crops=FOLDER]

Faces that the package renders are laid on grey, each alone, at several sizes
and distances from the border; crops of a folder are brought to the same sizes.
Reports the share in which a face is found, in how many more than one is, the
side of the box by that of the crop, and milliseconds per picture.
"""

import argparse
import pathlib
import time

import numpy as np
from PIL import Image

from affect_jax.media import detector
from affect_jax.media import inputs
from affect_jax.media import pictures
from affect_jax.synthetic import gallery

SIZES = (24, 48, 96, 144)


def measure(name, crops, size, border):
  """Prints what is found of crops of `size` pixels within a grey border."""
  found, more, sides, seconds = 0, 0, [], 0.0
  for crop in crops:
    width = size + 2 * border
    image = np.full((width, width, 3), 128, np.uint8)
    scaled = Image.fromarray(crop).resize((size, size))
    image[border : border + size, border : border + size] = np.asarray(scaled)
    start = time.perf_counter()
    boxes = detector.detect(image)
    seconds += time.perf_counter() - start
    found += bool(boxes)
    more += len(boxes) > 1
    sides += [max(box.side for box in boxes) / size] if boxes else []
  side = f'{np.median(sides):.2f}' if sides else '–'
  print(
    f'{name}, {size} px, border {border}: found in {found} of {len(crops)}, '
    f'more than one in {more}, box by crop {side}, '
    f'{1000 * seconds / len(crops):.0f} ms'
  )


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument('--count', type=int, default=200)
  parser.add_argument('--crops', default='')
  arguments = parser.parse_args()
  drawn = [gallery.draw(0, 'test', i, 1)[1] for i in range(arguments.count)]
  kinds = {'rendered': list(gallery.pictures(drawn, 112))}
  if arguments.crops:
    found = inputs.find([arguments.crops])
    step = max(1, len(found) // arguments.count)
    read = [
      pictures.read(pathlib.Path(item.path)).image for item in found[::step]
    ]
    kinds[arguments.crops] = [x for x in read if x is not None]
  for name, crops in kinds.items():
    for size in SIZES:
      for border in (0, size):
        measure(name, crops, size, border)


if __name__ == '__main__':
  main()
