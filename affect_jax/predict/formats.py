"""Writes a finished native table in the columns and units of others.

openface  As OpenFace 2's `FeatureExtraction -aus` writes, without the columns
          of intensities (AU01_r, 0 to 5), which no task of a run predicts:
          frame (from 1), face_id, timestamp (s), confidence, success, then
          AU01_c (0 or 1) of those units of OpenFace that the run has. Cells are
          separated by ', '. Where no face was found, success is 0, as there,
          and units are nan, not 0. It holds one video, or pictures as the
          frames of one sequence.
fex       Of py-feat: FaceRectX, FaceRectY, FaceRectWidth, FaceRectHeight,
          FaceScore, AU01 (probability) and its emotions (probability, those it
          knows), then valence and arousal, as version 2 has, Identity, input,
          frame (from 0), approx_time (mm:ss). A frame without a face is a row
          without numbers.
abaw      Of the ABAW challenges: one row for each frame, from 1, in the layout
          of all tasks or of one. A frame without a face takes the values of
          the nearest with one, as the challenges ask for every frame. See
          `submission`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
import csv
import pathlib
from typing import Any

from absl import logging
import pyarrow as pa
from pyarrow import csv as pa_csv
from pyarrow import parquet

from affect_jax import file_kind
from affect_jax import whole_file
from affect_jax.errors import MissingExtra
from affect_jax.errors import UserError
from affect_jax.media import inputs as inputs_lib
from affect_jax.predict import columns as columns_lib
from affect_jax.predict import journal

# Of OpenFace 2, presence, and of py-feat.
OPENFACE_UNITS = (
  1,
  2,
  4,
  5,
  6,
  7,
  9,
  10,
  12,
  14,
  15,
  17,
  20,
  23,
  25,
  26,
  28,
  45,
)
FEX_UNITS = (
  *(1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 20, 23, 24, 25, 26, 28, 43),
)
FEX_EMOTIONS = (
  *('anger', 'disgust', 'fear', 'happiness', 'sadness', 'surprise', 'neutral'),
)
_FEX_BOX = {
  'FaceRectX': 'face_x',
  'FaceRectY': 'face_y',
  'FaceRectWidth': 'face_w',
  'FaceRectHeight': 'face_h',
  'FaceScore': 'confidence',
}
Rows = Iterable[Mapping[str, str]]


def write_parquet(source: pathlib.Path, target: pathlib.Path) -> None:
  """Writes a native table as parquet: whole numbers, float32, text and null.

  Memory does not grow with the table.
  """
  with open(source, newline='', encoding='utf-8') as file:
    names = next(csv.reader(file))
  types = {name: _type(name) for name in names}
  options = pa_csv.ConvertOptions(
    column_types=types, null_values=[''], strings_can_be_null=True
  )
  schema = pa.schema(list(types.items()))
  reader = pa_csv.open_csv(source, convert_options=options)
  with parquet.ParquetWriter(target, schema) as writer:
    for batch in reader:
      writer.write_batch(batch)


def _type(name: str) -> pa.DataType:
  if name in columns_lib.TEXTS:
    return pa.string()
  if name in columns_lib.WHOLE_NUMBERS or name.endswith('_c'):
    return pa.int32()
  return pa.float64() if name == 'timestamp_s' else pa.float32()


def openface(rows: Rows, columns: columns_lib.Columns) -> Iterator[list[str]]:
  """Yields the cells of OpenFace's table, the header first; see above."""
  units = _known(columns, OPENFACE_UNITS, 'OpenFace')
  yield [
    *('frame', 'face_id', 'timestamp', 'confidence', 'success'),
    *(f'{unit}_c' for unit in units),
  ]
  last, number = None, 0
  for row in rows:
    if (key := (row['input'], row['frame'])) != last:
      # Frames keep their numbers; pictures are frames one after another.
      is_picture = row['input'].lower().endswith(file_kind.PICTURES)
      number = number + 1 if is_picture else int(row['frame']) + 1
      last = key
    time = row['timestamp_s']
    there = row['success'] == '1'
    yield [
      str(number),
      row['face_id'] or '0',
      f'{float(time):.3f}' if time else 'nan',
      f'{float(row["confidence"]):.2f}' if there else '0.00',
      row['success'],
      *(f'{float(row[f"{u}_c"]):.1f}' if there else 'nan' for u in units),
    ]


