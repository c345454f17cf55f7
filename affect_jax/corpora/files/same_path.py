"""Files that exist under another spelling of their path.

macOS and Windows do not tell a.JPG from a.jpg, and macOS writes an é as two
characters; where a corpus was made there, Linux does not find its files.
"""

import functools
import os
import pathlib
import unicodedata

FOUND = 'paths of another case or Unicode form (file found)'


def find(folder: pathlib.Path, name: str) -> list[str]:
  """Returns the paths, as `name` has it, that differ in case or form only.

  Paths of the same case come alone, if there are any.

  Args:
    folder: What a relative path starts from.
    name: A path that does not exist so.
  """
  found = ['']
  for part in pathlib.PurePath(name).parts:
    if any(os.path.exists(folder / prefix / part) for prefix in found):
      found = [
        os.path.join(prefix, part)
        for prefix in found
        if os.path.exists(folder / prefix / part)
      ]
      continue
    found = [
      os.path.join(prefix, other)
      for prefix in found
      for other in _others(folder / prefix, part)
    ]
  form = unicodedata.normalize('NFC', os.path.normpath(name))
  same = [
    other for other in found if unicodedata.normalize('NFC', other) == form
  ]
  return same or found


def stat(path: pathlib.Path) -> tuple[int, int]:
  """Returns (size in bytes, mtime in ns) of a file."""
  status = os.stat(path)
  return status.st_size, status.st_mtime_ns


def several(names: list[str]) -> str:
  """Names paths that `find` found, for a message; '' if there is none."""
  return f'; did you mean one of {", ".join(map(repr, names))}' if names else ''


def _others(folder: pathlib.Path, part: str) -> list[str]:
  """Lists the names in a folder that differ from one in case or form only."""
  try:
    return _names(folder, folder.stat().st_mtime_ns).get(_key(part), [])
  except (OSError, ValueError):
    return []


@functools.lru_cache(maxsize=256)
def _names(folder: pathlib.Path, changed: int) -> dict[str, list[str]]:
  """Returns {key: names in a folder}; `changed` tells a new content."""
  del changed
  names: dict[str, list[str]] = {}
  for name in sorted(os.listdir(folder)):
    names.setdefault(_key(name), []).append(name)
  return names


def _key(part: str) -> str:
  return unicodedata.normalize('NFC', part).casefold()
