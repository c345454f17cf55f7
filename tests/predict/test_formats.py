"""Tables of OpenFace and py-feat: their headers, their units, their readers."""

import csv
import math
import pathlib

import numpy as np
import pandas as pd
import pytest

from affect_jax.corpora.features import face_features
from affect_jax.media import box as box_lib
from affect_jax.media import inputs as inputs_lib
from affect_jax.predict import columns as columns_lib
from affect_jax.predict import formats
from affect_jax.predict import journal as journal_lib

OUTPUTS = {
  'expression': ('neutral', 'happiness', 'contempt'),
  'action_units': ('AU12', 'AU1', 'AU24'),
  'valence_arousal': ('valence', 'arousal'),
}
VALUES = {
  'expression': np.array([0.2, 0.7, 0.1], np.float32),
  'action_units': np.array([0.9, 0.1, 0.6], np.float32),
  'valence_arousal': np.array([-0.25, 0.5], np.float32),
}
# Frame 62 of 25 per second has a face, the one after it has none.
FACE = columns_lib.Face(
  'a.mp4', 1562, 62.48, 0, box_lib.Box(3, 4, 50, 60, 0.9), 0.1
)
GONE = columns_lib.Face('a.mp4', 1563, 62.52, reason='no face was found')


@pytest.fixture
def table(tmp_path):
  """Makes the table of a format from two frames."""
  columns = columns_lib.Columns(OUTPUTS, {'AU1': 0.5, 'AU12': 0.5, 'AU24': 0.5})

  def make(name, rows=((FACE, VALUES), (GONE, None))):
    journal = journal_lib.Journal(tmp_path / 'x.partial.csv', columns.names)
    journal.open()
    journal.write([columns.row(*row) for row in rows])
    journal.close()
    formats.finish(name, journal.path, tmp_path / f'{name}.csv', columns)
    assert not journal.path.exists()
    return tmp_path / f'{name}.csv'

  return make


def test_openface_has_its_header_and_units(table):
  lines = table('openface').read_text().splitlines()
  assert lines == [
    'frame, face_id, timestamp, confidence, success, AU01_c, AU12_c',
    '1563, 0, 62.480, 0.90, 1, 0.0, 1.0',
    '1564, 0, 62.520, 0.00, 0, nan, nan',
  ]


def test_openface_is_read_by_pandas_and_by_the_reader_of_openface(table):
  path = table('openface')
  frame = pd.read_csv(path, skipinitialspace=True)
  assert frame['AU12_c'][0] == 1
  assert math.isnan(frame['AU12_c'][1])
  # As code does that counts columns.
  assert list(frame.columns[5:]) == ['AU01_c', 'AU12_c']
  faces = face_features.read(path, ['AU*_c'])
  assert faces.names == ('AU01_c', 'AU12_c')
  assert faces.values.tolist() == [[0, 1]]
  assert faces.frames.tolist() == [1563]
  assert faces.left_out == {face_features.NO_FACE: 1}


def test_pictures_are_the_frames_of_one_sequence_in_openface(table):
  pictures = [
    (FACE._replace(input=f'{i}.png', frame=0, seconds=math.nan), VALUES)
    for i in range(3)
  ]
  frame = pd.read_csv(table('openface', pictures), skipinitialspace=True)
  assert frame['frame'].tolist() == [1, 2, 3]
  assert frame['timestamp'].isna().all()


def test_fex_has_its_header_and_units(table):
  with open(table('fex')) as file:
    header, face, gone = csv.reader(file)
  assert header == [
    *('FaceRectX', 'FaceRectY', 'FaceRectWidth', 'FaceRectHeight', 'FaceScore'),
    *('AU01', 'AU12', 'AU24', 'happiness', 'neutral', 'valence', 'arousal'),
    *('Identity', 'input', 'frame', 'approx_time'),
  ]
  assert face == [
    *('3', '4', '50', '60', '0.90', '0.1', '0.9', '0.6', '0.7', '0.2'),
    *('-0.25', '0.5', 'Person_0', 'a.mp4', '1562', '01:02'),
  ]
  assert gone == [''] * 13 + ['a.mp4', '1563', '01:02']


def test_fex_is_read_by_pandas_and_by_the_reader_of_py_feat(table):
  path = table('fex')
  frame = pd.read_csv(path)
  assert frame['frame'].tolist() == [1562, 1563]
  assert frame.loc[1, 'FaceRectX':'arousal'].isna().all()
  faces = face_features.read(path)
  assert faces.names == ('AU01', 'AU12', 'AU24')
  np.testing.assert_array_equal(
    faces.values, np.array([[0.1, 0.9, 0.6]], np.float32)
  )
  assert faces.left_out == {face_features.NO_FACE: 1}


def inputs(*names):
  return [inputs_lib.Input(name, pathlib.Path(name)) for name in names]


def test_what_openface_cannot_hold_is_said_before_any_work():
  with pytest.raises(ValueError, match='not learned'):
    formats.check('openface', {'expression': ('a', 'b')}, inputs('a.mp4'))
  with pytest.raises(ValueError, match='a table for each video'):
    formats.check('openface', OUTPUTS, inputs('a.mp4', 'b.mp4'))
  formats.check('openface', OUTPUTS, inputs('a.mp4'))
  formats.check('openface', OUTPUTS, inputs('a.png', 'b.png'))
  formats.check('fex', {'expression': ('a', 'b')}, inputs('a.mp4', 'b.mp4'))


def test_a_table_that_cannot_be_written_leaves_the_rows(
  table, monkeypatch, tmp_path
):
  def broken(rows, columns):
    yield ['header']
    raise OSError(28, 'No space left on device')

  monkeypatch.setitem(formats.FORMATS, 'fex', (broken, ','))
  with pytest.raises(OSError, match='No space'):
    table('fex')
  assert [p.name for p in tmp_path.iterdir()] == ['x.partial.csv']
  assert len(list(journal_lib.read(tmp_path / 'x.partial.csv'))) == 2
