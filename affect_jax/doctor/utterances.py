"""Reduces sequences and words of an utterance to a few numbers."""

from collections.abc import Iterator, Mapping, Sequence
import dataclasses
import hashlib
import re
from typing import Any
import unicodedata

import numpy as np

from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.files import mojibake

MODALITIES = utterance_listing.MODALITIES
# Audio and vision with fewer nonzero values could be equal by chance.
TELLING = 8
_APOSTROPHES = re.compile("['\u2019`]")
# Chinese and Japanese are written without spaces, so a sign counts as a word.
_SIGN = '\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff'
_WORD = re.compile(f'[{_SIGN}]|[^\\W_{_SIGN}]+')


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
  """The properties of one utterance that are kept; M is len(MODALITIES).

  Attributes:
    length: int [M], steps; 0 if the modality is missing.
    begin: int [M], all-zero steps at the beginning; 0 for token ids, and if all
      steps are zero.
    end: int [M], all-zero steps at the end, likewise.
    zero: bool [M], whether all steps are zero.
    bad: int [M], number of values that are not finite.
    features: 128-bit hash of audio and vision, as far as they are present.
    telling: Whether audio and vision hold enough to tell them from others.
    words: 128-bit hash of the transcript's words; without a transcript, of the
      text's sequence.
    num_words: Number of words, or of steps of the sequence.
    transcribed: Whether there is a transcript.
    wordless: Whether it holds no word, as '...'.
    garbled: Whether it holds characters that were decoded wrongly.
    turn: Number in the dialogue.
    extents: {modality: range of its features}; values that are not finite
      count as 0. Token ids have none.
  """

  length: np.ndarray
  begin: np.ndarray
  end: np.ndarray
  zero: np.ndarray
  bad: np.ndarray
  features: bytes
  telling: bool
  words: bytes
  num_words: int
  transcribed: bool
  wordless: bool
  garbled: bool
  turn: int
  extents: Mapping[str, 'Extent']


@dataclasses.dataclass(frozen=True)
class Extent:
  """The range of a modality's features, and what their spread follows from.

  Attributes:
    sequences: Number of sequences that were seen.
    steps: Number of their steps.
    low: f32 [D].
    high: f32 [D].
    total: f64 [D], sums over all steps.
    squares: f64 [D], sums of squares.
  """

  sequences: int
  steps: int
  low: np.ndarray
  high: np.ndarray
  total: np.ndarray
  squares: np.ndarray


def extent(x: np.ndarray) -> Extent:
  """Returns the range of one sequence f32 [T, D]."""
  exact = x.astype(np.float64)
  return Extent(
    1, len(x), x.min(0), x.max(0), exact.sum(0), np.square(exact).sum(0)
  )


def joined(a: Extent, b: Extent) -> Extent:
  """Joins two ranges."""
  return Extent(
    a.sequences + b.sequences,
    a.steps + b.steps,
    np.minimum(a.low, b.low),
    np.maximum(a.high, b.high),
    a.total + b.total,
    a.squares + b.squares,
  )


def words_of(transcript: str) -> list[str]:
  """Splits a transcript into words, without case, marks and apostrophes."""
  text = unicodedata.normalize('NFKC', transcript).casefold()
  return _WORD.findall(_APOSTROPHES.sub('', text))


def rows(
  chunk: Mapping[str, Any], dims: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
  """Yields {'transcript', 'turn', modality: [T, D] or [T]} of a chunk."""
  for i, transcript in enumerate(chunk['transcript']):
    yield {
      'transcript': transcript,
      'turn': int(chunk['turn'][i]),
      **{m: chunk[m][i][: int(chunk[m + '_length'][i])] for m in dims},
    }


def look(row: Mapping[str, Any]) -> Look:
  """Computes the properties of one of `rows`."""
  size = len(MODALITIES)
  length, begin, end, bad = np.zeros((4, size), np.int32)
  zero = np.zeros(size, bool)
  features = hashlib.blake2b(digest_size=16)
  extents, values = {}, 0
  for m, name in enumerate(MODALITIES):
    x = row.get(name)
    if x is None or not len(x):
      continue
    length[m] = len(x)
    if x.ndim == 2:  # Not token ids.
      finite = np.isfinite(x)
      bad[m] = x.size - np.count_nonzero(finite)
      x = np.where(finite, x, np.float32(0)) if bad[m] else x
      steps: Any = np.any(x, axis=1)
      zero[m] = not steps.any()
      if not zero[m]:
        begin[m], end[m] = steps.argmax(), steps[::-1].argmax()
      extents[name] = extent(x)
    if name != 'text':
      features.update(f'{name} {x.shape}'.encode())
      features.update(np.ascontiguousarray(x).tobytes())
      values += np.count_nonzero(x)
  transcript = row['transcript'].decode('utf-8', 'replace')
  words = words_of(transcript)
  said = ' '.join(words).encode()
  wordless = bool(transcript.strip()) and not words
  text = row.get('text')
  if not words and text is not None and len(text):
    said, words = b'\0' + np.ascontiguousarray(text).tobytes(), text
  return Look(
    length=length,
    begin=begin,
    end=end,
    zero=zero,
    bad=bad,
    features=features.digest(),
    telling=bool(values >= TELLING),
    words=hashlib.blake2b(said, digest_size=16).digest(),
    num_words=len(words),
    transcribed=bool(transcript.strip()),
    wordless=wordless,
    garbled=mojibake.is_garbled(transcript),
    turn=row['turn'],
    extents=extents,
  )


def stack(looks: Sequence[Look]) -> dict[str, np.ndarray]:
  """Stacks many looks to arrays.

  Returns:
    'length', 'begin', 'end', 'bad': int32 [N, M]; 'zero': bool [N, M];
    'features', 'words': uint64 [N, 2]; 'telling', 'transcribed',
    'wordless', 'garbled': bool [N]; 'num_words', 'turn': int32 [N].
  """
  arrays = {}
  for key in ('length', 'begin', 'end', 'bad'):
    arrays[key] = np.array([getattr(k, key) for k in looks], np.int32)
  for key in ('zero', 'telling', 'transcribed', 'wordless', 'garbled'):
    arrays[key] = np.array([getattr(k, key) for k in looks], bool)
  for key in ('num_words', 'turn'):
    arrays[key] = np.array([getattr(k, key) for k in looks], np.int32)
  for key in ('features', 'words'):
    digests = b''.join(getattr(k, key) for k in looks)
    arrays[key] = np.frombuffer(digests, np.uint64).reshape(-1, 2)
  return arrays


def widen(extents: dict[str, Extent], looks: Sequence[Look]) -> None:
  """Widens {modality: range of its features} by the ranges of `looks`."""
  for one in looks:
    for name, own in one.extents.items():
      extents[name] = joined(extents[name], own) if name in extents else own


def views(
  rows: Sequence[Mapping[str, Any]], dims: Mapping[str, int]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
  """Returns what is kept of the features of `rows`, to compare with labels.

  Returns:
    {modality: (int [n], rows that have it, f32 [n, 2, D], mean over steps and
    first step)}, of modalities that are not token ids.
  """
  result = {}
  for name in (m for m, dim in dims.items() if dim):
    having = [i for i, row in enumerate(rows) if len(row[name])]
    if not having:
      continue
    with np.errstate(over='ignore', invalid='ignore'):
      kept = [(rows[i][name].mean(0), rows[i][name][0]) for i in having]
    pairs = np.array(kept, np.float32)
    result[name] = np.array(having), np.where(np.isfinite(pairs), pairs, 0)
  return result
