"""Columns of the native table, and rows that outlive whatever stops them."""

import csv
import io
import resource

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from toys import media as toy

from affect_jax import errors
from affect_jax.media import box as box_lib
from affect_jax.predict import columns as columns_lib
from affect_jax.predict import formats
from affect_jax.predict import journal as journal_lib

PREDICTED = {
  'expression': np.array([0.2, 0.7, 0.1], np.float32),
  'action_units': np.array([0.3, 0.74], np.float32),
  'valence_arousal': np.array([-0.25, 1 / 3], np.float32),
}
FACE = columns_lib.Face(
  'a,b.mp4',
  7,
  0.28,
  2,
  box_lib.Box(-3, 4, 50, 60, 0.9),
  0.123456,
  -12.34,
  0.8,
)
NO_FACE = columns_lib.Face('a,b.mp4', 8, 0.32, reason='no face was found')


def rows_of(*pairs, outputs=toy.OUTPUTS):
  columns = toy.columns(outputs)
  return [
    dict(zip(columns.names, columns.row(face, values), strict=True))
    for face, values in pairs
  ]


def test_names_and_cells_are_those_of_the_schema():
  (row,) = rows_of((FACE, PREDICTED))
  assert row == {
    'input': 'a,b.mp4',
    'frame': '7',
    'timestamp_s': '0.280000',
    'face_id': '2',
    'success': '1',
    'reason': '',
    'confidence': '0.90',
    'face_x': '-3',
    'face_y': '4',
    'face_w': '50',
    'face_h': '60',
    'face_px': '60',
    'blur': '0.1235',
    'yaw': '-12.3',
    'quality': '0.800',
    'valence': '-0.25',
    'arousal': '0.33333334',
    'expr': 'happiness',
    'p_neutral': '0.2',
    'p_happiness': '0.7',
    'p_anger': '0.1',
    'AU01_p': '0.3',
    'AU12_p': '0.74',
    'AU01_c': '1',
    'AU12_c': '0',
  }
  assert list(row) == list(toy.columns().names)


def test_a_failure_is_a_row_without_zeros():
  (row,) = rows_of((NO_FACE, None))
  filled = {k: v for k, v in row.items() if v}
  assert filled == {
    'input': 'a,b.mp4',
    'frame': '8',
    'timestamp_s': '0.320000',
    'success': '0',
    'reason': 'no face was found',
  }


def test_a_run_of_one_task_has_its_columns_alone():
  names = toy.columns({'action_units': ('AU12L', 'AU1')}).of_predictions
  assert names == ('AU12L_p', 'AU01_p', 'AU12L_c', 'AU01_c')
  names = toy.columns({'valence_arousal': ('arousal',)}).of_predictions
  assert names == ('arousal',)


def test_a_prediction_that_is_not_finite_is_an_error_not_a_row():
  broken = {**PREDICTED, 'valence_arousal': np.array([np.nan, 0], np.float32)}
  with pytest.raises(errors.Diverged, match='valence_arousal'):
    rows_of((FACE, broken))


def started(path):
  journal = journal_lib.Journal(path, toy.columns().names)
  return journal, journal.open()


def frames(*numbers, name='a'):
  """Two faces in each frame."""
  columns = toy.columns()
  return [
    columns.row(
      columns_lib.Face(name, n, n / 25, k, box_lib.Box(n, 9 * k, 5, 5, 0.9)),
      PREDICTED,
    )
    for n in numbers
    for k in range(2)
  ]


def test_the_last_frame_is_done_again_and_the_boxes_before_are_known(tmp_path):
  path = tmp_path / 'out.partial.csv'
  journal, resume = started(path)
  assert resume == journal_lib.NOTHING
  journal.write(frames(0, name='first') + frames(0, 1, 2))
  journal.close()
  journal, resume = started(path)
  assert (resume.input, resume.frame, resume.rows) == ('a', 2, 6)
  assert resume.boxes == {
    n: [(k, box_lib.Box(n, 9 * k, 5, 5, 0.9)) for k in range(2)]
    for n in range(2)
  }
  journal.write(frames(2, 3))
  journal.close()
  found = [(r['input'], r['frame']) for r in journal_lib.read(path)]
  expected = [('first', '0'), *(('a', str(n)) for n in range(4))]
  assert found == [pair for pair in expected for _ in range(2)]


