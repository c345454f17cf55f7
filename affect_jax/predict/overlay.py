"""Writes a video again, with what is predicted of it drawn on its frames.

It reads the video a second time, beside its finished rows, so that smoothed
values are drawn as the table has them. Frames keep their time stamps; those
that --every passes over, those that are corrupt, and sound are left out.
"""

from collections.abc import Callable, Sequence
import fractions
import itertools
import pathlib

from affect_jax import whole_file
from affect_jax.errors import UserError
from affect_jax.media import inputs as inputs_lib
from affect_jax.media import video
from affect_jax.predict import columns as columns_lib
from affect_jax.predict import drawing
from affect_jax.predict import journal

SUFFIX = '.mp4'
# Of those that PyAV may have, the first is taken. Players know both.
_CODECS = ('libx264', 'mpeg4')
_PER_SECOND = 1000


def check(
  path: pathlib.Path,
  inputs: Sequence[inputs_lib.Input],
  written: str = '',
) -> None:
  """Raises UserError, before any work, if a video cannot be drawn on.

  Args:
    path: What is to be written.
    inputs: All pictures and videos.
    written: Name of what this command wrote before.
  """
  if path.suffix.lower() != SUFFIX:
    raise UserError(f'--overlay={path} must end with {SUFFIX}.')
  if len(inputs) > 1 or inputs[0].is_picture or inputs[0].camera is not None:
    raise UserError(
      '--overlay draws on one video file; call the command for each video, '
      'and record a camera first.'
    )
  if path.exists() and path.name != written:
    raise UserError(
      f'{path} exists. Give another --overlay, or remove the file.'
    )


def write(
  path: pathlib.Path,
  source: pathlib.Path,
  item: inputs_lib.Input,
  columns: columns_lib.Columns,
  *,
  every: int = 1,
  received: Sequence[int] = (),
  progress: Callable[[int], None] = lambda more: None,
) -> bool:
  """Writes the video, whole or not at all; returns whether it is whole.

  Args:
    path: What is written.
    source: The finished native table of the video.
    item: The video.
    columns: Of the table.
    every: The step between frame numbers.
    received: Signals so far: after one, nothing is kept.
    progress: Is told how many frames were drawn.

  Raises:
    MissingExtra: PyAV is not installed.
    UserError: It cannot be written; the disk is full, say.
  """
  av = video.library()
  path.parent.mkdir(parents=True, exist_ok=True)
  codec = next(name for name in _CODECS if name in av.codecs_available)
  by_frame = itertools.groupby(journal.read(source), lambda r: r['frame'])
  rows = (list(of_frame) for _, of_frame in by_frame)
  try:
    with (
      whole_file.writing(path) as partial,
      av.open(str(partial), 'w') as container,
    ):
      stream, plan, first, time = None, None, 0.0, -1
      frames = video.frames(item.path, every=every)
      for frame, of_frame in zip(frames, rows, strict=False):
        if received:
          raise _Stopped
        progress(1)
        if frame.image is None:
          continue
        if stream is None or plan is None:
          height, width = frame.image.shape[:2]
          plan = drawing.Drawing(columns, width, height)
          stream = container.add_stream(codec, rate=25)
          stream.width, stream.height = plan.size
          stream.pix_fmt = 'yuv420p'
          stream.codec_context.time_base = fractions.Fraction(1, _PER_SECOND)
          first = 0.0 if frame.seconds != frame.seconds else frame.seconds
        drawn = av.VideoFrame.from_image(plan.draw(frame.image, of_frame))
        # Time has to go on, also where a frame has no time stamp.
        at = frame.seconds - first
        time = max(time + 1, time + 40 if at != at else round(_PER_SECOND * at))
        drawn.pts, drawn.time_base = time, stream.codec_context.time_base
        container.mux(stream.encode(drawn))
      if stream is not None:
        container.mux(stream.encode())
  except _Stopped:
    return False
  except (OSError, av.error.FFmpegError) as error:
    raise UserError(
      f'{path} cannot be written ({error.strerror}). Its rows are kept: repeat '
      'the command when that is mended.'
    ) from error
  return True


class _Stopped(Exception):
  """A signal came; what is written so far goes."""
