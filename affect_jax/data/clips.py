"""Reads clips, which are folders of pictures, as batches of pictures."""

import collections
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent import futures
import itertools
import pathlib
from typing import Any

from absl import logging
import numpy as np
import tensorflow as tf

from affect_jax import file_kind
from affect_jax import user_path
from affect_jax.corpora.files import pictures
from affect_jax.data import face_batches
from affect_jax.errors import UserError

OTHER = 'files that are no pictures, or in no folder of a clip'


def read(
  frames: pathlib.Path, counts: collections.Counter[str]
) -> dict[str, list[pathlib.Path]]:
  """Returns {clip: its pictures, in order}; adds other files to `counts`.

  Raises:
    FileNotFoundError: The folder does not exist.
    UserError: The folder holds no folders.
  """
  if not frames.is_dir():
    raise FileNotFoundError(f'{frames}: no such folder; frames are expected.')
  clips = {}
  for folder in sorted(_visible(frames)):
    if not folder.is_dir():
      counts[OTHER] += 1
      continue
    files = _visible(folder)
    images = [f for f in files if f.suffix.lower() in file_kind.PICTURES]
    counts[OTHER] += len(files) - len(images)
    clips[folder.name] = sorted(images, key=user_path.order)
  if not clips:
    raise UserError(f'{frames}: no folder in it; one for each clip is needed.')
  return clips


def make_load(
  size: int, skip: bool, rules: pictures.Rules | None = None
) -> Callable[[pathlib.Path], np.ndarray | None]:
  """Makes a function: path -> f32 [size, size, 3] in [0, 1].

  Of a picture that cannot be read it returns None if `skip`, else it raises.
  The rules are those of the corpus that a model was trained on.
  """

  def load(path: pathlib.Path) -> np.ndarray | None:
    try:
      data = pictures.read(path, rules).data
    except ValueError as error:
      if not skip:
        raise UserError(f'{path} {error}.') from error
      logging.warning('Left out: %s %s.', path, error)
      return None
    image: Any = face_batches.decode(tf.constant(data), size)
    return image.numpy()

  return load


def batches(
  clips: Mapping[str, Sequence[pathlib.Path]],
  rows: int,
  size: int,
  load: Callable[[pathlib.Path], np.ndarray | None],
  pool: futures.Executor,
) -> Iterator[tuple[list[str], list[bool], np.ndarray]]:
  """Yields up to `rows` pictures at a time, of one clip after another.

  Yields:
    For each picture its clip and whether it was read, and f32 [rows, size,
    size, 3], with zeros for pictures that were not read and after the last.
  """
  jobs = ((name, path) for name, paths in clips.items() for path in paths)
  while chunk := list(itertools.islice(jobs, rows)):
    images = np.zeros((rows, size, size, 3), np.float32)
    loaded = list(pool.map(load, (path for _, path in chunk)))
    for i, image in enumerate(loaded):
      if image is not None:
        images[i] = image
    yield [name for name, _ in chunk], [x is not None for x in loaded], images


def _visible(folder: pathlib.Path) -> list[pathlib.Path]:
  return [p for p in folder.iterdir() if not p.name.startswith('.')]
