"""Paths as a user writes them: `~` is the home folder, all else is a name."""

import os
import pathlib


def expand(
  path: str | os.PathLike[str], folder: str | os.PathLike[str] = ''
) -> pathlib.Path:
  """The absolute path; a relative one is taken from `folder`.

  `~` and `~user` at its beginning are the home folder of a user, where there
  is such a user; a folder of that name is `./~`. Links are kept.
  """
  return pathlib.Path(folder, os.path.expanduser(path)).absolute()
