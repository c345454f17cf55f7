"""Measures speed and memory of preparing a corpus like a small Aff-Wild2.

  python experiments/benchmarks/preparing.py --out=preparing.json

Writes videos of small random JPEGs with the label lists of s-Aff-Wild2, and
prepares them with one process and with one per core. Reports pictures per
second, and the peak memory of the parent process at two sizes, which tells
whether memory grows with the number of pictures.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np
from PIL import Image

from affect_jax.run import environment
from affect_jax.run import folder as run_folder
from affect_jax.tasks import action_units

FRAMES = 500  # Per video.

PREPARE = """
import resource, sys, time
from affect_jax.corpora import aff_wild2
start = time.monotonic()
builder = aff_wild2.AffWild2(
  data_dir=sys.argv[1], path=sys.argv[2], num_workers=int(sys.argv[3])
)
builder.download_and_prepare()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(time.monotonic() - start, peak, builder.info.splits['train'].num_examples)
"""


def write_corpus(folder, videos):
  """Writes `videos` training videos of FRAMES pictures, and one to validate."""
  r = np.random.default_rng(0)
  pictures = [
    Image.fromarray(r.integers(0, 256, (112, 112, 3), np.uint8))
    for _ in range(20)
  ]
  header = ','.join(
    ('image', 'valence', 'arousal', 'expression', *action_units.AFFWILD2_12)
  )
  for name, numbers in (
    ('training_set', range(videos)),
    ('validation_set', [videos]),
  ):
    lines = [header]
    for video in numbers:
      target = folder / 'cropped_aligned' / f'video{video}'
      target.mkdir(parents=True)
      for i in range(1, FRAMES + 1):
        pictures[i % 20].save(target / f'{i:05d}.jpg', quality=80)
        lines.append(f'video{video}/{i:05d}.jpg,0.1,0.2,{i % 8}' + ',1' * 12)
    text = '\n'.join(lines) + '\n'
    (folder / f'{name}_annotations.txt').write_text(text)


def prepare(corpus, workers):
  """Measures pictures per second and peak memory (MB) in its own process."""
  with tempfile.TemporaryDirectory() as data_dir:
    done = subprocess.run(
      [sys.executable, '-c', PREPARE, data_dir, corpus, str(workers)],
      check=True,
      capture_output=True,
      text=True,
    )
  seconds, peak, count = map(float, str(done.stdout).splitlines()[-1].split())
  return {
    'pictures': int(count),
    'pictures_per_second': round(count / seconds, 1),
    'parent_peak_mb': round(peak, 1),
  }


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument('--out', required=True, help='JSON file to write')
  parser.add_argument('--videos', type=int, default=40)
  arguments = parser.parse_args()
  cores = os.cpu_count() or 1
  results: dict[str, Any] = {'date': time.strftime('%Y-%m-%d')}
  for videos in (arguments.videos // 4, arguments.videos):
    with tempfile.TemporaryDirectory() as folder:
      write_corpus(pathlib.Path(folder), videos)
      for workers in (1, cores):
        key = f'{videos * FRAMES} pictures, {workers} processes'
        results[key] = prepare(folder, workers)
        print(key, results[key], flush=True)
  results['environment'] = environment.describe({})
  run_folder.write_json(arguments.out, results)
  print(json.dumps({k: v for k, v in results.items() if k != 'environment'}))


if __name__ == '__main__':
  main()
