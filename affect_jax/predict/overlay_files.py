"""Which file or folder --overlay draws into, and which it must not.

One input is drawn as one file, or into a folder, as several are. There a
drawing has its input's name, and its folders; where that ends otherwise than
with .png, .jpg, .jpeg or .mp4, .png or .mp4 is added (a.bmp.png, clip.mov.mp4),
and -2 before it if another input has that name. The folder gets its own name
when all are in it; until then it is NAME.partial, whose files are whole.
"""

from collections.abc import Iterable, Mapping, Sequence
import dataclasses
import fnmatch
import os
import pathlib

from affect_jax import user_path
from affect_jax import whole_file
from affect_jax.errors import UserError
from affect_jax.media import inputs as inputs_lib
from affect_jax.media import video_writer

_PICTURES = ('.png', '.jpg', '.jpeg')
_VIDEOS = (video_writer.SUFFIX,)


@dataclasses.dataclass(frozen=True)
class Overlay:
  """What is drawn where.

  Attributes:
    path: A file, or the folder of all drawings.
    targets: {input: its drawing}, which is `path`, or in `work`.
    work: The folder until it is whole; None: a file is asked for.
  """

  path: pathlib.Path
  targets: Mapping[str, pathlib.Path]
  work: pathlib.Path | None = None

  @property
  def is_whole(self) -> bool:
    """Whether all was drawn before."""
    return _is_there(self.path)

  def left(self, inputs: Iterable[inputs_lib.Input]) -> list[inputs_lib.Input]:
    """Returns the inputs that are still to be drawn."""
    return [x for x in inputs if not self.targets[x.name].exists()]


def plan(
  overlay: str | os.PathLike[str],
  paths: Sequence[str],
  inputs: Sequence[inputs_lib.Input],
  written: str = '',
) -> Overlay:
  """Says what will be drawn where, before any work.

  Args:
    overlay: The file or the folder.
    paths: Where inputs were looked for.
    inputs: All that were found there.
    written: Name of what this command wrote before, or has begun.

  Raises:
    UserError: A file of this kind cannot hold the drawings, something else is
      there, or the folder lies where inputs are looked for.
  """
  path = user_path.expand(overlay)
  suffix, first = path.suffix.lower(), inputs[0]
  known = _PICTURES if first.is_picture else _VIDEOS
  is_file = len(inputs) == 1 and suffix in known
  if not is_file:
    _check_folder(path, paths, inputs, known)
  if _is_there(path) and path.name != written:
    raise UserError(f'{path} exists. Give another --overlay, or remove it.')
  if is_file:
    return Overlay(path, {first.name: path})
  work = whole_file.growing_folder(path)
  if work.exists() and path.name != written:
    raise UserError(
      f'{work} exists: drawings of another table, which are not finished. Give '
      'another --overlay, or remove that folder.'
    )
  return Overlay(path, {k: work / v for k, v in _names(inputs).items()}, work)


def _check_folder(
  path: pathlib.Path,
  paths: Sequence[str],
  inputs: Sequence[inputs_lib.Input],
  known: Sequence[str],
) -> None:
  """Raises UserError if a path cannot be the folder of drawings."""
  said, first = f'--overlay={path.name}', inputs[0]
  if first.camera is not None:
    name = path.with_suffix(video_writer.SUFFIX).name
    raise UserError(
      f'{said}: what a camera shows is drawn as a video: give --overlay={name}.'
    )
  if path.suffix.lower() in inputs_lib.KNOWN:
    folder = path.with_suffix('').name
    if len(inputs) > 1:
      raise UserError(
        f'{said} is one file, and {len(inputs)} inputs are drawn: give a '
        f'folder, such as --overlay={folder}.'
      )
    raise UserError(
      f'{said}: {first.name} is drawn as {" or ".join(known)}: give '
      f'--overlay={folder}{known[0]}, or a folder, --overlay={folder}.'
    )
  for text in paths:
    if _would_read(text, path):
      raise UserError(
        f'{said} lies where --input={text} looks, which would read the '
        'drawings, too: give a folder elsewhere.'
      )


def _would_read(text: str, folder: pathlib.Path) -> bool:
  """Returns whether an --input finds what lies in a folder."""
  path = user_path.expand(text)
  if path.is_dir():
    return folder.resolve().is_relative_to(path.resolve())
  if path.exists():
    return False
  # A pattern, in which ** is folders at any depth.
  for part, there in zip(path.parts, folder.parts, strict=False):
    if part == '**':
      return True
    if part != there and not fnmatch.fnmatchcase(there, part):
      return False
  return True


def _names(inputs: Sequence[inputs_lib.Input]) -> dict[str, str]:
  """Returns {input: name of its drawing}, no two alike, in any letters."""
  names: dict[str, str] = {}
  taken: set[str] = set()
  # Those that keep their names come first.
  for item in sorted(inputs, key=lambda x: bool(_suffix(x))):
    stem, suffix = item.name, _suffix(item)
    if not suffix:
      stem, suffix = os.path.splitext(item.name)
    name, number = f'{stem}{suffix}', 1
    # Some systems take A.png for a.png.
    while name.lower() in taken:
      number += 1
      name = f'{stem}-{number}{suffix}'
    taken.add(name.lower())
    names[item.name] = name
  return names


def _suffix(item: inputs_lib.Input) -> str:
  """Returns what a drawing's name adds to that of its input."""
  known = _PICTURES if item.is_picture else _VIDEOS
  return '' if item.path.suffix.lower() in known else known[0]


def _is_there(path: pathlib.Path) -> bool:
  """Returns whether a path is taken; an empty folder is not."""
  return path.exists() and not (path.is_dir() and not any(path.iterdir()))
