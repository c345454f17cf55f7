"""Tables become submissions to ABAW that its own reader reads."""

import math

import numpy as np
import pytest

from affect_jax.abaw import files
from affect_jax.media import box as box_lib
from affect_jax.media import inputs as inputs_lib
from affect_jax.predict import columns as columns_lib
from affect_jax.predict import formats
from affect_jax.predict import journal as journal_lib
from affect_jax.predict import submission
from affect_jax.tasks import action_units
from affect_jax.tasks import expression

OUTPUTS = {
  'valence_arousal': ('valence', 'arousal'),
  'expression': expression.AFFECTNET_8,  # Without 'other', with contempt.
  'action_units': action_units.AFFWILD2_12[::-1],
}


def values(valence, emotion, unit):
  of_emotions = [0.1 + (name == emotion) for name in OUTPUTS['expression']]
  of_units = [0.1 + 0.5 * (name == unit) for name in OUTPUTS['action_units']]
  return {
    'valence_arousal': np.array([valence, 0.5], np.float32),
    'expression': np.array(of_emotions, np.float32),
    'action_units': np.array(of_units, np.float32),
  }


def face(name, frame, number, side, predicted):
  box = box_lib.Box(0, 0, side, side, 0.9)
  return columns_lib.Face(name, frame, math.nan, number, box), predicted


def none(name, frame):
  reason = 'no face was found'
  return columns_lib.Face(name, frame, math.nan, reason=reason), None


def write(tmp_path, rows, outputs=OUTPUTS, task='', name='out.txt'):
  columns = columns_lib.Columns(
    outputs, dict.fromkeys(OUTPUTS['action_units'], 0.4)
  )
  journal = journal_lib.Journal(tmp_path / 'x.partial.csv', columns.names)
  journal.open()
  journal.write([columns.row(*row) for row in rows])
  journal.close()
  formats.finish('abaw', journal.path, tmp_path / name, columns, task)
  return tmp_path / name


def test_every_frame_has_a_row_of_the_main_face(tmp_path):
  rows = [
    none('v1.mp4', 0),
    face('v1.mp4', 2, 0, 30, values(-0.5, 'fear', 'AU1')),
    face('v1.mp4', 2, 1, 80, values(0.25, 'happiness', 'AU12')),
    face('v1.mp4', 4, 0, 30, values(-0.5, 'fear', 'AU1')),
    # Frames 1, 3 were passed over by --every=2.
    face('v2/00007.jpg', 0, 0, 9, values(1.0, 'contempt', 'AU26')),
    none('v3.mp4', 0),
  ]
  path = write(tmp_path, rows)
  lines = path.read_text().splitlines()
  assert lines[0] == 'image,valence,arousal,expression,aus'
  frames = files.read_submission(path)
  assert frames.layout == files.MTL
  assert frames.names == [
    'v2/00007.jpg',
    *(f'v1/{n:05d}.jpg' for n in range(1, 6)),
    'v3/00001.jpg',
  ]
  happy = expression.AFFWILD2_8.index('happiness')
  for row in frames.values[1:6]:
    assert row[:3].tolist() == [0.25, 0.5, happy]
    units = dict(zip(frames.layout.columns[3:], row[3:], strict=True))
    assert [k for k, v in units.items() if v] == ['AU12']
  # Contempt is none of the challenge's: the likeliest of the others.
  assert frames.values[0, 2] == 0
  assert not frames.values[-1].any()


def test_a_run_of_one_task_has_its_layout(tmp_path):
  outputs = {'action_units': OUTPUTS['action_units']}
  rows = [face('v.mp4', 0, 0, 9, values(0, 'fear', 'AU4'))]
  assert (
    files.read_submission(write(tmp_path, rows, outputs)).layout == files.AU_12
  )
  rows = [face('v.mp4', 0, 0, 9, values(0, 'fear', 'AU4'))]
  assert files.read_submission(
    write(tmp_path, rows, task='va', name='va.txt')
  ).values.tolist() == [[0, 0.5]]


@pytest.mark.parametrize(
  ('names', 'task', 'words'),
  [
    (('valence_arousal', 'expression'), '', 'va and expr: choose one by'),
    ((), '', 'this run has none'),
    (('valence_arousal',), 'mtl', 'needs neutral, .* for mtl'),
    (('valence_arousal',), 'vaa', "did you mean 'va'"),
  ],
)
def test_what_a_run_cannot_submit_is_said_before_any_work(names, task, words):
  outputs = {name: OUTPUTS[name] for name in names}
  with pytest.raises(ValueError, match=words):
    formats.check('abaw', outputs, [], task)


def inputs(tmp_path, *names):
  return [inputs_lib.Input(name, tmp_path / name) for name in names]


def test_pictures_without_a_video_in_their_names_are_refused(tmp_path):
  check = lambda *names: formats.check(
    'abaw', OUTPUTS, inputs(tmp_path, *names)
  )
  with pytest.raises(ValueError, match='folder above'):
    check('00001.jpg')
  with pytest.raises(ValueError, match='one video by their names'):
    check('a.mp4', 'a.avi')
  check('v/00001.jpg', 'v/00002.jpg', 'w.mp4')
  assert submission.LAYOUTS['mtl'] == files.MTL
