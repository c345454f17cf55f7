"""Reads and checks a user's own CSV of faces, except for the pictures."""

import collections
from collections.abc import Mapping, Sequence
import dataclasses
import functools
import os
import pathlib

from absl import logging

from affect_jax.corpora.builders import label_columns
from affect_jax.corpora.files import cells as cells_lib
from affect_jax.corpora.files import identity
from affect_jax.corpora.files import same_path
from affect_jax.corpora.files import sources
from affect_jax.corpora.files import split_names
from affect_jax.errors import UserError
from affect_jax.tasks import base

CSV = 'faces'  # For `annotation.csvs`.
# The columns besides those of labels.
COLUMNS = ('image', 'split', 'subject')
REPEATED = 'repeated rows'
UNLABELLED = 'rows without any label'
# What becomes of such rows.
ON_UNLABELLED = ('skip', 'keep')
UNREADABLE = 'unreadable pictures'
KEEP = (
  " Rows without any label, to be labelled by a model, need unlabelled='keep' "
  "among the corpus' options."
)
MISSING = (-1, -1)  # The stat of a picture that is missing.


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
  """One picture; cells that the CSV leaves empty are None or ''.

  Attributes:
    line: Line in the CSV.
    image: Path as in the CSV, normalised: the id.
    split: One of SPLITS.
    subject: The person that it shows.
    labels: One label for each of the table's columns of labels.
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
    rows: The rows that are used, in order.
    columns: The columns of labels, in order.
    skipped: {reason: number of rows left out}.
    unlabelled: Number of rows that are used without any label.
    shared_subjects: Subjects that occur in more than one split.
    understood: {what was read as something else: how often}, see `cells`.
    joined: {what of it are names in several spellings: which}.
  """

  rows: Sequence[Row]
  columns: tuple[label_columns.Column, ...]
  skipped: Mapping[str, int]
  unlabelled: int
  shared_subjects: Sequence[str]
  understood: Mapping[str, int]
  joined: Mapping[str, Sequence[str]]

  def outputs(self) -> dict[str, tuple[str, ...]]:
    """Returns {task: names} of the tasks with at least one label."""
    return label_columns.outputs(
      self.columns, [row.labels for row in self.rows]
    )


def read(
  path: pathlib.Path,
  *,
  ignore_columns: Sequence[str] = (),
  skip_bad_images: bool = False,
  keep_unlabelled: bool = False,
  au_scale: float = 0.0,
  sentinels: Mapping[str, Sequence[float]] | None = None,
  scales: Mapping[str, Sequence[float]] | None = None,
) -> Table:
  """Reads and checks a CSV of faces; see `faces_csv` for its format.

  Args:
    path: The CSV; pictures are relative to its folder.
    ignore_columns: Names of columns that are not read, or 'all', see
      `cells.columns`.
    skip_bad_images: Count missing pictures instead of refusing the file.
    keep_unlabelled: Use also rows without any label, for weak labels.
    au_scale: Highest intensity of columns AU01_r, see `label_columns.find`.
    sentinels: {column or task: numbers that stand for no annotation}.
    scales: {column or task: (lowest, highest) of the file's own scale}.

  Raises:
    UserError: lists up to 20 problems as file:line, value, what is allowed.
  """
  base.check_range('config.data.au_scale', au_scale, 0)
  lines = sources.read_rows(path)
  _, header = next(lines)
  known, words = label_columns.known(CSV)
  keys = cells_lib.columns(
    path,
    header,
    spelling=functools.partial(_spelling, au_scale=au_scale),
    known=[*COLUMNS, *known],
    required=('image', 'split'),
    ignore=ignore_columns,
    also=', '.join(words),
  )
  columns = label_columns.of_header(
    CSV,
    path,
    header,
    keys,
    au_scale=au_scale,
    sentinels=sentinels,
    scales=scales,
  )
  problems = sources.Problems(path)
  understood: collections.Counter = collections.Counter()
  skipped = {UNREADABLE: 0, REPEATED: 0, UNLABELLED: 0}
  rows: dict[str, Row] = {}
  empty = True
  for line, row_cells in lines:
    if not any(map(str.strip, row_cells)):
      continue  # Excel writes rows of separators alone.
    empty = False
    cells = cells_lib.fitted(row_cells, keys)
    if cells is None:
      problems.add(f'{path}:{line}: {len(row_cells)} cells, not {len(keys)}.')
      continue
    row, wrong = _row(line, cells, columns, path.parent, understood)
    for problem in wrong:
      problems.add(f'{path}:{line}: {problem}')
    if wrong:
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
      hint = hint or same_path.several(same_path.find(path.parent, row.image))
      problems.add(
        f'{path}:{row.line}: image {row.image!r}: no such file in '
        f'{path.parent}{hint}.'
      )
  skipped[UNREADABLE] += len(missing)
  problems.check()
  if empty:
    raise UserError(f'{path}: no rows below the header.')
  subjects = identity.join(row.subject for row in rows.values())
  identity.log(path, 'subject', subjects)
  reason = f'subject {identity.JOINED}'
  understood[reason] += len(subjects)
  present = [
    dataclasses.replace(row, subject=subjects.get(row.subject, row.subject))
    for row in rows.values()
    if row.stat != MISSING
  ]
  used = [row for row in present if keep_unlabelled or _has_label(row)]
  skipped[UNLABELLED] += len(present) - len(used)
  if not any(row.split == 'train' for row in used):
    raise UserError(
      f'{path}: no usable row has the split train; left out: {skipped}.'
      + (KEEP if skipped[UNLABELLED] else '')
    )
  unlabelled = sum(not _has_label(row) for row in used)
  return Table(
    used,
    columns,
    skipped,
    unlabelled,
    _shared(used),
    +understood,
    {reason: identity.pairs(subjects)},
  )


