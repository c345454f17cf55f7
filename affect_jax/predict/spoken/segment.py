"""What becomes a row: one utterance of a table, a corpus or a recording."""

from collections.abc import Callable, Iterator, Mapping, Sequence
import dataclasses

import numpy as np

from affect_jax.corpora.builders import utterance_listing

NAN = float('nan')


@dataclasses.dataclass(frozen=True)
class Segment:
  """A row of the table, and what it is predicted from.

  Attributes:
    place: Its number in the table, from 0.
    input: Name of the file it comes from.
    id: As the file has it; of a recording the number of the segment.
    start, end: Seconds from where playing begins; NaN if unknown.
    text: What was said; '' if unknown.
    reason: Why parts of it, or all, cannot be read; '' otherwise.
    utterance: Its features and words; None if there are none.
  """

  place: int
  input: str
  id: str
  start: float = NAN
  end: float = NAN
  text: str = ''
  reason: str = ''
  utterance: utterance_listing.Utterance | None = None


@dataclasses.dataclass(frozen=True)
class Source:
  """Segments of one input or several, and what cannot be had of them.

  Attributes:
    count: How many there are; 0: that is known when they are read.
    read: (number) -> streams all of them; those of a dialogue in a row, in
      order of time. So many of the first are there for their words alone: their
      features need not be read.
    lacks: {modality of the run: why no segment can have it}.
    files: {name: what tells this file from another one}, for the sidecar.
  """

  count: int
  read: Callable[[int], Iterator[Segment]]
  lacks: Mapping[str, str]
  files: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Row:
  """What is said of a segment.

  Attributes:
    segment: The segment, without its features.
    used: Modalities that were read.
    reason: Why it is not predicted, or what of it was left out; or ''.
    predictions: {task: f32 [K]}; None if it is not predicted.
  """

  segment: Segment
  used: Sequence[str]
  reason: str
  predictions: Mapping[str, np.ndarray] | None
