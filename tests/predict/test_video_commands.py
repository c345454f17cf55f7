"""Neutral faces, smoothing and cameras, from paths to a table."""

import json
import os

import numpy as np
from PIL import Image
import pytest
from toys import media as toy
from toys import media_commands

from affect_jax.corpora.files import pictures as picture_files
from affect_jax.media import detector
from affect_jax.media import video
from affect_jax.predict import settings as settings_lib
from affect_jax.predict import table

av = pytest.importorskip('av')
predict, read = media_commands.predict, media_commands.read
interrupt_at = media_commands.interrupt_at


@pytest.fixture(autouse=True)
def two_faces(monkeypatch):
  monkeypatch.setattr(detector, 'detect', toy.detect_red)


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
  return media_commands.clip(tmp_path_factory.mktemp('clips') / 'clip.mp4')


@pytest.mark.parametrize('neutral', ['median', 'face'])
def test_an_interrupted_command_smooths_as_one_that_was_not(
  clip, tmp_path, monkeypatch, neutral
):
  if neutral == 'face':
    image = np.full((40, 80, 3), 60, np.uint8)
    image[8:24, 8:24] = (200, 20, 40)
    neutral = str(tmp_path / 'neutral.png')
    Image.fromarray(image).save(neutral)
  options = {'smooth': 0.2, 'neutral': neutral}
  raw = tmp_path / 'raw.csv'
  predict(clip, raw)
  whole = predict(clip, tmp_path / 'whole.csv', **options)
  assert whole['settings']['smooth'] == 0.2
  assert set(whole['neutral_face']) == (
    {'valence', 'arousal', 'AU01_p', 'AU12_p'}
    | {'p_neutral', 'p_happiness', 'p_anger'}
    if neutral != 'median'
    else set()
  )
  with monkeypatch.context() as patch:
    # The neutral face is looked at, too.
    call = 5 if neutral == 'median' else 6
    interrupt_at(patch, detector, 'detect', call)
    with pytest.raises(table.Stopped):
      predict(clip, tmp_path / 'out.csv', **options)
  partial = read(tmp_path / 'out.partial.csv')
  # What is kept are values before they are smoothed.
  assert partial == read(raw)[: len(partial)]
  assert 0 < len(partial) < 12
  predict(clip, tmp_path / 'out.csv', **options)
  assert read(tmp_path / 'out.csv') == read(tmp_path / 'whole.csv')
  first = read(tmp_path / 'out.csv')[0]
  expected = float(read(raw)[0]['arousal'])
  expected -= 2 * 20 / 255 - 1 if neutral != 'median' else expected
  assert float(first['arousal']) == pytest.approx(expected, abs=0.02)
  with pytest.raises(ValueError, match=r'settings\.smooth 0\.2 there, 0\.5'):
    predict(clip, tmp_path / 'out.csv', smooth=0.5, neutral=neutral)
  left = [n for n in os.listdir(tmp_path) if 'partial' in n]
  assert not left


def test_smoothed_rows_have_all_formats(clip, tmp_path):
  import pyarrow.parquet as pq

  predict(clip, tmp_path / 'a.csv', smooth=0.2)
  predict(clip, tmp_path / 'b.parquet', smooth=0.2)
  arousal = pq.read_table(tmp_path / 'b.parquet')['arousal'].to_pylist()
  rows = read(tmp_path / 'a.csv')
  assert [np.float32(r['arousal']) for r in rows] == arousal


@pytest.mark.parametrize(
  ('step', 'words'),
  [
    (None, r'--neutral=.*there is no such file'),
    (0, r'no face is predicted in it: n\.png no face was found'),
    (1, r'several faces in frame 0 of n\.png'),
  ],
)
def test_a_neutral_face_is_one_face(clip, tmp_path, step, words):
  path = tmp_path / 'n.png'
  if step is not None:
    grey = np.full((40, 80, 3), 60, np.uint8)
    Image.fromarray(toy.scene(1) if step else grey).save(path)
  with pytest.raises(ValueError, match=words) as error:
    predict(clip, tmp_path / 'out.csv', neutral=str(path))
  assert '\n' not in str(error.value)
  assert not (tmp_path / 'out.json').exists()


def test_wrong_smoothing_is_named():
  for wrong in (-1.0, float('nan'), float('inf')):
    with pytest.raises(ValueError, match=r'--smooth=.*seconds'):
      settings_lib.Settings(smooth=wrong)


@pytest.fixture
def camera(monkeypatch, clip):
  """A camera that shows the clip, and goes on until it is unplugged."""
  asked = []

  def open_camera(number):
    asked.append(number)
    if number:
      raise av.error.FileNotFoundError(2, 'No such file or directory')
    return av.open(str(clip))

  monkeypatch.setattr(video, 'open_camera', open_camera)
  return asked


def test_a_camera_is_a_video_without_an_end(camera, clip, tmp_path):
  content = predict('0', tmp_path / 'out.csv')
  assert camera == [0]
  predict(clip, tmp_path / 'file.csv')
  assert read(tmp_path / 'out.csv') == [
    {**row, 'input': 'camera0'} for row in read(tmp_path / 'file.csv')
  ]
  assert content['inputs'] == {
    **{'count': 1, 'bytes': 0, 'first': 'camera0', 'last': 'camera0'}
  }
  with pytest.raises(ValueError, match=r'out\.csv exists, and a camera'):
    predict('0', tmp_path / 'out.csv')


@pytest.mark.parametrize('window', [0, 3])
@pytest.mark.usefixtures('camera')
def test_ctrl_c_ends_a_camera_with_a_whole_table(tmp_path, monkeypatch, window):
  run = toy.ColourRun(window=window, rules=picture_files.Rules())
  interrupt_at(monkeypatch, detector, 'detect', 5)
  content = predict('0', tmp_path / 'out.csv', run, smooth=0.1)
  assert {r['frame'] for r in read(tmp_path / 'out.csv')} == set('01234')
  assert content['finished']
  assert json.loads((tmp_path / 'out.json').read_text()) == content
  assert sorted(os.listdir(tmp_path)) == ['out.csv', 'out.json']


@pytest.mark.usefixtures('camera')
def test_what_a_camera_cannot_do_is_named(clip, tmp_path):
  with pytest.raises(ValueError, match=r'camera7 cannot be opened \(No such'):
    predict('7', tmp_path / 'out.csv')
  assert not os.listdir(tmp_path)
  with pytest.raises(ValueError, match='a camera goes alone'):
    table.predict(toy.ColourRun(), [str(clip), '0'], tmp_path / 'out.csv')
