"""CMU-MOSEI and CMU-MOSI from CMU-MultimodalSDK's .csd files.

Use this reader to choose the features yourself, each at its own rate.
`csd_file` describes the format and says where files come from. All that is
needed of the SDK itself are its folds (mmsdk/mmdatasdk/dataset/
standard_datasets/CMU_MOSEI/cmu_mosei_std_folds.py, and CMU_MOSI's), which are
read as text.
"""

import ast
import collections
from collections.abc import Iterator, Mapping, Sequence
import contextlib
import functools
import math
import pathlib
import re

import numpy as np

from affect_jax import by_name
from affect_jax.corpora import csd_labels
from affect_jax.corpora import mosei_emotions
from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import feature_file
from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.builders import utterances
from affect_jax.corpora.files import csd_file
from affect_jax.corpora.files import missing
from affect_jax.corpora.files import sources
from affect_jax.corpora.files import split_names
from affect_jax.errors import UserError

FOLDS = {
  'train': 'standard_train_fold',
  'val': 'standard_valid_fold',
  'test': 'standard_test_fold',
}
# The split in such a name, which may be one of `split_names`.
_FOLD = re.compile(r'(?:standard_)?([a-z]+)_folds?')
PAUSE = 'sp'
NO_FOLD = 'segments of videos in no fold'
NO_LABELS = 'videos without labels'
# The modality of each stream with numbers; 'words' are the transcript.
MODALITY = {'vectors': 'text', 'audio': 'audio', 'vision': 'vision'}
# Streams and labels of the same videos cannot differ more in their length.
MOST = 20.0
# Features and intervals of a video.
_Rows = tuple[np.ndarray, np.ndarray]


def listing(
  labels: str | pathlib.Path,
  folds: str | pathlib.Path,
  *,
  words: str | pathlib.Path = '',
  vectors: str | pathlib.Path = '',
  audio: str | pathlib.Path = '',
  vision: str | pathlib.Path = '',
  seconds: Mapping[str, float] | None = None,
) -> utterance_listing.Listing:
  """Lists one utterance per labelled segment, cut out of the streams by time.

  A row of a stream belongs to the segment in which its middle lies: start <=
  middle < end. Rows are sorted by time, and come once, even if the SDK's align
  wrote them into several segments: see `csd_file.in_time`.
  The id is 'video[k]', where k is the row of the label stream, as in the SDK;
  the video is the dialogue, and turns are numbered in order of time. A stream
  that has no row for a segment is a missing modality, and is counted.

  Each file is read video by video.

  Args:
    labels: CMU_MOSEI_Labels.csd (7 columns, see `mosei_emotions`), or MOSI's
      CMU_MOSI_Opinion_Labels.csd (sentiment).
    folds: The SDK's file of folds: lists of videos.
    words: ..._TimestampedWords.csd: transcripts, without the pauses 'sp'.
    vectors: Stream of word vectors, ..._TimestampedWordVectors.csd.
    audio: Stream such as ..._COVAREP.csd.
    vision: Stream such as ..._VisualFacet42.csd.
    seconds: {labels, words, vectors, audio or vision: seconds per unit of its
      intervals}, such as {'audio': 0.001} for milliseconds; 1 if not given.

  Raises:
    FileNotFoundError: a file is missing.
    ImportError: h5py is not installed.
    UserError: none of words, vectors, audio and vision is given; or, naming
      the file: a stream is not as `csd_file.entries` reads it, labels are
      missing or out of range, or folds are missing or share a video. When
      streamed: times of a stream are in another unit than those of the labels,
      or most segments of a split have no row of it, or most videos no labels.
  """
  given = {'words': words, 'vectors': vectors, 'audio': audio, 'vision': vision}
  streams = {
    name: sources.existing(path, f'a .csd of {name}')
    for name, path in given.items()
    if path
  }
  if not streams:
    raise UserError('Set at least one of words, vectors, audio and vision.')
  seconds = dict(seconds or {})
  for name, unit in seconds.items():
    by_name.check('stream of seconds', name, ['labels', *given])
    if not 0 < unit < math.inf:
      raise UserError(f'seconds of {name} is {unit}; it must be above 0.')
  labels = sources.existing(labels, 'a .csd of labels')
  folds = sources.existing(folds, "the SDK's file of folds")
  first = next(iter(csd_labels.read(labels).values()), [])
  if not first:
    raise UserError(f'{labels} holds no labelled segment.')
  outputs: dict[str, tuple[str, ...]] = dict(feature_file.SENTIMENT)
  if mosei_emotions.EMOTIONS[0] in first[0][3]:
    outputs['emotion'] = mosei_emotions.EMOTIONS
  videos = read_folds(folds)
  files = [labels, folds, *streams.values()]
  return utterance_listing.Listing(
    outputs=outputs,
    dims={m: _width(streams[n]) for n, m in MODALITY.items() if n in streams},
    splits={
      split: functools.partial(_stream, labels, split, videos, streams, seconds)
      for split in videos
    },
    sources={
      **{path.name: sources.sha256(path) for path in files},
      'rows': 'by time, once',
      **({'seconds': str(seconds)} if seconds else {}),
    },
  )


