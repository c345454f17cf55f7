"""What --overlay draws: one file, a folder of many, what a camera showed."""

import os
import pathlib
import resource

import numpy as np
from PIL import Image
import pytest
from toys import media as toy
from toys import media_commands

from affect_jax.media import detector
from affect_jax.media import inputs as inputs_lib
from affect_jax.media import video
from affect_jax.predict import drawing
from affect_jax.predict import overlay_files
from affect_jax.predict import table

av = pytest.importorskip('av')
predict, read = media_commands.predict, media_commands.read
ORANGE = (0xE6, 0x9F, 0x00)


@pytest.fixture(autouse=True)
def two_faces(monkeypatch):
  monkeypatch.setattr(detector, 'detect', toy.detect_red)


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
  return media_commands.clip(tmp_path_factory.mktemp('clips') / 'clip.mp4')


@pytest.fixture
def album(tmp_path, clip):
  """Two pictures, one that cannot be read, and a video in a folder."""
  folder = tmp_path / 'album'
  (folder / 'more').mkdir(parents=True)
  Image.fromarray(toy.scene(1)).save(folder / 'a.png')
  Image.fromarray(toy.scene(4)).save(folder / 'b.bmp')
  (folder / 'c.jpg').write_bytes(b'no picture')
  (folder / 'more' / 'clip.mp4').write_bytes(clip.read_bytes())
  return folder


def names(folder):
  return sorted(
    str(path.relative_to(folder))
    for path in folder.rglob('*')
    if path.is_file()
  )


def is_box(image, row, colour=ORANGE):
  """Whether a drawing of 80 x 40 pixels has the left edge of a row's box."""
  # 40 pixels are enlarged to 360.
  x, y = (9 * int(row[f'face_{k}']) for k in 'xy')
  return np.abs(image[y + 70, x + 1].astype(int) - colour).max() < 60


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
  # The panel stands to the right.
  plan = drawing.Drawing(toy.columns(), 80, 40)
  images = [f.image for f in frames if f.image is not None]
  assert images[0].shape == (plan.size[1], plan.size[0], 3)
  assert plan.size == (80 * 9 + 260, 360)
  rows = [r for r in read(tmp_path / 'out.csv') if r['frame'] == '4']
  assert is_box(images[2], rows[0])


def test_a_folder_gets_a_drawing_of_each_input(album, tmp_path):
  content = predict(album, tmp_path / 'out.csv', overlay=tmp_path / 'drawn')
  assert content['overlay'] == 'drawn'
  assert content['counts']['unreadable'] == 1
  assert names(tmp_path / 'drawn') == ['a.png', 'b.bmp.png', 'more/clip.mp4']
  assert sorted(os.listdir(tmp_path)) == [
    *('album', 'drawn', 'out.csv', 'out.json')
  ]
  rows = read(tmp_path / 'out.csv')
  first = {
    name: [r for r in rows if r['input'] == name]
    for name in ('a.png', 'b.bmp', 'more/clip.mp4')
  }
  with Image.open(tmp_path / 'drawn' / 'a.png') as picture:
    image = np.asarray(picture)
  assert len(first['a.png']) == 2
  blue = tuple(bytes.fromhex(drawing.COLOURS[1][1:]))
  assert is_box(image, first['a.png'][0])
  assert is_box(image, first['a.png'][1], blue)
  assert not is_box(image, first['a.png'][0], blue)
  with Image.open(tmp_path / 'drawn' / 'b.bmp.png') as picture:
    assert is_box(np.asarray(picture), first['b.bmp'][0])
  frames = list(video.frames(tmp_path / 'drawn' / 'more' / 'clip.mp4'))
  assert len(frames) == 8
  last = [r for r in first['more/clip.mp4'] if r['frame'] == '7']
  assert is_box(frames[7].image, last[0])


def test_an_interrupted_folder_keeps_whole_drawings_and_is_finished_later(
  album, tmp_path, monkeypatch
):
  predict(album, tmp_path / 'whole.csv', overlay=tmp_path / 'whole')
  drawn = tmp_path / 'drawn'
  with monkeypatch.context() as patch:
    # In the second frame of the video.
    media_commands.interrupt_at(patch, drawing.Drawing, 'draw', 4)
    with pytest.raises(table.Stopped, match=r'16 rows are in .*partial\.csv'):
      predict(album, tmp_path / 'out.csv', overlay=drawn)
  work = tmp_path / 'drawn.partial'
  assert names(work) == ['a.png', 'b.bmp.png']
  assert not drawn.exists()
  with pytest.raises(ValueError, match=r'drawn\.partial exists.*another table'):
    predict(album, tmp_path / 'other.csv', overlay=drawn, every=2)
  before = (work / 'a.png').stat().st_mtime_ns
  predict(album, tmp_path / 'out.csv', overlay=drawn)
  assert (drawn / 'a.png').stat().st_mtime_ns == before
  assert names(drawn) == names(tmp_path / 'whole')
  assert not work.exists()
  for name in names(drawn):
    assert (drawn / name).read_bytes() == (
      (tmp_path / 'whole' / name).read_bytes()
    ), name
  # All is there: nothing is drawn again.
  monkeypatch.setattr(drawing.Drawing, 'draw', None)
  predict(album, tmp_path / 'out.csv', overlay=drawn)


