"""Draws, renders and encodes faces number 0, 1, 2, ... of a split.

Face `index` of a split is a function of (seed, split, index) alone; batches and
threads do not change it.
"""

import collections
from collections.abc import Iterator, Sequence
from concurrent import futures
import functools
import hashlib
import io
import itertools
import os
import pathlib
import sys
import time

from absl import logging
import numpy as np
from PIL import Image

from affect_jax.synthetic import affect as affect_lib
from affect_jax.synthetic import head as head_lib
from affect_jax.synthetic import person as person_lib
from affect_jax.synthetic import render

SPLITS = ('train', 'val', 'test')
BATCH = 32
# Separate streams of random numbers: draws of one do not shift another.
PERSON, PICTURE, LABELS = range(3)


def version() -> str:
  """Returns a digest of the asset and of all code that draws or renders."""
  digest = hashlib.sha256(head_lib.asset_sha256().encode())
  for path in sorted(pathlib.Path(__file__).parent.glob('*.py')):
    if not path.name.startswith(('reference_sheet', 'utterance')):
      digest.update(path.read_bytes())
  return digest.hexdigest()[:16]


def generator(
  stream: int, seed: int, split: str, index: int
) -> np.random.Generator:
  """Returns the random generator of one face or person."""
  return np.random.default_rng((stream, seed, SPLITS.index(split), index))


def subject(split: str, index: int, images_per_subject: int) -> str:
  """Returns the person of face `index`, as 'id00012'; splits share nobody."""
  number = index // images_per_subject
  return f'id{SPLITS.index(split)}{number:05d}'


@functools.lru_cache(maxsize=64)
def _person(seed: int, split: str, number: int) -> person_lib.Person:
  return person_lib.draw_person(generator(PERSON, seed, split, number))


def draw(
  seed: int, split: str, index: int, images_per_subject: int
) -> tuple[affect_lib.Affect, dict[str, np.ndarray]]:
  """Draws what face `index` shows, and its arrays for `render.render`."""
  rng = generator(PICTURE, seed, split, index)
  person = _person(seed, split, index // images_per_subject)
  drawn = affect_lib.draw(rng)
  return drawn, person_lib.face(person, drawn, rng)


def pictures(faces: Sequence[dict[str, np.ndarray]], size: int) -> np.ndarray:
  """Renders at most BATCH faces: uint8 [N, size, size, 3]."""
  # A short batch repeats its last face, so that one shape is compiled.
  padded = [*faces, *[faces[-1]] * (BATCH - len(faces))]
  batch = {k: np.stack([f[k] for f in padded]) for k in padded[0]}
  return np.asarray(render.render(batch, size=size))[: len(faces)]


def encode(picture: np.ndarray) -> bytes:
  """Encodes as JPEG, whose errors are smaller than the picture's noise."""
  buffer = io.BytesIO()
  Image.fromarray(picture).save(buffer, 'JPEG', quality=95, subsampling=0)
  return buffer.getvalue()


def stream(
  seed: int,
  split: str,
  count: int,
  size: int,
  images_per_subject: int,
  workers: int | None = None,
) -> Iterator[tuple[int, affect_lib.Affect, bytes]]:
  """Yields (index, what it shows, encoded picture) of faces 0 to count - 1.

  Logs progress, rate and time left every few seconds, except to a terminal,
  where tfds draws a bar.

  Args:
    seed: Seed of the corpus.
    split: One of SPLITS.
    count: Number of faces.
    size: Height and width in pixels.
    images_per_subject: Number of faces of one identity.
    workers: Threads (default: one per processor, at most 8); they do not change
      the pictures.
  """

  def chunk(first: int) -> list[tuple[int, affect_lib.Affect, bytes]]:
    indices = range(first, min(first + BATCH, count))
    drawn = [draw(seed, split, i, images_per_subject) for i in indices]
    rendered = pictures([face for _, face in drawn], size)
    return [
      (i, shown, encode(picture))
      for i, (shown, _), picture in zip(indices, drawn, rendered, strict=True)
    ]

  workers = workers or min(os.cpu_count() or 1, 8)
  firsts = iter(range(0, count, BATCH))
  chunk(0)  # Compile once, which else all threads would begin with.
  began = reported = time.monotonic()
  done, quiet = 0, sys.stderr.isatty()
  with futures.ThreadPoolExecutor(workers) as pool:
    # A few chunks ahead: memory stays flat whatever the count.
    ahead = itertools.islice(firsts, workers + 2)
    waiting = collections.deque(pool.submit(chunk, first) for first in ahead)
    while waiting:
      finished = waiting.popleft().result()
      for first in itertools.islice(firsts, 1):
        waiting.append(pool.submit(chunk, first))
      yield from finished
      done += len(finished)
      now = time.monotonic()
      if not quiet and (now - reported > 5 or done == count):
        rate = done / (now - began)
        logging.info(
          'synthetic_faces: rendered %d of %d %s pictures, %.0f/s, %.0f s left',
          done,
          count,
          split,
          rate,
          (count - done) / rate,
        )
        reported = now
