"""The CSVs of tools that describe faces, frame by frame: their columns.

  OpenFace 2  FeatureExtraction, FaceLandmarkVidMulti: frame, face_id,
              confidence, success, AU01_r (0 to 5), AU01_c, gaze_*, pose_*
  OpenFace 3  frame_index, face_id, face_detection (a list, the fifth number of
              which is the confidence), gaze_yaw, gaze_pitch and action_units, a
              list: its numbers become the columns action_units_0, ...
  py-feat     frame, FaceScore, AU01 (0 to 1), Pitch, ..., input (the clip)
  LibreFace   frame_idx, frame_time_in_ms, au_1 (0 or 1), au_1_intensity (0 to
              5), pitch, yaw, roll, gaze_*; frames without a face are no rows

OpenFace 3 and LibreFace write tables of single pictures without frames.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import json
import pathlib
import re

import numpy as np

from affect_jax.corpora.files import sources
from affect_jax.errors import UserError

# Columns that name the clip or picture of a row, in any case. py-feat and
# OpenFace 3 write one; whoever joins the tables of others adds one.
CLIPS = (
  *('input', 'video_path', 'image_path', 'filename', 'file_name', 'file'),
  *('video', 'video_id', 'clip', 'clip_id', 'image', 'path', 'source', 'name'),
)
# Columns whose lists become columns of their own.
LISTS = ('action_units',)
# Columns whose list is a detection: x1, y1, x2, y2, score, ...
WITH_SCORE = ('face_detection',)
DETECTION_SCORE = 4


@dataclasses.dataclass(frozen=True)
class Tool:
  """The columns of a tool.

  Attributes:
    name: As people call it.
    marks: Columns, or patterns of them, by which it is recognised.
    frame: The number of the frame.
    columns: Patterns, like those of a shell, of what is read by default.
    score: How sure it is of a face; '': every row has one.
    success: 1 if a face was found; '': the score is empty if not.
    who: Which face it is.
    needs_frame: Whether it always writes `frame`.
  """

  name: str
  marks: Sequence[str]
  frame: str
  columns: Sequence[str]
  score: str = ''
  success: str = ''
  who: str = ''
  needs_frame: bool = True


TOOLS = (
  Tool(
    'OpenFace',
    ('success',),
    'frame',
    ('AU[0-9][0-9]_r', 'gaze_angle_[xy]', 'pose_R[xyz]'),
    score='confidence',
    success='success',
    who='face_id',
  ),
  Tool(
    'py-feat',
    ('FaceScore',),
    'frame',
    ('AU[0-9][0-9]', 'Pitch', 'Roll', 'Yaw', 'gaze_pitch', 'gaze_yaw'),
    score='FaceScore',
    who='Identity',
  ),
  Tool(
    'OpenFace 3',
    ('face_detection', 'action_units'),
    'frame_index',
    ('action_units_*', 'gaze_yaw', 'gaze_pitch'),
    score='face_detection',
    who='face_id',
    needs_frame=False,
  ),
  Tool(
    'LibreFace',
    ('facial_expression', r'au_\d+_intensity'),
    'frame_idx',
    ('au_*', 'pitch', 'yaw', 'roll', 'gaze_yaw', 'gaze_pitch'),
    needs_frame=False,
  ),
)


def find(path: pathlib.Path, header: Sequence[str]) -> Tool:
  """Returns the tool that wrote a table with this header.

  Raises:
    UserError: it is of no known tool, or lacks the tool's frames or scores.
  """
  for tool in TOOLS:
    if all(any(re.fullmatch(m, name) for name in header) for m in tool.marks):
      needed = [tool.frame] if tool.needs_frame else []
      needed += [tool.score] if tool.score else []
      if all(name in header for name in needed):
        return tool
  raise UserError(
    f'{path}: neither OpenFace (columns frame, confidence, success), OpenFace '
    '3 (face_detection, action_units), py-feat (frame, FaceScore) nor '
    f'LibreFace (frame_idx, au_1_intensity); it has {some(header)}. OpenFace '
    'writes no frames for single pictures.'
  )


def clip_column(header: Sequence[str]) -> str:
  """Returns the column that names the clip of a row; '' if there is none."""
  return next((name for name in header if name.lower() in CLIPS), '')


def numbers(cell: str) -> list[float]:
  """Reads the numbers of a list, as Python prints it; [] if it is empty."""
  cell = cell.strip()
  if not cell or cell.lower() in ('none', 'nan'):
    return []
  try:
    values = json.loads(re.sub(r'\bnan\b', 'NaN', cell))
    return np.asarray(values, np.float64).reshape(-1).tolist()
  except (ValueError, TypeError, OverflowError, RecursionError):
    raise UserError(f'{cell[:40]!r} is not a list of numbers') from None


def score(cell: str) -> float:
  """Returns the confidence of a detection; NaN if there is none."""
  values = numbers(cell)
  return values[DETECTION_SCORE] if len(values) > DETECTION_SCORE else np.nan


def widths(path: pathlib.Path, header: Sequence[str]) -> dict[int, int]:
  """Returns {column of lists: how many numbers its first list has}."""
  lists = [i for i, name in enumerate(header) if name in LISTS]
  found: dict[int, int] = {}
  if lists:
    rows = sources.read_rows(path)
    next(rows)
    for line, cells in rows:
      for c in lists:
        if c not in found and c < len(cells) and cells[c].strip():
          try:
            found[c] = len(numbers(cells[c]))
          except UserError as e:
            raise UserError(f'{path}:{line}: {header[c]}: {e}.') from e
      if len(found) == len(lists):
        break
  return {c: found.get(c, 0) for c in lists}


def flat_header(
  header: Sequence[str], widths: Mapping[int, int]
) -> tuple[str, ...]:
  """Names the columns, those of lists by number: 'action_units_0', ..."""
  names: list[str] = []
  for c, name in enumerate(header):
    names += (
      [f'{name}_{i}' for i in range(widths[c])] if c in widths else [name]
    )
  return tuple(names)


def flat(cells: Sequence[str], widths: Mapping[int, int]) -> list[str]:
  """Returns the cells of a row, those of lists one by one."""
  result: list[str] = []
  for c, cell in enumerate(cells):
    if c not in widths:
      result.append(cell)
      continue
    values = numbers(cell) or [np.nan] * widths[c]
    if len(values) != widths[c]:
      raise UserError(f'{len(values)} numbers in a list, not {widths[c]}')
    result += map(str, values)
  return result


def some(header: Sequence[str]) -> str:
  """Lists the first columns."""
  names = ', '.join(header[:12])
  return names + (f' and {len(header) - 12} more' if len(header) > 12 else '')
