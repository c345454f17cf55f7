"""Opens files of word vectors: text or word2vec's binary format, packed or not.

The content of a file says what it is, not its name.
"""

import bz2
import codecs
from collections.abc import Iterator
import contextlib
import gzip
import lzma
import pathlib
from typing import Any, IO
import zipfile
import zlib

from affect_jax import file_kind
from affect_jax.errors import UserError

# How packed files begin.
_PACKED: dict[bytes, Any] = {
  b'\x1f\x8b': gzip.open,
  b'BZh': bz2.open,
  b'\xfd7zXZ\0': lzma.open,
}
# How files of others begin: fastText's models, pickles of gensim.
_MODELS = (b'\xba\x16\x4f\x2f', b'\x80')
# Bytes that no text has.
_CONTROL = bytes({*range(32)} - set(b'\t\n\r'))


@contextlib.contextmanager
def opened(path: pathlib.Path) -> Iterator[IO[bytes]]:
  """Opens a file of word vectors, unpacked on the way.

  Args:
    path: A text or a binary file of word2vec, or one of them as gzip, bzip2, xz
      or as the only file of a zip archive.

  Raises:
    FileNotFoundError: There is no such file.
    UserError: An archive has several files or is damaged, or the file is none
      of word vectors.
  """
  with path.open('rb') as f:
    head = f.read(file_kind.HEAD)
  for beginning, unpack in _PACKED.items():
    if head.startswith(beginning):
      with _naming(path), unpack(path, 'rb') as stream:
        yield _checked(path, stream)
      return
  if head.startswith(b'PK'):
    with (
      _naming(path),
      zipfile.ZipFile(path) as archive,
      archive.open(_member(path, archive)) as stream,
    ):
      yield _checked(path, stream)
    return
  with path.open('rb') as stream:
    yield _checked(path, stream)


@contextlib.contextmanager
def _naming(path: pathlib.Path) -> Iterator[None]:
  try:
    yield
  except (
    EOFError,
    OSError,
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
  ) as e:
    raise UserError(f'{path}: damaged or truncated ({e}).') from e


def _member(path: pathlib.Path, archive: zipfile.ZipFile) -> str:
  names = [
    info.filename
    for info in archive.infolist()
    # What macOS adds is no content.
    if not info.is_dir() and not info.filename.startswith('__MACOSX/')
  ]
  if len(names) != 1:
    raise UserError(
      f'{path}: has {len(names)} files, {names[:5]}: unpack it, and give the '
      'one that you want.'
    )
  return names[0]


def _checked(path: pathlib.Path, stream: IO[bytes]) -> IO[bytes]:
  """Returns the stream after a byte order mark, if it may hold vectors."""
  head = _peek(stream, file_kind.HEAD)
  if kind := file_kind.describe(head) if head else '':
    raise UserError(f'{path} {kind}.')
  if head.startswith(_MODELS):
    raise UserError(
      f'{path} is a model of fastText or gensim, of which only vectors are '
      "read: give fastText's .vec, or what gensim's save_word2vec_format wrote."
    )
  if head.startswith(codecs.BOM_UTF8):
    stream.read(len(codecs.BOM_UTF8))
  return stream


def _peek(stream: IO[bytes], size: int) -> bytes:
  """Returns the next bytes of a stream, which stay unread."""
  start = stream.tell()
  head = stream.read(size)
  stream.seek(start)
  return head


def is_binary(stream: IO[bytes], dim: int) -> bool:
  """Returns whether word2vec's binary vectors follow, which stay unread.

  Args:
    stream: A file after its first line, 'number D'.
    dim: D.
  """
  # A word, and numbers of at most so many letters.
  head = _peek(stream, 1000 + 40 * dim)
  if head != head.translate(None, _CONTROL):
    return True
  first_line = head.lstrip().split(b'\n', 1)[0]
  numbers = b''.join(first_line.split()[1:])
  return not numbers or bool(
    numbers.translate(None, b'0123456789+-.eEinfaINFA')
  )
