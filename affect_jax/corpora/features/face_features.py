"""Features of a face, frame by frame, from the CSVs of OpenFace and py-feat.

OpenFace 2.x (FeatureExtraction, FaceLandmarkVidMulti) and py-feat (`Fex`,
versions 1 and 2) are recognised by their columns. By default these are read, as
far as the file has them:

  OpenFace  AU01_r ... AU45_r (0 to 5), gaze_angle_x, gaze_angle_y (radians),
            pose_Rx, pose_Ry, pose_Rz (radians)
  py-feat   AU01 ... AU43 (0 to 1), Pitch, Roll, Yaw, gaze_pitch, gaze_yaw

A frame counts if a face was found. Where none was, OpenFace writes `success` 0
and zeros instead of blanks; py-feat leaves the row empty. Such frames are left
out, or filled with the frame before, and counted.
"""

from collections.abc import Callable, Mapping, Sequence
import fnmatch
import pathlib
from typing import NamedTuple

import numpy as np

from affect_jax import by_name
from affect_jax.corpora.files import cells as cells_lib
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError

# The column by which each tool is recognised, and the names or patterns of the
# columns that are read.
OPENFACE, PY_FEAT = 'success', 'FaceScore'
DEFAULT = {
  OPENFACE: ('AU[0-9][0-9]_r', 'gaze_angle_[xy]', 'pose_R[xyz]'),
  PY_FEAT: ('AU[0-9][0-9]', 'Pitch', 'Roll', 'Yaw', 'gaze_pitch', 'gaze_yaw'),
}
SCORE = {OPENFACE: 'confidence', PY_FEAT: 'FaceScore'}
WHO = {OPENFACE: 'face_id', PY_FEAT: 'Identity'}
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
) -> Faces:
  """Reads one face's features, frame by frame.

  If a file has several faces, the one in most frames is read (the first of
  equals). If it does not tell faces apart, the most confident row of each frame
  is read. Rows of other faces are counted.

  Args:
    path: A CSV that OpenFace or py-feat wrote. Blanks around the names of
      columns, as OpenFace writes them, do not matter.
    columns: Names, or patterns like those of a shell ('AU*_r', 'gaze_*'); case
      matters; None: DEFAULT. The columns keep the order of the file.
    on_failure: 'drop' removes frames without a face; 'carry' repeats the frame
      before (at the start, the first face that follows), so that frames keep
      their distance in time.
    min_confidence: The `confidence` of OpenFace or `FaceScore` of py-feat that
      a frame needs to count.
    face: `face_id` or `Identity` of the face to read; None: see above.

  Raises:
    FileNotFoundError: there is no such file.
    UserError: an option is unknown, the file is of neither tool or lacks a
      column, or rows are bad; the message lists up to 20 of them, by line.
  """
  by_name.check('on_failure', on_failure, ON_FAILURE)
  path = sources.existing(path, 'a CSV of OpenFace or py-feat')
  rows = sources.read_rows(path)
  header = [name.strip() for name in next(rows)[1]]
  tool = _tool(path, header)
  chosen = _columns(path, header, columns, DEFAULT[tool])
  read_row = _row_reader(header, tool, chosen)

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
      parsed.append(read_row(cells))
    except ValueError as error:
      problems.add(f'{path}:{line}: {error}.')
  problems.check()
  if not parsed:
    raise UserError(f'{path} has a header but no rows.')
  if face is not None and face not in (known := {row.who for row in parsed}):
    raise UserError(f'{path} has no face {face!r}; known: {sorted(known)}.')
  return _faces(
    parsed,
    tuple(header[c] for c in chosen),
    face=face,
    min_confidence=min_confidence,
    carry=on_failure == 'carry',
  )


class _Row(NamedTuple):
  """One row; `score` is NaN where no face was found."""

  frame: int
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


def _tool(path: pathlib.Path, header: Sequence[str]) -> str:
  """Returns the tool that wrote a file, as a key of DEFAULT."""
  tool = next((t for t in DEFAULT if t in header), None)
  needed = ('frame', SCORE.get(tool or '', ''))
  if tool is None or any(name not in header for name in needed):
    raise UserError(
      f'{path}: neither OpenFace (columns frame, confidence, success) nor '
      f'py-feat (columns frame, FaceScore); it has {_some(header)}. OpenFace '
      'writes no frames for single pictures.'
    )
  return tool


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
        f'{path} has no column {pattern!r}, only {_some(header)}.'
      )
    indices.update(hits)
  if not indices:
    raise UserError(
      f'{path} has none of the columns {", ".join(default)}, only '
      f'{_some(header)}.'
    )
  return sorted(indices)


def _row_reader(
  header: Sequence[str], tool: str, chosen: Sequence[int]
) -> Callable[[Sequence[str]], _Row]:
  """Makes the function that reads the cells of a row."""
  index: Mapping[str, int] = {name: i for i, name in enumerate(header)}
  score, who = index[SCORE[tool]], index.get(WHO[tool])
  success = index.get(OPENFACE) if tool == OPENFACE else None

  def read_row(cells: Sequence[str]) -> _Row:
    frame = _number(cells[index['frame']], 'frame')
    if not frame.is_integer():
      raise UserError(f'frame is {frame}, not a whole number')
    confidence = _number(cells[score], header[score])
    if success is not None and _number(cells[success], OPENFACE) != 1:
      confidence = np.nan
    return _Row(
      frame=int(frame),
      who='' if who is None else cells[who].strip(),
      score=confidence,
      values=np.array([_number(cells[c], header[c]) for c in chosen]),
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


def _some(header: Sequence[str]) -> str:
  names = ', '.join(header[:12])
  return names + (f' and {len(header) - 12} more' if len(header) > 12 else '')
