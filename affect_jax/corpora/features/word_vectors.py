"""Looks up words in a file of vectors like GloVe's (Pennington et al., 2014).

A line is 'word v1 ... vD', separated by single spaces or tabs, UTF-8; a first
line 'number D', as word2vec writes it, is skipped. word2vec's binary files are
read, too, and both in archives: see `vector_file`.
"""

import collections
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
import dataclasses
import functools
import itertools
import pathlib
import re
from typing import Any, IO
import unicodedata

import numpy as np

from affect_jax.corpora.features import vector_file
from affect_jax.errors import UserError

# In this order: the word before n't, n't itself, 's and the like; numbers such
# as 3.5 and 1,000, words, three dots, and any other single mark.
_TOKEN = re.compile(
  r"\w+(?=n't\b)|n't\b|'(?:s|re|ve|ll|d|m)\b"
  r'|\d+(?:[.,]\d+)+|\w+|\.\.\.|[^\w\s]',
  re.IGNORECASE,
)


def tokenize(text: str, lower: bool = True) -> list[str]:
  """Splits a text into lower-case words and marks: "Don't!" -> do, n't, !.

  Contractions are split where Penn Treebank splits them (it 's, do n't, we
  'll), since files of vectors have the parts. Typographic quotes become plain
  ones; a hyphenated word becomes its parts and the hyphen.

  Args:
    text: Any text.
    lower: False for files that distinguish capitals.
  """
  text = unicodedata.normalize('NFC', text)
  text = text.replace('’', "'").replace('“', '"').replace('”', '"')
  return _TOKEN.findall(text.lower() if lower else text)


@dataclasses.dataclass(frozen=True, eq=False)
class WordVectors:
  """The vectors of the words that were asked for.

  Attributes:
    file: The file they are from.
    dim: D.
    vectors: {word: float32 [D]} of the words that the file has.
    asked: {word: how often} of all words that were asked for.
    phrases: Lines skipped because their 'word' has spaces.
    repeated: Lines skipped because their word had appeared before.
  """

  file: str
  dim: int
  vectors: Mapping[str, np.ndarray]
  asked: Mapping[str, int]
  phrases: int = 0
  repeated: int = 0

  @property
  def missing(self) -> dict[str, int]:
    """Returns {word: how often} of the words without a vector, by frequency."""
    lost = {w: n for w, n in self.asked.items() if w not in self.vectors}
    return dict(sorted(lost.items(), key=lambda item: (-item[1], item[0])))

  def __str__(self) -> str:
    missing = self.missing
    total = sum(self.asked.values())
    return (
      f'{len(self.vectors)} of {len(self.asked)} words '
      f'({total - sum(missing.values())} of {total} tokens) have vectors in '
      f'{self.file}'
      + (f'; most frequent without: {list(missing)[:10]}' if missing else '')
      + (f'; {self.repeated} repeated lines' if self.repeated else '')
    )


def read_dim(path: str | pathlib.Path) -> int:
  """Reads D of a file from its first line; errors are those of `load`."""
  with vector_file.opened(pathlib.Path(path)) as f:
    return _read_first(path, f.readline(), None)[0]


def load(
  path: str | pathlib.Path,
  words: Iterable[str] | Mapping[str, int],
  dim: int | None = None,
) -> WordVectors:
  """Reads the vectors of some words; the file may be larger than the memory.

  Every line is checked for its length, unless it is blank, and the lines of
  `words` for their numbers. If a word appears twice, its first line counts.

  Args:
    path: The file; see `vector_file`.
    words: All tokens of the corpus, or {word: how often}.
    dim: D; by default that of the first line.

  Raises:
    FileNotFoundError: There is no such file.
    UserError: A line has too few or too many numbers, or something that is not
      a number; the file is empty, or has none of the words.
  """
  asked = collections.Counter(words)
  wanted = {word.encode(): word for word in asked}
  vectors: dict[str, np.ndarray] = {}
  phrases = repeated = 0
  with vector_file.opened(pathlib.Path(path)) as f:
    first = f.readline()
    dim, header = _read_first(path, first, dim)
    if header and vector_file.is_binary(f, dim):
      entries = _binary_entries(path, f, int(first.split()[0]), dim)
    else:
      lines = f if header else itertools.chain([first], f)
      entries = _text_entries(path, lines, 2 if header else 1, dim)
    for word, vector in entries:
      if word is None:
        phrases += 1
      elif word not in wanted:
        continue
      elif wanted[word] in vectors:
        repeated += 1
      else:
        vectors[wanted[word]] = vector()
  if asked and not vectors:
    raise UserError(
      f'{path} has none of the {len(asked)} words, such as '
      f'{list(asked)[:5]}; is it of another language or case?'
    )
  return WordVectors(
    file=str(path),
    dim=dim,
    vectors=vectors,
    asked=asked,
    phrases=phrases,
    repeated=repeated,
  )


