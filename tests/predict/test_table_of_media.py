"""From paths to a table, with a run and a detector that are simple."""

import csv
import json
import os
import signal

import numpy as np
from PIL import Image
import pytest
from toys import media as toy

from affect_jax.corpora.files import pictures as picture_files
from affect_jax.media import detector
from affect_jax.predict import settings as settings_lib
from affect_jax.predict import table

WHOLE = settings_lib.Settings(faces='whole')


@pytest.fixture(autouse=True)
def two_faces(monkeypatch):
  monkeypatch.setattr(detector, 'detect', toy.detect_red)


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
  path = tmp_path_factory.mktemp('clips') / 'clip.mp4'
  return toy.write_video(path, [toy.scene(i) for i in range(8)])


def predict(paths, output, run=None, settings=None, **options):
  options = {'batch_size': 4, **options}
  paths = [str(p) for p in paths]
  return table.predict(
    run or toy.ColourRun(rules=picture_files.Rules()),
    paths,
    output,
    settings=settings or settings_lib.Settings(margin=0),
    **options,
  )


def read(path):
  with open(path) as file:
    return list(csv.DictReader(file))


def save(path, image):
  path.parent.mkdir(exist_ok=True, parents=True)
  Image.fromarray(image).save(path)
  return path


def test_faces_of_a_video_keep_their_numbers_and_their_values(clip, tmp_path):
  content = predict([clip], tmp_path / 'out.csv')
  rows = read(tmp_path / 'out.csv')
  assert [(r['frame'], r['face_id']) for r in rows] == [
    (str(frame), str(face))
    for frame in range(8)
    for face in range(1 + frame % 2)
  ]
  for row in rows:
    frame = int(row['frame'])
    assert float(row['timestamp_s']) == pytest.approx(frame / 25, abs=1e-5)
    assert (row['success'], row['reason']) == ('1', '')
    x = 2 + frame if row['face_id'] == '0' else 50
    assert abs(int(row['face_x']) - x) <= 2
    green = 20 * frame if row['face_id'] == '0' else 90
    expected = 2 * green / 255 - 1
    assert float(row['arousal']) == pytest.approx(expected, abs=0.15)
  assert content['counts'] == {
    **{'inputs': 1, 'frames': 8, 'predicted': 12},
    **{'without_face': 0, 'unreadable': 0, 'skipped': 0},
  }
  assert sorted(os.listdir(tmp_path)) == ['out.csv', 'out.json']


def test_whole_pictures_are_crops(tmp_path):
  images = {'a/10.png': 40, 'a/2.png': 90, 'b.png': 200}
  for name, grey in images.items():
    save(tmp_path / 'in' / name, np.full((9, 12, 3), grey, np.uint8))
  predict([tmp_path / 'in'], tmp_path / 'out.csv', settings=WHOLE)
  rows = read(tmp_path / 'out.csv')
  assert [r['input'] for r in rows] == ['a/2.png', 'a/10.png', 'b.png']
  for row in rows:
    expected = 2 * images[row['input']] / 255 - 1
    assert float(row['valence']) == pytest.approx(expected, abs=1e-6)
    assert row['timestamp_s'] == ''
    assert [row[f'face_{k}'] for k in 'xywh'] == ['0', '0', '12', '9']
    assert (row['frame'], row['face_id'], row['confidence']) == (
      '0',
      '0',
      '1.00',
    )


def test_frames_without_a_face_and_bad_pictures_are_rows(tmp_path):
  folder = tmp_path / 'in'
  save(folder / '1.png', toy.scene(1))
  save(folder / '2.png', np.full((20, 20, 3), 60, np.uint8))
  (folder / '3.png').write_bytes(b'no picture')
  (folder / '4.mp4').write_bytes(b'no video')
  content = predict([folder], tmp_path / 'out.csv')
  rows = read(tmp_path / 'out.csv')
  assert [r['success'] for r in rows] == ['1', '1', '0', '0', '0']
  assert rows[2]['reason'] == 'no face was found'
  assert 'is not a picture' in rows[3]['reason']
  assert 'not a video' in rows[4]['reason']
  for row in rows[2:]:
    assert not any(row[k] for k in ('valence', 'expr', 'AU01_c', 'face_x'))
  assert content['counts']['unreadable'] == 2


