"""Raw annotation files: their checksums, their rows, their mistakes."""

from collections.abc import Iterator
import csv
import functools
import hashlib
import json
import pathlib
from typing import Any

from absl import logging

from affect_jax import user_path
from affect_jax.corpora.files import csv_form
from affect_jax.errors import UserError

# More would only scroll the first ones away.
MAX_PROBLEMS = 20


class Problems:
  """Collects the problems of a source, to report them all at once."""

  def __init__(self, source: Any):
    self._source = source
    self._problems: list[str] = []

  def add(self, problem: str) -> None:
    """Notes one problem; the 20th raises at once."""
    self._problems.append(problem)
    if len(self._problems) == MAX_PROBLEMS:
      self._problems.append(f'... stopped after {MAX_PROBLEMS} problems.')
      self.check()

  def check(self) -> None:
    """Raises ValueError if there is any problem."""
    if self._problems:
      raise UserError(
        f'{self._source} cannot be used:\n  ' + '\n  '.join(self._problems)
      )


def sha256(path: str | pathlib.Path) -> str:
  """Computes the sha256 of a file, as 64 hex digits, in constant memory."""
  with open(path, 'rb') as f:
    return hashlib.file_digest(f, 'sha256').hexdigest()


def fingerprint(**parts: Any) -> str:
  """Returns 16 hex digits that change when any of the (JSON) parts changes."""
  text = json.dumps(parts, sort_keys=True)
  return hashlib.sha256(text.encode()).hexdigest()[:16]


def existing(path: str | pathlib.Path, what: str) -> pathlib.Path:
  """Returns the absolute path of a file that must exist.

  Raises:
    FileNotFoundError: there is no such file; the message says `what` it is.
  """
  path = user_path.expand(path)
  if not path.is_file():
    raise FileNotFoundError(f'{path}: no such file; {what} is expected here.')
  return path


def read_rows(path: pathlib.Path) -> Iterator[tuple[int, list[str]]]:
  """Yields (line number, cells) of a CSV file, header first.

  Line numbers are those of an editor, from 1, even if quoted cells span lines.
  A byte order mark and CRLF are fine; blank lines are skipped.

  Args:
    path: A file of UTF-8, or of UTF-16 with its mark; cells are separated by
      commas, or by what `csv_form.find` finds, which the log says.

  Raises:
    UserError: the file is empty, is not such text or breaks CSV's quoting.
  """
  form = csv_form.find(path)
  if unusual := str(form):
    _say(path, unusual)
  line, empty = 1 + form.before, True
  with open(path, encoding=form.encoding, newline='') as f:
    for _ in range(form.before):
      next(f)
    rows = csv.reader(f, delimiter=form.separator, strict=True)
    while True:
      try:
        cells = next(rows)
      except StopIteration:
        break
      except UnicodeDecodeError as e:
        if form.encoding == 'utf-16':
          raise UserError(
            f'{path}:{line}: the UTF-16 text breaks off; is the file whole?'
          ) from e
        raise UserError(
          f'{path}:{_undecodable_line(path)}: not UTF-8 text; save the file '
          'as "CSV UTF-8".'
        ) from e
      except csv.Error as e:
        raise UserError(f'{path}:{line}: not valid CSV: {e}.') from e
      if cells:
        empty = False
        yield line, cells
      line = rows.line_num + 1 + form.before
  if empty:
    raise UserError(f'{path} is empty; a header line is expected.')


@functools.cache
def _say(path: pathlib.Path, form: str) -> None:
  """Logs the form of a file, once."""
  logging.info('%s: read as %s.', path, form)


def _undecodable_line(path: pathlib.Path) -> int:
  """Returns the number of the first line that is not UTF-8."""
  with open(path, 'rb') as f:
    for number, line in enumerate(f, 1):
      try:
        line.decode('utf-8')
      except UnicodeDecodeError:
        return number
  return number
