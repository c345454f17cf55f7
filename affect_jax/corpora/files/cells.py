"""Cells of a user's own CSV: the names of its columns, the numbers below."""

from collections.abc import Callable, Sequence
import difflib
import pathlib

from affect_jax.errors import UserError


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
  """Names the columns in one spelling; 'ignored:<name>' for ignored ones.

  Args:
    path: The CSV, for messages.
    header: Its first row.
    spelling: Function from a column's name to its one spelling, or '' if it is
      unknown.
    known: Names to choose from.
    required: The names among them that must be present.
    ignore: Names of columns that are not read.
    also: Further known names, in words: 'AU<number>'.

  Raises:
    UserError: a column is unknown, missing or appears twice, or an ignored
      column is missing.
  """
  names = [cell.strip() for cell in header]
  keys, unknown = [], []
  for name in names:
    key = f'ignored:{name}' if name in ignore else spelling(name)
    keys.append(key)
    if not key:
      others = [k for k in known if k not in names]
      close = difflib.get_close_matches(name.lower(), others, 1)
      hint = f' (did you mean {close[0]!r}?)' if close else ''
      unknown.append(f'{name!r}{hint}')
  choices = f'{", ".join(known)}, {also}'
  if unknown:
    hint = ''
    if len(header) == 1 and (';' in header[0] or '\t' in header[0]):
      hint = ' Cells are separated by commas.'
    raise UserError(
      f'{path}:1: unknown column {", ".join(unknown)}; known: {choices}; name '
      f'others in config.data.ignore_columns.{hint}'
    )
  twice = sorted({k for k in keys if keys.count(k) > 1})
  if twice:
    raise UserError(f'{path}:1: column {", ".join(twice)} appears twice.')
  for name in required:
    if name not in keys:
      raise UserError(f'{path}:1: no column {name!r}; known: {choices}.')
  absent = sorted(set(ignore) - set(names))
  if absent:
    raise UserError(
      f'{path}:1: config.data.ignore_columns names {", ".join(absent)}, '
      'which the file does not have.'
    )
  return keys


def number(cell: str, low: float, high: float) -> float | None:
  """Reads a number in [low, high]; None if the cell is empty.

  Raises:
    UserError: the cell is something else; the caller says which cell it is.
  """
  if not cell:
    return None
  try:
    value = float(cell)
  except ValueError:
    raise UserError(f'{cell!r} is not a number.') from None
  # NaN compares false to everything.
  if not low <= value <= high:
    raise UserError(
      f'{cell!r} is not in [{low:g}, {high:g}]; leave the cell empty if '
      'nothing is annotated.'
    )
  return value