def test_bad_faces_are_found_but_not_predicted(tmp_path):
  path = save(tmp_path / '1.png', toy.scene(1))
  settings = settings_lib.Settings(min_quality=0.26)
  content = predict([path], tmp_path / 'small.csv', settings=settings)
  (first, _) = read(tmp_path / 'small.csv')
  assert first['reason'] == 'below min_quality=0.26'
  assert (first['face_px'], first['valence'], first['success']) == (
    *('16', '', '0'),
  )
  assert float(first['quality']) <= 16 / 64
  assert 0 <= float(first['blur']) <= 1
  assert first['yaw'] == ''
  assert content['counts']['skipped'] == 2


def test_every_second_frame(clip, tmp_path):
  settings = settings_lib.Settings(margin=0, every=2)
  predict([clip], tmp_path / 'out.csv', settings=settings)
  assert [r['frame'] for r in read(tmp_path / 'out.csv')] == list('0246')


def test_the_note_says_how_the_table_was_made(clip, tmp_path):
  content = predict([clip], tmp_path / 'out.csv')
  assert content == json.loads((tmp_path / 'out.json').read_text())
  assert content['schema_version'] == 2
  assert content['finished'] is True
  assert content['thresholds'] == toy.THRESHOLDS
  assert content['settings']['margin'] == 0
  assert content['checkpoint_step'] == 3
  assert content['columns'] == list(toy.columns().names)
  assert content['inputs']['count'] == 1


@pytest.mark.parametrize('window', [0, 3])
@pytest.mark.parametrize('frame', [0, 1, 5])
def test_ctrl_c_in_a_frame_keeps_whole_frames_and_the_rest_comes_later(
  clip, tmp_path, monkeypatch, frame, window
):
  photo = save(tmp_path / 'photo.png', toy.scene(1))
  run = lambda: toy.ColourRun(window=window, rules=picture_files.Rules())
  paths = [photo, clip]
  predict(paths, tmp_path / 'whole.csv', run())
  detect, calls = detector.detect, []

  def interrupted(image, **options):
    calls.append(1)
    if len(calls) == frame + 1:
      os.kill(os.getpid(), signal.SIGINT)
    return detect(image, **options)

  with monkeypatch.context() as patch:
    patch.setattr(detector, 'detect', interrupted)
    with pytest.raises(table.Stopped, match=r'rows are in .*partial\.csv') as e:
      predict(paths, tmp_path / 'out.csv', run())
  assert e.value.exit_code == 130
  assert len(calls) == frame + 1
  partial = read(tmp_path / 'out.partial.csv')
  whole = read(tmp_path / 'whole.csv')
  assert partial == whole[: len(partial)]
  assert len(partial) < len(whole)
  assert not (tmp_path / 'out.csv').exists()
  calls.clear()
  monkeypatch.setattr(
    detector, 'detect', lambda x, **o: calls.append(1) or detect(x, **o)
  )
  predict(paths, tmp_path / 'out.csv', run())
  assert read(tmp_path / 'out.csv') == whole
  # What was not whole, and what stood last, was done twice.
  assert len(calls) <= 9 - frame + max(1, 2 * window)


def test_a_window_is_predicted_by_face_and_time(clip, tmp_path):
  run = toy.ColourRun(window=4, rules=picture_files.Rules())
  predict([clip], tmp_path / 'out.csv', run, batch_size=8)
  rows = read(tmp_path / 'out.csv')
  # Two windows: 4 + 2 faces in each.
  assert run.batches == [6, 6]
  first = {r['arousal'] for r in rows if r['face_id'] == '0'}
  assert len(first) == 2


def test_the_same_command_again_changes_nothing(clip, tmp_path, monkeypatch):
  first = predict([clip], tmp_path / 'out.csv')
  before = (tmp_path / 'out.csv').stat().st_mtime_ns
  monkeypatch.setattr(detector, 'detect', None)
  assert predict([clip], tmp_path / 'out.csv') == first
  assert (tmp_path / 'out.csv').stat().st_mtime_ns == before


