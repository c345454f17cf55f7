"""Columns of a user's own CSV that hold labels, as the tasks describe them.

A task with classes has one column with the name of the task, whose cells are
names. Other tasks have a column of numbers for each of their outputs.
"""

import collections
from collections.abc import Iterator, Mapping, Sequence
import dataclasses
import itertools
import pathlib
import re

import numpy as np

from affect_jax import by_name as names_lib
from affect_jax import tasks
from affect_jax.corpora.files import cells as cells_lib
from affect_jax.corpora.files import missing
from affect_jax.errors import UserError
from affect_jax.tasks import annotation as annotation_lib

# A name, a number, or None if nothing is annotated.
Label = str | float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
  """A column of labels.

  Attributes:
    name: Its name, in the one spelling.
    task: The task whose labels it holds.
    scale: What its numbers are divided by.
    sentinels: Numbers of the file that stand for no annotation.
    span: Lowest and highest number of the file's own scale, which becomes that
      of the task; None: it is that of the task.
  """

  name: str
  task: str
  scale: float = 1.0
  sentinels: tuple[float, ...] = ()
  span: tuple[float, float] | None = None


def known(csv: str) -> tuple[list[str], list[str]]:
  """Lists names of columns, and in words those of which there is no end.

  Args:
    csv: 'faces' or 'utterances'.
  """
  names, words = [], []
  for task, annotation in _annotations(csv):
    names += _fixed(task, annotation)
    if annotation.spelling and annotation.kind != 'class':
      example = (annotation.names or annotation.by_name)[0]
      words.append(f'names of {task} as {example}')
  return names, words


def find(csv: str, name: str, au_scale: float = 0.0) -> Column | None:
  """Finds the column that a header means; None if it holds no labels.

  Args:
    csv: 'faces' or 'utterances'.
    name: As in the header; case does not matter.
    au_scale: Highest intensity of the columns 'AU01_r', ..., which are then
      action units, divided by it; 0: they are unknown.
  """
  for task, annotation in _annotations(csv):
    for fixed in _fixed(task, annotation):
      if name.lower() == fixed.lower():
        return Column(fixed, task)
  scale = 1.0
  if au_scale and re.fullmatch(r'au[ _-]?\d+[lr]?_r', name.lower()):
    name, scale = name[:-2], au_scale
  for task, annotation in _annotations(csv):
    if annotation.spelling and annotation.kind != 'class':
      try:
        return Column(annotation.spelling(name), task, scale)
      except ValueError:
        pass
  return None


def of_header(
  csv: str,
  path: pathlib.Path,
  header: Sequence[str],
  keys: Sequence[str],
  *,
  au_scale: float = 0.0,
  sentinels: Mapping[str, Sequence[float]] | None = None,
  scales: Mapping[str, Sequence[float]] | None = None,
) -> tuple[Column, ...]:
  """Finds the columns of labels in a header, by task, in the tasks' order.

  Args:
    csv: 'faces' or 'utterances'.
    path: The CSV, for messages.
    header: The names of its columns.
    keys: The same as `cells.columns` returns them.
    au_scale: See `find`.
    sentinels: {column or task: numbers that stand for no annotation}.
    scales: {column or task: (lowest, highest) of the file's own scale}.

  Raises:
    UserError: A task has both a column of names and columns of numbers, or
      there is no column for a sentinel.
  """
  columns = [
    column
    for name, key in zip(header, keys, strict=True)
    if not key.startswith(cells_lib.IGNORED)
    and (column := find(csv, name.strip(), au_scale))
  ]
  columns = _with_sentinels(path, columns, sentinels or {})
  columns = _with_scales(path, columns, scales or {})
  for task, annotation in _annotations(csv):
    names = [c.name for c in columns if c.task == task]
    if annotation.by_name and task in names and len(names) > 1:
      others = ', '.join(n for n in names if n != task)
      raise UserError(
        f'{path}:1: a CSV has either the column {task} (one per row) or '
        f'columns {others} (several at once), not both.'
      )
  order = list(tasks.TASKS)

  def place(column: Column) -> tuple[int, int]:
    names = tasks.get_annotation(column.task).names
    rank = names.index(column.name) if column.name in names else 0
    return order.index(column.task), rank

  return tuple(sorted(columns, key=place))


def _with_sentinels(
  path: pathlib.Path,
  columns: Sequence[Column],
  sentinels: Mapping[str, Sequence[float]],
) -> list[Column]:
  """Adds to each column the sentinels of its name and of its task."""
  numbers = [c for c in columns if not _holds_names(c)]
  known = [*(c.name for c in numbers), *{c.task: 0 for c in numbers}]
  for name in sentinels:
    names_lib.check('config.data.sentinels', name, known, of=str(path))
  return [
    dataclasses.replace(
      column,
      sentinels=tuple(
        float(number)
        for name in (column.name, column.task)
        for number in np.atleast_1d(sentinels.get(name, ()))
      ),
    )
    for column in columns
  ]


