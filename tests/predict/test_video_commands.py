"""Overlays, neutral faces, smoothing and cameras, from paths to a table."""

import csv
import json
import os
import resource
import signal

import numpy as np
from PIL import Image
import pytest
from toys import media as toy

from affect_jax.corpora.files import pictures as picture_files
from affect_jax.media import detector
from affect_jax.media import video
from affect_jax.predict import drawing
from affect_jax.predict import settings as settings_lib
from affect_jax.predict import table

av = pytest.importorskip('av')


@pytest.fixture(autouse=True)
def two_faces(monkeypatch):
  monkeypatch.setattr(detector, 'detect', toy.detect_red)


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
  path = tmp_path_factory.mktemp('clips') / 'clip.mp4'
  times = [0, 40, 80, 120, 200, 240, 280, 500]
  images = [toy.scene(i) for i in range(8)]
  return toy.write_video(path, images, milliseconds=times)


def predict(source, output, run=None, overlay='', **settings):
  return table.predict(
    run or toy.ColourRun(rules=picture_files.Rules()),
    [str(source)],
    output,
    overlay=overlay,
    settings=settings_lib.Settings(margin=0, **settings),
    batch_size=4,
  )


def read(path):
  with open(path) as file:
    return list(csv.DictReader(file))


def interrupt_at(monkeypatch, module, name, call):
  """Sends Ctrl-C when a function is called for the n-th time, from 1."""
  function, calls = getattr(module, name), []

  def interrupted(*args, **options):
    calls.append(1)
    if len(calls) == call:
      os.kill(os.getpid(), signal.SIGINT)
    return function(*args, **options)

  monkeypatch.setattr(module, name, interrupted)


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


def test_an_overlay_shows_boxes_bars_and_a_dot_at_the_frames_times(
  clip, tmp_path
):
  target = tmp_path / 'new' / 'seen.mp4'
  content = predict(clip, tmp_path / 'out.csv', overlay=target, every=2)
  assert content['overlay'] == 'seen.mp4'
  assert os.listdir(target.parent) == ['seen.mp4']
  frames = list(video.frames(target))
  times = [f.seconds for f in frames]
  assert times == pytest.approx([0, 0.08, 0.2, 0.28], abs=1e-3)
  # 40 pixels are enlarged to 360; the panel stands to the right.
  plan = drawing.Drawing(toy.columns(), 80, 40)
  images = [f.image for f in frames if f.image is not None]
  assert images[0].shape == (plan.size[1], plan.size[0], 3)
  assert plan.size == (80 * 9 + 260, 360)
  rows = [r for r in read(tmp_path / 'out.csv') if r['frame'] == '4']
  x, y = (9 * int(rows[0][f'face_{k}']) for k in 'xy')
  near = lambda c, b: np.abs(c.astype(int) - b).max() < 60
  assert near(images[2][y + 70, x + 1], (0xE6, 0x9F, 0x00))


def drawn(values, outputs=toy.OUTPUTS):
  """A grey frame of 360 pixels with one face of these cells."""
  columns = toy.columns(outputs)
  row = dict.fromkeys(columns.names, '') | {
    **{'input': 'a.mp4', 'frame': '0', 'face_id': '0', 'success': '1'},
    **{'face_x': '50', 'face_y': '60', 'face_w': '90', 'face_h': '90'},
    **{'face_px': '90', **values},
  }
  plan = drawing.Drawing(columns, 400, 360)
  image = np.full((360, 400, 3), 128, np.uint8)
  return np.asarray(plan.draw(image, [row]))[:, 400:].astype(int)


def coloured(panel):
  """Where the panel has the first face's colour."""
  return np.abs(panel - np.array([0xE6, 0x9F, 0x00])).max(-1) < 10


def test_a_bar_is_as_long_as_its_probability_and_full_above_the_threshold():
  area = {}
  for p, present in ((0.2, 0), (0.2, 1), (0.8, 1)):
    cells = {'AU12_p': str(p), 'AU12_c': str(present)}
    panel = drawn(cells, {'action_units': ('AU12',)})
    # Below the title, whose square has the colour, too.
    area[p, present] = coloured(panel)[25:].sum()
  assert area[0.2, 0] < area[0.2, 1] < area[0.8, 1]
  assert area[0.8, 1] == pytest.approx(4 * area[0.2, 1], rel=0.15)


