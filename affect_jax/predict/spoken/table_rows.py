"""Segments of a table in the format of `corpora.utterances_csv`, or of rows.

Labels are not read, nor is `split`; `id` may be missing: then rows are numbered
from 0.
"""

import collections
from collections.abc import Iterator, Mapping, Sequence
import dataclasses
import math
import pathlib
from typing import Any

from absl import logging

from affect_jax import user_path
from affect_jax.corpora import utterances_csv
from affect_jax.corpora.builders import feature_file
from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.builders import utterances_row
from affect_jax.corpora.builders import utterances_table
from affect_jax.corpora.features import sequences
from affect_jax.corpora.features import wav_features
from affect_jax.corpora.files import cells as cells_lib
from affect_jax.corpora.files import same_path
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError
from affect_jax.predict.spoken import batches
from affect_jax.predict.spoken import segment
from affect_jax.predict.spoken import text as text_lib

_COLUMNS = utterances_table.COLUMNS
_OF_INPUT = ('text', 'audio', 'vision')
Lines = Iterator[tuple[int, Sequence[str]]]


def source(
  table: Any,
  layout: batches.Layout,
  made: Mapping[str, str],
) -> segment.Source:
  """Returns the utterances of a table; their features are read later.

  A feature file that is missing, damaged or of another kind is a reason in its
  row, and the row's other modalities are read.

  Args:
    table: Path of a CSV, a list of {column: cell}, or a frame of pandas.
    layout: How the run reads utterances.
    made: How its text was made.

  Raises:
    FileNotFoundError: There is no such CSV.
    UserError: Lists up to 20 problems as file:line, value, what is allowed.
  """
  if isinstance(table, (str, pathlib.PurePath)):
    path = sources.existing(user_path.expand(table), 'a table of utterances')
    name, folder = path.name, path.parent
    lines: Any = sources.read_rows(path)
  else:
    path, name, folder = pathlib.Path('the table'), '', pathlib.Path.cwd()
    lines = _lines(table)
  rows, ids = _rows(path, folder, lines, bool(name))
  if not rows:
    raise UserError(f'{path}: no rows below the header.')
  lacks = {}
  if why := text_lib.lacks(layout.own, made):
    lacks['text'] = why
  order = [row for group in utterances_table.groups_of(rows) for row in group]
  stats = [(ids[int(r.id)], *r.stats) for r in rows if r.stats]
  files = {name: sources.sha256(path)} if name else {}
  if stats:
    files['features'] = sources.fingerprint(stats=stats)

  def read(bare: int) -> Iterator[segment.Segment]:
    turns: dict[str, int] = {}
    for number, row in enumerate(order):
      turn = turns.get(row.dialogue, 0)
      turns[row.dialogue] = turn + 1
      place = int(row.id)
      if number < bare:
        row = dataclasses.replace(row, files={})
      yield _segment(row, ids[place], name, folder, layout, turn, place)

  return segment.Source(len(rows), read, lacks, files)


def _lines(table: Any) -> Lines:
  """Yields (number of the line, cells) of rows that are in memory."""
  if hasattr(table, 'to_dict') and hasattr(table, 'columns'):
    table = table.to_dict('records')
  rows = list(table)
  if not all(isinstance(row, Mapping) for row in rows):
    raise UserError(
      'Give the path of a CSV, a frame, or a list of rows such as '
      "{'text': 'I see.', 'audio': 'a.wav'}."
    )
  header = list(dict.fromkeys(str(key) for row in rows for key in row))
  yield 1, header
  for number, row in enumerate(rows, 2):
    cells = {str(key): _cell(value) for key, value in row.items()}
    yield number, [cells.get(key, '') for key in header]


def _cell(value: Any) -> str:
  missing = value is None or (isinstance(value, float) and math.isnan(value))
  return '' if missing else str(value)


