"""Lines of a user's own tables, for findings that name samples of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
import os
import pathlib
from typing import Any

from affect_jax import user_path
from affect_jax.corpora.files import sources
from affect_jax.doctor import findings

# {corpus: the column that ids come from}.
COLUMNS = {'faces_csv': 'image', 'utterances_csv': 'id'}
MOST = 1000


def read(described: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
  """Returns {id: 'FILE:LINE'} of all corpora that are a user's own table.

  The first of repeated rows counts. With several corpora, ids begin with
  'CORPUS:', as those of `survey.Survey` do. A picture that was found under
  another spelling than that of the table has no line.

  Args:
    described: {corpus: its options}, as `load.describe` returns them.
  """
  several = len(described) > 1
  found: dict[str, str] = {}
  for name, options in described.items():
    column = COLUMNS.get(str(options.get('corpus')))
    if column is None:
      continue
    path = user_path.expand(options['path'])
    before = f'{name}:' if several else ''
    for line, key in _keys(path, column, options.get('ignore_columns', ())):
      key = os.path.normpath(key) if column == 'image' else key
      found.setdefault(before + key, f'{path.name}:{line}')
  return found


def add(report: dict[str, Any], lines: Mapping[str, str]) -> None:
  """Adds to each finding the lines of the samples that it names.

  Its text gets the first of them, and its data up to MOST: {'lines':
  {id: 'FILE:LINE'}}.

  Args:
    report: From `report.data`; it is changed.
    lines: From `read`.
  """
  splits = tuple(report['counts']['samples'])
  for finding in report['findings'] if lines else ():
    named: dict[str, str] = {}
    for text in _texts(finding.get('data', {})):
      key = _id(text, splits, lines)
      if key and len(named) < MOST:
        named[key] = lines[key]
    if named:
      finding['data']['lines'] = named
      finding['text'] += f' Lines: {findings.some_of([*named.values()], 3)}.'


def _keys(
  path: pathlib.Path, column: str, ignored: Sequence[str]
) -> Iterator[tuple[int, str]]:
  rows = sources.read_rows(path)
  _, header = next(rows)
  names = [cell.strip() for cell in header]
  [index] = [
    i
    for i, name in enumerate(names)
    if name.lower() == column and name not in ignored
  ]
  for line, cells in rows:
    if len(cells) > index and cells[index].strip():
      yield line, cells[index].strip()


def _texts(data: Any) -> Iterator[str]:
  """Yields the strings of lists in JSON's data, however deep."""
  values: Iterable[Any] = ()
  if isinstance(data, Mapping):
    values = data.values()
  elif isinstance(data, Sequence) and not isinstance(data, str):
    yield from (x for x in data if isinstance(x, str))
    values = [x for x in data if not isinstance(x, str)]
  for value in values:
    yield from _texts(value)


def _id(text: str, splits: Sequence[str], lines: Mapping[str, str]) -> str:
  """Returns the id in 'ID', 'SPLIT ID' or 'SPLIT ID: what'; '' if none."""
  for split in ('', *(f'{s} ' for s in splits)):
    key = text[len(split) :] if text.startswith(split) else ''
    while key:  # An id may itself hold ': '.
      if key in lines:
        return key
      key = key.rpartition(': ')[0]
  return ''
