"""Tables of LibreFace and OpenFace 3, and tables that clips share."""

import numpy as np
import pytest
from toys.face_features import NOBODY
from toys.face_features import OPENFACE
from toys.face_features import openface
from toys.face_features import PY_FEAT
from toys.face_features import py_feat
from toys.face_features import write

from affect_jax.corpora import utterances_csv
from affect_jax.corpora.features import face_features
from affect_jax.errors import UserError

LIBREFACE = (
  'frame_idx,frame_time_in_ms,pitch,yaw,roll,lm_mp_0_x,au_1,au_12,'
  'au_1_intensity,facial_expression,gaze_yaw,gaze_pitch'
)
OPENFACE_3 = (
  'timestamp,video_path,frame_index,face_id,face_detection,landmarks,emotion,'
  'gaze_yaw,gaze_pitch,action_units'
)


def openface_3(frame, value, *, face=0, score=0.9, video='a.mp4'):
  box = f'"[1.0, 2.0, 3.0, 4.0, {score}, 5.0]"'
  units = f'"[[{value}, {value + 1}, -0.5]]"'
  return (
    f'2025-01-01 10:00:00,{video},{frame},{face},{box},"[[1.0, 2.0]]",1,0.25,'
    f'-0.5,{units}'
  )


def test_libreface(tmp_path):
  """It writes no rows for frames without a face."""
  path = write(
    tmp_path,
    LIBREFACE,
    '0,0.0,1,2,3,0.5,0,1,2.5,Happiness,4,5',
    '2,66.7,1,2,3,0.5,1,1,4.5,Neutral,4,5',
  )
  found = face_features.read(path)
  names = ('pitch', 'yaw', 'roll', 'au_1', 'au_12', 'au_1_intensity')
  assert found.names == (*names, 'gaze_yaw', 'gaze_pitch')
  np.testing.assert_allclose(
    found.values, [[1, 2, 3, 0, 1, 2.5, 4, 5], [1, 2, 3, 1, 1, 4.5, 4, 5]]
  )
  np.testing.assert_array_equal(found.frames, [0, 2])


def test_libreface_of_a_picture(tmp_path):
  header = LIBREFACE.removeprefix('frame_idx,frame_time_in_ms,')
  path = write(tmp_path, header, '1,2,3,0.5,0,1,2.5,Happiness,4,5')
  assert face_features.read(path).values.shape == (1, 8)


def test_openface_3(tmp_path):
  path = write(
    tmp_path,
    OPENFACE_3,
    '2025-01-01 10:00:00,a.mp4,0,,,,,,,',
    openface_3(1, 1),
    openface_3(1, 7, face=1),
    openface_3(2, 3, score=0.2),
  )
  found = face_features.read(path)
  assert found.names == (
    'gaze_yaw',
    'gaze_pitch',
    'action_units_0',
    'action_units_1',
    'action_units_2',
  )
  np.testing.assert_allclose(
    found.values, [[0.25, -0.5, 1, 2, -0.5], [0.25, -0.5, 3, 4, -0.5]]
  )
  assert found.left_out == {face_features.NO_FACE: 1, face_features.OTHERS: 1}
  sure = face_features.read(path, ['action_units_0'], min_confidence=0.5)
  np.testing.assert_allclose(sure.values, [[1]])
  bad = openface_3(3, 1).replace('-0.5]]', '-0.5, 1]]')
  path = write(tmp_path, OPENFACE_3, openface_3(1, 1), bad)
  with pytest.raises(UserError, match=r'csv:3: 4 numbers in a list, not 3'):
    face_features.read(path)


def joined(tmp_path):
  """Two clips that py-feat wrote into one table."""
  rows = [py_feat(0, 1), py_feat(1, 2)]
  others = [row.replace('a.mp4', 'faces/b.mp4') for row in rows[::-1]]
  nobody = NOBODY.format(2).replace('a.mp4', 'faces/b.mp4')
  return write(tmp_path, PY_FEAT, *rows, *others, nobody)


@pytest.mark.parametrize(
  ('clip', 'frames'),
  [('a', 2), ('a.mp4', 2), ('b', 2), ('b.mp4', 2), ('faces/b.mp4', 2)],
)
def test_one_of_the_clips_of_a_table(tmp_path, clip, frames):
  found = face_features.read(joined(tmp_path), clip=clip)
  assert len(found.values) == frames
  assert (face_features.NO_FACE in found.left_out) == ('b' in clip)


@pytest.mark.parametrize('clip', ['', 'c', 'mp4'])
def test_clips_are_never_mixed(tmp_path, clip):
  with pytest.raises(
    UserError, match=r'holds 2 clips .*column input: a\.mp4, faces/b\.mp4'
  ):
    face_features.read(joined(tmp_path), clip=clip)


def test_tables_that_were_joined_without_a_name(tmp_path):
  path = write(
    tmp_path, OPENFACE, openface(1, 1), openface(2, 2), openface(1, 5)
  )
  with pytest.raises(UserError, match=r'csv:4: frame 1 again, after frame 2'):
    face_features.read(path)
  # Two faces, whose frames do not go on from one another, are no mixture.
  path = write(
    tmp_path,
    OPENFACE,
    openface(1, 1),
    openface(2, 2),
    openface(1, 5, face=1),
    openface(2, 5, face=1),
  )
  assert len(face_features.read(path).values) == 2
  named = write(
    tmp_path,
    'clip, ' + OPENFACE,
    'x.mp4, ' + openface(1, 1),
    'y.mp4, ' + openface(1, 5),
  )
  assert face_features.read(named, clip='y').values[0, -1] == 13
  with pytest.raises(UserError, match='holds 2 clips'):
    face_features.read(named)


def test_rows_of_utterances_share_a_table(tmp_path):
  joined(tmp_path)
  path = tmp_path / 'mine.csv'
  path.write_text(
    'id,split,text,vision,sarcasm\n'
    'a,train,hello,faces.csv,1\nb.mp4,train,hello,faces.csv,1\n'
  )
  listing = utterances_csv.listing(path)
  rows = [i for i in listing.splits['train']() if hasattr(i, 'sequences')]
  first, second = (row.sequences['vision'][:, 0] for row in rows)
  np.testing.assert_array_equal(first, [2, 3])
  np.testing.assert_array_equal(second, [2, 3])
  path.write_text(path.read_text().replace('b.mp4', 'c'))
  with pytest.raises(UserError, match=r"mine\.csv:3: .*none of them is 'c'"):
    list(utterances_csv.listing(path).splits['train']())


def test_a_list_that_is_none_is_named(tmp_path):
  for numbers in ('[0.1, 0.2', '[1e9999999', '[' * 99999, f'[{"9" * 400}]'):
    row = openface_3(0, 1).rpartition(',"')[0] + f',"{numbers}"'
    path = write(tmp_path, OPENFACE_3, row)
    with pytest.raises(UserError, match=r'faces\.csv:2: action_units: '):
      face_features.read(path)