def test_the_dot_moves_right_with_valence_and_up_with_arousal():
  middles = {}
  for v, a in ((0, 0), (1, 0), (0, 1)):
    cells = {'valence': str(v), 'arousal': str(a)}
    panel = drawn(cells, {'valence_arousal': ('valence', 'arousal')})
    y, x = np.nonzero(coloured(panel)[25:])
    middles[v, a] = np.array([x.mean(), y.mean()])
  np.testing.assert_allclose(middles[1, 0] - middles[0, 0], (42, 0), atol=2)
  np.testing.assert_allclose(middles[0, 1] - middles[0, 0], (0, -42), atol=2)


def test_faces_that_are_not_predicted_and_many_faces_are_drawn():
  cells = {'success': '0', 'reason': 'below min_quality=0.5'}
  assert not coloured(drawn(cells)).any()
  columns = toy.columns()
  run = toy.ColourRun()
  predictions = run.start([run.resized(toy.scene(1))], [(0, 0)])()
  values = columns.values({t: x[0] for t, x in predictions.items()})
  rows = [
    {
      **{k: str(v) for k, v in values.items()},
      **{'timestamp_s': '1.5', 'face_id': str(i), 'success': '1'},
      **dict.fromkeys(('face_x', 'face_y', 'face_w', 'face_h'), str(20 * i)),
      **{'face_px': str(20 * i), 'reason': ''},
    }
    for i in range(9)
  ]
  plan = drawing.Drawing(columns, 401, 1081)
  image = np.zeros((1081, 401, 3), np.uint8)
  canvas = plan.draw(image, rows)
  assert canvas.size == plan.size
  assert all(side % 2 == 0 for side in plan.size)


def test_an_interrupted_overlay_leaves_rows_and_comes_later(
  clip, tmp_path, monkeypatch
):
  target = tmp_path / 'seen.mp4'
  with monkeypatch.context() as patch:
    interrupt_at(patch, drawing.Drawing, 'draw', 3)
    with pytest.raises(table.Stopped, match=r'12 rows are in .*partial\.csv'):
      predict(clip, tmp_path / 'out.csv', overlay=target)
  assert sorted(os.listdir(tmp_path)) == ['out.json', 'out.partial.csv']
  predict(clip, tmp_path / 'out.csv', overlay=target)
  assert sorted(os.listdir(tmp_path)) == ['out.csv', 'out.json', 'seen.mp4']
  before = target.stat().st_mtime_ns
  again = predict(clip, tmp_path / 'out.csv', overlay=target)
  assert again['counts']['predicted'] == 12
  assert target.stat().st_mtime_ns == before


def test_an_overlay_of_a_finished_table_is_drawn_from_its_rows(
  clip, tmp_path, monkeypatch
):
  first = predict(clip, tmp_path / 'out.csv')
  predict(clip, tmp_path / 'other.parquet')
  monkeypatch.setattr(detector, 'detect', None)
  again = predict(clip, tmp_path / 'out.csv', overlay=tmp_path / 'o.mp4')
  assert again == {**first, 'overlay': 'o.mp4'}
  assert len(list(video.frames(tmp_path / 'o.mp4'))) == 8
  with pytest.raises(ValueError, match=r'native \.csv: give another --output'):
    predict(clip, tmp_path / 'other.parquet', overlay=tmp_path / 'p.mp4')


def test_a_full_disk_leaves_the_table_and_no_overlay(clip, tmp_path):
  predict(clip, tmp_path / 'out.csv')
  before = sorted(os.listdir(tmp_path))
  soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
  try:
    with pytest.raises(ValueError, match=r'seen\.mp4 cannot be written \(File'):
      predict(clip, tmp_path / 'out.csv', overlay=tmp_path / 'seen.mp4')
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
  assert sorted(os.listdir(tmp_path)) == before


def test_what_cannot_be_drawn_on_is_said_before_any_work(clip, tmp_path):
  picture = tmp_path / 'a.png'
  Image.fromarray(toy.scene(1)).save(picture)
  (tmp_path / 'mine.mp4').write_text('mine')
  for source, name, words in (
    (picture, 'o.mp4', 'one video file'),
    (clip, 'o.avi', r'must end with \.mp4'),
    (clip, 'mine.mp4', r'mine\.mp4 exists.*another --overlay'),
  ):
    with pytest.raises(ValueError, match=words):
      predict(source, tmp_path / 'out.csv', overlay=tmp_path / name)
  assert (tmp_path / 'mine.mp4').read_text() == 'mine'
  assert not (tmp_path / 'out.json').exists()


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
  with pytest.raises(ValueError, match='record a camera first'):
    predict('0', tmp_path / 'out.csv', overlay=tmp_path / 'o.mp4')
  with pytest.raises(ValueError, match='a camera goes alone'):
    table.predict(toy.ColourRun(), [str(clip), '0'], tmp_path / 'out.csv')
