"""Reads pieces of the sound of a video or a recording.

PyAV decodes what FFmpeg decodes; its wheels bring FFmpeg along.
"""

from collections.abc import Iterator, Sequence
import math
import pathlib
from typing import Any

from absl import logging
import numpy as np

from affect_jax.errors import MissingExtra

NO_SOUND = 'has no sound'
# A stamp that is nearer than so many seconds to where the last samples ended
# was rounded by the container; others leave a gap, which is silence.
_ROUNDED = 0.03
Chunk = tuple[int, np.ndarray]


class Unreadable(Exception):
  """A file's sound cannot be read; the message says why, from a verb on."""


def duration(path: pathlib.Path) -> float:
  """Returns the seconds of a file, as its container says.

  A container that does not say is read to its end.

  Raises:
    MissingExtra: PyAV is not installed.
    Unreadable: It has no sound, or is no recording.
  """
  av, container = _opened(path)
  with container:
    if container.duration:
      return container.duration / av.time_base
    rate = _stream(container).rate
    ends = [first + x.shape[1] for first, x in _chunks(container, av, rate)]
    return max(ends, default=0) / rate


def pieces(
  path: pathlib.Path, spans: Sequence[tuple[float, float]]
) -> Iterator[tuple[np.ndarray, int]]:
  """Yields the samples f32 [N, C] of each span, in [-1, 1], and their rate.

  The file is decoded once, and memory holds little more than a span. What
  cannot be decoded, and gaps between time stamps, are silence. A span that
  reaches beyond the end is shorter; one that lies beyond it has N = 0.

  Args:
    path: A file that FFmpeg knows.
    spans: Start and end in seconds from where playing begins, by start.

  Raises:
    MissingExtra: PyAV is not installed.
    Unreadable: It has no sound, or is no recording.
  """
  av, container = _opened(path)
  with container:
    rate = _stream(container).rate
    chunks = _chunks(container, av, rate)
    kept: list[Chunk] = []
    end, more = 0, True
    for start_s, end_s in spans:
      first, last = round(start_s * rate), round(end_s * rate)
      kept = [c for c in kept if c[0] + c[1].shape[1] > first]
      while more and end < last:
        chunk = next(chunks, None)
        if chunk is None:
          more = False
          break
        end = max(end, chunk[0] + chunk[1].shape[1])
        if end > first:
          kept.append(chunk)
      yield _joined(kept, first, min(last, end)), rate


def _joined(chunks: Sequence[Chunk], first: int, last: int) -> np.ndarray:
  channels = max((x.shape[0] for _, x in chunks), default=1)
  sound = np.zeros((max(0, last - first), channels), np.float32)
  for place, x in chunks:
    low, high = max(place, first), min(place + x.shape[1], last)
    if low < high:
      part = x[:, low - place : high - place].T
      sound[low - first : high - first, : part.shape[1]] = part
  return sound


def _opened(path: pathlib.Path) -> tuple[Any, Any]:
  av = _library()
  try:
    container = av.open(str(path))
  except (av.error.FFmpegError, OSError) as error:
    raise Unreadable(
      f'is no recording that FFmpeg can read ({error.strerror})'
    ) from error
  stream = _stream(container)
  if stream is None or not stream.rate:
    container.close()
    raise Unreadable(NO_SOUND)
  return av, container


def _stream(container: Any) -> Any:
  return next(iter(container.streams.audio), None)


def _chunks(container: Any, av: Any, rate: int) -> Iterator[Chunk]:
  """Yields decoded samples [C, N] and the place of their first."""
  began = max(0, container.start_time or 0) / av.time_base
  resampler = av.AudioResampler(format='fltp', rate=rate)
  expected = None
  for frame in _frames(container, av):
    place = expected or 0
    if frame.pts is not None:
      stamped = (float(frame.pts * frame.time_base) - began) * rate
      if expected is None or abs(stamped - expected) > _ROUNDED * rate:
        place = math.floor(stamped + 0.5)
    # The resampler would bring stamps of its own.
    frame.pts = None
    try:
      parts = [part.to_ndarray() for part in resampler.resample(frame)]
    except (av.error.FFmpegError, ValueError) as error:
      logging.warning('%s: its sound ends early: %s.', container.name, error)
      return
    for part in parts:
      # What lies before the beginning is not played.
      cut = max(0, -place)
      if cut < part.shape[1]:
        yield place + cut, part[:, cut:]
      place += part.shape[1]
    expected = place


def _frames(container: Any, av: Any) -> Iterator[Any]:
  packets = container.demux(_stream(container))
  while True:
    try:
      packet = next(packets, None)
    except av.error.FFmpegError as error:
      logging.warning('%s ends early: %s.', container.name, error)
      return
    if packet is None:
      return
    try:
      yield from packet.decode()
    except av.error.FFmpegError:
      continue  # Its time stays silent.


def _library() -> Any:
  try:
    import av
    import av.error
  except ImportError as error:
    raise MissingExtra(
      "Recordings are cut with PyAV: pip install 'affect_jax[video,audio]'."
    ) from error
  return av
