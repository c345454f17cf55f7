"""Predicts frame after frame, in batches, and writes rows as it goes.

Memory does not grow with the length of a video: frames exist for two or three
batches, and rows go to disk.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from affect_jax.predict import columns as columns_lib
from affect_jax.predict import journal as journal_lib
from affect_jax.training import ahead

# Frames without a face before rows are written, for each row of a batch.
_MOST_FRAMES = 4


def write(
  frames: Iterable[Sequence[columns_lib.Face]],
  predictor: Any,
  journal: journal_lib.Journal,
  *,
  batch_size: int,
  every: int = 1,
  received: Sequence[int] = (),
  keeps_cut: bool = False,
  progress: Callable[[int], None] = lambda more: None,
) -> int:
  """Predicts all frames, writes their rows, and returns how many.

  Args:
    frames: The faces of each frame, from `faces.of_inputs`.
    predictor: A `predictor.Predictor`, or what has its columns, window and
      start.
    journal: Where rows go; open.
    batch_size: Faces at a time; windows have frames of their own number.
    every: The step between frame numbers.
    received: Signals so far (`training.interrupt`): after one, no more frames
      are read, and those that were are written.
    keeps_cut: Whether a window that a signal cut off is written, too.
    progress: Is told how many frames were written.
  """

  def begin(group):
    faces = [face for frame in group for face in frame]
    return faces, _start(faces, predictor, batch_size, every)

  count = 0
  groups = _groups(
    frames, predictor.window, batch_size, every, received, keeps_cut
  )
  for faces, wait in ahead.prefetch(groups, begin):
    predictions = wait()
    journal.write(
      predictor.columns.row(face, predictions.get(i))
      for i, face in enumerate(faces)
    )
    count += len(faces)
    progress(len({(face.input, face.frame) for face in faces}))
  return count


def _groups(
  frames: Iterable[Sequence[columns_lib.Face]],
  window: int,
  batch_size: int,
  every: int,
  received: Sequence[int],
  keeps_cut: bool,
) -> Iterator[list[Sequence[columns_lib.Face]]]:
  """Yields frames that are predicted together: a batch, or a window of one."""
  group: list[Sequence[columns_lib.Face]] = []
  faces, key = 0, None
  for frame in frames:
    first = frame[0]
    now = (first.input, first.frame // every // window) if window else None
    if group and (now != key or _is_full(group, faces, batch_size, window)):
      yield group
      group, faces = [], 0
    key = now
    group.append(frame)
    faces += sum(face.crop is not None for face in frame)
    if received:
      # A window that is not whole would be predicted anew, and differently.
      if window and not keeps_cut:
        return
      break
  if group:
    yield group


def _is_full(group: Sequence, faces: int, batch_size: int, window: int) -> bool:
  full = faces >= batch_size or len(group) >= _MOST_FRAMES * batch_size
  return not window and full


def _start(
  faces: Sequence[columns_lib.Face],
  predictor: Any,
  batch_size: int,
  every: int,
) -> Callable[[], dict[int, dict[str, np.ndarray]]]:
  """Starts predictions; returns () -> {index of the face: {task: [K]}}."""
  known = [i for i, face in enumerate(faces) if face.crop is not None]
  if window := predictor.window:
    # A row for each face, with its frames where they are in the window.
    row: dict[int | None, int] = {}
    places = [
      (
        row.setdefault(faces[i].number, len(row)),
        faces[i].frame // every % window,
      )
      for i in known
    ]
  else:
    places = [(k, 0) for k in range(len(known))]
  # The last frame of a group may bring more faces than fit; windows are large.
  most = max(1, batch_size // window) if window else batch_size
  parts = []
  for first in range(0, len({r for r, _ in places}), most):
    chosen = [k for k, (r, _) in enumerate(places) if first <= r < first + most]
    wait = predictor.start(
      [faces[known[k]].crop for k in chosen],
      [(places[k][0] - first, places[k][1]) for k in chosen],
    )
    parts.append((chosen, wait))

  def finish():
    found = {}
    for chosen, wait in parts:
      arrays = wait()
      for position, k in enumerate(chosen):
        found[known[k]] = {t: x[position] for t, x in arrays.items()}
    return found

  return finish
