"""Reads the frames of a video or a camera, with the times that it states.

PyAV decodes what FFmpeg decodes; its wheels bring FFmpeg along.
"""

from collections.abc import Iterator
import heapq
import pathlib
import re
import sys
from typing import Any

from absl import logging
import numpy as np

from affect_jax import file_kind
from affect_jax.errors import MissingExtra
from affect_jax.errors import UserError
from affect_jax.media import frame as frame_lib

NO_VIDEO = 'has no video'
NO_CODEC = 'has a video whose codec cannot be read'
NO_FRAME = 'has a video of which no frame can be decoded'
CORRUPT = 'the frame is corrupt'
_NAN = float('nan')


def frames(
  path: pathlib.Path | int, *, every: int = 1, start: int = 0
) -> Iterator[frame_lib.Frame]:
  """Yields every n-th frame, in the order in which they are shown.

  Times are the frame's presentation time stamps, so that they are right where
  the frame rate varies, too. Pictures are turned upright as the container says
  (phones), and those whose pixels are not square are widened.

  A frame that cannot be decoded, or of which the decoder says that it is
  corrupt, is yielded without a picture. So is a file that cannot be read at
  all: as frame 0. Frames that a decoder leaves out silently are not known; the
  log says how many the file states, if these are more.

  Args:
    path: A file that FFmpeg may know; or the number of a camera, which yields
      frames, timed from its first one, until it is closed or unplugged.
    every: Yield frames 0, n, 2n and so on. The others are decoded, as later
      frames depend on them.
    start: Yield none before this one.

  Raises:
    MissingExtra: PyAV is not installed.
  """
  av = library()
  is_camera = isinstance(path, int)
  try:
    container = open_camera(path) if is_camera else av.open(str(path))
  except (av.error.FFmpegError, OSError) as error:
    if is_camera:
      yield frame_lib.failed(f'cannot be opened ({error.strerror})')
      return
    reason = f'is not a video that FFmpeg can read ({error.strerror})'
    yield frame_lib.failed(_kind(path) or reason)
    return
  with container:
    stream = _stream(container)
    if stream is None or stream.codec_context is None:
      yield frame_lib.failed(NO_VIDEO if stream is None else NO_CODEC)
      return
    index, seconds, first = -1, _NAN, None
    for index, (seconds, frame, reason) in enumerate(_decoded(stream, av)):
      if is_camera:
        first = seconds if first is None else first
        seconds -= first
      if index < start or index % every:
        continue
      if frame is None:
        yield frame_lib.failed(reason, index, seconds)
        continue
      try:
        image = _upright(frame, stream)
      except (av.error.FFmpegError, ValueError) as error:
        yield frame_lib.failed(f'{CORRUPT}: {error}', index, seconds)
        continue
      yield frame_lib.Frame(index, seconds, image)
    if index < 0:
      yield frame_lib.failed(NO_FRAME)
    elif not is_camera:
      _warn_of_loss(path, stream, index + 1, seconds)


def open_camera(number: int) -> Any:
  """Opens a camera of this computer.

  Raises:
    UserError: It is not known how, on this system.
  """
  av = library()
  if sys.platform == 'darwin':
    options = {'framerate': '30'}
    return av.open(f'{number}:none', format='avfoundation', options=options)
  if sys.platform == 'linux':
    return av.open(f'/dev/video{number}', format='v4l2')
  raise UserError(
    'Cameras are read on Linux and macOS alone: record a video, and give that.'
  )


def count(path: pathlib.Path) -> int:
  """Returns about how many frames a video has; 0 if that is unknown."""
  av = library()
  try:
    with av.open(str(path)) as container:
      stream = _stream(container)
      if stream is None or stream.frames:
        return stream.frames if stream else 0
      seconds = (container.duration or 0) / av.time_base
      return int(seconds * (stream.average_rate or 0))
  except (av.error.FFmpegError, OSError):
    return 0


