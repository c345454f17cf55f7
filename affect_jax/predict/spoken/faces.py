"""Features of the faces of a video, by the face run that a run learned with.

They are those that `affect_jax.export_features` writes, of crops that the
detector finds: where several faces are in a frame, of the largest.
"""

import collections
from collections.abc import Iterator, Sequence
import itertools
import math
import os
from typing import Any

import numpy as np
import tensorflow as tf

from affect_jax import user_path
from affect_jax.corpora import utterances_csv
from affect_jax.data import face_batches
from affect_jax.errors import UserError
from affect_jax.media import box as box_lib
from affect_jax.media import detector
from affect_jax.media import inputs as inputs_lib
from affect_jax.media import video
from affect_jax.predict import settings as settings_lib
from affect_jax.run import backbone
from affect_jax.training import checkpoint

_BATCH = 32
NO_FACE = 'vision: no face'
NO_TIME = 'vision: frames have no time stamps'


def is_computed(by: str) -> bool:
  """Returns whether a note of `Listing.computed` names a run of faces."""
  return by.startswith(f'{utterances_csv.FACE_RUN} ')


class Faces:
  """Computes features of faces; [T, 512] for each segment."""

  def __init__(
    self,
    workdir: str | os.PathLike[str],
    by: str,
    settings: settings_lib.Settings,
  ):
    """Reads the run of faces.

    Args:
      workdir: Its folder.
      by: What `Listing.computed` says of the features that are wanted.
      settings: How faces are found and cut out.

    Raises:
      FileNotFoundError: There is no such run or checkpoint.
      UserError: It is another run, by the checksum of its weights.
    """
    _, step, digest = by.split(' ')
    workdir = user_path.expand(workdir)
    config, variables, _ = backbone.read(str(workdir), int(step))
    if checkpoint.digest(variables) != digest:
      raise UserError(
        f'--face_run={workdir} is not the run of faces whose features this run '
        'learned from, by the checksum of its weights: give that one.'
      )
    self._size = int(config['image_size'])
    self._settings = settings
    self._variables = variables
    self._apply = backbone.make_apply(config)

  def of_segments(
    self, item: inputs_lib.Input, spans: Sequence[tuple[float, float]]
  ) -> Iterator[tuple[np.ndarray | None, str]]:
    """Yields the features of each segment, or why there are none.

    A frame belongs to the segments whose start <= its time stamp < end. The
    video is read once, as far as the segment that is asked for needs it; before
    the first start, no faces are looked for.
    """
    starts = [start for start, _ in spans]
    # Frames before these are of no use to a segment and those after it.
    needed = list(itertools.accumulate(reversed(starts), min))[::-1]
    failed: list[str] = []
    found = self._found(item, needed[0], max(end for _, end in spans), failed)
    seen: collections.deque[tuple[float, np.ndarray]] = collections.deque()
    for (start, end), begin in zip(spans, needed, strict=True):
      while not seen or seen[-1][0] < end:
        if (one := next(found, None)) is None:
          break
        seen.append(one)
      while len(seen) > 1 and seen[0][0] < begin:
        seen.popleft()
      inside = [x for seconds, x in seen if start <= seconds < end]
      is_over = not seen or seen[-1][0] < end
      lost = failed and (not seen or (failed[-1] == NO_TIME and is_over))
      reason = failed[-1] if lost else NO_FACE
      yield (np.stack(inside), '') if inside else (None, reason)

  def _found(
    self,
    item: inputs_lib.Input,
    first: float,
    last: float,
    failed: list[str],
  ) -> Iterator[tuple[float, np.ndarray]]:
    """Yields (seconds, features [512]) of frames with a face, in order.

    Args:
      item: A video.
      first, last: Seconds between which frames are looked at.
      failed: Gets why the last of those that cannot be used is so.
    """
    times: list[float] = []
    crops: list[np.ndarray] = []
    began = video.began(item.path)
    for frame in video.frames(item.path, every=self._settings.every):
      if frame.image is None:
        failed[:] = [f'vision: {frame.reason}']
        continue
      seconds = frame.seconds - began
      if math.isnan(seconds):  # Nobody knows where later frames belong.
        failed[:] = [NO_TIME]
        break
      if seconds >= last:
        break
      if seconds < first or (crop := self._crop(frame.image)) is None:
        continue
      times.append(seconds)
      crops.append(crop)
      if len(crops) == _BATCH:
        yield from zip(times, self._features(crops), strict=True)
        times, crops = [], []
    if crops:
      yield from zip(times, self._features(crops), strict=True)

  def _crop(self, image: np.ndarray) -> np.ndarray | None:
    """Returns the largest face f32 [S, S, 3] in [0, 1]; None without any."""
    boxes = detector.detect(
      image,
      side=self._settings.detect_side,
      min_confidence=self._settings.min_confidence,
    )
    if not boxes:
      return None
    largest = max(boxes, key=lambda box: box.side)
    crop = box_lib.cut(image, largest, self._settings.margin)
    sized: Any = face_batches.to_size(tf.constant(crop), self._size)
    return sized.numpy()

  def _features(self, crops: Sequence[np.ndarray]) -> np.ndarray:
    # Always as many rows, as each other number would be compiled anew.
    rows = np.zeros((_BATCH, *crops[0].shape), np.float32)
    rows[: len(crops)] = crops
    return np.asarray(self._apply(self._variables, rows))[: len(crops)]
