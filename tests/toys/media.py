"""Tiny videos, and a run that predicts colours, for tests of media."""

import fractions

import numpy as np
import pytest

from affect_jax.media import box as box_lib
from affect_jax.media import pictures
from affect_jax.predict import columns as columns_lib

OUTPUTS = {
  'expression': ('neutral', 'happiness', 'anger'),
  'action_units': ('AU1', 'AU12'),
  'valence_arousal': ('valence', 'arousal'),
}
THRESHOLDS = {'AU1': 0.25, 'AU12': 0.75}
# A colour of each frame, so that frames can be told apart after compression.
GREYS = tuple(range(20, 240, 20))


def columns(outputs=OUTPUTS):
  return columns_lib.Columns(outputs, THRESHOLDS)


def grey_images(greys=GREYS, height=48, width=64):
  """Grey pictures, whose upper left quarter is red."""
  images = [np.full((height, width, 3), grey, np.uint8) for grey in greys]
  for image in images:
    image[: height // 2, : width // 2] = (255, 0, 0)
  return images


def scene(step, width=80, height=40):
  """A red face that moves right, and one that is there every other time."""
  image = np.full((height, width, 3), 60, np.uint8)
  image[8:24, 2 + step : 18 + step] = (230, 20 * step, 30)
  if step % 2:
    image[10:26, 50:66] = (230, 90, 30)
  return image


def detect_red(image, *, side, min_confidence):
  """A detector: red is a face, one on each side of the picture's middle."""
  assert (side, min_confidence) == (640, 0.6)
  middle, found = image.shape[1] // 2, []
  for left in (0, middle):
    red = image[:, left : left + middle, 0].astype(int)
    red -= image[:, left : left + middle, 2]
    y, x = np.nonzero(red > 120)
    if len(x):
      size = (np.ptp(x) + 1, np.ptp(y) + 1)
      found.append(box_lib.Box(int(x.min()) + left, int(y.min()), *size, 0.8))
  return found


def write_video(
  path,
  images,
  *,
  milliseconds=None,
  codec='libx264',
  rotation=0,
  pixel_ratio=None,
):
  """Encodes pictures at 25 frames per second, or at these times."""
  av = pytest.importorskip('av')
  base = fractions.Fraction(1, 1000 if milliseconds else 25)
  times = milliseconds or range(len(images))
  with av.open(str(path), 'w') as container:
    stream = container.add_stream(codec, rate=25)
    stream.height, stream.width = images[0].shape[:2]
    stream.pix_fmt = 'yuv420p'
    stream.codec_context.time_base = base
    if rotation:
      if not hasattr(stream, 'set_display_rotation'):
        pytest.skip('This PyAV writes no rotation.')
      stream.set_display_rotation(rotation)
    if pixel_ratio:
      stream.codec_context.sample_aspect_ratio = pixel_ratio
    for image, time in zip(images, times, strict=True):
      frame = av.VideoFrame.from_ndarray(image, format='rgb24')
      frame.pts, frame.time_base = time, base
      container.mux(stream.encode(frame))
    container.mux(stream.encode())
  return path


def write_sound(path):
  """A file with sound alone."""
  av = pytest.importorskip('av')
  with av.open(str(path), 'w') as container:
    stream = container.add_stream('aac', rate=16000)
    for i in range(4):
      silence = np.zeros((1, 1024), np.float32)
      frame = av.AudioFrame.from_ndarray(silence, 'fltp', 'mono')
      frame.sample_rate, frame.pts = 16000, i * 1024
      container.mux(stream.encode(frame))
    container.mux(stream.encode())
  return path


class ColourRun:
  """What `predict.table` needs of a run, without a network.

  A crop's mean colours are its predictions: red of valence, green of arousal,
  blue of AU1, 1 - blue of AU12; the expression is happiness if it is bright.
  """

  read = staticmethod(pictures.read)

  def __init__(self, outputs=OUTPUTS, window=0, rules=None):
    self.columns = columns(outputs)
    self.window = window
    self.rules = rules
    self.batches = []

  def describe(self):
    return {'run': '/somewhere', 'checkpoint_step': 3, 'weights_sha256': 'ab'}

  def resized(self, picture):
    mean = picture.reshape(-1, 3).mean(0) / 255
    return np.broadcast_to(mean, (2, 2, 3)).astype(np.float32)

  def start(self, crops, places):
    assert len(crops) == len(places)
    self.batches.append(len(crops))
    crops = [crop.mean((0, 1)) for crop in crops]
    if self.window:  # What a row shows over time is what each frame gets.
      by_row = {r: [] for r, _ in places}
      for (row, _), crop in zip(places, crops, strict=True):
        by_row[row].append(crop)
      crops = [np.mean(by_row[row], axis=0) for row, _ in places]
    red, green, blue = np.array(crops).T
    bright = (red + green + blue) / 3
    arrays = {
      'expression': np.stack([1 - bright, bright, 0 * red], -1),
      'action_units': np.stack([blue, 1 - blue], -1),
      'valence_arousal': np.stack([2 * red - 1, 2 * green - 1], -1),
    }
    arrays = {t: arrays[t].astype(np.float32) for t in self.columns.outputs}
    return lambda: arrays
