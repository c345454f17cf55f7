"""Cells of a user's own CSV: the names of its columns, the numbers below."""

import collections
from collections.abc import Callable, Collection, Mapping, Sequence
import difflib
import pathlib
import re

from absl import logging
import numpy as np

from affect_jax.corpora.files import missing
from affect_jax.errors import UserError

ALL = 'all'  # In place of names of columns to ignore: all unknown ones.
# How the keys of columns that are not read begin.
IGNORED = 'ignored:'
# What was understood, and counted: see `number` and `without_words`.
COMMA = 'numbers with a decimal comma (read as such)'
FLAG = "cells 'True' or 'False' (read as 1 or 0)"
SENTINEL = 'numbers that config.data.sentinels names (not annotated)'
# pandas names a column without a name so when it reads one.
_UNNAMED = re.compile(r'(Unnamed: \d+)?')
_NUMBER = re.compile(r'[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?', re.I | re.ASCII)
_FLAGS = {'true': 1.0, 'false': 0.0}


def columns(
  path: pathlib.Path,
  header: Sequence[str],
  *,
  spelling: Callable[[str], str],
  known: Sequence[str],
  required: Sequence[str],
  ignore: Sequence[str],
  also: str,
) -> list[str]:
  """Names the columns in one spelling; 'ignored:...' for those not read.

  Columns without a name, as pandas writes its index and Excel its empty ones,
  are not read; the log says so.

  Args:
    path: The CSV, for messages.
    header: Its first row.
    spelling: Function from a column's name to its one spelling, or '' if it is
      unknown.
    known: Names to choose from.
    required: The names among them that must be present.
    ignore: Names of columns that are not read; ALL or (ALL,): every unknown
      one, which the log names.
    also: Further known names, in words: 'AU<number>'.

  Raises:
    UserError: a column is unknown, missing or appears twice, or an ignored
      column is missing.
  """
  names = [cell.strip() for cell in header]
  every = ignores_all(ignore) and ALL not in names
  ignore = () if every else ignore
  keys, unknown, passed = [], [], []
  for place, name in enumerate(names):
    key = spelling(name) if name not in ignore else f'{IGNORED}{name}'
    if not key and (every or _UNNAMED.fullmatch(name)):
      passed.append(name or f'the one without a name in place {place + 1}')
      key = f'{IGNORED}{place}'
    keys.append(key)
    if not key:
      others = [k for k in known if k not in names]
      close = difflib.get_close_matches(name.lower(), others, 1)
      hint = f' (did you mean {close[0]!r}?)' if close else ''
      if re.fullmatch(r'au[ _-]?\d+[lr]?_r', name.lower()):
        hint = ' (an intensity: give its scale, as config.data.au_scale=5)'
      unknown.append(f'{name!r}{hint}')
  choices = f'{", ".join(known)}, {also}'
  if unknown:
    raise UserError(
      f'{path}:1: unknown column {", ".join(unknown)}; known: {choices}; name '
      f"others in config.data.ignore_columns, or set it to 'all'."
    )
  twice = sorted({k for k in keys if keys.count(k) > 1})
  if twice:
    raise UserError(
      f'{path}:1: column {", ".join(twice)} appears twice, in '
      f'{_spellings(names, keys, twice)}; name one in '
      'config.data.ignore_columns.'
    )
  for name in required:
    if name not in keys:
      raise UserError(f'{path}:1: no column {name!r}; known: {choices}.')
  absent = sorted(set(ignore) - set(names))
  if absent:
    raise UserError(
      f'{path}:1: config.data.ignore_columns names {", ".join(absent)}, '
      'which the file does not have.'
    )
  if passed:
    logging.info('%s: columns that are not read: %s.', path, ', '.join(passed))
  return keys


def ignores_all(ignore: Sequence[str]) -> bool:
  """Returns whether `ignore` is ALL, or a list of ALL alone."""
  return ignore == ALL or list(ignore) == [ALL]


def ignored(ignore: Sequence[str]) -> str:
  """Returns `ignore` in one string, as a corpus' sources have it."""
  return ALL if ignores_all(ignore) else ', '.join(ignore)


def _spellings(
  names: Sequence[str], keys: Sequence[str], twice: Collection[str]
) -> str:
  found = [n for n, k in zip(names, keys, strict=True) if k in twice]
  return ', '.join(map(repr, found))


