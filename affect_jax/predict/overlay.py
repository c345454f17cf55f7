"""Draws what is predicted on pictures and videos, and writes these.

It reads them a second time, beside their finished rows, so that smoothed values
are drawn as the table has them. Frames of videos keep their time stamps; those
that --every passes over, those that are corrupt, and sound are left out. What a
camera shows is recorded first, and drawn on when it has ended.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
import contextlib
import dataclasses
import itertools
import os
import pathlib

from absl import logging
import numpy as np
from PIL import Image

from affect_jax import whole_file
from affect_jax.errors import UserError
from affect_jax.media import frame as frame_lib
from affect_jax.media import inputs as inputs_lib
from affect_jax.media import video_writer
from affect_jax.predict import columns as columns_lib
from affect_jax.predict import drawing
from affect_jax.predict import journal
from affect_jax.predict import overlay_files


def write(
  overlay: overlay_files.Overlay,
  source: pathlib.Path,
  inputs: Sequence[inputs_lib.Input],
  columns: columns_lib.Columns,
  frames: Callable[[inputs_lib.Input], Iterator[frame_lib.Frame]],
  *,
  received: Sequence[int] = (),
  progress: Callable[[int], None] = lambda more: None,
) -> bool:
  """Draws each input, whole or not at all; returns whether all are drawn.

  Those that a call before has drawn are kept. Inputs that cannot be read have
  no drawing.

  Args:
    overlay: What to draw where.
    source: The finished native table.
    inputs: All of its inputs.
    columns: Of the table.
    frames: Reads the frames of an input that the table has rows of.
    received: Signals so far: after one, no more is drawn.
    progress: Is told how many frames were drawn.

  Raises:
    MissingExtra: PyAV is not installed.
    UserError: One cannot be written; the disk is full, say.
  """
  items = {item.name: item for item in inputs}
  if overlay.work:
    with _failing(overlay.work):
      overlay.work.mkdir(parents=True, exist_ok=True)
  left = {item.name for item in overlay.left(inputs)}
  by_input = itertools.groupby(journal.read(source), lambda r: r['input'])
  for name, of_input in by_input:
    if name not in left:
      continue
    if received:
      return False
    by_frame = itertools.groupby(of_input, lambda r: r['frame'])
    rows = (list(of_frame) for _, of_frame in by_frame)
    readable = (x for x in rows if not journal.is_unreadable(x[0]))
    if (one := next(readable, None)) is None:
      logging.warning('%s cannot be read, and is not drawn.', name)
      continue
    target, item = overlay.targets[name], items[name]
    its_rows = itertools.chain([one], readable)
    drawn = _drawn(frames(item), its_rows, columns, received, progress)
    with _failing(target):
      target.parent.mkdir(parents=True, exist_ok=True)
      try:
        (_picture if item.is_picture else _video)(target, drawn)
      except _Stopped:
        return False
  if overlay.work:
    with _failing(overlay.path):
      whole_file.finish_folder(overlay.path)
  return True


Drawn = Iterator[tuple[np.ndarray, float]]


def _drawn(
  frames: Iterable[frame_lib.Frame],
  rows: Iterator[Sequence[Mapping[str, str]]],
  columns: columns_lib.Columns,
  received: Sequence[int],
  progress: Callable[[int], None],
) -> Drawn:
  """Yields frames with their faces, uint8 [H, W, 3], and their seconds.

  Args:
    frames: All of an input; those that cannot be read are passed over.
    rows: Of each that can be read.
    columns, received, progress: See `write`.
  """
  planned = None
  for frame in frames:
    if frame.image is None:
      continue
    # What a signal cut off has no rows.
    if (of_frame := next(rows, None)) is None:
      return
    if received:
      raise _Stopped
    if planned is None:
      height, width = frame.image.shape[:2]
      planned = drawing.Drawing(columns, width, height)
    yield np.asarray(planned.draw(frame.image, of_frame)), frame.seconds
    progress(1)


def _picture(target: pathlib.Path, drawn: Drawn) -> None:
  with whole_file.writing(target) as partial:
    for image, _ in drawn:
      Image.fromarray(image).save(os.fspath(partial), quality=92)


def _video(target: pathlib.Path, drawn: Drawn) -> None:
  with (
    whole_file.writing(target) as partial,
    video_writer.VideoWriter(partial) as writer,
  ):
    for image, seconds in drawn:
      writer.add(image, seconds)


class Recording:
  """What a camera shows, until it is drawn on.

  Attributes:
    path: A hidden video beside the overlay.
  """

  def __init__(self, overlay: overlay_files.Overlay):
    folder, name = overlay.path.parent, overlay.path.name
    self.path = folder / f'.recording-{name}'
    self._writer: video_writer.VideoWriter | None = None

  def add(self, frame: frame_lib.Frame) -> None:
    """Adds a frame, if it shows anything.

    Raises:
      UserError: It cannot be written; the disk is full, say.
    """
    if frame.image is None:
      return
    with _failing(self.path):
      if self._writer is None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = video_writer.VideoWriter(self.path, video_writer.QUICK)
      self._writer.add(frame.image, frame.seconds)

  def end(self, camera: inputs_lib.Input) -> inputs_lib.Input:
    """Ends the video, and returns it in the place of the camera."""
    with _failing(self.path):
      if self._writer is not None:
        self._writer.close()
    return dataclasses.replace(camera, path=self.path, camera=None)

  def __enter__(self) -> 'Recording':
    return self

  def __exit__(self, *error: object) -> None:
    self.path.unlink(missing_ok=True)


@contextlib.contextmanager
def _failing(path: pathlib.Path) -> Iterator[None]:
  """Says which file cannot be written."""
  try:
    yield
  except OSError as error:
    raise UserError(
      f'{path} cannot be written ({error.strerror}). Its rows are kept: repeat '
      'the command when that is mended.'
    ) from error


class _Stopped(Exception):
  """A signal came; what is written of this drawing goes."""
