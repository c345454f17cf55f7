"""Takes a face's values over time: from its neutral face on, and smoothed.

Both are off unless asked for, read finished rows in their order, and change the
columns of predictions alone; `expr` and AU01_c follow from what is changed. A
face is what has one face_id in one input: nothing passes from face to face.

--neutral: b is what the run says of the person's neutral face: the median of
the rows of a file, or, with 'median', of all rows of this face so far, this one
included (as people are neutral most of the time; the first seconds of a face
are then near 0, whatever it shows). valence and arousal become x - b, kept in
[-1, 1]. A unit's probability p becomes max(0, (p - b) / (1 - b)), so that the
neutral face has 0 and what is sure stays 1; its threshold is applied to that.
Expressions stay, as neutral is one of them. After Baltrušaitis, Mahmoud and
Robinson, 2015, "Cross-dataset learning and person-specific normalisation for
automatic action unit detection", who subtract a video's median.

--smooth=SECONDS: then y(t) = x(t) + (y(s) - x(t)) · exp(-(t - s) / SECONDS), s
being the time stamp of the face's row before: an exponential mean whose memory
falls to 37 % within SECONDS, also where frames are missing. Probabilities of
expressions still sum to 1. A row without a time stamp begins anew.
"""

import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
import csv
import math
import pathlib

import numpy as np

from affect_jax import whole_file
from affect_jax.errors import UserError
from affect_jax.media import inputs as inputs_lib
from affect_jax.predict import columns as columns_lib
from affect_jax.predict import journal
from affect_jax.predict import settings as settings_lib

Row = dict[str, str]


def check(
  settings: settings_lib.Settings,
  inputs: Sequence[inputs_lib.Input],
  columns: columns_lib.Columns,
) -> None:
  """Raises UserError if pictures, or the run, have not what is asked for."""
  has = {'valence_arousal', 'action_units'} & columns.outputs.keys()
  if settings.neutral and not has:
    raise UserError(
      '--neutral changes valence, arousal and action units, which this run has '
      'not learned: leave it out.'
    )
  asked = {'--smooth': settings.smooth, '--neutral': settings.is_running}
  names = ' and '.join(name for name, is_asked in asked.items() if is_asked)
  pictures = [item.name for item in inputs if item.is_picture]
  if names and pictures:
    raise UserError(
      f'{names} follows a face over time, and {pictures[0]} is a picture. Give '
      'videos alone, or leave it out.'
    )


def write(
  source: pathlib.Path,
  columns: columns_lib.Columns,
  settings: settings_lib.Settings,
  neutral: Mapping[str, float],
) -> pathlib.Path:
  """Writes the rows that the settings ask for, and returns where they are.

  Args:
    source: A finished native table.
    columns: Of it.
    settings: What is asked for.
    neutral: Of the neutral face; {} if no file of it is given.

  Returns:
    `source` itself if nothing is asked for.
  """
  if not (settings.smooth or settings.neutral):
    return source
  target = source.with_name(f'{source.stem}.over_time.csv')
  with (
    whole_file.writing(target) as partial,
    open(partial, 'w', newline='', encoding='utf-8') as file,
  ):
    rows = journal.read(source)
    if settings.neutral:
      fixed = None if settings.is_running else neutral
      rows = from_neutral(rows, columns, fixed)
    if settings.smooth:
      rows = smoothed(rows, columns, settings.smooth)
    writer = csv.DictWriter(file, columns.names, lineterminator='\n')
    writer.writeheader()
    writer.writerows(rows)
  return target


def from_neutral(
  rows: Iterable[Row],
  columns: columns_lib.Columns,
  neutral: Mapping[str, float] | None,
) -> Iterator[Row]:
  """Yields rows whose values begin at the neutral face, see above.

  Args:
    rows: In their order.
    columns: Of them.
    neutral: {column: value} of the neutral face; None: the running median.
  """
  # {face: {column: sorted values so far}} of the input that is being read.
  seen: dict[str, dict[str, list[float]]] = {}
  last = None
  for row in rows:
    if row['input'] != last:
      last, seen = row['input'], {}
    if row['success'] != '1':
      yield row
      continue
    values = read(row, columns)
    base = neutral
    if base is None:
      of_face = seen.setdefault(row['face_id'], {n: [] for n in values})
      base = {}
      for name, value in values.items():
        bisect.insort(of_face[name], value)
        base[name] = median(of_face[name])
    for name, value in values.items():
      if name in ('valence', 'arousal'):
        values[name] = min(1.0, max(-1.0, value - base[name]))
      elif not name.startswith('p_'):
        room = 1 - base[name]
        values[name] = max(0.0, (value - base[name]) / room) if room else 0.0
    yield replaced(row, columns, values)


def smoothed(
  rows: Iterable[Row], columns: columns_lib.Columns, seconds: float
) -> Iterator[Row]:
  """Yields rows whose values are smoothed over time, see above."""
  # {face: (time stamp, its values)} of the input that is being read.
  before: dict[str, tuple[float, dict[str, float]]] = {}
  last = None
  for row in rows:
    if row['input'] != last:
      last, before = row['input'], {}
    if row['success'] != '1':
      yield row
      continue
    values = read(row, columns)
    time = float(row['timestamp_s'] or 'nan')
    then, old = before.get(row['face_id'], (math.nan, values))
    if not math.isnan(time - then):
      kept = math.exp(-max(0.0, time - then) / seconds)
      values = {n: x + (old[n] - x) * kept for n, x in values.items()}
    before[row['face_id']] = (time, values)
    yield replaced(row, columns, values)


def read(row: Row, columns: columns_lib.Columns) -> dict[str, float]:
  """Returns {column: number} of a row's values and probabilities."""
  return {
    column: float(row[column])
    for task, names in columns.outputs.items()
    for column in (columns_lib.column(task, name) for name in names)
  }


def replaced(
  row: Row, columns: columns_lib.Columns, values: Mapping[str, float]
) -> Row:
  """Returns a row with other values, and what follows from them."""
  arrays = {
    task: np.array(
      [values[columns_lib.column(task, n)] for n in names], np.float32
    )
    for task, names in columns.outputs.items()
  }
  return row | {k: str(v) for k, v in columns.values(arrays).items()}


def median(values: Sequence[float]) -> float:
  """Returns the median of sorted values."""
  middle = len(values) // 2
  return (values[middle] + values[~middle]) / 2