def log_unlabelled(path: pathlib.Path, number: int, of: int) -> None:
  """Logs how many of the rows that are used have no label."""
  logging.info(
    '%s: %d of %d rows have no label and are kept: weak labels can teach from '
    'them.',
    path,
    number,
    of,
  )


def _spelling(name: str, au_scale: float) -> str:
  """Returns the one spelling of a column's name; '' if it is unknown."""
  if name.lower() in COLUMNS:
    return name.lower()
  column = label_columns.find(CSV, name, au_scale)
  return column.name if column else ''


def _row(
  line: int,
  cells: Mapping[str, str],
  columns: Sequence[label_columns.Column],
  folder: pathlib.Path,
  understood: collections.Counter,
) -> tuple[Row, list[str]]:
  """Reads a row, and what is wrong with it; adds to `understood`."""
  cells = cells_lib.without_words(cells, understood)
  problems = []
  if not cells['image']:
    problems.append('image is empty, or a word such as nan.')
  split = split_names.canonical(cells['split'])
  if not split:
    problems.append(split_names.unknown('split', cells['split']))
  labels, wrong = label_columns.read(columns, cells, understood)
  problems += wrong
  image = os.path.normpath(cells['image'])
  try:
    stat = same_path.stat(folder / image)
  except (OSError, ValueError):
    stat = MISSING
    others = same_path.find(folder, image)
    if len(others) == 1:
      [image] = others
      stat = same_path.stat(folder / image)
      understood[same_path.FOUND] += 1
  return Row(
    line,
    image,
    split,
    cells.get('subject', ''),
    labels,
    stat,
  ), problems


def _has_label(row: Row) -> bool:
  return any(label is not None for label in row.labels)


def _difference(first: Row, row: Row) -> str:
  if first.split != row.split:
    return f'split {first.split} there but {row.split} here'
  if first.subject != row.subject:
    return f'subject {first.subject!r} there but {row.subject!r} here'
  return 'other labels'


def _shared(rows: Sequence[Row]) -> list[str]:
  """Lists the subjects that occur in more than one split."""
  splits: dict[str, set[str]] = {}
  for row in rows:
    if row.subject:
      splits.setdefault(row.subject, set()).add(row.split)
  return sorted(subject for subject, s in splits.items() if len(s) > 1)