def read_folds(path: pathlib.Path) -> dict[str, tuple[str, ...]]:
  """Reads {'train', 'val', 'test': videos}; the file is parsed, never run.

  Raises:
    UserError: the file is not Python, a list is missing, or a video appears
      twice, in one list or in two.
  """
  try:
    tree = ast.parse(path.read_text(encoding='utf-8'))
    lists = {
      ast.unparse(node.targets[0]): ast.literal_eval(node.value)
      for node in tree.body
      if isinstance(node, ast.Assign)
    }
  except (
    MemoryError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
  ) as e:
    raise UserError(f'{path} is not a list of folds in Python: {e}') from e
  parts = {m[1]: name for name in lists if (m := _FOLD.fullmatch(name))}
  folds = {
    split: parts[part]
    for split, part in split_names.of_keys(path, parts).items()
  }
  if absent := sorted(FOLDS[split] for split in FOLDS if split not in folds):
    raise UserError(f'{path} has no {absent}, only {sorted(lists)}.')
  homes: dict[str, list[str]] = {}
  for name in folds.values():
    for video in lists[name]:
      homes.setdefault(video, []).append(name)
  # A model must not be tested on what it was trained on.
  if repeated := {v: names for v, names in homes.items() if len(names) > 1}:
    shown = [f'{v!r} in {names}' for v, names in list(repeated.items())[:10]]
    raise UserError(
      f'{path}: {len(repeated)} videos appear more than once: '
      f'{"; ".join(shown)}{"; ..." if len(repeated) > len(shown) else "."}'
    )
  return {split: tuple(lists[name]) for split, name in folds.items()}


def _width(path: pathlib.Path) -> int:
  for _, features, _ in csd_file.entries(path):
    return features.shape[1]
  raise UserError(f'{path} holds no entry.')