def fex(rows: Rows, columns: columns_lib.Columns) -> Iterator[list[str]]:
  """Yields the cells of py-feat's table, the header first; see above."""
  has_units = 'action_units' in columns.outputs
  units = _known(columns, FEX_UNITS, 'py-feat') if has_units else []
  classes = columns.outputs.get('expression', ())
  emotions = [name for name in FEX_EMOTIONS if name in classes]
  if left_out := [name for name in classes if name not in FEX_EMOTIONS]:
    logging.warning(
      'py-feat has no %s: its columns lack them, and the others keep their '
      'probabilities.',
      ', '.join(left_out),
    )
  values = [n for n in ('valence', 'arousal') if n in columns.of_predictions]
  yield [
    *(*_FEX_BOX, *units, *emotions, *values),
    *('Identity', 'input', 'frame', 'approx_time'),
  ]
  for row in rows:
    seconds = float(row['timestamp_s'] or 0)
    there = row['success'] == '1'
    cells = [
      *_FEX_BOX.values(),
      *(f'{unit}_p' for unit in units),
      *(f'p_{name}' for name in emotions),
      *values,
    ]
    yield [
      *(row[name] if there else '' for name in cells),
      f'Person_{row["face_id"]}' if there else '',
      row['input'],
      row['frame'],
      f'{int(seconds // 60):02d}:{int(seconds % 60):02d}',
    ]


def check(
  name: str,
  outputs: Mapping[str, Any],
  inputs: Sequence[inputs_lib.Input],
  abaw_task: str = '',
) -> None:
  """Raises UserError, before any work, if a format cannot hold a table.

  Args:
    name: One of NAMES.
    outputs: {task: outputs} of the run.
    inputs: All pictures and videos.
    abaw_task: For 'abaw', see `submission.layout_of`.
  """
  if name == 'abaw':
    submission = _import_submission()
    submission.layout_of(outputs, abaw_task)
    submission.check(inputs)
  if name != 'openface':
    return
  if 'action_units' not in outputs:
    raise UserError(
      'OpenFace has action units alone, which this run has not learned. Give '
      'another --format.'
    )
  if len(inputs) > 1 and not all(item.is_picture for item in inputs):
    raise UserError(
      f'OpenFace has a table for each video, and {len(inputs)} inputs are '
      'given. Call the command for each, or give --format=fex.'
    )


def write(
  table: Callable[[Rows, columns_lib.Columns], Iterator[list[str]]],
  separator: str,
  source: pathlib.Path,
  target: pathlib.Path,
  columns: columns_lib.Columns,
) -> None:
  """Writes a table of FORMATS from a native one, row by row.

  Args:
    table: Makes its rows.
    separator: Between cells.
    source: The native table.
    target: What to write.
    columns: Of the native table.
  """
  with open(target, 'w', newline='', encoding='utf-8') as file:
    if separator == ',':
      rows: Any = csv.writer(file, lineterminator='\n')
      rows.writerows(table(journal.read(source), columns))
    else:  # No cell of such a table has a separator in it.
      for cells in table(journal.read(source), columns):
        file.write(separator.join(cells) + '\n')


# {name: (its rows, what stands between cells)}.
FORMATS = {'openface': (openface, ', '), 'fex': (fex, ',')}
# Layouts of --format=abaw: keys of `submission.LAYOUTS`.
ABAW_TASKS = ('va', 'expr', 'au', 'mtl')
# {name: suffixes of its files}.
NAMES = {
  'native': ('.csv', '.parquet'),
  'openface': ('.csv',),
  'fex': ('.csv',),
  'abaw': ('.txt', '.csv'),
}


def finish(
  name: str,
  source: pathlib.Path,
  target: pathlib.Path,
  columns: columns_lib.Columns,
  abaw_task: str = '',
) -> None:
  """Makes a finished journal the table that was asked for, whole or not at all.

  Args:
    name: One of NAMES.
    source: The journal, which is gone afterwards.
    target: The table.
    columns: Of the journal.
    abaw_task: For 'abaw', see `submission.layout_of`.
  """
  if name == 'native' and target.suffix.lower() != '.parquet':
    source.replace(target)
    return
  if name == 'abaw':
    submission = _import_submission()
    layout = submission.layout_of(columns.outputs, abaw_task)
    submission.write(source, target, columns, layout)
    source.unlink()
    return
  with whole_file.writing(target) as partial:
    path = pathlib.Path(partial)
    if name == 'native':
      write_parquet(source, path)
    else:
      write(*FORMATS[name], source, path, columns)
  source.unlink()


def _import_submission() -> Any:
  """Imports what --format=abaw needs, and no other format: JAX."""
  try:
    from affect_jax.predict import submission
  except ImportError as error:
    raise MissingExtra(
      f'--format=abaw needs JAX ({error}): pip install affect_jax.'
    ) from error
  return submission


def _known(
  columns: columns_lib.Columns, numbers: Iterable[int], whose: str
) -> list[str]:
  """Returns the run's units that a table has, by number; names the others."""
  units = [columns_lib.unit_name(n) for n in columns.outputs['action_units']]
  known = [f'AU{n:02d}' for n in numbers if f'AU{n:02d}' in units]
  if left_out := [unit for unit in units if unit not in known]:
    logging.warning('%s has no %s: left out.', whose, ', '.join(left_out))
  return known
