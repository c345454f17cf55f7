"""Measures the speed of preparing `synthetic_faces`, up to records on disk.

  python experiments/benchmarks/rendering.py --pictures=4000

Renders once before, as the first pictures compile.
"""

import argparse
import tempfile
import time

from affect_jax.corpora import synthetic_faces


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument('--pictures', type=int, default=4000)
  parser.add_argument('--pixels', type=int, default=64)
  arguments = parser.parse_args()

  def prepare(folder, count):
    builder = synthetic_faces.SyntheticFaces(
      data_dir=folder,
      image_size=arguments.pixels,
      num_train=count,
      num_val=8,
      num_test=8,
    )
    start = time.perf_counter()
    builder.download_and_prepare()
    return time.perf_counter() - start

  with tempfile.TemporaryDirectory() as folder:
    prepare(folder, 64)  # Compiles.
    seconds = prepare(folder, arguments.pictures)
  count = arguments.pictures + 16
  print(f'{count} pictures in {seconds:.1f} s: {count / seconds:.0f} a second')


if __name__ == '__main__':
  main()
