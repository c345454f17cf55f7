"""Paths as users write them: `~` is the home folder, all else is a name."""

import os
import pathlib
import re


def expand(
  path: str | os.PathLike[str], folder: str | os.PathLike[str] = ''
) -> pathlib.Path:
  """Returns the absolute path; a relative one starts from `folder`.

  `~` and `~user` at its beginning are the home folder of a user, if this user
  exists; a folder of that name is `./~`. Links are kept.
  """
  return pathlib.Path(folder, os.path.expanduser(path)).absolute()


def order(path: pathlib.PurePath) -> tuple[list[list[str | int]], str]:
  """Returns a key that sorts by folders and names, numbers in them by value.

  a/2.png comes before a/10.png, and that before b/1.png.
  """
  # Texts and numbers alternate.
  split = [re.split(r'([0-9]+)', part) for part in path.parts]
  key = [[int(x) if i % 2 else x for i, x in enumerate(p)] for p in split]
  return key, str(path)
