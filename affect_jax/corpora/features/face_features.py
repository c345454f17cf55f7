"""Features of a face, frame by frame, from the CSVs of OpenFace and others.

Tables of OpenFace 2 and 3, py-feat (`Fex`, versions 1 and 2) and LibreFace are
recognised by their columns: `face_tools` lists those, and which are read by
default.

A frame counts if a face was found. Where none was, OpenFace writes `success` 0
and zeros instead of blanks; others leave the row empty, or out. Such frames are
left out, or filled with the frame before, and counted.

A table that several clips or pictures share is read for one of them.
"""

from collections.abc import Callable, Mapping, Sequence
import fnmatch
import pathlib
from typing import NamedTuple

import numpy as np

from affect_jax import by_name
from affect_jax.corpora.features import face_tools
from affect_jax.corpora.files import cells as cells_lib
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError

# A week of 240 Hz has fewer; larger numbers are damage.
MOST_FRAMES = 1 << 31
ON_FAILURE = ('drop', 'carry')
# The reasons in `Faces.left_out`.
NO_FACE = 'frames without a face'
UNSURE = 'frames below min_confidence'
BLANK = 'frames with a value missing'
OTHERS = 'rows of other faces'


class Faces(NamedTuple):
  """The features of one face in a file.

  Attributes:
    values: f32 [T, D], finite; if T is 0, the modality is missing.
    names: [D] names of the columns, stripped.
    frames: int64 [T] number of each frame, as in the file, ascending.
    left_out: {reason: rows}. With on_failure='carry', frames without a face
      are counted here although they have a row.
  """

  values: np.ndarray
  names: tuple[str, ...]
  frames: np.ndarray
  left_out: dict[str, int]


def read(
  path: str | pathlib.Path,
  columns: Sequence[str] | None = None,
  *,
  on_failure: str = 'drop',
  min_confidence: float = 0.0,
  face: str | None = None,
  clip: str = '',
) -> Faces:
  """Reads one face's features, frame by frame.

  If a file has several faces, the one in most frames is read (the first of
  equals). If it does not tell faces apart, the most confident row of each frame
  is read. Rows of other faces are counted.

  Args:
    path: A CSV that one of the tools wrote. Blanks around the names of
      columns, as OpenFace writes them, do not matter.
    columns: Names, or patterns like those of a shell ('AU*_r', 'gaze_*'); case
      matters; None: DEFAULT. The columns keep the order of the file.
    on_failure: 'drop' removes frames without a face; 'carry' repeats the frame
      before (at the start, the first face that follows), so that frames keep
      their distance in time.
    min_confidence: The `confidence` of OpenFace or `FaceScore` of py-feat that
      a frame needs to count.
    face: `face_id` or `Identity` of the face to read; None: see above.
    clip: The clip or picture to read, if the table holds several and names
      them: this name, or a path or file of this name.

  Raises:
    FileNotFoundError: there is no such file.
    UserError: an option is unknown, the file is of no tool or lacks a column;
      it holds several clips, none of which is `clip`; or rows are bad: the
      message lists up to 20 of them, by line.
  """
  by_name.check('on_failure', on_failure, ON_FAILURE)
  path = sources.existing(path, 'a CSV of OpenFace, py-feat or LibreFace')
  rows = sources.read_rows(path)
  header = [name.strip() for name in next(rows)[1]]
  tool = face_tools.find(path, header)
  widths = face_tools.widths(path, header)
  names = face_tools.flat_header(header, widths)
  chosen = _columns(path, names, columns, tool.columns)
  read_row = _row_reader(header, tool, names, chosen, widths)

  problems = sources.Problems(path)
  parsed: list[_Row] = []
  for line, cells in rows:
    if len(cells) != len(header):
      problems.add(
        f'{path}:{line}: {len(cells)} cells, not {len(header)}; was the file '
        'cut off?'
      )
      continue
    try:
      parsed.append(read_row(line, cells))
    except ValueError as error:
      problems.add(f'{path}:{line}: {error}.')
  problems.check()
  if not parsed:
    raise UserError(f'{path} has a header but no rows.')
  parsed = _of_clip(path, face_tools.clip_column(header), parsed, clip)
  if face is not None and face not in (known := {row.who for row in parsed}):
    raise UserError(f'{path} has no face {face!r}; known: {sorted(known)}.')
  return _faces(
    parsed,
    tuple(names[c] for c in chosen),
    face=face,
    min_confidence=min_confidence,
    carry=on_failure == 'carry',
  )


class _Row(NamedTuple):
  """One row; `score` is NaN where no face was found."""

  line: int
  frame: int
  clip: str
  who: str
  score: float
  values: np.ndarray


