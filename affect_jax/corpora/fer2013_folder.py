"""FER2013 as folders of pictures: train/angry/Training_3908.jpg."""

from collections.abc import Iterator
import pathlib

import numpy as np
from PIL import Image

from affect_jax.corpora.files import same_path
from affect_jax.corpora.files import sources
from affect_jax.corpora.files import split_names
from affect_jax.errors import UserError
from affect_jax.tasks import expression as expression_lib

# {split: its name in fer2013.csv, with which names of pictures begin}.
USAGES = {'train': 'Training', 'val': 'PublicTest', 'test': 'PrivateTest'}


def read(
  root: pathlib.Path, size: int
) -> tuple[list[str], list[np.ndarray], list[str], list[str]]:
  """Reads the pictures of a folder <split>/<expression>/<picture>.

  Returns paths below the folder, pixels uint8 [size * size], names of
  expressions, and one of USAGES for each picture, ordered by path. The name of
  a picture tells its usage, or else its folder does.

  Raises:
    UserError: folders or pictures are not those of FER2013; the message lists
      up to 20.
  """
  problems = sources.Problems(root)
  ids, pixels, expressions, usages = [], [], [], []
  for name in _files(root):
    split, expression, file = name.split('/')
    try:
      canonical = expression_lib.canonical_name(expression)
      usage = _usage(split, file)
      picture = _pixels(root / name, size)
    except ValueError as e:
      problems.add(f'{name}: {e}')
      continue
    if canonical not in expression_lib.BASIC_7:
      problems.add(f'{name}: FER2013 has no {canonical}.')
      continue
    ids.append(name)
    pixels.append(picture)
    expressions.append(canonical)
    usages.append(usage)
  problems.check()
  if not pixels:
    raise UserError(
      f'{root}: no picture train/<expression>/<picture> in this folder; name '
      'the folder that holds train and test, or fer2013.csv.'
    )
  return ids, pixels, expressions, usages


def fingerprint(root: pathlib.Path) -> str:
  """Returns what changes if a picture, by its size and time, does."""
  return sources.fingerprint(
    stats=[(name, *same_path.stat(root / name)) for name in _files(root)]
  )


def _files(root: pathlib.Path) -> Iterator[str]:
  """Yields '<split>/<expression>/<picture>', ordered by name."""
  for path in sorted(root.glob('*/*/*')):
    is_picture = path.suffix.lower() in ('.jpg', '.jpeg', '.png')
    if is_picture and not path.name.startswith('.'):
      yield path.relative_to(root).as_posix()


def _usage(split: str, file: str) -> str:
  for usage in USAGES.values():
    if file.lower().startswith(usage.lower()):
      return usage
  found = split_names.canonical(split)
  if not found:
    raise UserError(split_names.unknown('folder', split))
  return USAGES[found]


def _pixels(path: pathlib.Path, size: int) -> np.ndarray:
  try:
    with Image.open(path) as picture:
      grey = np.asarray(picture.convert('L'))
  except Exception as e:  # Pillow's plugins raise errors of any type.
    raise UserError(f'cannot be read as a picture ({e}).') from e
  if grey.shape != (size, size):
    raise UserError(
      f'has {grey.shape[1]}x{grey.shape[0]} pixels, not {size}x{size}; '
      'pictures of other sizes are for the corpus faces_csv.'
    )
  return grey.reshape(-1)
