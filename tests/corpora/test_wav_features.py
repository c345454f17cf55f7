import builtins
import warnings

import numpy as np
import pytest
import scipy.io.wavfile
import scipy.signal

from affect_jax.corpora.features import sequences
from affect_jax.corpora.features import wav_features

RATE = 16000
F0, VOICED, RMS = (
  wav_features.names().index(n) for n in ('f0_hz', 'voiced', 'rms_db')
)


@pytest.fixture(autouse=True)
def librosa():
  return pytest.importorskip('librosa', reason="needs the extra 'audio'")


def sine(hz, seconds=1.0, amplitude=0.5, rate=RATE):
  return amplitude * np.sin(2 * np.pi * hz * np.arange(seconds * rate) / rate)


def voice(hz, seconds=1.0, rate=RATE):
  """A tone with harmonics, as a voice has them."""
  return sum(sine(k * hz, seconds, 0.3 / k, rate) for k in range(1, 8))


def write(path, sound, rate=RATE):
  scipy.io.wavfile.write(path, rate, np.asarray(sound, np.float32))
  return path


def inner(found):
  """Without the rows whose windows reach beyond the recording."""
  return found[5:-5]


def mel_centres(bands=40, rate=RATE):
  """Hz of the bands' peaks on Slaney's scale, from its definition."""

  def to_mel(hz):
    return (
      hz * 3 / 200 if hz < 1000 else 15 + 27 * np.log(hz / 1000) / np.log(6.4)
    )

  def to_hz(mel):
    return mel * 200 / 3 if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27)

  return np.array(
    [to_hz(m) for m in np.linspace(0, to_mel(rate / 2), bands + 2)]
  )


def test_shape_and_names(tmp_path):
  found = wav_features.features(write(tmp_path / 'a.wav', sine(200, 0.5)))
  assert found.shape == (1 + 8000 // 160, 43)
  assert found.dtype == np.float32
  names = wav_features.names()
  assert len(names) == len(set(names)) == 43
  assert names[0] == 'logmel_00'
  assert names[-3:] == ('f0_hz', 'voiced', 'rms_db')
  few = wav_features.features(tmp_path / 'a.wav', mel_bands=13)
  assert few.shape == (51, 16)
  assert len(wav_features.names(13)) == 16
  found_rarely = wav_features.features(tmp_path / 'a.wav', hop=0.05)
  assert len(found_rarely) == 1 + 8000 // 800
  keep = [*range(40), RMS]
  np.testing.assert_allclose(found_rarely[:, keep], found[::5, keep], atol=1e-3)


@pytest.mark.parametrize('hz', [80, 123.4, 220, 440])
def test_pitch_of_a_tone_within_one_percent(tmp_path, hz):
  found = inner(wav_features.features(write(tmp_path / 'a.wav', voice(hz))))
  assert np.all(found[:, VOICED] == 1)
  np.testing.assert_allclose(found[:, F0], hz, rtol=0.01)


def test_pitch_follows_and_ends(tmp_path):
  quiet = 1e-3 * np.random.default_rng(0).standard_normal(RATE)
  sound = np.concatenate([voice(110), voice(300), quiet])
  found = wav_features.features(write(tmp_path / 'a.wav', sound))
  np.testing.assert_allclose(found[10:90, F0], 110, rtol=0.01)
  np.testing.assert_allclose(found[110:190, F0], 300, rtol=0.01)
  assert np.mean(found[215:295, VOICED]) < 0.2
  assert np.all((found[:, F0] > 0) == (found[:, VOICED] == 1))


@pytest.mark.parametrize('amplitude', [1.0, 0.1, 0.01])
def test_energy_of_a_known_amplitude(tmp_path, amplitude):
  # 25 ms hold 25 whole periods of 1000 Hz: the mean square is exact.
  sound = sine(1000, amplitude=amplitude)
  found = inner(wav_features.features(write(tmp_path / 'a.wav', sound)))
  expected = 20 * np.log10(amplitude) - 3.0103
  np.testing.assert_allclose(found[:, RMS], expected, atol=0.01)


@pytest.mark.parametrize('hz', [300, 1000, 3000, 6000])
def test_the_loudest_band_is_the_nearest(tmp_path, hz):
  found = inner(wav_features.features(write(tmp_path / 'a.wav', sine(hz))))
  nearest = np.argmin(np.abs(mel_centres()[1:-1] - hz))
  assert np.all(np.argmax(found[:, :40], axis=1) == nearest)


def test_mel_bands_against_numpy(tmp_path):
  rng = np.random.default_rng(1)
  sound = (0.1 * rng.standard_normal(4000)).astype(np.float32)
  found = wav_features.features(write(tmp_path / 'a.wav', sound))
  # A window of 400 samples in the middle of 512, around every 160th sample.
  window = np.zeros(512)
  window[56:456] = scipy.signal.get_window('hann', 400)
  padded = np.pad(sound.astype(np.float64), 256)
  bins = np.arange(257) * RATE / 512
  edges = mel_centres()
  triangles = [
    np.clip(np.minimum((bins - a) / (b - a), (c - bins) / (c - b)), 0, None)
    * (2 / (c - a))
    for a, b, c in zip(edges, edges[1:], edges[2:], strict=False)
  ]
  for row in (0, 1, 12, len(found) - 1):
    frame = padded[160 * row : 160 * row + 512] * window
    power = np.square(np.abs(np.fft.rfft(frame)))
    expected = 10 * np.log10(np.array(triangles) @ power)
    np.testing.assert_allclose(found[row, :40], expected, atol=0.01)


def test_rows_do_not_depend_on_what_is_far_away(tmp_path):
  sound = 0.01 * voice(200)
  alone = wav_features.features(write(tmp_path / 'a.wav', sound))
  louder = np.concatenate([sound, voice(200)])
  after = wav_features.features(write(tmp_path / 'b.wav', louder))
  keep = [*range(40), RMS]
  np.testing.assert_allclose(after[:90, keep], alone[:90, keep], atol=0.01)


def test_silence(tmp_path):
  found = wav_features.features(write(tmp_path / 'a.wav', np.zeros(4000)))
  assert np.all(found[:, :40] == -100)
  assert np.all(found[:, [F0, VOICED]] == 0)
  assert np.all(found[:, RMS] == -100)


def test_a_constant_has_no_pitch(tmp_path):
  found = wav_features.features(write(tmp_path / 'a.wav', np.full(8000, 0.2)))
  assert np.all(np.isfinite(found))
  assert np.all(inner(found)[:, [F0, VOICED]] == 0)
  np.testing.assert_allclose(
    inner(found)[:, RMS], 20 * np.log10(0.2), atol=0.01
  )


@pytest.mark.parametrize('samples', [1, 100, 399, 600])
def test_short_recordings(tmp_path, samples):
  path = write(tmp_path / 'a.wav', sine(300)[:samples])
  with warnings.catch_warnings():
    warnings.simplefilter('error', UserWarning)
    found = wav_features.features(path)
  assert found.shape == (1 + samples // 160, 43)
  assert np.all(np.isfinite(found))


def test_channels_are_averaged(tmp_path):
  a, b = voice(200), voice(330)
  stereo = write(tmp_path / 'a.wav', np.stack([a, b], axis=1))
  mono = write(tmp_path / 'b.wav', (a + b) / 2)
  np.testing.assert_allclose(
    wav_features.features(stereo), wav_features.features(mono), atol=0.05
  )


@pytest.mark.parametrize('rate', [8000, 22050, 44100, 48000])
def test_other_sample_rates(tmp_path, rate):
  path = write(tmp_path / 'a.wav', voice(220, rate=rate), rate)
  found = wav_features.features(path)
  assert abs(len(found) - 101) <= 1
  np.testing.assert_allclose(inner(found)[:, F0], 220, rtol=0.01)


def test_integers_are_scaled(tmp_path):
  scipy.io.wavfile.write(
    tmp_path / 'a.wav', RATE, np.int16(np.round(32767 * sine(1000)))
  )
  found = inner(wav_features.features(tmp_path / 'a.wav'))
  np.testing.assert_allclose(found[:, RMS], -9.031, atol=0.02)


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    (b'', r'a\.wav: not a recording'),
    (b'some text, and no sound at all', r'a\.wav: not a recording'),
  ],
)
def test_files_that_are_no_recording(tmp_path, content, message):
  path = tmp_path / 'a.wav'
  path.write_bytes(content)
  with pytest.raises(ValueError, match=message):
    wav_features.features(path)


