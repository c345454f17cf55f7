"""The five folds of MUStARD, from the published pickle or an .npz of it."""

from collections.abc import Sequence
import pathlib
from typing import Any

import numpy as np

from affect_jax.corpora.files import numpy_file
from affect_jax.corpora.files import numpy_pickle
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError

# The most rows that one line of an error names.
SHOWN = 5


def read(
  file: pathlib.Path, fold: int, size: int
) -> tuple[list[int], list[int]]:
  """Reads the rows of train and of test of one fold, ascending.

  Args:
    file: A pickle of [(train, test), ...], or an .npz with train0, test0, ....
    fold: Number of the fold, from 0.
    size: Number of rows of the table. Each must be in train or in test, and
      in the test part of at most one fold.

  Raises:
    UserError: there is no such fold, or the folds do not fit the table.
  """
  parts = _npz(file) if file.suffix == '.npz' else _pickled(file)
  if not 0 <= fold < len(parts):
    raise UserError(f'fold must be from 0 to {len(parts) - 1}, not {fold}.')
  problems = sources.Problems(file)
  tested: dict[int, int] = {}
  for number, (train, test) in enumerate(parts):
    for name, rows in (('train', train), ('test', test)):
      if problem := _problem(rows, size):
        problems.add(f'fold {number}: {name} {problem}.')
    problems.check()
    both = sorted(set(train) & set(test))
    if both:
      problems.add(f'fold {number}: {_some(both)} in train and in test.')
    neither = sorted(set(range(size)) - set(train) - set(test))
    if neither:
      problems.add(
        f'fold {number}: {_some(neither)} in neither part, of the {size} rows '
        'of the table.'
      )
    retested = [row for row in test if tested.setdefault(row, number) != number]
    if retested:
      problems.add(
        f'fold {number}: {_some(retested)} in the test part of an earlier fold.'
      )
  problems.check()
  train, test = parts[fold]
  return sorted(train), sorted(test)


def _pickled(file: pathlib.Path) -> list[tuple[list[Any], list[Any]]]:
  folds = numpy_pickle.load(file, encoding='latin1')
  if not isinstance(folds, list | tuple) or not all(
    isinstance(pair, list | tuple) and len(pair) == 2 for pair in folds
  ):
    raise UserError(f'{file} is not a list of pairs (train, test).')
  try:
    return [(np.ravel(a).tolist(), np.ravel(b).tolist()) for a, b in folds]
  except ValueError as e:  # Lists of lists of unequal lengths.
    raise UserError(f'{file} has folds that are no lists of rows: {e}') from e


def _npz(file: pathlib.Path) -> list[tuple[list[Any], list[Any]]]:
  arrays = numpy_file.read_archive(file)
  names = sorted(arrays)
  count = len(names) // 2
  wanted = [f'{part}{k}' for k in range(count) for part in ('train', 'test')]
  if not count or sorted(wanted) != names:
    raise UserError(
      f'{file} has the arrays {names}, not train0, test0, train1, ....'
    )
  rows = {name: np.ravel(data).tolist() for name, data in arrays.items()}
  return [(rows[f'train{k}'], rows[f'test{k}']) for k in range(count)]


def _problem(rows: Sequence[Any], size: int) -> str | None:
  """Says what is wrong with one part on its own; None if nothing is."""
  if not rows:
    return 'is empty'
  wrong = [row for row in rows if not isinstance(row, int)]
  if wrong:
    return f'has {wrong[0]!r}, which is not a row number'
  outside = sorted({row for row in rows if not 0 <= row < size})
  if outside:
    return (
      f'has {_some(outside)} beyond the table, which has {size} rows, from 0 '
      f'to {size - 1}'
    )
  if len(set(rows)) < len(rows):
    twice = sorted({row for row in rows if rows.count(row) > 1})
    return f'has {_some(twice)} twice'
  return None


def _some(rows: Sequence[int]) -> str:
  shown = ', '.join(str(row) for row in rows[:SHOWN])
  more = f', ... ({len(rows)} in all)' if len(rows) > SHOWN else ''
  return f'row {shown}{more}'