def _rows(
  path: pathlib.Path, folder: pathlib.Path, lines: Lines, is_file: bool
) -> tuple[list[utterances_row.Row], list[str]]:
  """Returns the rows, whose ids are their places, and the ids they have."""
  _, header = next(iter(lines), (1, []))
  keys = cells_lib.columns(
    path,
    header,
    spelling=lambda x: x.lower() if x.lower() in _COLUMNS else '',
    known=_COLUMNS,
    required=(),
    ignore=cells_lib.ALL,
    also='labels, which are not read',
  )
  if not set(_OF_INPUT) & set(keys):
    raise UserError(
      f'{path}:1: a table of utterances has at least one of the columns '
      f'{", ".join(_OF_INPUT)}; this one has {", ".join(header)}.'
    )
  problems = sources.Problems(path)
  understood: collections.Counter = collections.Counter()
  rows: list[utterances_row.Row] = []
  ids: list[str] = []
  for line, row_cells in lines:
    # Excel writes rows of separators alone; nobody makes such rows in memory.
    if is_file and not any(map(str.strip, row_cells)):
      continue
    cells = cells_lib.fitted(row_cells, keys)
    if cells is None:
      problems.add(f'{path}:{line}: {len(row_cells)} cells, not {len(keys)}.')
      continue
    cells = {'id': str(len(rows)), **cells, 'split': 'test'}
    # Files that are missing concern their row alone: `_segment` says so.
    of_files = {m: cells.pop(m, '') for m in sequences.SUFFIXES}
    row, wrong = utterances_row.read(line, cells, (), folder, understood)
    for problem in wrong:
      problems.add(f'{path}:{line}: {problem}')
    named = cells_lib.without_words(of_files, understood)
    files = {m: x for m, x in named.items() if x}
    ids.append(row.id)
    rows.append(
      dataclasses.replace(
        row, id=str(len(rows)), files=files, stats=_stats(files, folder)
      )
    )
  rows, _ = utterances_table.one_spelling(path, rows, understood)
  for group in utterances_table.groups_of(rows):
    for problem in utterances_table.wrong_turns(group):
      problems.add(f'{path}:{problem}')
  problems.check()
  cells_lib.log_understood(path, +understood)
  return rows, ids


def _stats(
  files: Mapping[str, str], folder: pathlib.Path
) -> list[tuple[int, int]]:
  stats = []
  for name in files.values():
    try:
      stats.append(same_path.stat(folder / name))
    except (OSError, ValueError):
      stats.append((-1, -1))
  return stats


def _segment(
  row: utterances_row.Row,
  name: str,
  table: str,
  folder: pathlib.Path,
  layout: batches.Layout,
  turn: int,
  place: int,
) -> segment.Segment:
  """Reads the features of a row."""
  arrays, reasons = {}, []
  for modality, file in row.files.items():
    if modality not in layout.dims:
      continue
    try:
      x = _features(modality, file, name, folder, layout.raw(modality))
    except ValueError as error:
      reasons.append(f'{modality} {file!r} {str(error).removesuffix(".")}')
      continue
    if x.any():
      arrays[modality] = x
    else:  # As the reader has it, see `feature_file.finite`.
      what = feature_file.ALL_ZERO % modality if len(x) else 'no face in it'
      reasons.append(f'{modality} {file!r}: {what}')
  if not arrays and not row.text and not reasons:
    reasons.append(f'{", ".join(_OF_INPUT)} are empty')
  said = utterance_listing.Utterance(
    id=name,
    labels={},
    sequences=arrays,
    transcript=row.text,
    dialogue=row.dialogue,
    turn=(turn if row.turn is None else row.turn) if row.dialogue else 0,
    speaker=row.speaker,
  )
  return segment.Segment(
    place=place,
    input=table,
    id=name,
    text=row.text,
    reason='; '.join(reasons),
    utterance=said if arrays or row.text else None,
  )


def _features(
  modality: str, file: str, clip: str, folder: pathlib.Path, dim: int
) -> Any:
  """Reads features [T, dim]; UserError, from a verb on, if they are not so."""
  is_recording = file.lower().endswith(sequences.RECORDINGS)
  of_recordings = len(wav_features.names())
  if modality == 'audio' and is_recording and dim != of_recordings:
    raise UserError(
      f'is a recording, which gives {of_recordings} features per step, and the '
      f'run reads {dim} of another program'
    )
  try:
    found, _ = utterances_row.found(modality, file, folder)
  except UserError as error:
    raise UserError(f'cannot be read: {error}') from error
  x, counts = utterances_csv.features(folder / 'table', found, clip, dim)
  for what in counts:
    logging.info('%s: %s', file, what)
  return x