def duration(path: pathlib.Path) -> float:
  """Returns the seconds of a video, as its container says; 0 if unknown."""
  av = library()
  try:
    with av.open(str(path)) as container:
      seconds = (container.duration or 0) / av.time_base
      return seconds if _stream(container) else 0.0
  except (av.error.FFmpegError, OSError):
    return 0.0


def began(path: pathlib.Path) -> float:
  """Returns the seconds on a container's clock at which playing begins."""
  av = library()
  try:
    with av.open(str(path)) as container:
      return max(0, container.start_time or 0) / av.time_base
  except (av.error.FFmpegError, OSError):
    return 0.0


def _decoded(stream: Any, av: Any) -> Iterator[tuple[float, Any, str]]:
  """Yields (seconds, frame, '') of frames, or (seconds, None, reason)."""
  # Time stamps of packets that failed. The decoder holds frames back to bring
  # them into order; a failure must not overtake those before it.
  lost: list[int] = []
  seconds = lambda pts: _NAN if pts is None else float(pts * stream.time_base)
  failure = lambda: (seconds(heapq.heappop(lost)), None, CORRUPT)
  packets = stream.container.demux(stream)
  while True:
    try:
      packet = next(packets, None)
    except av.error.FFmpegError as error:
      logging.warning('%s ends early: %s.', stream.container.name, error)
      packet = None
    if packet is None:
      break
    try:
      decoded = packet.decode()
    except av.error.FFmpegError:
      if packet.pts is not None:
        heapq.heappush(lost, packet.pts)
      continue
    for frame in decoded:
      while lost and frame.pts is not None and lost[0] < frame.pts:
        yield failure()
      bad = frame.is_corrupt
      yield seconds(frame.pts), None if bad else frame, CORRUPT if bad else ''
  while lost:
    yield failure()


def _warn_of_loss(path: Any, stream: Any, count: int, last: float) -> None:
  """Warns if a file states more frames, or a later end, than could be read.

  Args:
    path: The file, for the message.
    stream: Its video, which was read to its end.
    count: Frames that were read, with those that failed.
    last: Time stamp of the last in seconds, or NaN.
  """
  lost = ''
  if count < stream.frames:
    lost = f'{count} frames could be read, and the file states {stream.frames}'
  # What Matroska and WebM state in place of a number. The last frame may be
  # shown for a while.
  said = re.match(
    r'(\d+):(\d+):(\d+\.\d+)', stream.metadata.get('DURATION', '')
  )
  if said and not stream.frames:
    hours, minutes, seconds = map(float, said.groups())
    end = 3600 * hours + 60 * minutes + seconds
    if last < 0.9 * end - 1:
      lost = (
        f'the last frame that could be read is at {last:.1f} s of {end:.1f}'
      )
  if lost:
    logging.warning('%s: %s: it is damaged or was cut short.', path, lost)


def _upright(frame: Any, stream: Any) -> np.ndarray:
  """Returns a frame's picture, uint8 [H, W, 3], as it is meant to be seen."""
  ratio = float(stream.sample_aspect_ratio or 1)
  size = {} if ratio == 1 else {'width': max(1, round(frame.width * ratio))}
  image = frame.to_ndarray(format='rgb24', **size)
  return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90)))


def _stream(container: Any) -> Any:
  """Returns the video of a container; None if it has none.

  The cover of a song is no video.
  """
  cover = 'attached_pic'
  videos = [
    s
    for s in container.streams.video
    if cover not in str(s.disposition.name).lower()
  ]
  return videos[0] if videos else None


def _kind(path: pathlib.Path) -> str:
  """Says what a file is that is no video; '' if that is not known."""
  try:
    with open(path, 'rb') as file:
      kind = file_kind.describe(file.read(file_kind.HEAD))
  except OSError as error:
    return f'cannot be read ({error.strerror})'
  # A container that is cut off keeps the first bytes of a video.
  return '' if 'is a video' in kind else kind


def library() -> Any:
  """Returns PyAV, or raises MissingExtra."""
  try:
    import av
    import av.error
  except ImportError as error:
    raise MissingExtra(
      "Videos are read with PyAV: pip install 'affect_jax[video]'."
    ) from error
  return av