def embed(vectors: WordVectors, words: Sequence[str]) -> np.ndarray:
  """Returns an utterance's vectors, float32 [T, D], zeros for unknown words.

  T is the number of words; 0, for an empty utterance, means a missing modality.

  Raises:
    UserError: `load` did not look for one of the words.
  """
  foreign = [word for word in words if word not in vectors.asked]
  if foreign:
    raise UserError(
      f'{foreign[:5]} were not looked for in {vectors.file}; pass them to '
      'load().'
    )
  zeros = np.zeros(vectors.dim, np.float32)
  rows = [vectors.vectors.get(word, zeros) for word in words]
  return np.array(rows, np.float32).reshape(len(rows), vectors.dim)


# (word, function that reads its vector); no word: a phrase.
_Entries = Iterator[tuple[bytes | None, Callable[[], np.ndarray]]]


def _text_entries(
  path: Any, lines: Iterable[bytes], first: int, dim: int
) -> _Entries:
  """Yields the entries of lines, of which the first has the number `first`.

  Lines are bytes: some files have words that are not UTF-8, or that Python
  would take for ends of lines or for spaces.
  """
  for number, raw in enumerate(lines, first):
    line = _line(raw)
    if not line:
      continue
    word, spaces = line.split(b' ', 1)[0], line.count(b' ')
    vector = functools.partial(_vector, path, number, line)
    if spaces > dim and _is_phrase(line, dim):
      yield None, vector
      continue
    if spaces != dim:
      raise UserError(
        f'{path}:{number}: {spaces} numbers, not {dim}: {_show(line)}.'
      )
    yield word, vector


def _binary_entries(path: Any, f: IO[bytes], count: int, dim: int) -> _Entries:
  """Yields the entries of word2vec's binary format, after its first line.

  Each is the word, a space and D float32, little-endian; some writers end it
  with a line break.
  """
  size = 4 * dim
  buffer, start = b'', 0
  for number in range(1, count + 1):
    while (end := buffer.find(b' ', start)) < 0 or len(buffer) <= end + size:
      more = f.read(1 << 20)
      if not more:
        break
      buffer, start = buffer[start:] + more, 0
    word = buffer[start:end].lstrip(b'\r\n')
    data = buffer[end + 1 : end + 1 + size]
    if end < 0 or len(data) < size:
      raise UserError(
        f'{path}: truncated: vector {number} of {count} is missing or cut.'
      )
    start = end + 1 + size
    yield word, functools.partial(_binary_vector, path, number, word, data)


def _binary_vector(
  path: Any, number: int, word: bytes, data: bytes
) -> np.ndarray:
  vector = np.frombuffer(data, '<f4').astype(np.float32)
  if not np.all(np.isfinite(vector)):
    raise UserError(
      f'{path}: vector {number}, of {_show(word)}, is not finite.'
    )
  return vector


def _line(raw: bytes) -> bytes:
  """Returns a line with spaces for tabs, if these separate its fields."""
  line = raw.rstrip(b' \t\r\n')
  # After a tab comes a number; a space before the first belongs to the word.
  return line.replace(b'\t', b' ') if b'\t' in line else line


def _read_first(path: Any, line: bytes, dim: int | None) -> tuple[int, bool]:
  """Returns (D, whether this first line is word2vec's header)."""
  fields = _line(line).split(b' ')
  header = len(fields) == 2 and all(x.isdigit() for x in fields)
  numbers = int(fields[1]) if header else len(fields) - 1
  if numbers < 1 or dim not in (None, numbers):
    raise UserError(
      f'{path}:1: {numbers} numbers, not {dim or "a word and its numbers"}: '
      f'{_show(line)}.'
    )
  return numbers, header


def _is_phrase(line: bytes, dim: int) -> bool:
  """Returns whether the surplus fields belong to the word, as in '. . .'.

  GloVe's largest file has such words. A number among the surplus means that the
  line has too many numbers instead.
  """
  return all(x and not _is_number(x) for x in line.split(b' ')[1:-dim])


def _is_number(x: bytes) -> bool:
  try:
    float(x)
  except ValueError:
    return False
  # float() also reads 'infinity' and 'nan', which are words.
  return re.search(rb'\d', x) is not None


def _vector(path: Any, number: int, line: bytes) -> np.ndarray:
  values = line.split(b' ')[1:]
  for x in values:
    if not _is_number(x):
      raise UserError(
        f'{path}:{number}: {_show(x)} is not a number: {_show(line)}.'
      )
  vector = np.array([float(x) for x in values], np.float32)
  if not np.all(np.isfinite(vector)):
    raise UserError(f'{path}:{number}: not finite: {_show(line)}.')
  return vector


def _show(line: bytes) -> str:
  text = line.decode(errors='replace')
  return repr(text if len(text) <= 60 else text[:60] + '...')
