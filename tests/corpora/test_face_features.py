import numpy as np
import pytest
from toys.face_features import NAMES
from toys.face_features import NOBODY
from toys.face_features import OPENFACE
from toys.face_features import openface
from toys.face_features import PY_FEAT
from toys.face_features import py_feat
from toys.face_features import write

from affect_jax.corpora.features import face_features


def test_openface(tmp_path):
  path = write(tmp_path, OPENFACE, openface(1, 0.5), openface(2, 10))
  found = face_features.read(path)
  assert found.names == NAMES
  assert found.values.dtype == np.float32
  # Of the ten columns without gaze_0_x, pose_Tx and AU12_c.
  expected = np.array([1, 2, 4, 5, 6, 7, 8])
  np.testing.assert_array_equal(found.values, [expected + 0.5, expected + 10])
  np.testing.assert_array_equal(found.frames, [1, 2])
  assert found.left_out == {}


def test_openface_of_old_without_face_id_and_gaze_angles(tmp_path):
  header = 'frame, timestamp, confidence, success, pose_Rx, AU01_r, AU01_c'
  path = write(tmp_path, header, '1, 0, 0.9, 1, 0.1, 2.5, 1')
  found = face_features.read(path)
  assert found.names == ('pose_Rx', 'AU01_r')
  np.testing.assert_allclose(found.values, [[0.1, 2.5]])


def test_py_feat(tmp_path):
  path = write(tmp_path, PY_FEAT, py_feat(0, 1), py_feat(1, 20))
  found = face_features.read(path)
  names = ('Pitch', 'Roll', 'Yaw', 'AU01', 'AU12', 'gaze_pitch', 'gaze_yaw')
  assert found.names == names
  expected = np.array([1, 2, 3, 4, 5, 7, 8])
  np.testing.assert_array_equal(found.values, [expected + 1, expected + 20])
  np.testing.assert_array_equal(found.frames, [0, 1])


def test_columns_by_name_and_pattern_in_the_order_of_the_file(tmp_path):
  path = write(tmp_path, OPENFACE, openface(1, 0))
  found = face_features.read(path, ['AU*_c', 'AU*_r', 'pose_Tx'])
  assert found.names == ('pose_Tx', 'AU01_r', 'AU12_r', 'AU12_c')
  np.testing.assert_array_equal(found.values, [[3, 7, 8, 9]])
  assert face_features.read(path, 'AU12_r').names == ('AU12_r',)
  with pytest.raises(
    ValueError, match=r"faces\.csv has no column 'AU99_r'.*frame"
  ):
    face_features.read(path, ['AU01_r', 'AU99_r'])
  with pytest.raises(ValueError, match="no column 'au01_r'"):
    face_features.read(path, ['au01_r'])


def failing(tmp_path):
  """Frames 1 to 6: found in 2, 3 and 5."""
  return write(
    tmp_path,
    OPENFACE,
    openface(1, 0, confidence=0, success=0),
    openface(2, 20),
    openface(3, 30, confidence=0.5),
    openface(4, 0, confidence=0.1, success=0),
    openface(5, 50),
    openface(6, 0, confidence=0, success=0),
  )


def test_failed_frames_are_dropped_and_counted(tmp_path):
  found = face_features.read(failing(tmp_path), ['gaze_0_x'])
  np.testing.assert_array_equal(found.values, [[20], [30], [50]])
  np.testing.assert_array_equal(found.frames, [2, 3, 5])
  assert found.left_out == {face_features.NO_FACE: 3}


def test_failed_frames_are_carried_and_counted(tmp_path):
  found = face_features.read(
    failing(tmp_path), ['gaze_0_x'], on_failure='carry'
  )
  np.testing.assert_array_equal(found.values[:, 0], [20, 20, 30, 30, 50, 50])
  np.testing.assert_array_equal(found.frames, [1, 2, 3, 4, 5, 6])
  assert found.left_out == {face_features.NO_FACE: 3}


def test_a_confidence_may_be_asked_for(tmp_path):
  found = face_features.read(
    failing(tmp_path), ['gaze_0_x'], min_confidence=0.8
  )
  np.testing.assert_array_equal(found.values, [[20], [50]])
  assert found.left_out == {
    face_features.NO_FACE: 3,
    face_features.UNSURE: 1,
  }


@pytest.mark.parametrize('on_failure', ['drop', 'carry'])
def test_no_face_at_all_is_a_missing_modality(tmp_path, on_failure):
  path = write(tmp_path, PY_FEAT, NOBODY.format(0), NOBODY.format(1))
  found = face_features.read(path, on_failure=on_failure)
  assert found.values.shape == (0, 7)
  assert found.values.dtype == np.float32
  assert len(found.frames) == 0
  assert found.left_out == {face_features.NO_FACE: 2}


