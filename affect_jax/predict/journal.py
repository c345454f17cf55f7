"""The rows that a command has written so far: a valid table at any time.

They stand beside the output, in NAME.partial.csv, as native rows
(`columns`). The rows of a frame are written together; whatever stops
the command, a later one drops what may be cut, and goes on from there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
import contextlib
import csv
import io
import os
import pathlib
from typing import Any, NamedTuple

from affect_jax.errors import UserError
from affect_jax.media import box as box_lib

# The reason of a frame that was read and shows no face.
NO_FACE = 'no face was found'


class Resume(NamedTuple):
  """Where a command goes on.

  Attributes:
    input: Name of the last input that has rows; '' if none has.
    frame: The first of its frames that is still to be done.
    boxes: {frame: [(face, box)]} of those before, for its tracks.
    rows: How many rows are kept.
  """

  input: str
  frame: int
  boxes: Mapping[int, Sequence[tuple[int, box_lib.Box]]]
  rows: int


NOTHING = Resume('', 0, {}, 0)


class Journal:
  """Rows on disk."""

  def __init__(self, path: pathlib.Path, columns: Sequence[str]):
    self.path = path
    self._columns = list(columns)
    self._file: Any = None

  def open(self, unit: int = 1) -> Resume:
    """Opens the file to write to it, and returns where to go on.

    Args:
      unit: How many frame numbers belong together, and are done together. The
        last of these may have been cut, and is done again.

    Raises:
      UserError: The file is of other columns.
    """
    resume = NOTHING
    if self.path.exists():
      resume = self._keep_whole(unit)
    # It stays open until `close`.
    self._file = open(self.path, 'a', newline='', encoding='utf-8')  # noqa: SIM115
    if self._file.tell() == 0:
      self.write([self._columns])
    return resume

  def write(self, rows: Iterable[Sequence[str]]) -> None:
    """Adds rows, which are on disk when this returns.

    Raises:
      UserError: The disk is full, say.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator='\n').writerows(rows)
    try:
      # At once: a disk that is full, or a kill, cuts at most the last lines.
      self._file.write(text.getvalue())
      self._file.flush()
      os.fsync(self._file.fileno())
    except OSError as error:
      raise UserError(
        f'{self.path} cannot be written ({error.strerror}). Make room and '
        'repeat the command: it goes on from the rows that are there.'
      ) from error

  def close(self) -> None:
    """Closes the file; what a full disk did not take is left out."""
    with contextlib.suppress(OSError):
      if self._file is not None:
        self._file.close()

  def _keep_whole(self, unit: int) -> Resume:
    """Cuts off the last unit of the file, and says what stands before it."""
    with open(self.path, 'rb') as file:
      header = file.readline()
      if not header.endswith(b'\n'):
        os.truncate(self.path, 0)
        return NOTHING
      if _cells(header) != self._columns:
        raise UserError(
          f'{self.path} has other columns than this command writes. Give '
          'another --output, or remove that file.'
        )
      end = file.tell()
      last, start, rows, before = ('', -1), end, 0, 0
      boxes: dict[int, list[tuple[int, box_lib.Box]]] = {}
      for line in file:
        if not line.endswith(b'\n'):
          break
        row = dict(zip(self._columns, _cells(line), strict=False))
        if len(row) < len(self._columns):
          break
        try:
          frame, box = int(row['frame']), _box(row)
        except ValueError:
          break
        if (row['input'], frame // unit) != last:
          if row['input'] != last[0]:
            boxes = {}
          last, start, before = (row['input'], frame // unit), end, rows
        boxes.setdefault(frame, []).extend(box)
        end, rows = end + len(line), rows + 1
    os.truncate(self.path, start)
    if start == len(header):
      return NOTHING
    kept = {k: v for k, v in boxes.items() if k < last[1] * unit}
    return Resume(last[0], max(0, last[1]) * unit, kept, before)


def read(path: pathlib.Path) -> Iterator[dict[str, str]]:
  """Yields the rows of a whole journal as {column: cell}."""
  with open(path, newline='', encoding='utf-8') as file:
    yield from csv.DictReader(file)


def counts(path: pathlib.Path) -> dict[str, int]:
  """Counts a journal's inputs, frames and rows, and those that failed."""
  kinds = ('predicted', 'without_face', 'unreadable', 'skipped')
  total = {name: 0 for name in ('inputs', 'frames', *kinds)}
  last = ('', '')
  for row in read(path):
    now = (row['input'], row['frame'])
    total['inputs'] += now[0] != last[0]
    total['frames'] += now != last
    last = now
    if row['success'] == '1':
      kind = 'predicted'
    elif row['face_id']:
      kind = 'skipped'
    else:
      kind = 'without_face' if row['reason'] == NO_FACE else 'unreadable'
    total[kind] += 1
  return total


def _cells(line: bytes) -> list[str]:
  """Returns the cells of a line; [] if it is damaged."""
  try:
    return next(csv.reader([line.decode()]), [])
  except (UnicodeDecodeError, csv.Error):
    return []


def _box(row: dict[str, str]) -> list[tuple[int, box_lib.Box]]:
  if not row['face_w']:
    return []
  x, y, w, h = (int(row[f'face_{name}']) for name in 'xywh')
  return [
    (int(row['face_id']), box_lib.Box(x, y, w, h, float(row['confidence'])))
  ]
