"""The listing of a picture corpus: names, paths and labels, but no pixels.

A reader (`aff_wild2.listing`, `raf_db.listing`, ...) turns annotation files
into a `Listing`; `builders.faces` turns any `Listing` into records. Readers
stream, so memory does not grow with the number of pictures.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
import dataclasses
import pathlib
from typing import Any

import numpy as np

from affect_jax import tasks
from affect_jax.errors import UserError


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
  """One picture and its annotations.

  Attributes:
    id: Unique in its corpus, such as 'video/00001.jpg'.
    picture: Path of the picture, relative to the listing's root.
    subject: The person or video that it shows; '' if unknown. Splits should
      share no subject.
    labels: {name: value}; absent names are not annotated. 'expression' is a
      class name or {class name: share}; 'valence' and 'arousal' are in
      [-1, 1]; 'AU1', ... in [0, 1].
  """

  id: str
  picture: str
  subject: str
  labels: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Window:
  """Consecutive frames of one video, at least one."""

  frames: Sequence[Sample]


@dataclasses.dataclass(frozen=True, slots=True)
class LeftOut:
  """Something that does not become a sample, to be counted and reported.

  Attributes:
    reason: A noun in the plural: 'labels without a frame'.
    group: The video or file it belongs to; '' for the whole corpus.
    count: How many.
  """

  reason: str
  group: str = ''
  count: int = 1


@dataclasses.dataclass(frozen=True)
class Listing:
  """A corpus before its pictures are read.

  Attributes:
    root: Folder that paths of pictures are relative to.
    outputs: {task: names of its outputs, in order}, of annotated tasks.
    splits: {split: function that streams its samples and what is left out}.
      Each call streams the same.
    sources: {file: sha256, or option: value}. If one changes, the corpus is
      prepared anew.
  """

  root: pathlib.Path
  outputs: Mapping[str, Sequence[str]]
  splits: Mapping[str, Callable[[], Iterator[Sample | LeftOut]]]
  sources: Mapping[str, str]


def _folder(item: Sample) -> str:
  return item.id.rpartition('/')[0]


def windows(
  items: Iterable[Any],
  length: int,
  hop: int,
  group: Callable[[Any], str] = _folder,
) -> Iterator[Window | LeftOut]:
  """Cuts the frames of each video into windows; `LeftOut`s pass unchanged.

  Frames with the same `group`, by default the folder in their ids, form a
  video, and must follow one another. The last window of a video may be
  shorter; no window lies entirely within the one before.

  Args:
    items: The samples and `LeftOut`s that a reader streams.
    length: Frames of a window.
    hop: Frames from the start of one window to that of the next, 1 to length.
    group: Function from a sample to its video, or its dialogue.
  """
  frames: list[Any] = []
  video, read = '', 0  # read: how many of `frames` the last window had.
  for item in items:
    if isinstance(item, LeftOut):
      yield item
      continue
    folder = group(item)
    if frames and folder != video:
      if len(frames) > read:
        yield Window(tuple(frames))
      frames, read = [], 0
    video = folder
    frames.append(item)
    if len(frames) == length:
      yield Window(tuple(frames))
      frames = frames[hop:]
      read = len(frames)
  if len(frames) > read:
    yield Window(tuple(frames))


def to_record(
  labels: Mapping[str, Any], outputs: Mapping[str, Sequence[str]]
) -> dict[str, np.ndarray]:
  """Turns labels into {task: f32 [K], task + '_weights': f32 [] or [K]}.

  This is where a missing label becomes weight 0.

  Raises:
    UserError: a label's name or class is not among the outputs, or its value
      is not finite.
  """
  known = {n for names in outputs.values() for n in names}
  classes = {t for t in outputs if tasks.get_annotation(t).one_weight}
  known |= classes
  if unknown := sorted(set(labels) - known):
    raise UserError(f'labels {unknown} are not among the outputs {outputs}')
  record: dict[str, np.ndarray] = {}
  for task, names in outputs.items():
    if task in classes:
      label = labels.get(task)
      shares = {label: 1.0} if isinstance(label, str) else dict(label or {})
      if unknown := sorted(set(shares) - set(names)):
        raise UserError(f'{task} {unknown} is not among {tuple(names)}')
      values = [shares.get(n, 0.0) for n in names]
      weights: Any = float(bool(shares))
    else:
      values = [labels.get(n, 0.0) for n in names]
      weights = [float(n in labels) for n in names]
    record[task] = np.array(values, np.float32)
    record[task + '_weights'] = np.array(weights, np.float32)
    if not np.all(np.isfinite(record[task])):
      raise UserError(f'{task} is {values}, which is not finite')
  return record
