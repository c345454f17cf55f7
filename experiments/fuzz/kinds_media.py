"""Pictures, recordings, videos and subtitles."""
# `toys` lie in tests/.
# pyright: reportMissingImports=false

import collections
import functools
import pathlib

from kind import Kind
import numpy as np
from PIL import Image
import soundfile
from toys import media as toy_media
from toys import spoken as toy_spoken

from affect_jax.corpora.features import recordings
from affect_jax.corpora.files import decoding
from affect_jax.corpora.files import pictures as picture_files
from affect_jax.errors import UserError
from affect_jax.media import frame as frame_lib
from affect_jax.media import pictures
from affect_jax.media import sound
from affect_jax.media import video
from affect_jax.predict.spoken import subtitles

RATE = 8000
PIXELS = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)


def _picture(name: str, **options):
  def make(folder: pathlib.Path) -> None:
    Image.fromarray(PIXELS).save(folder / name, **options)

  return make


def _read_picture(name: str):
  def read(folder: pathlib.Path) -> int:
    """Prepares it, and predicts it with and without TensorFlow."""
    path = folder / name
    for decode in (decoding.by_tensorflow, decoding.without_tensorflow):
      _used([pictures.read(path, decode=decode)], path)
    try:
      picture_files.read(path, picture_files.Rules('crop', 16))
    except UserError as error:  # Its caller says which file it is.
      raise UserError(f'{path} {error}') from error
    return 1

  return read


def _used(frames: list[frame_lib.Frame], path: pathlib.Path) -> int:
  """Returns how many frames there are; those that failed are rows, too."""
  if len(frames) == 1 and frames[0].image is None:
    raise UserError(f'{path} {frames[0].reason}')
  return len(frames)


def _video(name: str, codec: str):
  def make(folder: pathlib.Path) -> None:
    toy_media.write_video(
      folder / name, toy_media.grey_images(height=32, width=32), codec=codec
    )

  return make


def _read_video(name: str):
  def read(folder: pathlib.Path) -> int:
    path = folder / name
    video.count(path)
    video.began(path)
    return _used(list(video.frames(path)), path)

  return read


def _sound() -> np.ndarray:
  times = np.arange(RATE // 2) / RATE
  return 0.3 * np.sin(2 * np.pi * 220 * times)


def _recording(name: str, **options):
  def make(folder: pathlib.Path) -> None:
    soundfile.write(folder / name, _sound(), RATE, **options)

  return make


def _read_recording(name: str):
  def read(folder: pathlib.Path) -> int:
    counts: collections.Counter = collections.Counter()
    samples, _ = recordings.read(folder / name, counts)
    return RATE // 2 if counts[recordings.CUT] else len(samples)

  return read


def _read_pieces(name: str, folder: pathlib.Path) -> int:
  path = folder / name
  try:
    sound.duration(path)
    spans = [(0.0, 0.1), (0.1, 0.3), (0.25, 0.5)]
    return len([len(x) for x, _ in sound.pieces(path, spans)])
  except sound.Unreadable as error:  # A row's reason.
    raise UserError(f'{path} {error}') from error


def _spoken(folder: pathlib.Path) -> None:
  samples = (_sound() * 32767).astype(np.int16)
  toy_spoken.write_video(folder / 'talk.mkv', samples)


SRT = toy_spoken.subtitles([(0, 1), (1.5, 2), (2, 3.25)], ['A b', 'c', 'd, e'])
VTT = 'WEBVTT\n\n' + SRT.replace(',', '.')
LABELS = '0.5\t1.25\tI see\n\\\t10\t20\n2,5 3 so\n4\t5\n'


def _text(name: str, text: str):
  return Kind(
    lambda folder: (folder / name).write_text(text),
    lambda folder: len(subtitles.read(folder / name)),
  )


KINDS = {
  **{
    name: Kind(_picture(file, **options), _read_picture(file))
    for name, file, options in (
      ('png', 'a.png', {}),
      ('jpeg', 'a.jpg', {}),
      ('jpeg_progressive', 'a.jpeg', {'progressive': True}),
      ('bmp', 'a.bmp', {}),
      ('gif', 'a.gif', {}),
      ('tiff', 'a.tif', {}),
      ('tiff_packed', 'a.tiff', {'compression': 'tiff_lzw'}),
      ('webp', 'a.webp', {}),
    )
  },
  **{
    # An MP3 need not state how long it is.
    name: Kind(
      _recording(file, **options), _read_recording(file), counted=name != 'mp3'
    )
    for name, file, options in (
      ('wav', 'a.wav', {}),
      ('wav_float', 'a.wav', {'subtype': 'FLOAT'}),
      ('flac', 'a.flac', {}),
      ('ogg', 'a.ogg', {}),
      ('mp3', 'a.mp3', {}),
      ('aiff', 'a.aiff', {}),
      ('au', 'a.au', {}),
      ('caf', 'a.caf', {}),
      ('w64', 'a.w64', {}),
      ('rf64', 'a.rf64', {}),
    )
  },
  **{
    # Matroska states no number of frames, only how long they last.
    name: Kind(_video(file, codec), _read_video(file), counted=counted)
    for name, file, codec, counted in (
      ('mp4', 'a.mp4', 'libx264', True),
      ('mkv', 'a.mkv', 'libx264', False),
      ('avi', 'a.avi', 'mpeg4', True),
      ('webm', 'a.webm', 'libvpx', False),
    )
  },
  'sound_of_video': Kind(
    _spoken, functools.partial(_read_pieces, 'talk.mkv'), counted=True
  ),
  'sound_of_wav': Kind(
    _recording('a.wav'), functools.partial(_read_pieces, 'a.wav'), counted=True
  ),
  'srt': _text('a.srt', SRT),
  'vtt': _text('a.vtt', VTT),
  'labels_txt': _text('a.txt', LABELS),
}
