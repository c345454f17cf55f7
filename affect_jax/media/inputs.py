"""Finds the pictures, videos and cameras that a command is given."""

from collections.abc import Iterator, Sequence
import dataclasses
import glob
import os
import pathlib

from affect_jax import file_kind
from affect_jax import user_path
from affect_jax.errors import UserError

# Files of these names are read in folders; a file that is named itself is read
# in any case. FFmpeg looks at the content, not at the name.
VIDEOS = (
  *('.3gp', '.asf', '.avi', '.flv', '.m2ts', '.m4v', '.mkv', '.mov', '.mp4'),
  *('.mpeg', '.mpg', '.mts', '.mxf', '.ogv', '.ts', '.vob', '.webm', '.wmv'),
)
KNOWN = (*file_kind.PICTURES, *VIDEOS)
_IS_GLOB = '*?['


@dataclasses.dataclass(frozen=True)
class Input:
  """One picture, one video or one camera.

  Attributes:
    name: What tables call it: its name, or its path below the folder that was
      given, with '/' between folders.
    path: Where it is.
    camera: Number of a camera, from 0; None if it is a file.
  """

  name: str
  path: pathlib.Path
  camera: int | None = None

  @property
  def is_picture(self) -> bool:
    """Whether it is read as a picture; otherwise it is a video."""
    return self.path.suffix.lower() in file_kind.PICTURES


def find(
  paths: Sequence[str],
  suffixes: Sequence[str] = KNOWN,
  what: str = 'picture and no video',
) -> list[Input]:
  """Returns the pictures and videos at paths, in their order.

  A folder stands for all pictures and videos in it and in its folders, sorted
  by name, where 2 comes before 10; names that begin with a dot are passed over.
  A path with *, ? or [ that does not exist itself is a pattern, in which **
  stands for folders at any depth. A file that is found twice counts once.
  A whole number alone is a camera, unless a file has that name.

  Args:
    paths: Files, folders and patterns.
    suffixes: How names end of files that are read in folders.
    what: What such files are, for errors.

  Raises:
    UserError: A path leads nowhere, a folder or a pattern has no picture and
      no video, two inputs have one name, a name has two lines or is not
      UTF-8, or a camera is not the only input.
  """
  if not paths:
    raise UserError('There is no input: give pictures, videos or folders.')
  found: dict[str, Input] = {}
  for text in paths:
    path = user_path.expand(text)
    if path.is_dir():
      new = list(_of_folder(path, suffixes))
    elif path.exists():
      new = [Input(path.name, path)]
    elif any(c in text for c in _IS_GLOB):
      new = list(_of_pattern(path, suffixes))
    elif text.isdecimal() and len(paths) == 1:
      return [Input(f'camera{int(text)}', path, camera=int(text))]
    elif text.isdecimal():
      raise UserError(
        f'--input={text}: there is no such file, and a camera goes alone.'
      )
    else:
      raise UserError(f'--input={text}: there is no such file or folder.')
    if not new:
      kind = 'in this folder' if path.is_dir() else 'matches this pattern'
      raise UserError(
        f'--input={text}: no {what} {kind}. Known are {", ".join(suffixes)}.'
      )
    for item in new:
      if len(item.name.splitlines()) != 1:
        raise UserError(f'{item.path} has a line break in its name: rename it.')
      check_name(item.name, item.path)
      other = found.setdefault(item.name, item)
      if other.path != item.path:
        raise UserError(
          f'Two inputs have the name {item.name}: {other.path} and '
          f'{item.path}. Give a folder above both, or predict them apart.'
        )
  return list(found.values())


def check_name(name: str, path: pathlib.Path) -> None:
  """Raises UserError if no table can hold a name, as Linux allows any bytes."""
  try:
    name.encode()
  except UnicodeEncodeError:
    raise UserError(
      f'The name {str(path)!r} is not UTF-8, so that no table can hold it: '
      'rename it.'
    ) from None


def _of_folder(
  folder: pathlib.Path, suffixes: Sequence[str]
) -> Iterator[Input]:
  """Yields the pictures and videos of a folder and of those in it."""
  paths = []
  for where, folders, names in os.walk(folder, followlinks=True):
    folders[:] = [name for name in folders if not name.startswith('.')]
    paths += [
      pathlib.Path(where, name)
      for name in names
      if not name.startswith('.') and _ends(name, suffixes)
    ]
  for path in sorted(paths, key=user_path.order):
    yield Input(_name(path, folder), path)


def _of_pattern(
  pattern: pathlib.Path, suffixes: Sequence[str]
) -> Iterator[Input]:
  """Yields what a pattern matches, named from its first part that varies."""
  varies = [any(c in part for c in _IS_GLOB) for part in pattern.parts]
  first = varies.index(True)
  base = pathlib.Path(*pattern.parts[:first])
  matches = map(pathlib.Path, glob.glob(str(pattern), recursive=True))
  for path in sorted(matches, key=user_path.order):
    if path.is_dir():
      # A pattern that ends with ** also matches every file in it.
      for item in _of_folder(path, suffixes):
        yield Input(_name(item.path, base), item.path)
    elif _ends(path.name, suffixes):
      yield Input(_name(path, base), path)


def _name(path: pathlib.Path, folder: pathlib.Path) -> str:
  return path.relative_to(folder).as_posix()


def _ends(name: str, suffixes: Sequence[str]) -> bool:
  return name.lower().endswith(tuple(suffixes))
