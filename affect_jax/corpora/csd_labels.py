"""Labelled segments of a .csd of labels, by video and time."""

import collections
from collections.abc import Mapping
import itertools
import math
import pathlib
from typing import Any

import numpy as np

from affect_jax.corpora import mosei_emotions
from affect_jax.corpora.files import csd_file
from affect_jax.errors import UserError

# (start and end in seconds, row in the stream, labels by name)
Segment = tuple[float, float, int, dict[str, Any]]
REPEATED = 'labelled segments that appear twice'
# From so many neighbours on, labels that were cut into pieces are noticed.
PIECES = 20


def read(
  path: pathlib.Path,
  unit: float = 1.0,
  counts: collections.Counter | None = None,
) -> dict[str, list[Segment]]:
  """Reads {video: [(start, end, row in the stream, labels by name)], by time}.

  Args:
    path: A .csd of labels.
    unit: Seconds per unit of its intervals.
    counts: {reason: segments that were left out}, which is added to.

  Raises:
    UserError: the file's only stream does not hold labels, or a row does not
      have 1 or 7 columns in their ranges, or an interval that is not finite;
      the message names file, video, row and value. Or the labels were aligned
      to another stream, so that segments are cut into pieces.
  """
  counts = collections.Counter() if counts is None else counts
  names = csd_file.streams(path)
  # 'All Labels' of MOSEI, 'Opinion Segment Labels' of MOSI.
  if len(names) == 1 and 'label' not in names[0].lower():
    raise UserError(
      f'{path} has no stream of labels, only {names}. Labels are in '
      'CMU_MOSEI_Labels.csd and CMU_MOSI_Opinion_Labels.csd.'
    )
  videos: dict[str, list[Segment]] = {}
  for key, features, intervals in csd_file.entries(path):
    video, index = csd_file.split_key(key)
    for row, (numbers, span) in enumerate(
      zip(features, intervals, strict=True)
    ):
      columns = (1, len(mosei_emotions.COLUMNS))
      labels = None
      if len(numbers) in columns:
        labels = mosei_emotions.to_labels(numbers)
      if labels is None:
        raise UserError(
          f'{path}: {key}, row {row}: {np.asarray(numbers).tolist()} is '
          f'neither a sentiment in [-3, 3] nor {mosei_emotions.COLUMNS}.'
        )
      start, end = (float(t) * unit for t in span)
      if not -math.inf < start <= end < math.inf:
        raise UserError(
          f'{path}: {key}, row {row}: the interval is {span.tolist()}, not a '
          'start and an end in seconds.'
        )
      segment = (start, end, index + row, labels)
      videos.setdefault(video, []).append(segment)
  return _once(path, videos, counts)


def _once(
  path: pathlib.Path,
  videos: Mapping[str, list[Segment]],
  counts: collections.Counter,
) -> dict[str, list[Segment]]:
  """Sorts segments by time; those of equal time and labels come once."""
  result: dict[str, list[Segment]] = {}
  pieces = pairs = 0
  for video, segments in videos.items():
    kept = result.setdefault(video, [])
    for segment in sorted(segments, key=lambda s: s[:3]):
      if any(
        s[:2] == segment[:2] and s[3] == segment[3] for s in reversed(kept[-8:])
      ):
        counts[REPEATED] += 1
        continue
      kept.append(segment)
    pairs += len(kept) - 1
    pieces += sum(
      a[3] == b[3] and abs(a[1] - b[0]) <= csd_file.EPSILON
      for a, b in itertools.pairwise(kept)
    )
  if pairs >= PIECES and pieces > 0.5 * pairs:
    raise UserError(
      f'{path}: {pieces:,} of {pairs:,} segments go on where the one before '
      'ends, with the same labels. These labels were aligned to words or to '
      "another stream, which cuts them into pieces: give the corpus' own label "
      'file, such as CMU_MOSEI_Labels.csd.'
    )
  return result
