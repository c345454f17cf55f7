"""CMU-MOSEI's six emotions, joined to utterances of feature files.

Feature files carry MOSEI's sentiment and not its emotions. Those are in
CMU_MOSEI_Labels.csd, stream 'All Labels': one row per segment, [sentiment -3
to 3, happy, sad, anger, surprise, disgust, fear 0 to 3] (CMU_MOSEI/README.md
of CMU-MultimodalSDK). An emotion is present if it is above 0; several may be.

Numbers in ids mean different things in different files, so a join by number
alone would look right and be wrong:

  'video[k]'           (MultiBench, the SDK) the k-th row of the .csd, whose
                       rows are not in order of time
  'video$_$clip'       (MMSA) the number in MOSEI's segmented transcripts, in
                       order of time, with gaps: not all segments are labelled
  video, start, end    (MulT) the row's interval

Utterances of the first and third kind are joined by number or interval, and
must have the row's sentiment. The second kind is joined by order: the
utterances of a video, in order of clips, are aligned with its rows, in order of
time, so that every sentiment agrees. If several alignments give an utterance
different emotions, it gets none. That clips are numbered in order of time is an
assumption; if it were wrong it would show, as sentiments do not agree by
chance.
"""

import collections
from collections.abc import Hashable, Iterable, Mapping, Sequence
import dataclasses
import math
import pathlib
from typing import Any

import numpy as np

from affect_jax.corpora.builders import feature_file
from affect_jax.corpora.files import csd_file
from affect_jax.errors import UserError
from affect_jax.tasks import emotion as emotion_lib

STREAM = 'All Labels'
# In the order of the columns that follow sentiment.
EMOTIONS = emotion_lib.names('mosei')
COLUMNS = ('sentiment', *EMOTIONS)
# Sentiment is a mean of a few integers: different values are much further off.
SENTIMENT_TOLERANCE = 0.01
SECONDS_TOLERANCE = 0.05
# How far rounding may take a label out of its range.
SLACK = 1e-3

NO_ROW = 'utterances without a row in the emotion file'
OTHER_SENTIMENT = 'utterances with another sentiment in the emotion file'
AMBIGUOUS = 'utterances that fit rows of different emotions'
NO_UTTERANCE = 'rows of the emotion file without an utterance'


