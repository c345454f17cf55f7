"""Columns of a user's own CSV that hold labels, as the tasks describe them.

A task with classes has one column, called like the task, whose cells are names.
Other tasks have a column of numbers for each of their outputs.
"""

from collections.abc import Iterator, Mapping, Sequence
import dataclasses
import itertools
import pathlib

from affect_jax import tasks
from affect_jax.corpora.files import cells as cells_lib
from affect_jax.errors import UserError
from affect_jax.tasks import annotation as annotation_lib

# A name, a number, or None where nothing is annotated.
Label = str | float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
  """A column of labels.

  Attributes:
    name: In its one spelling.
    task: Whose labels it holds.
  """

  name: str
  task: str


def known(csv: str) -> tuple[list[str], list[str]]:
  """Names of columns, and in words those that have no end.

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


def find(csv: str, name: str) -> Column | None:
  """The column that a header means; None if it is not one of labels."""
  for task, annotation in _annotations(csv):
    if name in _fixed(task, annotation):
      return Column(name, task)
  for task, annotation in _annotations(csv):
    if annotation.spelling and annotation.kind != 'class':
      try:
        return Column(annotation.spelling(name), task)
      except ValueError:
        pass
  return None


def of_header(
  csv: str, path: pathlib.Path, keys: Sequence[str]
) -> tuple[Column, ...]:
  """The columns of labels of a header, by task and in the tasks' order.

  Raises:
    ValueError: One task has a column of names, and columns of numbers, too.
  """
  found = [column for key in keys if (column := find(csv, key))]
  for task, annotation in _annotations(csv):
    names = [c.name for c in found if c.task == task]
    if annotation.by_name and task in names and len(names) > 1:
      others = ', '.join(n for n in names if n != task)
      raise UserError(
        f'{path}:1: either the column {task} (one each) or columns {others} '
        '(several at once), not both.'
      )
  order = list(tasks.TASKS)

  def place(column: Column) -> tuple[int, int]:
    names = tasks.get_annotation(column.task).names
    rank = names.index(column.name) if column.name in names else 0
    return order.index(column.task), rank

  return tuple(sorted(found, key=place))


def read(
  columns: Sequence[Column], cells: Mapping[str, str]
) -> tuple[tuple[Label, ...], list[str]]:
  """Labels of a row, one for each column, and what is wrong with them."""
  labels, problems = [], []
  for column in columns:
    label, cell = None, cells[column.name]
    annotation = tasks.get_annotation(column.task)
    try:
      if cell and _holds_names(column):
        label = annotation.name(cell)
      else:
        label = cells_lib.number(cell, annotation.low, annotation.high)
    except ValueError as error:
      text = str(error)
      # It says already what it is about where names have spellings.
      says = _holds_names(column) and annotation.spelling
      problems.append(text if says else f'{column.name} {text}')
    labels.append(label)
  return tuple(labels), problems


def outputs(
  columns: Sequence[Column], rows: Sequence[Sequence[Label]]
) -> dict[str, tuple[str, ...]]:
  """{task: names}: of tasks with at least one label in any row."""
  found = {}
  for task, group in _by_task(columns):
    annotation = tasks.get_annotation(task)
    labels = {row[i] for i, _ in group for row in rows} - {None}
    if not labels:
      continue
    if annotation.spelling is None:
      found[task] = annotation.names
    elif _holds_names(group[0][1]):
      names = annotation.by_name or annotation.names
      found[task] = tuple(n for n in names if n in labels)
    else:
      found[task] = tuple(column.name for _, column in group)
  return found


def by_name(
  columns: Sequence[Column],
  row: Sequence[Label],
  names: Mapping[str, Sequence[str]],
) -> dict[str, str | float]:
  """{name: label} of a row, as listings have them: of what is annotated.

  Args:
    columns: Of the CSV.
    row: One label for each column.
    names: {task: names of its outputs}. One name of a task without classes
      says of all others that they are not there.
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
  """Columns that a task has by the same names in every CSV."""
  if annotation.kind == 'class' or annotation.by_name:
    return (task,)
  return () if annotation.spelling else annotation.names


def _holds_names(column: Column) -> bool:
  annotation = tasks.get_annotation(column.task)
  own = bool(annotation.by_name) and column.name == column.task
  return annotation.kind == 'class' or own


def _by_task(
  columns: Sequence[Column],
) -> Iterator[tuple[str, list[tuple[int, Column]]]]:
  """(task, [(index, column)]); columns of a task follow one another."""
  pairs = enumerate(columns)
  for task, group in itertools.groupby(pairs, lambda pair: pair[1].task):
    yield task, list(group)
