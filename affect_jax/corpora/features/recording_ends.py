"""Whether a recording has all samples that its file states.

libsndfile reads what a file that was cut short still has, without a word.
"""

import os
import pathlib
import struct
from typing import IO, NamedTuple

# Sizes from here on mean that the program which wrote the file did not know it.
UNKNOWN_SIZE = 0x7FFFF000
# Of an Ogg page's head: the bit that marks the last page, and its place.
_LAST_PAGE, _FLAGS = 4, 5
# Ogg pages are at most so long.
_PAGE = 1 << 16


class _Form(NamedTuple):
  """How a file is divided into chunks.

  Attributes:
    start: Place of the first chunk.
    head: `struct` format of a chunk's name and length.
    samples: Beginning of the name of the one with samples.
    step: Chunks begin at multiples of it.
    own: Bytes of the head that the length counts, too.
  """

  start: int
  head: str
  samples: bytes = b'data'
  step: int = 2
  own: int = 0


def is_cut(path: str | pathlib.Path) -> bool:
  """Returns whether a file has fewer bytes of samples than it states.

  That is known of .wav, .rf64, .w64, .aiff, .aifc, .au and .caf, and of Ogg,
  whose last page has a mark.
  """
  size = os.path.getsize(path)
  with open(path, 'rb') as file:
    head = file.read(40)
    if head.startswith(b'OggS'):
      file.seek(max(0, size - _PAGE))
      end = file.read()
      flags = end[end.rfind(b'OggS') :][_FLAGS : _FLAGS + 1]
      return not (flags and flags[0] & _LAST_PAGE)
    if head.startswith(b'.snd') and len(head) >= 12:
      offset, length = struct.unpack('>II', head[4:12])
      return length < UNKNOWN_SIZE and offset + length > size
    form = _form(head)
    if form is None:
      return False
    place, length = _samples(file, form)
    if head.startswith(b'RF64') and len(head) >= 36:
      # Its chunk ds64 has the length, in 64 bits.
      (length,) = struct.unpack('<Q', head[28:36])
    elif form.head.endswith('I') and length >= UNKNOWN_SIZE:
      return False
    return place > 0 and place + length > size


def _form(head: bytes) -> _Form | None:
  """Returns how a file is divided, by its first 40 bytes."""
  if head[:4] in (b'RIFF', b'RF64') and head[8:12] == b'WAVE':
    return _Form(12, '<4sI')
  if head[:4] == b'RIFX' and head[8:12] == b'WAVE':
    return _Form(12, '>4sI')
  if head[:4] == b'FORM' and head[8:12] in (b'AIFF', b'AIFC'):
    return _Form(12, '>4sI', b'SSND')
  if head[:4] == b'caff':
    return _Form(8, '>4sq', step=1)
  if head[:4] == b'riff' and head[24:28] == b'wave':
    return _Form(40, '<16sq', step=8, own=24)
  return None


def _samples(file: IO[bytes], form: _Form) -> tuple[int, int]:
  """Returns place and length of the samples; (0, 0) if they are not found."""
  file.seek(form.start)
  size = struct.calcsize(form.head)
  while len(head := file.read(size)) == size:
    name, length = struct.unpack(form.head, head)
    length -= form.own
    if name.startswith(form.samples):
      return file.tell(), length
    if length < 0:
      break
    end = file.tell() + length
    file.seek(end + -end % form.step)
  return 0, 0
