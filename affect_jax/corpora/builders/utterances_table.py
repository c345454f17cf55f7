"""Reads and checks a user's own CSV of utterances, except for feature files."""

import collections
from collections.abc import Collection, Iterable, Mapping, Sequence
import dataclasses
import itertools
import pathlib

from affect_jax.corpora.builders import faces_table
from affect_jax.corpora.builders import label_columns
from affect_jax.corpora.builders import utterances_row
from affect_jax.corpora.files import cells as cells_lib
from affect_jax.corpora.files import identity
from affect_jax.corpora.files import sources
from affect_jax.corpora.files import split_names
from affect_jax.errors import UserError

CSV = 'utterances'  # For `annotation.csvs`.
# Besides those of labels.
COLUMNS = (
  'id',
  'split',
  'text',
  'audio',
  'vision',
  'dialogue',
  'turn',
  'speaker',
)
REQUIRED = ('id', 'split')
REPEATED, UNLABELLED = faces_table.REPEATED, faces_table.UNLABELLED
NOTHING = 'rows without text, audio and vision'


@dataclasses.dataclass(frozen=True)
class Table:
  """A checked CSV, about 1 kB per row; features are read later.

  Attributes:
    rows: The rows that are used; dialogues in the order of their first row,
      each in order of turn.
    columns: Those of labels, in order.
    left_out: {split: {reason: number of rows}}.
    unlabelled: Number of rows that are used without any label.
    shared_dialogues: Dialogues with rows in more than one split.
    understood: {what was read as something else: how often}, see `cells`.
    joined: {what of it are names in several spellings: which}.
  """

  rows: Sequence[utterances_row.Row]
  columns: tuple[label_columns.Column, ...]
  left_out: Mapping[str, Mapping[str, int]]
  unlabelled: int
  shared_dialogues: Sequence[str]
  understood: Mapping[str, int]
  joined: Mapping[str, Sequence[str]]

  def outputs(self) -> dict[str, tuple[str, ...]]:
    """Returns {task: names} of the tasks with at least one label."""
    return label_columns.outputs(
      self.columns, [row.labels for row in self.rows]
    )


def read(
  path: pathlib.Path,
  ignore_columns: Sequence[str] = (),
  *,
  keep_unlabelled: bool = False,
  sentinels: Mapping[str, Sequence[float]] | None = None,
  scales: Mapping[str, Sequence[float]] | None = None,
) -> Table:
  """Reads and checks a CSV of utterances; see `utterances_csv`.

  Args:
    path: The CSV; feature files are relative to its folder.
    ignore_columns: Names of columns that are not read, or 'all', see
      `cells.columns`.
    keep_unlabelled: Use also dialogues without any label, for weak labels.
    sentinels: {column or task: numbers that stand for no annotation}.
    scales: {column or task: (lowest, highest) of the file's own scale}.

  Raises:
    UserError: lists up to 20 problems as file:line, value, what is allowed.
  """
  lines = sources.read_rows(path)
  _, header = next(lines)
  known, words = label_columns.known(CSV)
  keys = cells_lib.columns(
    path,
    header,
    spelling=_spelling,
    known=[*COLUMNS, *known],
    required=REQUIRED,
    ignore=ignore_columns,
    also=', '.join(words),
  )
  columns = label_columns.of_header(
    CSV, path, header, keys, sentinels=sentinels, scales=scales
  )
  problems = sources.Problems(path)
  understood: collections.Counter = collections.Counter()
  reasons = (REPEATED, UNLABELLED, NOTHING)
  left_out: dict[str, dict[str, int]] = {
    split: {reason: 0 for reason in reasons} for split in split_names.SPLITS
  }
  rows: dict[str, utterances_row.Row] = {}
  empty = True
  for line, row_cells in lines:
    if not any(map(str.strip, row_cells)):
      continue  # Excel writes rows of separators alone.
    empty = False
    cells = cells_lib.fitted(row_cells, keys)
    if cells is None:
      problems.add(f'{path}:{line}: {len(row_cells)} cells, not {len(keys)}.')
      continue
    row, wrong = utterances_row.read(
      line, cells, columns, path.parent, understood
    )
    for problem in wrong:
      problems.add(f'{path}:{line}: {problem}')
    if wrong:
      continue
    if not (row.files or row.text):
      left_out[row.split][NOTHING] += 1
      continue
    first = rows.setdefault(row.id, row)
    if first is row:
      continue
    if dataclasses.replace(row, line=first.line) == first:
      left_out[row.split][REPEATED] += 1
    else:
      problems.add(
        f'{path}:{line}: id {row.id!r} is already in line {first.line}, with '
        'other cells.'
      )
  in_one_spelling, joined = one_spelling(path, rows.values(), understood)
  groups = groups_of(in_one_spelling)
  for group in groups:
    for problem in wrong_turns(group):
      problems.add(f'{path}:{problem}')
  problems.check()
  if empty:
    raise UserError(f'{path}: no rows below the header.')
  used: list[utterances_row.Row] = []
  for group in groups:
    if keep_unlabelled or any(row.is_labelled for row in group):
      used += group
      continue
    for row in group:
      left_out[row.split][UNLABELLED] += 1
  if not any(
    row.split == 'train' and (keep_unlabelled or row.is_labelled)
    for row in used
  ):
    has_unlabelled = any(of[UNLABELLED] for of in left_out.values())
    raise UserError(
      f'{path}: no row of split train has a label; left out: {left_out}.'
      + (faces_table.KEEP if has_unlabelled else '')
    )
  shared = [g[0].dialogue for g in groups if len({row.split for row in g}) > 1]
  unlabelled = sum(not row.is_labelled for row in used)
  return Table(used, columns, left_out, unlabelled, shared, +understood, joined)


