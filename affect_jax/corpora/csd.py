"""CMU-MOSEI and CMU-MOSI from CMU-MultimodalSDK's .csd files.

Use this reader to choose the features yourself, each at its own rate.
`csd_file` describes the format and says where files come from. All that is
needed of the SDK itself are its folds (mmsdk/mmdatasdk/dataset/
standard_datasets/CMU_MOSEI/cmu_mosei_std_folds.py, and CMU_MOSI's), which are
read as text.
"""

import ast
import collections
from collections.abc import Iterator, Mapping
import contextlib
import functools
import pathlib
from typing import Any

import numpy as np

from affect_jax.corpora import csd_file
from affect_jax.corpora import mosei_emotions
from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import feature_file
from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.builders import utterances
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError

FOLDS = {
  'train': 'standard_train_fold',
  'val': 'standard_valid_fold',
  'test': 'standard_test_fold',
}
PAUSE = 'sp'
NO_FOLD = 'segments of videos in no fold'


def listing(
  labels: str | pathlib.Path,
  folds: str | pathlib.Path,
  *,
  words: str | pathlib.Path = '',
  vectors: str | pathlib.Path = '',
  audio: str | pathlib.Path = '',
  vision: str | pathlib.Path = '',
) -> utterance_listing.Listing:
  """Lists one utterance per labelled segment, cut out of the streams by time.

  A row of a stream belongs to the segment in which its middle lies: start <=
  middle < end. (The SDK's align takes rows that overlap, some of them twice.)
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

  Raises:
    FileNotFoundError: a file is missing.
    ImportError: h5py is not installed.
    UserError: none of words, vectors, audio and vision is given; or, naming
      the file: a stream is not as `csd_file.entries` reads it, labels are
      missing or out of range, or folds are missing or share a video.
  """
  streams = {'text': vectors, 'audio': audio, 'vision': vision}
  streams = {
    m: sources.existing(p, f'a .csd of {m}') for m, p in streams.items() if p
  }
  if not streams and not words:
    raise UserError('Set at least one of words, vectors, audio and vision.')
  words = sources.existing(words, 'a .csd of words') if words else ''
  labels = sources.existing(labels, 'a .csd of labels')
  folds = sources.existing(folds, "the SDK's file of folds")
  first = next(iter(read_labels(labels).values()), [])
  if not first:
    raise UserError(f'{labels} holds no labelled segment.')
  outputs: dict[str, tuple[str, ...]] = dict(feature_file.SENTIMENT)
  if mosei_emotions.EMOTIONS[0] in first[0][3]:
    outputs['emotion'] = mosei_emotions.EMOTIONS
  videos = read_folds(folds)
  files = [labels, folds, *([words] if words else []), *streams.values()]
  return utterance_listing.Listing(
    outputs=outputs,
    dims={m: _width(path) for m, path in streams.items()},
    splits={
      split: functools.partial(
        _stream, labels, split, videos, words, tuple(streams.items())
      )
      for split in videos
    },
    sources={path.name: sources.sha256(path) for path in files},
  )


def read_labels(
  path: pathlib.Path,
) -> dict[str, list[tuple[float, float, int, dict[str, Any]]]]:
  """Reads {video: [(start, end, row in the stream, labels by name)], by time}.

  Raises:
    UserError: the file's only stream does not hold labels, or a row does not
      have 1 or 7 columns in their ranges; the message names file, video, row
      and value.
  """
  names = csd_file.streams(path)
  # 'All Labels' of MOSEI, 'Opinion Segment Labels' of MOSI.
  if len(names) == 1 and 'label' not in names[0].lower():
    raise UserError(
      f'{path} has no stream of labels, only {names}. Labels are in '
      'CMU_MOSEI_Labels.csd and CMU_MOSI_Opinion_Labels.csd.'
    )
  videos: dict[str, list] = {}
  for key, features, intervals in csd_file.entries(path):
    video, index = feature_file.split_id(key)
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
      place = int(index) + row if video else row
      videos.setdefault(video or key, []).append(
        (float(span[0]), float(span[1]), place, labels)
      )
  return {v: sorted(rows, key=lambda r: r[:3]) for v, rows in videos.items()}


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
  except (SyntaxError, UnicodeDecodeError, ValueError) as e:
    raise UserError(f'{path} is not a list of folds in Python: {e}') from e
  if missing := sorted(set(FOLDS.values()) - set(lists)):
    raise UserError(f'{path} has no {missing}, only {sorted(lists)}.')
  homes: dict[str, list[str]] = {}
  for name in FOLDS.values():
    for video in lists[name]:
      homes.setdefault(video, []).append(name)
  # A model must not be tested on what it was trained on.
  if repeated := {v: names for v, names in homes.items() if len(names) > 1}:
    shown = [f'{v!r} in {names}' for v, names in list(repeated.items())[:10]]
    raise UserError(
      f'{path}: {len(repeated)} videos appear more than once: '
      f'{"; ".join(shown)}{"; ..." if len(repeated) > len(shown) else "."}'
    )
  return {split: tuple(lists[name]) for split, name in FOLDS.items()}


def _width(path: pathlib.Path) -> int:
  for _, features, _ in csd_file.entries(path):
    return features.shape[1]
  raise UserError(f'{path} holds no entry.')


def _stream(
  labels: pathlib.Path,
  split: str,
  folds: Mapping[str, tuple[str, ...]],
  words: pathlib.Path | str,
  streams: tuple[tuple[str, pathlib.Path], ...],
) -> Iterator[utterance_listing.Utterance | face_listing.LeftOut]:
  counts: collections.Counter = collections.Counter()
  segments = read_labels(labels)
  if split == next(iter(folds)):  # Videos of no split are counted once.
    inside = {video for videos in folds.values() for video in videos}
    counts[NO_FOLD] += sum(
      len(s) for v, s in segments.items() if v not in inside
    )
  with contextlib.ExitStack() as stack:
    get_words = stack.enter_context(csd_file.opened(words)) if words else None
    getters = {
      m: stack.enter_context(csd_file.opened(path)) for m, path in streams
    }
    for video in folds[split]:
      if video not in segments:
        counts['videos without labels'] += 1
        continue
      words_stream = get_words(video) if get_words else None
      features = {m: get(video) for m, get in getters.items()}
      for turn, (start, end, index, row_labels) in enumerate(segments[video]):
        transcript = _words(_cut(words_stream, start, end))
        cut = {m: _cut(stream, start, end) for m, stream in features.items()}
        sequences = feature_file.all_finite(cut, counts)
        if not sequences and not transcript:
          counts[feature_file.NOTHING] += 1
          continue
        yield utterance_listing.Utterance(
          id=f'{video}[{index}]',
          labels=row_labels,
          sequences=sequences,
          transcript=transcript,
          dialogue=video,
          turn=turn,
        )
  yield from feature_file.left_out(counts)


def _cut(
  stream: tuple[np.ndarray, np.ndarray] | None, start: float, end: float
) -> np.ndarray:
  if stream is None:
    return np.zeros((0, 0), np.float32)
  features, intervals = stream
  middle = intervals.mean(axis=1)
  return features[(start <= middle) & (middle < end)]


def _words(rows: np.ndarray) -> str:
  texts = [feature_file.to_text(row) for row in rows]
  return ' '.join(text for text in texts if text and text != PAUSE)


class Csd(utterances.UtteranceCorpus):
  """Segments of CMU-MOSEI or CMU-MOSI; see `listing` for the options."""

  LISTING = listing
