"""The rows that a command has written so far: a valid table at any time.

They stand beside the output, in NAME.partial.csv, as native rows (`columns`,
`spoken.columns`). The rows of a frame, or of a batch of utterances, are written
together; whatever stops the command, a later one drops what may be cut, and
goes on from there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    """Opens a file of faces to write to it, and returns where to go on.

    Args:
      unit: How many frame numbers belong together, and are done together. The
        last of these may have been cut, and is done again.

    Raises:
      UserError: The file is of other columns.
    """

    def key(row):
      _box(row)  # One that is damaged raises ValueError.
      return row['input'], int(row['frame']) // unit

    kept, cut = self.open_after(key)
    if not kept or cut is None:
      return NOTHING
    boxes: dict[int, list[tuple[int, box_lib.Box]]] = {}
    for row in read(self.path):
      if row['input'] == cut['input']:
        boxes.setdefault(int(row['frame']), []).extend(_box(row))
    first = int(cut['frame']) // unit * unit
    return Resume(cut['input'], first, boxes, kept)

  def open_after(
    self,
    key: Callable[[dict[str, str]], Any],
    ends: Callable[[dict[str, str]], bool] = lambda row: False,
  ) -> tuple[int, dict[str, str] | None]:
    """Opens the file, without those of its last rows that may be cut.

    Args:
      key: What is the same of rows that were written together, and in a row; a
        ValueError says that a row is damaged.
      ends: Whether a row is the last of these, which then are whole.

    Returns:
      How many rows are kept, and the first of those that are not; None if all
      are kept.

    Raises:
      UserError: The file is of other columns.
    """
    kept, cut = 0, None
    if self.path.exists():
      kept, cut = self._keep_whole(key, ends)
    # It stays open until `close`.
    self._file = open(self.path, 'a', newline='', encoding='utf-8')  # noqa: SIM115
    if self._file.tell() == 0:
      self.write([self._columns])
    return kept, cut

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

  def _keep_whole(
    self,
    key: Callable[[dict[str, str]], Any],
    ends: Callable[[dict[str, str]], bool],
  ) -> tuple[int, dict[str, str] | None]:
    """Cuts off the last rows, see `open_after`."""
    end = 0

    def lines() -> Iterator[str]:
      nonlocal end
      for line in file:
        if not line.endswith(b'\n'):
          return
        end += len(line)
        yield line.decode()

    def whole_rows() -> Iterator[list[str]]:
      # Cells may have line breaks: a row is one line or several. What follows
      # damage, or a cell that a cut left open, is left out.
      with contextlib.suppress(UnicodeDecodeError, csv.Error):
        yield from csv.reader(lines(), strict=True)

    with open(self.path, 'rb') as file:
      cells = whole_rows()
      header = next(cells, None)
      if header is not None and header != self._columns:
        raise UserError(
          f'{self.path} has other columns than this command writes. Give '
          'another --output, or remove that file.'
        )
      # Where the last rows begin that belong together, and the first of them.
      start = whole = end if header else 0
      cut, last, kept, count = None, None, 0, 0
      for values in cells:
        if len(values) < len(self._columns):
          break
        row = dict(zip(self._columns, values, strict=False))
        try:
          own = key(row)
        except ValueError:  # Damaged, as what follows may be.
          break
        if cut is None or own != last:
          start, cut, last, kept = whole, row, own, count
        whole, count = end, count + 1
        if ends(row):
          start, cut, kept = whole, None, count
    os.truncate(self.path, start)
    return kept, cut


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
      kind = 'unreadable' if is_unreadable(row) else 'without_face'
    total[kind] += 1
  return total


def is_unreadable(row: Mapping[str, str]) -> bool:
  """Returns whether a row is of a frame that cannot be read."""
  return not row['face_id'] and row['reason'] != NO_FACE


def _box(row: dict[str, str]) -> list[tuple[int, box_lib.Box]]:
  if not row['face_w']:
    return []
  x, y, w, h = (int(row[f'face_{name}']) for name in 'xywh')
  return [
    (int(row['face_id']), box_lib.Box(x, y, w, h, float(row['confidence'])))
  ]
