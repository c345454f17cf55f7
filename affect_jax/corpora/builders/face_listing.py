"""What the reader of a picture corpus hands over: names, paths, no pixels.

A reader (`aff_wild2.listing`, `raf_db.listing`, ...) turns annotation files
into a `Listing`; `builders.faces` turns any `Listing` into records. Readers
stream: nothing here grows with the number of pictures.
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
  """One picture and what is annotated of it.

  Attributes:
    id: Unique in its corpus, such as 'video/00001.jpg'.
    picture: Path of the picture, relative to the listing's root.
    subject: Who, or which video, is to be seen; '' if unknown. Splits should
      share none.
    labels: {name: value} of what is annotated, by name: 'expression' is a
      class name or {class name: share}; 'valence' and 'arousal' are in
      [-1, 1]; 'AU1', ... in [0, 1]. What is absent is not annotated.
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
  """Something that will not be a sample, to be counted and reported.

  Attributes:
    reason: In the plural: 'labels without a frame'.
    group: Video or file it belongs to; '' for the whole corpus.
    count: How many.
  """

  reason: str
  group: str = ''
  count: int = 1


@dataclasses.dataclass(frozen=True)
class Listing:
  """A corpus before its pictures are read.

  Attributes:
    root: Folder that pictures are relative to.
    outputs: {task: names of its outputs, in order}, of annotated tasks.
    splits: {split: function that streams its samples and what is left out}.
      Called again it gives the same again.
    sources: {file: sha256, or option: value}: a change prepares the corpus
      anew.
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
  """Cuts the frames of each video into windows; what is left out passes on.

  A video is what shares its `group`, by default the folder in the samples'
  ids, and a reader streams its frames one after the other. Its last window
  may be shorter; none lies wholly in the one before.

  Args:
    items: What a reader streams.
    length: Frames of a window.
    hop: Frames from the start of one window to that of the next, 1 to length.
    group: sample -> its video, or its dialogue.
  """
  frames: list[Any] = []
  video, read = '', 0  # How many of the frames the last window had.
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
  """{task: f32 [K], task + '_weights': f32 [] or [K]} of a sample's labels.

  Raises:
    ValueError: a label's name or class is not among the outputs, or its value
      is not finite.
  """
  known = {n for names in outputs.values() for n in names}
  classes = {t for t in outputs if tasks.get_annotation(t).one_weight}
  known |= classes
  if unknown := sorted(set(labels) - known):
    raise UserError(f'labels {unknown} are not among the outputs {outputs}')
  found: dict[str, np.ndarray] = {}
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
    found[task] = np.array(values, np.float32)
    found[task + '_weights'] = np.array(weights, np.float32)
    if not np.all(np.isfinite(found[task])):
      raise UserError(f'{task} is {values}: not finite')
  return found
