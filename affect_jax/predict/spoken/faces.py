"""Features of the faces of a video, by the face run that a run learned with.

They are those that `affect_jax.export_features` writes, of crops that the
detector finds: where several faces are in a frame, of the largest.
"""

from collections.abc import Iterator, Sequence
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
    video is read once, up to the last end; before the first start, no faces are
    looked for.
    """
    first = min(start for start, _ in spans)
    last = max(end for _, end in spans)
    times: list[float] = []
    features: list[np.ndarray] = []
    crops: list[np.ndarray] = []
    reason = NO_FACE
    began = video.began(item.path)
    for frame in video.frames(item.path, every=self._settings.every):
      if frame.image is None:
        reason = f'vision: {frame.reason}'
        continue
      seconds = frame.seconds - began
      if not seconds < last:  # Or there is no time stamp.
        break
      if seconds < first:
        continue
      crop = self._crop(frame.image)
      if crop is None:
        continue
      times.append(seconds)
      crops.append(crop)
      if len(crops) == _BATCH:
        features.append(self._features(crops))
        crops = []
    if crops:
      features.append(self._features(crops))
    if not times:
      yield from [(None, reason)] * len(spans)
      return
    at, values = np.array(times), np.concatenate(features)
    for start, end in spans:
      inside = (start <= at) & (at < end)
      yield (values[inside], '') if inside.any() else (None, NO_FACE)

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