def test_rows_of_an_older_schema_are_not_gone_on_with(clip, tmp_path):
  predict([clip], tmp_path / 'out.csv')
  (tmp_path / 'out.csv').rename(tmp_path / 'out.partial.csv')
  note = json.loads((tmp_path / 'out.json').read_text())
  (tmp_path / 'out.json').write_text(json.dumps({**note, 'schema_version': 1}))
  with pytest.raises(ValueError, match='schema_version 1 there, 2 now'):
    predict([clip], tmp_path / 'out.csv')


def test_another_command_does_not_touch_the_table(clip, tmp_path):
  predict([clip], tmp_path / 'out.csv')
  whole = (tmp_path / 'out.csv').read_bytes()
  with pytest.raises(ValueError, match=r'settings\.margin 0 there, 0\.5 now'):
    predict(
      [clip], tmp_path / 'out.csv', settings=settings_lib.Settings(margin=0.5)
    )
  photo = save(tmp_path / 'photo.png', toy.scene(1))
  with pytest.raises(ValueError, match=r'inputs\.count 1 there, 2 now'):
    predict([clip, photo], tmp_path / 'out.csv')
  with pytest.raises(ValueError, match=r"'out\.csv' there, .*\.parquet"):
    predict([clip], tmp_path / 'out.parquet')
  other = toy.ColourRun({'valence_arousal': ('valence', 'arousal')})
  with pytest.raises(ValueError, match='columns'):
    predict([clip], tmp_path / 'out.csv', other)
  assert (tmp_path / 'out.csv').read_bytes() == whole


def test_a_file_of_others_is_not_overwritten(clip, tmp_path):
  (tmp_path / 'out.csv').write_text('mine')
  with pytest.raises(ValueError, match=r'out\.csv exists.*another --output'):
    predict([clip], tmp_path / 'out.csv')
  assert (tmp_path / 'out.csv').read_text() == 'mine'
  (tmp_path / 'rows.partial.csv').write_text('of nobody knows what')
  with pytest.raises(ValueError, match=r'partial\.csv exists.*rows\.json'):
    predict([clip], tmp_path / 'rows.csv')
  (tmp_path / 'two.json').write_text('{"mine": 1}')
  with pytest.raises(ValueError, match=r'two\.json exists'):
    predict([clip], tmp_path / 'two.csv')


@pytest.mark.parametrize(
  ('name', 'options', 'words'),
  [
    ('out.txt', {}, r'must end with \.csv or \.parquet'),
    ('out.parquet', {'table_format': 'fex'}, r'must end with \.csv'),
    ('out.csv', {'table_format': 'openfaec'}, "did you mean 'openface'"),
    ('out.csv', {'batch_size': 0}, 'batch_size=0'),
  ],
)
def test_wrong_options_are_named(clip, tmp_path, name, options, words):
  with pytest.raises(ValueError, match=words):
    predict([clip], tmp_path / name, **options)
  assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
  ('options', 'words'),
  [
    ({'faces': 'detected'}, "did you mean 'detect'"),
    ({'margin': 9}, 'margin=9'),
    ({'min_quality': 40}, r'min_quality=40 must be in \[0, 1\]'),
    ({'every': 0}, 'every=0'),
  ],
)
def test_wrong_settings_are_named(options, words):
  with pytest.raises(ValueError, match=words):
    settings_lib.Settings(**options)


def test_inputs_that_are_all_bad_are_an_error_that_leaves_nothing(tmp_path):
  (tmp_path / 'a.png').write_bytes(b'no picture')
  toy.write_sound(tmp_path / 'b.mp4')
  with pytest.raises(ValueError, match=r'None of the 2 inputs.*a\.png is not'):
    predict([tmp_path / 'a.png', tmp_path / 'b.mp4'], tmp_path / 'out.csv')
  assert sorted(os.listdir(tmp_path)) == ['a.png', 'b.mp4']


def test_parquet_and_fex_come_from_the_same_rows(clip, tmp_path):
  import pyarrow.parquet as pq

  predict([clip], tmp_path / 'a.csv')
  predict([clip], tmp_path / 'b.parquet')
  predict([clip], tmp_path / 'c.csv', table_format='fex')
  rows = read(tmp_path / 'a.csv')
  arousal = pq.read_table(tmp_path / 'b.parquet')['arousal'].to_pylist()
  assert [np.float32(r['arousal']) for r in rows] == arousal
  assert [r['arousal'] for r in read(tmp_path / 'c.csv')] == [
    r['arousal'] for r in rows
  ]