@pytest.mark.parametrize('unit', [2, 3])
def test_frames_that_belong_together_are_done_again_together(tmp_path, unit):
  path = tmp_path / 'out.partial.csv'
  journal, _ = started(path)
  journal.write(frames(*range(8)))
  journal.close()
  resume = journal_lib.Journal(path, toy.columns().names).open(unit)
  assert resume.frame == 6
  assert resume.rows == 12
  assert max(resume.boxes) == 5


@pytest.mark.parametrize('lost', [1, 3, 40, 150])
def test_a_line_that_was_cut_is_dropped_with_its_frame(tmp_path, lost):
  path = tmp_path / 'out.partial.csv'
  journal, _ = started(path)
  journal.write(frames(0, 1, 2))
  journal.close()
  whole = path.read_bytes()
  path.write_bytes(whole[:-lost])
  journal, resume = started(path)
  assert resume.frame == (2 if lost < 150 else 1)
  journal.write(frames(*range(resume.frame, 3)))
  journal.close()
  assert path.read_bytes() == whole


@pytest.mark.parametrize('text', ['', 'input,fra'])
def test_a_header_that_was_cut_is_written_anew(tmp_path, text):
  path = tmp_path / 'out.partial.csv'
  path.write_text(text)
  journal, resume = started(path)
  journal.close()
  assert resume == journal_lib.NOTHING
  assert next(csv.reader(io.StringIO(path.read_text()))) == list(
    toy.columns().names
  )


def test_rows_of_another_run_are_refused(tmp_path):
  path = tmp_path / 'out.partial.csv'
  started(path)[0].close()
  other = toy.columns({'valence_arousal': ('valence',)})
  with pytest.raises(ValueError, match='other columns'):
    journal_lib.Journal(path, other.names).open()


def test_a_full_disk_leaves_whole_frames(tmp_path):
  path = tmp_path / 'out.partial.csv'
  journal, _ = started(path)
  journal.write(frames(0, 1))
  soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
  # What a process may write to a file ends in the middle of frame 2.
  resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 99, hard))
  try:
    with pytest.raises(ValueError, match=r'large.*repeat the command'):
      journal.write(frames(2, 3))
    journal.close()
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
  assert not path.read_bytes().endswith(b'\n')
  journal, resume = started(path)
  assert resume.frame in (1, 2)
  journal.write(frames(*range(resume.frame, 4)))
  journal.close()
  assert [int(r['frame']) for r in journal_lib.read(path)] == [
    n for n in range(4) for _ in range(2)
  ]


def test_pandas_and_parquet_read_the_same(tmp_path):
  path = tmp_path / 'out.partial.csv'
  journal, _ = started(path)
  columns = toy.columns()
  journal.write([columns.row(FACE, PREDICTED), columns.row(NO_FACE, None)])
  journal.close()
  table = pd.read_csv(path)
  assert list(table.columns) == list(columns.names)
  numbers = table.loc[1, 'valence':].drop('expr').astype(float)
  assert numbers.isna().all()
  assert np.float32(table.loc[0, 'arousal']) == np.float32(1 / 3)
  formats.write_parquet(path, tmp_path / 'out.parquet')
  other = pq.read_table(tmp_path / 'out.parquet')
  assert str(other.schema.field('frame').type) == 'int32'
  assert str(other.schema.field('valence').type) == 'float'
  assert other['arousal'].to_pylist() == [float(np.float32(1 / 3)), None]
  assert other['reason'].to_pylist() == [None, 'no face was found']
  assert other['face_id'].to_pylist() == [2, None]
  assert other['AU12_c'].to_pylist() == [0, None]


def test_counts_tell_what_became_of_frames(tmp_path):
  path = tmp_path / 'out.partial.csv'
  journal, _ = started(path)
  columns = toy.columns()
  small = FACE._replace(reason='below min_quality=0.9')
  gone = columns_lib.Face('b.mp4', 0, float('nan'), reason='has no video')
  rows = [(FACE, PREDICTED), (small._replace(number=3), None)]
  rows += [(NO_FACE, None), (gone, None)]
  journal.write([columns.row(*pair) for pair in rows])
  journal.close()
  assert journal_lib.counts(path) == {
    'inputs': 2,
    'frames': 3,
    'predicted': 1,
    'without_face': 1,
    'unreadable': 1,
    'skipped': 1,
  }
