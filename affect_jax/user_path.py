"""Paths as users write them: `~` is the home folder, all else is a name."""

import os
import pathlib


def expand(
  path: str | os.PathLike[str], folder: str | os.PathLike[str] = ''
) -> pathlib.Path:
  """Returns the absolute path; a relative one starts from `folder`.

  `~` and `~user` at its beginning are the home folder of a user, if this user
  exists; a folder of that name is `./~`. Links are kept.
  """
  return pathlib.Path(folder, os.path.expanduser(path)).absolute()
