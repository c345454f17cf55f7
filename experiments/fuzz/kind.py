"""A kind of file: how a small one is made, and who reads it."""

from collections.abc import Callable, Iterator
import dataclasses
import fnmatch
import pathlib
from typing import Any


@dataclasses.dataclass(frozen=True)
class Kind:
  """A kind of file.

  Attributes:
    make: Writes whole files into an empty folder.
    read: Reads the folder by what a command calls, and returns how many samples
      it has, with those that were left out and counted.
    damaged: Pattern of the paths in the folder that are damaged.
    counted: Whether the file says how many samples it holds, so that none may
      be lost silently.
    by_folder: Whether a message may name the folder in place of the file.
  """

  make: Callable[[pathlib.Path], Any]
  read: Callable[[pathlib.Path], int]
  damaged: str = '*'
  counted: bool = False
  by_folder: bool = False

  def is_damaged(self, path: pathlib.Path, folder: pathlib.Path) -> bool:
    """Returns whether a file of the folder is one to damage."""
    return fnmatch.fnmatch(str(path.relative_to(folder)), self.damaged)


def consume(listing: Any) -> int:
  """Returns the samples of a listing, and what it leaves out and counts."""
  total = 0
  for stream in listing.splits.values():
    for item in stream():
      total += getattr(item, 'count', 1)
  return total


def each(value: Any) -> Iterator[Any]:
  """Yields the arrays of nested dicts."""
  for item in value.values() if isinstance(value, dict) else [value]:
    if isinstance(item, dict):
      yield from each(item)
    else:
      yield item
