"""Reads recordings as one channel in [-1, 1], and counts what is odd.

Needs the extra 'audio': pip install 'affect_jax[audio]'.
"""

import collections
import os
import pathlib

import numpy as np

from affect_jax.corpora.features import recording_ends
from affect_jax.errors import MissingExtra
from affect_jax.errors import UserError

CUT = 'recordings cut short (read as far as they go)'
SILENT = 'recordings that are silent (kept)'
CLIPPED = 'recordings that are clipped (kept)'
LOUD = 'recordings beyond full scale (kept)'
CANCELLING = 'recordings whose channels cancel out (the loudest is read)'
INTEGERS = 'recordings of floats on the scale of integers (brought to [-1, 1])'
# Quieter than any microphone: 0.5 of 32768.
SILENCE = 2.0**-16
# Three equal samples or more at this share of full scale were cut off there: no
# voice is so flat. A recording is clipped if so many of its samples were.
TOP = 0.98
SHARE_CLIPPED = 0.001
# Float samples of a loud mix may exceed 1 by 18 dB, but not more.
LOUDEST = 8.0
# Full scale of integers of 16, 24 and 32 bits.
SCALES = (2.0**15, 2.0**23, 2.0**31)
# Channels whose mean has less than this share of their own energy's root are in
# opposite phase: independent ones have .71.
CANCELLED = 0.3


def read(
  path: str | pathlib.Path, counts: collections.Counter | None = None
) -> tuple[np.ndarray, int]:
  """Reads samples f32 [N] in [-1, 1], as one channel, and their rate in Hz.

  Channels are averaged, unless they cancel out: then the loudest is read. Float
  samples that are far beyond full scale were never divided by that of integers;
  this is made good. What is cut short, silent, clipped or beyond full scale is
  kept.

  Args:
    path: A file that libsndfile reads, such as .wav or .flac.
    counts: {what was odd: recordings}, which is added to.

  Raises:
    ImportError: soundfile is not installed.
    FileNotFoundError: there is no such file.
    UserError: the file is not a recording, has no samples, or has samples that
      are not finite or of no known scale.
  """
  counts = collections.Counter() if counts is None else counts
  try:
    import soundfile
  except ImportError as e:
    raise MissingExtra(
      "Recordings need soundfile: pip install 'affect_jax[audio]'."
    ) from e
  if not os.path.isfile(path):
    raise FileNotFoundError(f'{path}: no such file; a recording is expected.')
  try:
    with soundfile.SoundFile(path) as file:
      stated, rate = file.frames, file.samplerate
      # Some files of MP3 only let libsndfile guess.
      least = 0.95 if file.format == 'MP3' else 1
      sound = file.read(dtype='float64', always_2d=True)
  except soundfile.SoundFileError as e:
    raise UserError(
      f'{path}: not a recording that libsndfile reads ({e}); a .wav file is '
      'expected.'
    ) from e
  if not len(sound):
    raise UserError(f'{path}: the recording has no samples.')
  if not np.all(np.isfinite(sound)):
    count = np.count_nonzero(~np.isfinite(sound))
    raise UserError(f'{path}: {count} samples are not finite.')
  if recording_ends.is_cut(path) or len(sound) < least * stated:
    counts[CUT] += 1
  return mono(sound, counts, str(path)), rate


def mono(
  sound: np.ndarray, counts: collections.Counter, what: str
) -> np.ndarray:
  """Returns samples [N, C], finite, N > 0, as one channel f32 [N]; see `read`.

  Args:
    sound: The samples.
    counts: {what was odd: recordings}, which is added to.
    what: What errors call the recording.

  Raises:
    UserError: The samples are of no known scale.
  """
  peak = float(np.abs(sound).max())
  if peak > SCALES[-1]:
    raise UserError(
      f'{what}: samples reach {peak:g}, which is no known scale; write them in '
      '[-1, 1].'
    )
  if peak > LOUDEST:
    sound = sound / next(scale for scale in SCALES if peak <= scale)
    counts[INTEGERS] += 1
  elif peak > 1:
    counts[LOUD] += 1
  if _share_clipped(sound) > SHARE_CLIPPED:
    counts[CLIPPED] += 1
  one = sound.mean(axis=1)
  energy = np.mean(np.square(sound), axis=0)
  if np.mean(np.square(one)) < CANCELLED**2 * energy.mean():
    one = sound[:, int(energy.argmax())]
    counts[CANCELLING] += 1
  if np.abs(one).max() < SILENCE:
    counts[SILENT] += 1
  return one.astype(np.float32)


def _share_clipped(sound: np.ndarray) -> float:
  """Returns the largest share of a channel [N, C] that is flat at the top."""
  if len(sound) < 3:
    return 0.0
  top = (sound[2:] == sound[1:-1]) & (sound[1:-1] == sound[:-2])
  top &= np.abs(sound[1:-1]) >= TOP
  return float(top.mean(axis=0).max())
