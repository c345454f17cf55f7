"""Pieces of sound are what a recording has between two times."""

import numpy as np
import pytest

from affect_jax.media import sound

av = pytest.importorskip('av', reason="needs the extra 'video'")
RATE = 8000


def write(path, samples, *, first=0, skip=(), codec='pcm_s16le'):
  """Sound int16 [N, C], whose stamps begin at `first`; some chunks are gone."""
  layout = {1: 'mono', 2: 'stereo'}[samples.shape[1]]
  with av.open(str(path), 'w') as container:
    stream = container.add_stream(codec, rate=RATE, layout=layout)
    for k in range(0, len(samples), 800):
      if k in skip:
        continue
      part = np.ascontiguousarray(samples[k : k + 800]).reshape(1, -1)
      frame = av.AudioFrame.from_ndarray(part, 's16', layout)
      frame.sample_rate, frame.pts = RATE, first + k
      container.mux(stream.encode(frame))
    container.mux(stream.encode())
  return path


@pytest.fixture(scope='module')
def samples():
  r = np.random.default_rng(0)
  return r.integers(-9000, 9000, (RATE, 2)).astype(np.int16)


@pytest.mark.parametrize('suffix', ['wav', 'mkv'])
def test_pieces_are_slices(tmp_path, samples, suffix):
  path = write(tmp_path / f'a.{suffix}', samples)
  assert sound.duration(path) == pytest.approx(1, abs=0.002)
  spans = [(0, 0.25), (0.1, 0.5), (0.2, 0.21), (0.9, 1.5), (2, 3)]
  pieces = list(sound.pieces(path, spans))
  assert {rate for _, rate in pieces} == {RATE}
  for (found, _), (start, end) in zip(pieces, spans, strict=True):
    expected = samples[round(start * RATE) : round(end * RATE)] / 32768
    assert len(found) == len(expected)
    if len(expected):
      np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_gap_between_stamps_is_silence(tmp_path, samples):
  path = write(tmp_path / 'a.mkv', samples, skip=(1600, 2400))
  ((found, _),) = sound.pieces(path, [(0, 1)])
  expected = samples / 32768
  expected[1600:3200] = 0
  np.testing.assert_allclose(found, expected, atol=1e-6)


def test_what_has_no_sound_says_so(tmp_path):
  path = tmp_path / 'a.mp4'
  path.write_bytes(b'nothing')
  with pytest.raises(sound.Unreadable, match='no recording that FFmpeg'):
    sound.duration(path)
  with av.open(str(path), 'w') as container:
    stream = container.add_stream('mpeg4', rate=1)
    stream.width = stream.height = 16
    stream.pix_fmt = 'yuv420p'
    grey = np.full((16, 16, 3), 9, np.uint8)
    container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, 'rgb24')))
    container.mux(stream.encode())
  with pytest.raises(sound.Unreadable, match='has no sound'):
    next(sound.pieces(path, [(0, 1)]))