def test_blank_and_not_a_number_values(tmp_path):
  path = write(
    tmp_path,
    PY_FEAT,
    py_feat(0, 1),
    py_feat(1, 1).replace(',5,', ',,'),  # AU01
    NOBODY.format(2),
  )
  found = face_features.read(path)
  np.testing.assert_array_equal(found.frames, [0])
  assert found.left_out == {face_features.BLANK: 1, face_features.NO_FACE: 1}
  # A column that is not read may hold anything.
  assert len(face_features.read(path, ['Pitch']).frames) == 2
  path = write(tmp_path, OPENFACE, openface(1, 4) + 'x')
  with pytest.raises(ValueError, match=r"csv:2: AU12_c is '13x', not a number"):
    face_features.read(path, ['*_c'])


def test_windows_writes_nan_in_its_own_way(tmp_path):
  row = openface(1, 10).replace(' 17,', ' -nan(ind),')
  path = write(tmp_path, OPENFACE, row, openface(2, 10))
  found = face_features.read(path)
  np.testing.assert_array_equal(found.frames, [2])
  assert found.left_out == {face_features.BLANK: 1}


def test_the_face_of_most_frames_is_read(tmp_path):
  path = write(
    tmp_path,
    OPENFACE,
    openface(1, 10, face=0, confidence=1.0),
    openface(1, 20, face=1, confidence=0.7),
    openface(2, 21, face=1),
    openface(3, 30, face=0, success=0),
    openface(3, 22, face=1),
    openface(4, 11, face=0),
  )
  found = face_features.read(path, ['gaze_0_x'])
  np.testing.assert_array_equal(found.values[:, 0], [20, 21, 22])
  assert found.left_out == {face_features.OTHERS: 2, face_features.NO_FACE: 1}
  other = face_features.read(path, ['gaze_0_x'], face='0')
  np.testing.assert_array_equal(other.values[:, 0], [10, 11])
  assert other.left_out == {face_features.OTHERS: 3, face_features.NO_FACE: 2}
  with pytest.raises(ValueError, match=r"no face '7'; known: \['0', '1'\]"):
    face_features.read(path, face='7')


def test_without_identity_the_surest_face_of_a_frame_is_read(tmp_path):
  path = write(
    tmp_path,
    PY_FEAT,
    py_feat(0, 1, score=0.8, who=''),
    py_feat(0, 2, score=0.9, who=''),
    py_feat(1, 3, score=0.99, who=''),
    py_feat(1, 4, score=0.6, who=''),
  )
  found = face_features.read(path, ['x_0'])
  np.testing.assert_array_equal(found.values[:, 0], [2, 3])
  assert found.left_out == {face_features.OTHERS: 2}


def test_frames_are_sorted(tmp_path):
  path = write(tmp_path, OPENFACE, openface(12, 1), openface(3, 2))
  found = face_features.read(path, ['gaze_0_x'])
  np.testing.assert_array_equal(found.frames, [3, 12])
  np.testing.assert_array_equal(found.values[:, 0], [2, 1])


def test_a_byte_order_mark_and_crlf_are_fine(tmp_path):
  path = tmp_path / 'faces.csv'
  text = f'{OPENFACE}\r\n{openface(1, 0)}\r\n'
  path.write_bytes(b'\xef\xbb\xbf' + text.encode())
  assert face_features.read(path).names == NAMES


@pytest.mark.parametrize(
  ('header', 'rows', 'message'),
  [
    ('a,b', ['1,2'], r'faces\.csv: neither OpenFace.*it has a, b'),
    ('face, confidence, success', ['0, 1, 1'], 'neither OpenFace'),
    ('frame,FaceScore,x_0', ['0,1,2'], 'none of the columns AU'),
    (OPENFACE, [], 'has a header but no rows'),
    (OPENFACE, [openface(1, 0), '2, 0, 0.03'], r'csv:3: 3 cells, not 15'),
    (OPENFACE, [openface(1.5, 0)], 'csv:2: frame is 1.5, not a whole number'),
    (OPENFACE, [', ' * 14], 'csv:2: frame is nan'),
    (OPENFACE, [openface(1e20, 0)], r'csv:2: frame is 1e\+20, more than'),
    (OPENFACE, [openface(1, 0, success='yes')], "csv:2: success is 'yes'"),
  ],
)
def test_files_that_cannot_be_used(tmp_path, header, rows, message):
  with pytest.raises(ValueError, match=message):
    face_features.read(write(tmp_path, header, *rows))


def test_missing_files_and_unknown_options(tmp_path):
  with pytest.raises(FileNotFoundError, match=r'none\.csv: no such file'):
    face_features.read(tmp_path / 'none.csv')
  path = write(tmp_path, OPENFACE, openface(1, 0))
  with pytest.raises(ValueError, match="on_failure 'zero'; known: drop"):
    face_features.read(path, on_failure='zero')


def test_many_bad_rows_are_reported_at_once(tmp_path):
  path = write(tmp_path, OPENFACE, *['1, 2'] * 30)
  with pytest.raises(ValueError, match='stopped after 20 problems') as error:
    face_features.read(path)
  assert str(error.value).count('2 cells') == 20
