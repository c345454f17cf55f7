"""Writes files and folders that get their name when they are whole, or never.

Whatever interrupts a process, a reader finds the old content or the new. An
unfinished file lies beside it as `.partial-NAME`, which the next attempt
replaces.
"""

from collections.abc import Iterator
import contextlib
import os
import pathlib

from etils import epath


@contextlib.contextmanager
def writing(path: epath.PathLike) -> Iterator[epath.Path]:
  """Yields a temporary path to write to, which then becomes `path`.

  It has the suffix of `path`, for writers that depend on it. An error inside
  the block removes it, and leaves `path` unchanged. After the block the content
  is on disk: it survives a power cut.

  Args:
    path: A local path, or one of a store that epath knows (gs://, s3://); its
      folder exists.
  """
  path = epath.Path(path)
  partial = path.parent / f'.partial-{path.name}'
  try:
    yield partial
    _to_disk(partial)
    partial.replace(path)
  except BaseException:
    partial.unlink(missing_ok=True)
    raise
  _to_disk(path.parent)


def write_text(path: epath.PathLike, text: str) -> None:
  """Writes UTF-8 text, whole or not at all."""
  with writing(path) as partial:
    partial.write_text(text)


@contextlib.contextmanager
def writing_folder(path: epath.PathLike) -> Iterator[epath.Path]:
  """Yields a temporary, empty folder, which then becomes `path`.

  Raises:
    FileExistsError: `path` exists; nothing was written.
  """
  path = epath.Path(path)
  if path.exists():
    raise FileExistsError(f'{path} exists; give another name.')
  partial = path.parent / f'.partial-{path.name}'
  partial.rmtree(missing_ok=True)
  partial.mkdir(parents=True)
  try:
    yield partial
    for folder, _, files in os.walk(partial):
      for name in files:
        _to_disk(epath.Path(folder) / name)
      _to_disk(epath.Path(folder))
    partial.rename(path)
  except BaseException:
    partial.rmtree(missing_ok=True)
    raise
  _to_disk(path.parent)


def growing_folder(path: epath.PathLike) -> pathlib.Path:
  """Returns the folder, NAME.partial, that becomes `path` by `finish_folder`.

  What an interrupted attempt left there is kept: the next one goes on with it.
  """
  path = pathlib.Path(path)
  return path.with_name(f'{path.name}.partial')


def finish_folder(path: epath.PathLike) -> None:
  """Gives `growing_folder(path)`, whose files are whole, its name.

  Raises:
    OSError: `path` is a file, or a folder that is not empty.
  """
  growing_folder(path).replace(path)
  _to_disk(epath.Path(path).parent)


def _to_disk(path: epath.Path) -> None:
  """Waits until a local file, or the names in a folder, are on disk."""
  if '://' in os.fspath(path):
    return
  descriptor = os.open(path, os.O_RDONLY)
  try:
    os.fsync(descriptor)
  finally:
    os.close(descriptor)
