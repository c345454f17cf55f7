"""Recordings whose scale, channels or length are not as they should be."""

import collections

import numpy as np
import pytest
import scipy.io.wavfile

from affect_jax.corpora.features import recording_ends
from affect_jax.corpora.features import recordings
from affect_jax.errors import UserError

soundfile = pytest.importorskip('soundfile', reason="needs the extra 'audio'")
RATE = 16000
TONE = 0.3 * np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE)


def write(path, sound, dtype=np.float32):
  scipy.io.wavfile.write(path, RATE, np.asarray(sound, dtype))
  return path


def read(path):
  counts = collections.Counter()
  sound, rate = recordings.read(path, counts)
  assert rate == RATE
  assert sound.dtype == np.float32
  return sound, dict(counts)


@pytest.mark.parametrize('scale', [2**15, 2**23, 2**31])
def test_floats_on_the_scale_of_integers(tmp_path, scale):
  """Of 16, 24 and 32 bits: the recording is what the integers would be."""
  sound, counts = read(write(tmp_path / 'a.wav', TONE * scale))
  np.testing.assert_allclose(sound, TONE, atol=1e-6)
  assert counts == {recordings.INTEGERS: 1}


def test_loud_is_not_another_scale(tmp_path):
  sound, counts = read(write(tmp_path / 'a.wav', TONE * 10))
  np.testing.assert_allclose(sound, TONE * 10, rtol=1e-6)
  assert counts == {recordings.LOUD: 1}
  with pytest.raises(UserError, match='no known scale'):
    read(write(tmp_path / 'a.wav', TONE * 1e12))


def test_channels_that_cancel_out(tmp_path):
  both = np.stack([TONE, -0.9 * TONE], axis=1)
  sound, counts = read(write(tmp_path / 'a.wav', both))
  np.testing.assert_allclose(sound, TONE, atol=1e-6)
  assert counts == {recordings.CANCELLING: 1}
  one_sided = np.stack([TONE, 0 * TONE], axis=1)
  sound, counts = read(write(tmp_path / 'a.wav', one_sided))
  np.testing.assert_allclose(sound, TONE / 2, atol=1e-6)
  assert not counts


def test_silence_is_counted(tmp_path):
  sound, counts = read(write(tmp_path / 'a.wav', 0 * TONE, np.int16))
  assert len(sound) == RATE
  assert counts == {recordings.SILENT: 1}
  _, counts = read(write(tmp_path / 'a.wav', 32767 * TONE, np.int16))
  assert not counts


def test_what_is_cut_short_is_counted(tmp_path):
  whole = write(tmp_path / 'a.wav', 32767 * TONE, np.int16).read_bytes()
  path = tmp_path / 'b.wav'
  path.write_bytes(whole[: len(whole) // 3])
  sound, counts = read(path)
  assert 0 < len(sound) < RATE / 2
  assert counts == {recordings.CUT: 1}
  # A program that wrote into a pipe did not know the size.
  at = whole.index(b'data') + 4
  path.write_bytes(whole[:at] + b'\xff' * 4 + whole[at + 4 :])
  sound, counts = read(path)
  assert len(sound) == RATE
  assert not counts


@pytest.mark.parametrize(
  ('suffix', 'options'),
  [
    ('aiff', {}),
    ('au', {}),
    ('w64', {}),
    ('rf64', {}),
    ('mp3', {}),
    ('ogg', {}),
    ('opus', {'format': 'OGG', 'subtype': 'OPUS'}),
    ('rifx', {'format': 'WAV', 'endian': 'BIG'}),
  ],
)
def test_other_files_that_are_cut_short_are_counted(tmp_path, suffix, options):
  noise = 0.01 * np.random.default_rng(0).normal(size=4 * RATE)
  path = tmp_path / f'a.{suffix}'
  soundfile.write(path, np.tile(TONE, 4) + noise, RATE, **options)
  sound, counts = read(path)
  assert len(sound) == 4 * RATE
  assert not counts
  whole = path.read_bytes()
  path.write_bytes(whole[: len(whole) // 2])
  sound, counts = read(path)
  assert 0 < len(sound) < 3 * RATE
  assert counts == {recordings.CUT: 1}


def test_heads_without_samples_are_read_to_their_end(tmp_path):
  path = tmp_path / 'a'
  for head in (
    b'caff\0\1\0\0desc' + b'\xff' * 8,
    b'RIFF\4\0\0\0WAVE',
    b'riff' + bytes(20) + b'wave' + bytes(36),
    b'RF64\xff\xff\xff\xffWAVEdata\0\0\0\0',
    b'.snd\0\0',
    b'',
  ):
    path.write_bytes(head)
    assert not recording_ends.is_cut(path)
