"""Writes pictures as a video, each at a time of its own."""

from collections.abc import Iterator, Mapping
import contextlib
import fractions
import math
import os
from typing import Any

import numpy as np

from affect_jax.media import video

SUFFIX = '.mp4'
# Of those that PyAV may have, the first is taken. Players know both.
_CODECS = ('libx264', 'mpeg4')
_PER_SECOND = 1000
# Milliseconds until a frame without a time stamp is shown.
_STEP = 40
# Of a video that is read once more: quick, and hardly any loss.
QUICK = {'preset': 'ultrafast', 'crf': '12'}


class VideoWriter:
  """A video that is being written; all pictures have the size of the first.

  The file is whole after `close`. One without any picture is empty.
  """

  def __init__(
    self,
    path: str | os.PathLike[str],
    options: Mapping[str, str] | None = None,
  ):
    """Opens the file.

    Args:
      path: Ends with SUFFIX; its folder exists.
      options: Of x264; others pass over them.

    Raises:
      MissingExtra: PyAV is not installed.
      OSError: It cannot be written; so do `add` and `close`.
    """
    av = video.library()
    self._frame = av.VideoFrame.from_ndarray
    self._codec = next(x for x in _CODECS if x in av.codecs_available)
    self._options = dict(options or {})
    with _os_errors():
      self._container = av.open(os.fspath(path), 'w')
    self._stream: Any = None
    self._first, self._time = 0.0, -1

  def add(self, image: np.ndarray, seconds: float) -> None:
    """Adds a picture.

    Args:
      image: uint8 [H, W, 3]. Codecs ask for even sides: the last row or column
        of an odd one is shown twice.
      seconds: Its time stamp, counted from that of the first picture; NaN: a
        short time after the one before. Time goes on by 1 ms at least.
    """
    height, width = image.shape[:2]
    if height % 2 or width % 2:
      odd = ((0, height % 2), (0, width % 2), (0, 0))
      image = np.pad(image, odd, mode='edge')
    if self._stream is None:
      self._stream = self._container.add_stream(self._codec, rate=25)
      self._stream.height, self._stream.width = image.shape[:2]
      self._stream.pix_fmt = 'yuv420p'
      self._stream.options = self._options
      base = fractions.Fraction(1, _PER_SECOND)
      self._stream.codec_context.time_base = base
      self._first = 0.0 if math.isnan(seconds) else seconds
    at = _PER_SECOND * (seconds - self._first)
    self._time = max(
      self._time + 1, self._time + _STEP if math.isnan(at) else round(at)
    )
    frame = self._frame(np.ascontiguousarray(image), format='rgb24')
    frame.pts = self._time
    frame.time_base = self._stream.codec_context.time_base
    with _os_errors():
      self._container.mux(self._stream.encode(frame))

  def close(self) -> None:
    """Writes what is left, and closes the file."""
    with _os_errors():
      try:
        if self._stream is not None:
          self._container.mux(self._stream.encode())
      finally:
        self._container.close()

  def __enter__(self) -> 'VideoWriter':
    return self

  def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
    if kind is None:
      self.close()
    else:  # What is written goes; that error counts.
      with contextlib.suppress(OSError), _os_errors():
        self._container.close()


@contextlib.contextmanager
def _os_errors() -> Iterator[None]:
  """Makes errors of FFmpeg those of the system."""
  error_of_ffmpeg = video.library().error.FFmpegError
  try:
    yield
  except error_of_ffmpeg as error:
    raise OSError(error.errno, error.strerror) from error
