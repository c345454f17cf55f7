"""A user's own CSV of faces: what its columns and cells may hold."""

from collections.abc import Mapping, Sequence
import dataclasses
import os
import pathlib

from affect_jax.corpora.builders import label_columns
from affect_jax.corpora.files import cells as cells_lib
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError

CSV = 'faces'  # For `annotation.csvs`.
# Besides those of labels.
COLUMNS = ('image', 'split', 'subject')
SPLITS = ('train', 'val', 'test')
REPEATED = 'repeated rows'
UNLABELLED = 'rows without any label'
UNREADABLE = 'unreadable pictures'
MISSING = (-1, -1)  # the stat of a picture that is not there


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
  """One picture; None and '' are what the CSV leaves open.

  Attributes:
    line: Line in the CSV.
    image: Path as in the CSV, normalised: the id.
    split: One of SPLITS.
    subject: Who is to be seen.
    labels: One for each of the table's columns of labels.
    stat: (size in bytes, mtime in ns) of the picture.
  """

  line: int
  image: str
  split: str
  subject: str
  labels: tuple[label_columns.Label, ...]
  stat: tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Table:
  """A checked CSV, about 0.5 kB per row; pictures are read later.

  Attributes:
    rows: All rows that hold a label, in order.
    columns: Those of labels, in order.
    skipped: {reason: number of rows left out}.
    shared_subjects: Subjects that occur in more than one split.
  """

  rows: Sequence[Row]
  columns: tuple[label_columns.Column, ...]
  skipped: Mapping[str, int]
  shared_subjects: Sequence[str]

  def outputs(self) -> dict[str, tuple[str, ...]]:
    """{task: names}: of tasks with at least one label anywhere."""
    return label_columns.outputs(
      self.columns, [row.labels for row in self.rows]
    )


def read(
  path: pathlib.Path,
  *,
  ignore_columns: Sequence[str] = (),
  skip_bad_images: bool = False,
) -> Table:
  """Reads and checks a CSV of faces; see `faces_csv` for its format.

  Args:
    path: The CSV; pictures are relative to its folder.
    ignore_columns: Names of further columns, left alone.
    skip_bad_images: Count missing pictures instead of refusing the file.

  Raises:
    ValueError: lists up to 20 problems as file:line, value, what is allowed.
  """
  lines = sources.read_rows(path)
  _, header = next(lines)
  known, words = label_columns.known(CSV)
  keys = cells_lib.columns(
    path,
    header,
    spelling=_spelling,
    known=[*COLUMNS, *known],
    required=('image', 'split'),
    ignore=ignore_columns,
    also=', '.join(words),
  )
  columns = label_columns.of_header(CSV, path, keys)
  problems = sources.Problems(path)
  skipped = {UNREADABLE: 0, REPEATED: 0, UNLABELLED: 0}
  rows: dict[str, Row] = {}
  empty = True
  for line, cells in lines:
    empty = False
    if len(cells) != len(keys):
      problems.add(f'{path}:{line}: {len(cells)} cells, not {len(keys)}.')
      continue
    row, found = _row(
      line, dict(zip(keys, cells, strict=True)), columns, path.parent
    )
    for problem in found:
      problems.add(f'{path}:{line}: {problem}')
    if found:
      continue
    first = rows.get(row.image)
    if first is not None:
      if dataclasses.replace(row, line=first.line) == first:
        skipped[REPEATED] += 1
      else:
        problems.add(
          f'{path}:{line}: image {row.image!r} is already in line '
          f'{first.line}, with {_difference(first, row)}.'
        )
      continue
    rows[row.image] = row
  missing = [row for row in rows.values() if row.stat == MISSING]
  for row in missing:
    if not skip_bad_images:
      hint = r' (use / and not \ in paths)' if '\\' in row.image else ''
      problems.add(
        f'{path}:{row.line}: image {row.image!r}: no such file in '
        f'{path.parent}{hint}.'
      )
  skipped[UNREADABLE] += len(missing)
  problems.check()
  if empty:
    raise UserError(f'{path}: there are no rows below the header.')
  kept = [row for row in rows.values() if row.stat != MISSING]
  labelled = [row for row in kept if _has_label(row)]
  skipped[UNLABELLED] += len(kept) - len(labelled)
  if not any(row.split == 'train' for row in labelled):
    raise UserError(
      f'{path}: no usable row has split train; left out: {skipped}.'
    )
  return Table(labelled, columns, skipped, _shared(labelled))


def _spelling(name: str) -> str:
  """The one spelling of a column, or ''."""
  if name in COLUMNS:
    return name
  column = label_columns.find(CSV, name)
  return column.name if column else ''


def _row(
  line: int,
  cells: Mapping[str, str],
  columns: Sequence[label_columns.Column],
  folder: pathlib.Path,
) -> tuple[Row, list[str]]:
  """A row, and what is wrong with it."""
  cells = {key: cell.strip() for key, cell in cells.items()}
  problems = []
  if not cells['image']:
    problems.append('image is empty.')
  if cells['split'] not in SPLITS:
    problems.append(
      f'split {cells["split"]!r} is not one of {", ".join(SPLITS)}.'
    )
  labels, wrong = label_columns.read(columns, cells)
  problems += wrong
  image = os.path.normpath(cells['image'])
  try:
    status = os.stat(folder / image)
    stat = (status.st_size, status.st_mtime_ns)
  except (OSError, ValueError):
    stat = MISSING
  return Row(
    line,
    image,
    cells['split'],
    cells.get('subject', ''),
    labels,
    stat,
  ), problems


def _has_label(row: Row) -> bool:
  return any(label is not None for label in row.labels)


def _difference(first: Row, row: Row) -> str:
  if first.split != row.split:
    return f'split {first.split} there and {row.split} here'
  if first.subject != row.subject:
    return f'subject {first.subject!r} there and {row.subject!r} here'
  return 'other labels'


def _shared(rows: Sequence[Row]) -> list[str]:
  splits: dict[str, set[str]] = {}
  for row in rows:
    if row.subject:
      splits.setdefault(row.subject, set()).add(row.split)
  return sorted(s for s, found in splits.items() if len(found) > 1)
