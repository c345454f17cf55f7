"""Damages the bytes of a file, as a seed says."""

from collections.abc import Callable
import re

import numpy as np

# How files of other kinds begin, and a pickle that would call a program.
HEADS = (
  *(b'PK\x03\x04', b'\x89PNG\r\n\x1a\n', b'\xff\xd8\xff\xe0', b'\x1f\x8b\x08'),
  *(b'\x89HDF\r\n\x1a\n', b'\x93NUMPY\x01\x00', b'RIFF\x24\0\0\0WAVEfmt '),
  *(b'fLaC', b'OggS', b'PAR1', b'\0\0\0\x20ftypisom', b'%PDF-1.7', b'BZh9'),
  *(b'\xff\xfe', b'\xef\xbb\xbf', b'<!doctype html>', b'{', b'[]', b'\x80\x04'),
  b"cos\nsystem\n(S'touch called_from_a_pickle'\ntR.",
)
# What may stand where a text has a number, a string or a word.
WORDS = (
  *(b'', b'0', b'-1', b'1', b'7', b'1e999', b'-1e30', b'nan', b'NaN', b'inf'),
  *(b'99999999999999999999', b'4294967297', b'0.5', b'null', b'true', b'[]'),
  *(b'{}', b'""', b'"x"', b'x', b',', b'\n', b'"', b'\0', b'\xff', b'../x'),
)
_WORD = re.compile(rb'"[^"\n]*"|[-+]?\d[\d.e+-]*|[A-Za-z_]+|[{}\[\],:;]')

Damage = Callable[[np.random.Generator, bytes], bytes]


def damage(rng: np.random.Generator, data: bytes) -> tuple[bytes, str]:
  """Returns damaged bytes, and what was done to them."""
  done = []
  for _ in range(rng.choice([1, 1, 1, 2, 3])):
    name = str(rng.choice(list(WAYS)))
    data = WAYS[name](rng, data)
    done.append(name)
  return data, '+'.join(done)


def _span(rng: np.random.Generator, data: bytes) -> tuple[int, int]:
  """Returns a span, most often a short one."""
  start = int(rng.integers(0, max(1, len(data))))
  length = int(2 ** rng.uniform(0, np.log2(max(2, len(data)))))
  return start, min(len(data), start + length)


def _noise(rng: np.random.Generator, size: int) -> bytes:
  return rng.integers(0, 256, size, np.uint8).tobytes()


def _flip(rng: np.random.Generator, data: bytes) -> bytes:
  array = np.frombuffer(data, np.uint8).copy()
  if len(array):
    # Headers lie at both ends; so do half of the flips.
    end = min(len(array), 512)
    for _ in range(rng.integers(1, 9)):
      place = [
        rng.integers(len(array)),
        rng.integers(end),
        len(array) - 1 - rng.integers(end),
      ][rng.choice(3, p=[0.5, 0.25, 0.25])]
      array[place] ^= np.uint8(1 << rng.integers(8))
  return array.tobytes()


def _set(rng: np.random.Generator, data: bytes) -> bytes:
  start = int(rng.integers(0, max(1, min(len(data), 4096))))
  size = int(rng.choice([1, 2, 4, 8]))
  value = rng.choice([0, 0x7F, 0x80, 0xFF])
  return data[:start] + bytes([value]) * size + data[start + size :]


def _cut(rng: np.random.Generator, data: bytes) -> bytes:
  return data[: int(rng.integers(0, len(data) + 1))]


def _zero(rng: np.random.Generator, data: bytes) -> bytes:
  start, end = _span(rng, data)
  return data[:start] + bytes(end - start) + data[end:]


def _random(rng: np.random.Generator, data: bytes) -> bytes:
  start, end = _span(rng, data)
  return data[:start] + _noise(rng, end - start) + data[end:]


def _double(rng: np.random.Generator, data: bytes) -> bytes:
  start, end = _span(rng, data)
  return data[:end] + data[start:]


def _remove(rng: np.random.Generator, data: bytes) -> bytes:
  start, end = _span(rng, data)
  return data[:start] + data[end:]


def _insert(rng: np.random.Generator, data: bytes) -> bytes:
  start = int(rng.integers(0, len(data) + 1))
  return data[:start] + _noise(rng, int(rng.integers(1, 65))) + data[start:]


def _head(rng: np.random.Generator, data: bytes) -> bytes:
  head = HEADS[rng.integers(len(HEADS))]
  return head + data[len(head) * int(rng.integers(2)) :]


def _word(rng: np.random.Generator, data: bytes) -> bytes:
  """Replaces a word, a number or a mark of a text by another."""
  found = list(_WORD.finditer(data[: 1 << 16]))
  if not found:
    return _flip(rng, data)
  place = found[rng.integers(len(found))]
  word = WORDS[rng.integers(len(WORDS))]
  return data[: place.start()] + word + data[place.end() :]


def _line(rng: np.random.Generator, data: bytes) -> bytes:
  """Moves, doubles or removes a line."""
  lines = data.splitlines(keepends=True)
  if len(lines) < 2:
    return _remove(rng, data)
  line = lines[rng.integers(len(lines))]
  how = rng.integers(3)
  if how != 1:
    lines.remove(line)
  if how != 2:
    lines.insert(int(rng.integers(len(lines) + 1)), line)
  return b''.join(lines)


WAYS: dict[str, Damage] = {
  'flip': _flip,
  'set': _set,
  'cut': _cut,
  'zero': _zero,
  'random': _random,
  'double': _double,
  'remove': _remove,
  'insert': _insert,
  'head': _head,
  'word': _word,
  'line': _line,
}
