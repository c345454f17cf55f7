"""The rows of a table of utterances: in its journal, counted, and written.

The journal (`predict.journal`) has them in the order in which they were read,
which is that of dialogues; the table has them in the order of the input.
"""

import collections
from collections.abc import Iterable, Iterator, Mapping, Sequence
import csv
import os
import pathlib

from absl import logging
import pyarrow as pa
from pyarrow import parquet

from affect_jax import whole_file
from affect_jax.errors import UserError
from affect_jax.predict.spoken import columns as columns_lib
from affect_jax.predict.spoken import segment

# Columns of the journal before those of the table: number of the source, place
# in it, and 1 in the last of rows that were written together.
OF_JOURNAL = ('source', 'place', 'ends')


def cells(
  part: Sequence[segment.Row], source: int, columns: columns_lib.Columns
) -> Iterator[list[str]]:
  """Yields the cells of rows that are written together; numbers read back."""
  for i, row in enumerate(part):
    values = columns.row(row)
    own = (values[name] for name in columns.names)
    yield [
      str(source),
      str(row.segment.place),
      str(int(i == len(part) - 1)),
      *('' if cell is None else _one_kind(str(cell)) for cell in own),
    ]


def _one_kind(text: str) -> str:
  """Returns a text whose lines end alike: before 3.13, csv quotes no '\\r'."""
  return text.replace('\r\n', '\n').replace('\r', '\n')


def counts(rows: Iterable[Mapping[str, str]]) -> dict[str, int]:
  """Counts rows of a journal; UserError if none is predicted."""
  total, first = collections.Counter(), {}
  for row in rows:
    total['rows'] += 1
    if row['success'] != '1':
      what = 'not predicted'
    elif row['reason']:
      what = 'read in part'
    else:
      continue
    total[what] += 1
    first.setdefault(what, row)
  if not total['rows']:
    raise UserError('The inputs have no utterance.')
  if total['not predicted'] == total['rows']:
    row = first['not predicted']
    raise UserError(
      f'None of the {total["rows"]:,} utterances can be predicted: '
      f'{row["input"]}, {row["id"] or "all of it"}: {row["reason"]}.'
    )
  for what, row in first.items():
    logging.warning(
      '%d of %d utterances are %s; the first is %s, %s: %s.',
      total[what],
      total['rows'],
      what,
      row['input'],
      row['id'],
      row['reason'],
    )
  return {
    'utterances': total['rows'],
    'predicted': total['rows'] - total['not predicted'],
    'not_predicted': total['not predicted'],
    'read_in_part': total['read in part'],
  }


def write(
  output: pathlib.Path,
  columns: columns_lib.Columns,
  rows: Iterable[Mapping[str, str]],
) -> None:
  """Writes the table, whole or not at all; CSVs keep float32 exactly.

  Args:
    output: .csv or .parquet.
    columns: Of the table.
    rows: Of a journal, in any order.
  """
  rows = sorted(rows, key=lambda r: (int(r['source']), int(r['place'])))
  with whole_file.writing(output) as partial:
    if output.suffix.lower() == '.parquet':
      arrays = {
        name: pa.array([_value(row[name], kind) for row in rows], kind)
        for name, kind in columns.types.items()
      }
      parquet.write_table(pa.table(arrays), os.fspath(partial))
      return
    with open(partial, 'w', newline='', encoding='utf-8') as file:
      writer = csv.writer(file, lineterminator='\n')
      writer.writerow(columns.names)
      writer.writerows([row[name] for name in columns.names] for row in rows)


def _value(cell: str, kind: pa.DataType) -> str | int | float | None:
  """Returns what a cell holds; None where nothing is known."""
  if not cell or pa.types.is_string(kind):
    return cell or None
  return int(cell) if pa.types.is_integer(kind) else float(cell)