def fitted(cells: Sequence[str], keys: Sequence[str]) -> dict[str, str] | None:
  """Returns {key: cell, stripped} of a row; None if it does not fit.

  Empty cells beyond the last column do not matter, nor do missing ones below
  columns that are not read at the end.
  """
  cells = [cell.strip() for cell in cells]
  while len(cells) > len(keys) and not cells[-1]:
    cells.pop()
  while len(cells) < len(keys) and keys[len(cells)].startswith(IGNORED):
    if not all(k.startswith(IGNORED) for k in keys[len(cells) :]):
      break
    cells.append('')
  if len(cells) != len(keys):
    return None
  return dict(zip(keys, cells, strict=True))


def without_words(
  cells: Mapping[str, str], counts: collections.Counter
) -> dict[str, str]:
  """Empties the cells that hold a word for missing; counts them, by word."""
  emptied = {}
  for key, cell in cells.items():
    if cell and not key.startswith(IGNORED) and missing.is_missing(cell):
      counts[f'cells {cell!r} (read as empty)'] += 1
      cell = ''
    emptied[key] = cell
  return emptied


def to_number(cell: str) -> float:
  """Reads a number as a table has it; 'nan' and 'inf' in any case, too.

  Python's float reads '0_1' and digits of other scripts as well, which in a
  table are mistakes.

  Raises:
    ValueError: it is no number.
  """
  if '_' in cell or not cell.isascii():
    raise ValueError(f'could not convert string to float: {cell!r}')
  return float(cell)


def number(
  cell: str,
  low: float,
  high: float,
  *,
  scale: float = 1.0,
  sentinels: Collection[float] = (),
  counts: collections.Counter | None = None,
) -> float | None:
  """Reads a number in [low, high]; None if nothing is annotated.

  That is so if the cell is empty, a word for missing or one of `sentinels`. A
  comma may stand for the point, as no label is so large that it could part
  thousands. If low and high are 0 and 1, 'True' and 'False' are read, too.

  Args:
    cell: Text, without blanks around it.
    low: Smallest value.
    high: Largest value.
    scale: What the number is divided by first.
    sentinels: Numbers, as in the cell, that stand for nothing.
    counts: {what was understood: how many}, which is added to.

  Raises:
    UserError: the cell is something else; the caller says which cell it is.
  """
  counts = collections.Counter() if counts is None else counts
  if not cell:
    return None
  if missing.is_missing_in_any_case(cell):
    counts[f'cells {cell!r} (read as empty)'] += 1
    return None
  if (low, high) == (0, 1) and cell.lower() in _FLAGS:
    counts[FLAG] += 1
    return _FLAGS[cell.lower()]
  plain = cell.replace(',', '.', 1) if '.' not in cell else cell
  if not _NUMBER.fullmatch(plain):
    if re.fullmatch(r'[+-]?inf(inity)?', cell.lower()):
      plain = cell
    else:
      raise UserError(f'{cell!r} is not a number.')
  counts[COMMA] += plain != cell
  value = float(plain)
  if value in sentinels:
    counts[SENTINEL] += 1
    return None
  if not low <= value / scale <= high:
    raise UserError(
      f'{cell!r} is not in [{low * scale:g}, {high * scale:g}]; leave the cell '
      'empty if nothing is annotated, or name the number in '
      'config.data.sentinels.'
    )
  return value / scale


def reading(
  understood: Mapping[str, int],
  au_scale: float,
  sentinels: Mapping[str, Sequence[float]] | None,
) -> dict[str, str]:
  """Returns what a corpus' sources have of how cells were read, if anything.

  Without it a corpus that was prepared before would be taken for the same.
  """
  parts = {
    'understood': ', '.join(f'{n} {what}' for what, n in understood.items()),
    'au_scale': f'{au_scale:g}' if au_scale else '',
    'sentinels': ', '.join(
      f'{name} {np.atleast_1d(numbers).tolist()}'
      for name, numbers in (sentinels or {}).items()
    ),
  }
  return {name: text for name, text in parts.items() if text}


def log_understood(path: pathlib.Path, understood: Mapping[str, int]) -> None:
  """Logs what was read as something else than it says."""
  if understood:
    logging.info(
      '%s: %s.',
      path,
      ', '.join(f'{n} {what}' for what, n in understood.items()),
    )