def test_bad_recordings_and_options(tmp_path):
  with pytest.raises(FileNotFoundError, match=r'none\.wav: no such file'):
    wav_features.features(tmp_path / 'none.wav')
  with pytest.raises(ValueError, match=r'a\.wav: the recording has no samples'):
    wav_features.features(write(tmp_path / 'a.wav', np.zeros(0)))
  broken = sine(200)
  broken[7:9] = np.nan
  with pytest.raises(ValueError, match=r'b\.wav: 2 samples are not finite'):
    wav_features.features(write(tmp_path / 'b.wav', broken))
  good = write(tmp_path / 'c.wav', sine(200))
  with pytest.raises(ValueError, match='pitches are'):
    wav_features.features(good, pitches=(300, 200))
  with pytest.raises(ValueError, match='pitches are'):
    wav_features.features(good, sample_rate=2000, pitches=(65, 1200))
  with pytest.raises(ValueError, match='mel_bands 0'):
    wav_features.features(good, mel_bands=0)
  with pytest.raises(ValueError, match='hop 0 s'):
    wav_features.features(good, hop=0)


def test_without_the_library(tmp_path, monkeypatch):
  real = builtins.__import__

  def imported(name, *args, **kwargs):
    if name == 'librosa':
      raise ImportError('No module named librosa')
    return real(name, *args, **kwargs)

  monkeypatch.setattr(builtins, '__import__', imported)
  with pytest.raises(ImportError, match=r"pip install 'affect_jax\[audio\]'"):
    wav_features.features(write(tmp_path / 'a.wav', sine(200)))


@pytest.mark.parametrize('kind', ['flac', 'ogg', 'mp3', 'aiff'])
def test_recordings_of_other_kinds_have_the_same_voice(tmp_path, kind):
  soundfile = pytest.importorskip('soundfile')
  if kind.upper() not in soundfile.available_formats():
    pytest.skip(f'this libsndfile reads no {kind}')
  sound = voice(150, 0.3)
  soundfile.write(tmp_path / f'a.{kind}', sound, RATE)
  wav = sequences.read(write(tmp_path / 'a.wav', sound))
  found = sequences.read(tmp_path / f'a.{kind}')
  # mp3 begins with some silence of its own.
  assert abs(len(found) - len(wav)) <= 12
  one, other = (np.median(x[8:-8], axis=0) for x in (wav, found))
  assert other[F0] == pytest.approx(one[F0], abs=1.0)
  assert other[VOICED] == one[VOICED] == 1
  assert other[RMS] == pytest.approx(one[RMS], abs=0.5)
