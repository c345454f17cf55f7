"""Features of a voice from a .wav file: mel bands, pitch, energy.

Every 10 ms, in this order (`names`):

  logmel_00 ... logmel_39  dB of the power in 40 mel bands (Slaney's scale)
                           from 0 Hz to half the sample rate, in windows of
                           25 ms; -100 for silence
  f0_hz                    fundamental frequency in Hz, by probabilistic YIN
                           (Mauch and Dixon, 2014); 0 where unvoiced
  voiced                   1 where pYIN finds a voice, else 0
  rms_db                   dB of full scale of the root mean square, in windows
                           of 25 ms; -100 for silence. A sine of amplitude 1
                           has -3.01

Row t describes the window centred on sample t x hop, with silence before and
after the recording. Values are raw: a model should normalise them on its own
train split.

Needs the extra 'audio': pip install 'affect_jax[audio]'.
"""

import collections
import pathlib

import numpy as np

from affect_jax.corpora.features import recordings
from affect_jax.errors import MissingExtra
from affect_jax.errors import UserError

MEL_BANDS = 40
# Seconds.
HOP, WINDOW, PITCH_WINDOW = 0.010, 0.025, 0.064
# Hz: from a low man's voice to a high scream.
PITCHES = (65.0, 600.0)
# dB of silence.
FLOOR = -100.0


def names(mel_bands: int = MEL_BANDS) -> tuple[str, ...]:
  """Names of the columns of `features`."""
  bands = [f'logmel_{k:02d}' for k in range(mel_bands)]
  return (*bands, 'f0_hz', 'voiced', 'rms_db')


def features(
  path: str | pathlib.Path,
  *,
  sample_rate: int = 16000,
  hop: float = HOP,
  mel_bands: int = MEL_BANDS,
  pitches: tuple[float, float] = PITCHES,
  counts: collections.Counter | None = None,
) -> np.ndarray:
  """Computes features f32 [T, mel_bands + 3] of a recording; see `names`.

  T = 1 + samples // hop, the hop in samples, so even a recording shorter than a
  window has a row. `recordings.read` says how channels become one.

  Args:
    path: A .wav, or another file that libsndfile reads, such as .flac.
    sample_rate: Hz, at least 2000; other recordings are resampled.
    hop: Seconds from row to row, rounded to whole samples; at least one.
    mel_bands: Number of mel bands, at least 1.
    pitches: Lowest and highest fundamental frequency in Hz, at most half the
      sample rate.
    counts: {what is odd of a recording: recordings}, which is added to.

  Raises:
    ImportError: librosa is not installed.
    FileNotFoundError: there is no such file.
    UserError: the file cannot be used, see `recordings.read`; or an option is
      out of its range.
  """
  _check(sample_rate, hop, mel_bands, pitches)
  sound, rate = recordings.read(path, counts)
  return of_sound(
    sound,
    rate,
    sample_rate=sample_rate,
    hop=hop,
    mel_bands=mel_bands,
    pitches=pitches,
  )


def _check(
  sample_rate: int, hop: float, mel_bands: int, pitches: tuple[float, float]
) -> None:
  """Raises UserError if an option is out of its range."""
  step = round(hop * sample_rate)
  if sample_rate < 2000 or mel_bands < 1 or step < 1:
    raise UserError(
      f'sample_rate is {sample_rate}, mel_bands {mel_bands} and hop {hop} s; '
      'they must be at least 2000, 1 and one sample.'
    )
  if not 0 < pitches[0] < pitches[1] <= sample_rate / 2:
    raise UserError(
      f'pitches are {pitches}; they must be 0 < lowest < highest <= '
      f'{sample_rate / 2:g} Hz.'
    )


def of_sound(
  sound: np.ndarray,
  rate: int,
  *,
  sample_rate: int = 16000,
  hop: float = HOP,
  mel_bands: int = MEL_BANDS,
  pitches: tuple[float, float] = PITCHES,
) -> np.ndarray:
  """Computes `features` of samples f32 [N] in [-1, 1] at `rate` Hz, N > 0.

  Raises:
    ImportError: librosa is not installed.
    UserError: An option is out of its range.
  """
  _check(sample_rate, hop, mel_bands, pitches)
  try:
    import librosa
  except ImportError as e:
    raise MissingExtra(
      "Features of recordings need librosa: pip install 'affect_jax[audio]'."
    ) from e
  step = round(hop * sample_rate)
  if rate != sample_rate:
    sound = librosa.resample(sound, orig_sr=rate, target_sr=sample_rate)
  rows = 1 + len(sound) // step
  window = round(WINDOW * sample_rate)
  longest = max(
    round(PITCH_WINDOW * sample_rate), _shortest(pitches[0], sample_rate)
  )
  # Windows reach beyond the end into silence anyway; librosa warns if the
  # recording is shorter than one.
  sound = np.pad(sound, (0, max(0, longest - len(sound))))

  # A power of two that holds the window, for the sake of speed.
  size = 1 << (window - 1).bit_length()
  power = librosa.feature.melspectrogram(
    y=sound,
    sr=sample_rate,
    n_fft=size,
    win_length=window,
    hop_length=step,
    n_mels=mel_bands,
    pad_mode='constant',
    power=2.0,
  )
  f0, voiced, _ = librosa.pyin(
    sound,
    fmin=pitches[0],
    fmax=pitches[1],
    sr=sample_rate,
    frame_length=longest,
    hop_length=step,
    fill_na=0.0,
    pad_mode='constant',
  )
  rms = librosa.feature.rms(
    y=sound, frame_length=window, hop_length=step, pad_mode='constant'
  )
  # A floor that does not depend on how loud the rest of the recording is.
  columns = [
    _decibels(power.T),
    f0[:, None],
    voiced[:, None],
    _decibels(np.square(rms.T)),
  ]
  return np.concatenate([c[:rows] for c in columns], axis=1).astype(np.float32)


def _shortest(lowest: float, sample_rate: int) -> int:
  """Returns the samples of the shortest window in which pYIN finds a pitch.

  YIN compares half a window with itself, one period later: four periods of
  the lowest pitch, rounded up to an even number.
  """
  return 2 * int(np.ceil(2 * sample_rate / lowest))


def _decibels(power: np.ndarray) -> np.ndarray:
  levels = 10 * np.log10(np.maximum(power, 10 ** (FLOOR / 10)))
  # Some processors round the logarithm to below the floor.
  return np.maximum(levels, np.float32(FLOOR))