def test_names_of_drawings_are_told_apart():
  def of(*names):
    inputs = [inputs_lib.Input(n, pathlib.Path(n)) for n in names]
    targets = overlay_files.plan('/new/folder', [], inputs).targets
    return {
      k: v.relative_to('/new/folder.partial').as_posix()
      for k, v in targets.items()
    }

  assert of('x/a.png', 'a.JPG', 'a.mp4') == {
    'x/a.png': 'x/a.png',
    'a.JPG': 'a.JPG',
    'a.mp4': 'a.mp4',
  }
  assert of('a.bmp', 'a.mov', 'a.bmp.png') == {
    'a.bmp': 'a.bmp-2.png',
    'a.mov': 'a.mov.mp4',
    'a.bmp.png': 'a.bmp.png',
  }
  # Some systems take these for one file.
  assert of('a.png', 'A.png') == {'a.png': 'a.png', 'A.png': 'A-2.png'}


def test_a_picture_is_drawn_as_a_file(album, tmp_path):
  predict(album / 'b.bmp', tmp_path / 'out.csv', overlay=tmp_path / 'b.jpg')
  with Image.open(tmp_path / 'b.jpg') as picture:
    assert picture.format == 'JPEG'
    assert is_box(np.asarray(picture), read(tmp_path / 'out.csv')[0])


def test_what_cannot_be_drawn_on_is_said_before_any_work(
  album, clip, tmp_path, monkeypatch
):
  monkeypatch.chdir(tmp_path)
  (tmp_path / 'mine.mp4').write_text('mine')
  (tmp_path / 'full').mkdir()
  (tmp_path / 'full' / 'x.txt').touch()
  (tmp_path / 'empty').mkdir()
  picture = album / 'a.png'
  for source, name, words in (
    (picture, 'o.mp4', r'drawn as \.png or \.jpg.*--overlay=o\.png, or a fol'),
    (album, 'o.mp4', r'4 inputs are drawn: give a folder.*--overlay=o\.$'),
    (album, 'o.png', r'4 inputs are drawn: give a folder.*--overlay=o\.$'),
    (clip, 'o.avi', r'drawn as \.mp4: give --overlay=o\.mp4, or a folder'),
    (clip, 'mine.mp4', r'mine\.mp4 exists.*another --overlay'),
    (album, 'full', r'full exists.*another --overlay'),
    (album, 'album/drawn', r'lies where --input=.*album looks'),
    ('album/*', 'album/drawn', r'lies where --input=album/\* looks'),
    ('**/*.png', 'new/drawn', r'lies where --input=\*\*/\*\.png looks'),
    ('0', 'drawn', r'drawn as a video: give --overlay=drawn\.mp4\.$'),
    ('0', 'o.avi', r'drawn as a video: give --overlay=o\.mp4\.$'),
  ):
    with pytest.raises(ValueError, match=words):
      predict(source, tmp_path / 'out.csv', overlay=tmp_path / name)
    assert not (tmp_path / 'out.json').exists()
  assert (tmp_path / 'mine.mp4').read_text() == 'mine'
  predict('album/*.png', tmp_path / 'out.csv', overlay=tmp_path / 'empty')
  assert names(tmp_path / 'empty') == ['a.png']


def test_an_interrupted_overlay_leaves_rows_and_comes_later(
  clip, tmp_path, monkeypatch
):
  target = tmp_path / 'seen.mp4'
  with monkeypatch.context() as patch:
    media_commands.interrupt_at(patch, drawing.Drawing, 'draw', 3)
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


@pytest.mark.parametrize('stopped', [False, True])
def test_what_a_camera_showed_is_drawn(clip, tmp_path, monkeypatch, stopped):
  monkeypatch.setattr(video, 'open_camera', lambda number: av.open(str(clip)))
  target = tmp_path / 'seen.mp4'
  if stopped:  # While it looks: what was read until then is drawn.
    media_commands.interrupt_at(monkeypatch, detector, 'detect', 3)
  content = predict('0', tmp_path / 'out.csv', overlay=target, every=2)
  assert content['finished']
  assert content['overlay'] == 'seen.mp4'
  assert sorted(os.listdir(tmp_path)) == ['out.csv', 'out.json', 'seen.mp4']
  frames = list(video.frames(target))
  count = 3 if stopped else 4
  assert [f.seconds for f in frames] == pytest.approx(
    [0, 0.08, 0.2, 0.28][:count], abs=1e-3
  )
  rows = [r for r in read(tmp_path / 'out.csv') if r['frame'] == '4']
  assert is_box(frames[2].image, rows[0])


def test_a_stop_while_a_camera_is_drawn_leaves_its_table(
  clip, tmp_path, monkeypatch
):
  monkeypatch.setattr(video, 'open_camera', lambda number: av.open(str(clip)))
  media_commands.interrupt_at(monkeypatch, drawing.Drawing, 'draw', 2)
  content = predict('0', tmp_path / 'out.csv', overlay=tmp_path / 'seen.mp4')
  assert content['finished']
  assert sorted(os.listdir(tmp_path)) == ['out.csv', 'out.json']