def _stream(
  labels: pathlib.Path,
  split: str,
  folds: Mapping[str, tuple[str, ...]],
  files: Mapping[str, pathlib.Path],
  seconds: Mapping[str, float],
) -> Iterator[utterance_listing.Utterance | face_listing.LeftOut]:
  counts: collections.Counter = collections.Counter()
  first = split == next(iter(folds))
  # What concerns no split is counted once.
  segments = csd_labels.read(
    labels, seconds.get('labels', 1.0), counts if first else None
  )
  if first:
    inside = {video for videos in folds.values() for video in videos}
    counts[NO_FOLD] += sum(
      len(s) for v, s in segments.items() if v not in inside
    )
  videos = [video for video in folds[split] if video in segments]
  counts[NO_LABELS] += len(folds[split]) - len(videos)
  if len(videos) < counts[NO_LABELS]:
    raise UserError(
      f'{labels} has labels of only {len(videos)} of {len(folds[split])} '
      f'videos of {split}: it belongs to other folds. One video of the folds '
      f'is {folds[split][0]!r}, one of the labels {next(iter(segments))!r}.'
    )
  cuts = {name: _Cuts(name, path, labels) for name, path in files.items()}
  with contextlib.ExitStack() as stack:
    left = {name: collections.Counter() for name in files}
    getters = {
      name: stack.enter_context(csd_file.opened(path, counts=left[name]))
      for name, path in files.items()
    }
    for video in videos:
      rows = segments[video]
      streams = {
        name: _in_seconds(get(video), seconds.get(name, 1.0))
        for name, get in getters.items()
      }
      for name, stream in streams.items():
        cuts[name].see(video, rows, stream)
      for turn, (start, end, index, row_labels) in enumerate(rows):
        cut = {n: _cut(stream, start, end) for n, stream in streams.items()}
        transcript = _words(cut.pop('words', np.zeros(0)))
        arrays = {MODALITY[name]: array for name, array in cut.items()}
        counted: collections.Counter = collections.Counter()
        sequences = feature_file.all_finite(arrays, counted)
        empty = not sequences and not transcript
        counted[feature_file.NOTHING] += empty
        yield from feature_file.left_out(counted, f'{video}[{index}]')
        if empty:
          continue
        yield utterance_listing.Utterance(
          id=f'{video}[{index}]',
          labels=row_labels,
          sequences=sequences,
          transcript=transcript,
          dialogue=video,
          turn=turn,
        )
  for name, of_stream in left.items():
    counts.update({f'{name} {why}': n for why, n in of_stream.items()})
    cuts[name].check(split)
  yield from feature_file.left_out(counts)


class _Cuts:
  """Counts what the segments of a split find in a stream, to judge it."""

  def __init__(self, name: str, path: pathlib.Path, labels: pathlib.Path):
    self._name, self._path, self._labels = name, path, labels
    self._segments = self._empty = 0
    self._ends: list[tuple[str, float, float]] = []

  def see(
    self, video: str, rows: Sequence[csd_labels.Segment], stream: _Rows | None
  ) -> None:
    self._segments += len(rows)
    if stream is None or not len(stream[1]):
      self._empty += len(rows)
      return
    middle = np.sort(stream[1].mean(axis=1))
    for start, end, *_ in rows:
      begin, stop = np.searchsorted(middle, [start, end])
      self._empty += int(begin == stop)
    last = max(end for _, end, *_ in rows)
    self._ends.append((video, float(stream[1].max()), last))

  def check(self, split: str) -> None:
    """Raises if times disagree, or most segments have no row."""
    ratios = [ours / theirs for _, ours, theirs in self._ends if theirs > 0]
    ratio = float(np.median(ratios)) if ratios else 1.0
    if not 1 / MOST <= ratio <= MOST:
      video, ours, theirs = self._ends[0]
      raise UserError(
        f'{self._path}: {self._name} of {video!r} end at {ours:g}, its labels '
        f'in {self._labels} at {theirs:g}: not the same unit of time, which '
        'must be seconds. For milliseconds set config.data.seconds to '
        f"{{'{self._name}': 0.001}}."
      )
    if 2 * self._empty > self._segments:
      raise UserError(
        f'{self._path}: {self._empty:,} of {self._segments:,} segments of '
        f'{split} have no row of {self._name}: it belongs to other labels than '
        f'{self._labels}, or most of it is missing. Fetch it again, or leave '
        f"it out: config.data.{self._name}=''."
      )


def _in_seconds(stream: _Rows | None, unit: float) -> _Rows | None:
  return None if stream is None else (stream[0], stream[1] * unit)


def _cut(stream: _Rows | None, start: float, end: float) -> np.ndarray:
  if stream is None:
    return np.zeros((0, 0), np.float32)
  features, intervals = stream
  middle = intervals.mean(axis=1)
  return features[(start <= middle) & (middle < end)]


def _words(rows: np.ndarray) -> str:
  texts = [missing.to_word(row) for row in rows]
  return ' '.join(text for text in texts if text and text != PAUSE)


class Csd(utterances.UtteranceCorpus):
  """Segments of CMU-MOSEI or CMU-MOSI; see `listing` for the options."""

  LISTING = listing