def _spelling(name: str) -> str:
  """Returns the one spelling of a column's name; '' if it is unknown."""
  if name.lower() in COLUMNS:
    return name.lower()
  column = label_columns.find(CSV, name)
  return column.name if column else ''


def one_spelling(
  path: pathlib.Path,
  rows: Collection[utterances_row.Row],
  understood: collections.Counter,
) -> tuple[list[utterances_row.Row], dict[str, list[str]]]:
  """Gives each speaker and each dialogue one spelling; logs what it joined."""
  joined, said = {}, {}
  for what in ('speaker', 'dialogue'):
    joined[what] = identity.join(getattr(row, what) for row in rows)
    identity.log(path, what, joined[what])
    reason = f'{what} {identity.JOINED}'
    understood[reason] += len(joined[what])
    said[reason] = identity.pairs(joined[what])
  return [
    dataclasses.replace(
      row,
      speaker=joined['speaker'].get(row.speaker, row.speaker),
      dialogue=joined['dialogue'].get(row.dialogue, row.dialogue),
    )
    for row in rows
  ], said


def groups_of(
  rows: Iterable[utterances_row.Row],
) -> list[list[utterances_row.Row]]:
  """Groups rows by dialogue, in the order of first rows; some have one row.

  Each group is in order of turn, or of the CSV if it has no turns.
  """
  groups: dict[tuple[str, str], list[utterances_row.Row]] = {}
  for row in rows:
    alone = '' if row.dialogue else row.id
    groups.setdefault((row.dialogue, alone), []).append(row)
  for group in groups.values():
    group.sort(key=lambda row: -1 if row.turn is None else row.turn)
  return list(groups.values())


def wrong_turns(group: Sequence[utterances_row.Row]) -> list[str]:
  """Lists what is wrong with the turns of one dialogue."""
  with_turn = [row for row in group if row.turn is not None]
  if not with_turn:
    return []
  name = group[0].dialogue
  problems = [
    f'{row.line}: turn is empty, but dialogue {name!r} has turns in other rows.'
    for row in group
    if row.turn is None
  ]
  for first, row in itertools.pairwise(with_turn):
    if first.turn == row.turn:
      problems.append(
        f'{row.line}: turn {row.turn} of dialogue {name!r} is already in line '
        f'{first.line}.'
      )
  return problems