@dataclasses.dataclass(frozen=True, slots=True)
class Segment:
  """One labelled segment of a video.

  Attributes:
    index: Its row in the label stream.
    start: In seconds.
    sentiment: In [-3, 3].
    present: Which of EMOTIONS are present.
  """

  index: int
  start: float
  sentiment: float
  present: tuple[bool, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Clip:
  """One utterance of a feature file, to be found among the segments.

  Attributes:
    key: Key of its labels in `Joined`, such as (split, row).
    id: Its id, for messages.
    video: Its video.
    sentiment: In [-3, 3]; NaN agrees with any.
    clip: Number in the transcripts, for the join by order.
    index: Row in the label stream, if known.
    start: In seconds, if known.
  """

  key: Hashable
  id: str
  video: str
  sentiment: float
  clip: str = ''
  index: int | None = None
  start: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Joined:
  """The result of joining clips and segments.

  Attributes:
    labels: {clip's key: {emotion: 0 or 1}} of the clips that were found.
    reasons: {clip's key: why it has no labels} of the others.
    unused: How many segments belong to no clip.
  """

  labels: Mapping[Any, Mapping[str, float]]
  reasons: Mapping[Any, str]
  unused: int


def read(path: str | pathlib.Path) -> dict[str, list[Segment]]:
  """Reads {video: segments, by time} from CMU_MOSEI_Labels.csd.

  Raises:
    FileNotFoundError, ImportError: as `csd_file.entries` does.
    UserError: the file has no stream 'All Labels' (the message lists those it
      has), or a row is not 7 numbers in their ranges.
  """
  streams = csd_file.streams(path)
  if STREAM not in streams:
    raise UserError(
      f'{path} has no stream {STREAM!r}, but {streams}. Emotions of MOSEI are '
      'in CMU_MOSEI_Labels.csd.'
    )
  videos: dict[str, list[Segment]] = {}
  for key, features, intervals in csd_file.entries(path, STREAM):
    video, index = csd_file.split_key(key)
    for row, (values, interval) in enumerate(
      zip(features, intervals, strict=True)
    ):
      if len(values) != len(COLUMNS) or to_labels(values) is None:
        raise UserError(
          f'{path}: {STREAM}/{key}, row {row}: {values.tolist()} are not '
          f'{COLUMNS} in [-3, 3] and [0, 3].'
        )
      videos.setdefault(video, []).append(
        Segment(
          index=index + row,
          start=float(interval[0]),
          sentiment=float(values[0]),
          present=tuple(bool(v > 0) for v in values[1:]),
        )
      )
  return {
    v: sorted(segments, key=lambda s: (s.start, s.index))
    for v, segments in videos.items()
  }


def to_labels(numbers: np.ndarray) -> dict[str, Any] | None:
  """Names the labels of [sentiment] or of all COLUMNS; None if out of range."""
  value = float(numbers[0])
  if not -3 - SLACK <= value <= 3 + SLACK:
    return None
  value = min(max(value, -3.0), 3.0)
  labels: dict[str, Any] = {
    'sentiment': value,
    'sentiment_class': feature_file.to_sentiment_class(value),
  }
  if len(numbers) == len(COLUMNS):
    emotions = numbers[1:]
    if not np.all((emotions >= -SLACK) & (emotions <= 3 + SLACK)):
      return None
    labels |= zip(EMOTIONS, map(float, emotions > 0), strict=True)
  return labels


def join(
  path: str | pathlib.Path,
  segments: Mapping[str, Sequence[Segment]],
  clips: Iterable[Clip],
) -> Joined:
  """Finds the emotions of each clip.

  Args:
    path: The label file, for messages.
    segments: From `read`.
    clips: All utterances of the feature file, so that no video is incomplete.

  Raises:
    UserError: fewer than half were found; the message shows an id of either
      side.
  """
  by_video: dict[str, list[Clip]] = {}
  for clip in clips:
    by_video.setdefault(clip.video, []).append(clip)
  labels: dict[Any, dict[str, float]] = {}
  reasons: dict[Any, str] = {}
  for video, group in by_video.items():
    rows = segments.get(video, [])
    for clip, present in zip(group, _find(group, rows), strict=True):
      if isinstance(present, str):
        reasons[clip.key] = present
      else:
        emotions = zip(EMOTIONS, map(float, present), strict=True)
        labels[clip.key] = dict(emotions)
  if len(labels) < len(reasons):
    why = dict(collections.Counter(reasons.values()))
    raise UserError(
      f'{path} fits only {len(labels)} of {len(labels) + len(reasons)} '
      f'utterances ({why}): it belongs to other utterances. One utterance is '
      f'{next(iter(by_video.values()))[0].id!r}, one video of the labels is '
      f'{next(iter(segments), "")!r}.'
    )
  used = len(labels) + sum(r == AMBIGUOUS for r in reasons.values())
  total = sum(map(len, segments.values()))
  return Joined(labels, reasons, max(0, total - used))


def _find(
  clips: Sequence[Clip], rows: Sequence[Segment]
) -> list[tuple[bool, ...] | str]:
  """Returns each clip's emotions, or why it has none, for one video."""
  if not rows:
    return [NO_ROW] * len(clips)
  if any(c.index is None and c.start is None for c in clips):
    return _by_order(clips, rows)
  results: list[tuple[bool, ...] | str] = []
  for clip in clips:
    near = [s for s in rows if _same_place(clip, s)]
    same = [s for s in near if _agree(clip.sentiment, s.sentiment)]
    if len({s.present for s in same}) > 1:
      results.append(AMBIGUOUS)
    elif same:
      results.append(same[0].present)
    else:
      results.append(OTHER_SENTIMENT if near else NO_ROW)
  return results


def _by_order(
  clips: Sequence[Clip], rows: Sequence[Segment]
) -> list[tuple[bool, ...] | str]:
  """Aligns the clips of a video with its rows by order and sentiment."""
  turns = feature_file.in_turn([(c.video, c.clip) for c in clips])
  order = [row for row, _, _ in turns]
  wanted = [clips[i].sentiment for i in order]
  known = [s.sentiment for s in rows]
  first = _embed(wanted, known)
  backwards = _embed(wanted[::-1], known[::-1])
  if first is None or backwards is None:
    reason = OTHER_SENTIMENT if len(clips) <= len(rows) else NO_ROW
    return [reason] * len(clips)
  last = [len(known) - 1 - i for i in reversed(backwards)]
  results: list[tuple[bool, ...] | str] = [NO_ROW] * len(clips)
  for i, value, begin, end in zip(order, wanted, first, last, strict=True):
    # Each row in between that agrees is part of some alignment of all clips.
    fits = {
      s.present for s in rows[begin : end + 1] if _agree(value, s.sentiment)
    }
    results[i] = fits.pop() if len(fits) == 1 else AMBIGUOUS
  return results


def _embed(wanted: Sequence[float], known: Sequence[float]) -> list[int] | None:
  """Aligns `wanted` with the earliest `known` in order; None if impossible."""
  indices, at = [], 0
  for value in wanted:
    while at < len(known) and not _agree(value, known[at]):
      at += 1
    if at == len(known):
      return None
    indices.append(at)
    at += 1
  return indices


def _same_place(clip: Clip, segment: Segment) -> bool:
  if clip.index is not None:
    return clip.index == segment.index
  return abs((clip.start or 0.0) - segment.start) <= SECONDS_TOLERANCE


def _agree(a: float, b: float) -> bool:
  return math.isnan(a) or abs(a - b) <= SENTIMENT_TOLERANCE
