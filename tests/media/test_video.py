"""Frames of videos: pictures, times, and what cannot be read."""

import fractions

import numpy as np
import pytest
from toys import media as toy

from affect_jax.media import video

pytest.importorskip('av')


def test_frames_come_in_order_with_their_times(tmp_path):
  path = toy.write_video(tmp_path / 'a.mp4', toy.grey_images())
  frames = list(video.frames(path))
  assert [f.index for f in frames] == list(range(len(toy.GREYS)))
  assert video.count(path) == len(toy.GREYS)
  for frame, grey in zip(frames, toy.GREYS, strict=True):
    assert frame.image.shape == (48, 64, 3)
    assert frame.image.dtype == np.uint8
    assert frame.seconds == pytest.approx(frame.index / 25, abs=1e-6)
    assert not frame.reason
    # Red is not blue: channels are RGB.
    assert np.abs(frame.image[4, 4] - np.array([255, 0, 0])).max() < 40
    assert np.abs(frame.image[-4, -4].astype(int) - grey).max() < 6


@pytest.mark.parametrize('suffix', ['mp4', 'mkv'])
def test_times_are_those_of_a_variable_frame_rate(tmp_path, suffix):
  times = [0, 40, 80, 200, 240, 280, 300, 500, 540, 600, 1000]
  path = toy.write_video(
    tmp_path / f'v.{suffix}', toy.grey_images(), milliseconds=times
  )
  found = [frame.seconds for frame in video.frames(path)]
  np.testing.assert_allclose(found, np.array(times) / 1000, atol=1e-6)
  # No frame every 40 ms.
  assert found[-1] > 0.9


@pytest.mark.parametrize(
  ('degrees', 'corner'), [(90, (-4, 4)), (-90, (4, -4)), (180, (-4, -4))]
)
def test_a_turned_video_is_upright(tmp_path, degrees, corner):
  path = toy.write_video(
    tmp_path / 'r.mp4', toy.grey_images((20, 20)), rotation=degrees
  )
  image = next(video.frames(path)).image
  assert image.shape == ((48, 64, 3) if degrees == 180 else (64, 48, 3))
  # Counterclockwise, the upper left corner becomes the lower left one.
  assert image[corner][0] > 200
  assert image.flags.c_contiguous


def test_pixels_that_are_not_square_widen_the_picture(tmp_path):
  path = toy.write_video(
    tmp_path / 's.mp4',
    toy.grey_images((20, 20)),
    pixel_ratio=fractions.Fraction(2, 1),
  )
  assert next(video.frames(path)).image.shape == (48, 128, 3)


def test_every_third_frame_from_the_fourth_on(tmp_path):
  path = toy.write_video(tmp_path / 'a.mp4', toy.grey_images())
  frames = list(video.frames(path, every=3, start=4))
  assert [f.index for f in frames] == [6, 9]
  assert np.abs(frames[0].image[-4, -4].astype(int) - toy.GREYS[6]).max() < 6


def test_one_frame_is_a_video(tmp_path):
  path = toy.write_video(tmp_path / 'one.mp4', toy.grey_images((90,)))
  (frame,) = video.frames(path)
  assert (frame.index, frame.seconds, frame.reason) == (0, 0, '')


def damaged(path, begin, end):
  data = bytearray(path.read_bytes())
  r = np.random.default_rng(0)
  first, last = int(len(data) * begin), int(len(data) * end)
  data[first:last] = r.integers(0, 256, last - first, np.uint8).tobytes()
  path.write_bytes(data)
  return path


def test_frames_that_cannot_be_decoded_are_rows_with_a_reason(tmp_path):
  r = np.random.default_rng(1)
  noise = [r.integers(0, 256, (48, 64, 3), np.uint8) for _ in range(20)]
  path = toy.write_video(tmp_path / 'c.mp4', noise)
  frames = list(video.frames(damaged(path, 0.4, 0.5)))
  bad = [frame for frame in frames if frame.reason]
  assert bad
  assert len(bad) < 15
  assert all(frame.image is None for frame in bad)
  assert all('corrupt' in frame.reason for frame in bad)
  # Frames before and after are read, and the order of time is kept.
  assert frames[0].image is not None
  assert frames[-1].image is not None
  assert [f.index for f in frames] == list(range(len(frames)))
  times = [f.seconds for f in frames]
  assert times == sorted(times)


def only(path):
  (frame,) = video.frames(path)
  assert frame.image is None
  assert frame.index == 0
  assert np.isnan(frame.seconds)
  assert '\n' not in frame.reason
  return frame.reason


@pytest.mark.parametrize(
  ('name', 'codec', 'count'), [('a.avi', 'mpeg4', 75), ('a.mkv', 'mpeg4', 75)]
)
def test_frames_that_a_file_states_and_lacks_are_said(
  tmp_path, caplog, name, codec, count
):
  images = toy.grey_images(np.linspace(20, 220, count).astype(int), 16, 16)
  path = toy.write_video(tmp_path / name, images, codec=codec)
  assert len(list(video.frames(path))) == count
  assert not caplog.records
  data = path.read_bytes()
  path.write_bytes(data[: len(data) * 2 // 3])
  assert 0 < len(list(video.frames(path))) < count
  assert 'was cut short' in caplog.text


def test_what_is_no_video_has_one_row_that_says_why(tmp_path):
  assert only(toy.write_sound(tmp_path / 'a.mp4')) == video.NO_VIDEO
  whole = toy.write_video(tmp_path / 'b.mp4', toy.grey_images())
  cut = tmp_path / 'cut.mp4'
  cut.write_bytes(whole.read_bytes()[:-400])
  assert 'not a video that FFmpeg can read' in only(cut)
  page = tmp_path / 'c.mp4'
  page.write_text('<html>log in</html>')
  assert 'web page' in only(page)
  (tmp_path / 'd.mp4').touch()
  assert 'empty' in only(tmp_path / 'd.mp4')
  assert 'cannot be read' in only(tmp_path / 'nowhere.mp4')
  assert video.count(cut) == 0
  # A codec of which FFmpeg has not heard.
  known = toy.write_video(tmp_path / 'e.mkv', toy.grey_images())
  data = known.read_bytes()
  assert data.count(b'V_MPEG4/ISO/AVC') == 1
  known.write_bytes(data.replace(b'V_MPEG4/ISO/AVC', b'V_NOBODYS/CODEC'))
  assert only(known) == video.NO_CODEC