def _faces(
  rows: Sequence[_Row],
  names: tuple[str, ...],
  *,
  face: str | None,
  min_confidence: float,
  carry: bool,
) -> Faces:
  """Chooses a face, and one row of it for each frame."""
  left_out: dict[str, int] = {}
  good: list[_Row] = []
  bad: dict[int, str] = {}
  for row in rows:
    if reason := _failure(row, min_confidence):
      bad.setdefault(row.frame, reason)
    else:
      good.append(row)
  if face is None and good:
    times: dict[str, int] = {}
    for row in good:
      times[row.who] = times.get(row.who, 0) + 1
    face = max(times, key=lambda who: times[who])
  chosen: dict[int, _Row] = {}
  for row in good:
    if row.who != face:
      continue
    other = chosen.get(row.frame)
    if other is None or row.score > other.score:
      chosen[row.frame] = row
  if others := len(good) - len(chosen):
    left_out[OTHERS] = others
  frames = np.array(sorted({row.frame for row in rows}), np.int64)
  for frame in frames.tolist():
    if frame not in chosen:
      reason = bad.get(frame, NO_FACE)
      left_out[reason] = left_out.get(reason, 0) + 1
  if not chosen:
    return Faces(
      np.zeros((0, len(names)), np.float32), names, frames[:0], left_out
    )
  has_face = np.array([f in chosen for f in frames.tolist()])
  if not carry:
    frames, has_face = frames[has_face], has_face[has_face]
  # Each frame's source: the last frame with a face; at the start, the first.
  last = np.maximum.accumulate(np.where(has_face, np.arange(len(has_face)), -1))
  last = np.where(last < 0, np.argmax(has_face), last)
  values = np.stack([chosen[f].values for f in frames[last].tolist()])
  return Faces(values.astype(np.float32), names, frames, left_out)


def _failure(row: _Row, min_confidence: float) -> str:
  """Says why a row does not count; '' if it does."""
  if np.isnan(row.score):
    return NO_FACE
  if row.score < min_confidence:
    return UNSURE
  return '' if np.all(np.isfinite(row.values)) else BLANK


def _of_clip(
  path: pathlib.Path, column: str, rows: list[_Row], clip: str
) -> list[_Row]:
  """Returns the rows of one clip; raises UserError if it is not clear which."""
  names = dict.fromkeys(row.clip for row in rows)
  if len(names) > 1:
    same = [n for n in names if clip and clip in _spellings(n)]
    if len(same) != 1:
      raise UserError(
        f'{path} holds {len(names)} clips or pictures, by its column '
        f'{column}: {face_tools.some([*names])}'
        + (f'; none of them is {clip!r} alone' if clip else '')
        + '. Give each its own file, or an id that is its name.'
      )
    rows = [row for row in rows if row.clip == same[0]]
  last: dict[str, int] = {}
  seen: set[tuple[str, int]] = set()
  for row in rows:
    before = last.get(row.who, -1)
    if row.frame < before and (row.who, row.frame) in seen:
      raise UserError(
        f'{path}:{row.line}: frame {row.frame} again, after frame {before}: '
        'tables of several clips were joined. Give each its own file, or add '
        'a column "clip" that names it.'
      )
    last[row.who] = row.frame
    seen.add((row.who, row.frame))
  return rows


def _spellings(name: str) -> tuple[str, ...]:
  file = pathlib.PurePosixPath(name.replace('\\', '/'))
  return name, file.name, file.stem


def _columns(
  path: pathlib.Path,
  header: Sequence[str],
  columns: Sequence[str] | None,
  default: Sequence[str],
) -> list[int]:
  """Returns the indices of the wanted columns, in the order of the file."""
  columns = (columns,) if isinstance(columns, str) else columns
  indices: set[int] = set()
  for pattern in default if columns is None else columns:
    hits = [
      i for i, name in enumerate(header) if fnmatch.fnmatchcase(name, pattern)
    ]
    if not hits and columns is not None:
      raise UserError(
        f'{path} has no column {pattern!r}, only {face_tools.some(header)}.'
      )
    indices.update(hits)
  if not indices:
    raise UserError(
      f'{path} has none of the columns {", ".join(default)}, only '
      f'{face_tools.some(header)}.'
    )
  return sorted(indices)


def _row_reader(
  header: Sequence[str],
  tool: face_tools.Tool,
  names: Sequence[str],
  chosen: Sequence[int],
  widths: Mapping[int, int],
) -> Callable[[int, Sequence[str]], _Row]:
  """Makes the function that reads the cells of a line."""
  index: Mapping[str, int] = {name: i for i, name in enumerate(header)}
  clip = index.get(face_tools.clip_column(header))

  def read_row(line: int, cells: Sequence[str]) -> _Row:
    of = lambda name: cells[index[name]]
    frame = _number(of(tool.frame), tool.frame) if tool.frame in index else 0.0
    if not float(frame).is_integer():
      raise UserError(f'{tool.frame} is {frame}, not a whole number')
    if abs(frame) > MOST_FRAMES:
      raise UserError(f'{tool.frame} is {frame:g}, more than any video has')
    confidence = 1.0
    if tool.score in face_tools.WITH_SCORE:
      confidence = face_tools.score(of(tool.score))
    elif tool.score:
      confidence = _number(of(tool.score), tool.score)
    if tool.success and _number(of(tool.success), tool.success) != 1:
      confidence = np.nan
    flat = face_tools.flat(cells, widths)
    return _Row(
      line=line,
      frame=int(frame),
      clip='' if clip is None else cells[clip].strip(),
      who=of(tool.who).strip() if tool.who in index else '',
      score=confidence,
      values=np.array([_number(flat[c], names[c]) for c in chosen]),
    )

  return read_row


def _number(cell: str, name: str) -> float:
  """Parses a cell; NaN if it is blank or says so, such as '-nan(ind)'."""
  cell = cell.strip()
  if not cell or cell.lower().startswith(('nan', '-nan')):
    return np.nan
  try:
    return cells_lib.to_number(cell)
  except ValueError:
    raise UserError(f'{name} is {cell!r}, not a number') from None