def _with_scales(
  path: pathlib.Path,
  columns: Sequence[Column],
  scales: Mapping[str, Sequence[float]],
) -> list[Column]:
  """Gives columns the scale of their name, or of their task."""
  known = [*(c.name for c in columns), *{c.task: 0 for c in columns}]
  for name, span in scales.items():
    names_lib.check('config.data.scales', name, known, of=str(path))
    if len(span) != 2 or not -np.inf < span[0] < span[1] < np.inf:
      raise UserError(
        f'config.data.scales of {name} is {span}, not (lowest, highest).'
      )
  result = []
  for column in columns:
    span = scales.get(column.name, scales.get(column.task))
    if span is not None:
      pair = float(span[0]), float(span[1])
      column = dataclasses.replace(column, span=pair)
    result.append(column)
  return result


def read(
  columns: Sequence[Column],
  cells: Mapping[str, str],
  counts: collections.Counter | None = None,
) -> tuple[tuple[Label, ...], list[str]]:
  """Reads the labels of a row, one per column, and what is wrong with them.

  Adds to `counts`, {what was understood: how many}, see `cells.number`.
  """
  labels, problems = [], []
  for column in columns:
    label, cell = None, cells[column.name]
    annotation = tasks.get_annotation(column.task)
    try:
      if _holds_names(column):
        label = None if missing.is_missing(cell) else annotation.name(cell)
      else:
        low, high = column.span or (annotation.low, annotation.high)
        label = cells_lib.number(
          cell,
          low,
          high,
          scale=column.scale,
          sentinels=column.sentinels,
          counts=counts,
        )
        if column.span and label is not None:
          share = (label - low) / (high - low)
          label = annotation.low + share * (annotation.high - annotation.low)
    except ValueError as error:
      text = str(error)
      # Errors of names that have spellings name the column themselves.
      complete = _holds_names(column) and annotation.spelling
      problems.append(text if complete else f'{column.name} {text}')
    labels.append(label)
  return tuple(labels), problems


def outputs(
  columns: Sequence[Column], rows: Sequence[Sequence[Label]]
) -> dict[str, tuple[str, ...]]:
  """Returns {task: names} of the tasks with at least one label in any row."""
  result = {}
  for task, group in _by_task(columns):
    annotation = tasks.get_annotation(task)
    labels = {row[i] for i, _ in group for row in rows} - {None}
    if not labels:
      continue
    if annotation.spelling is None:
      result[task] = annotation.names
    elif _holds_names(group[0][1]):
      names = annotation.by_name or annotation.names
      result[task] = tuple(n for n in names if n in labels)
    else:
      result[task] = tuple(column.name for _, column in group)
  return result


def by_name(
  columns: Sequence[Column],
  row: Sequence[Label],
  names: Mapping[str, Sequence[str]],
) -> dict[str, str | float]:
  """Returns {name: label} of what a row annotates, as listings have it.

  Args:
    columns: The columns of the CSV.
    row: One label for each column.
    names: {task: names of its outputs}. If a task without classes is annotated
      by one name, all its other names are absent.
  """
  labels: dict[str, str | float] = {}
  for column, label in zip(columns, row, strict=True):
    if label is None:
      continue
    if (
      _holds_names(column) and not tasks.get_annotation(column.task).one_weight
    ):
      labels |= {n: float(n == label) for n in names[column.task]}
    else:
      labels[column.name] = label
  return labels


def _annotations(
  csv: str,
) -> Iterator[tuple[str, annotation_lib.Annotation]]:
  for task in tasks.TASKS:
    annotation = tasks.get_annotation(task)
    if csv in annotation.csvs:
      yield task, annotation


def _fixed(task: str, annotation: annotation_lib.Annotation) -> tuple[str, ...]:
  """Returns the columns that a task has by the same names in every CSV."""
  if annotation.kind == 'class' or annotation.by_name:
    return (task,)
  return () if annotation.spelling else annotation.names


def _holds_names(column: Column) -> bool:
  annotation = tasks.get_annotation(column.task)
  named = bool(annotation.by_name) and column.name == column.task
  return annotation.kind == 'class' or named


def _by_task(
  columns: Sequence[Column],
) -> Iterator[tuple[str, list[tuple[int, Column]]]]:
  """Yields (task, [(index, column)]); a task's columns follow one another."""
  pairs = enumerate(columns)
  for task, group in itertools.groupby(pairs, lambda pair: pair[1].task):
    yield task, list(group)
