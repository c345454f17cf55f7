"""predictions/*.csv as arrays, by what its header names.

`evaluation.prediction_csv` reads the same files more strictly, for code that
has the tasks. Here the header has to do: building tasks imports JAX, and takes
longer than the whole page.
"""

from collections.abc import Iterable, Mapping
import csv
import dataclasses
import pathlib

import numpy as np
import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow_csv

from affect_jax.errors import UserError

# One out of K by a distribution; K yes-or-no by probabilities; K numbers.
CLASS, PRESENCE, VALUE = 'class', 'presence', 'value'


@dataclasses.dataclass(frozen=True)
class Predicted:
  """What a run says of a task on the samples of a corpus that have its gold.

  Attributes:
    kind: CLASS, PRESENCE or VALUE.
    outputs: Names of its K outputs.
    ids: str [N].
    gold: f64 [N, K]; NaN where an output has no gold.
    predicted: f64 [N, K], finite.
  """

  kind: str
  outputs: tuple[str, ...]
  ids: np.ndarray
  gold: np.ndarray
  predicted: np.ndarray

  def num_gold(self) -> int:
    """Returns how many gold labels there are, as results.json counts them."""
    if self.kind == CLASS:
      return len(self.ids)
    return int(np.isfinite(self.gold).sum())


# {corpus: {task: ...}}, without tasks that the corpus does not label.
Split = dict[str, dict[str, Predicted]]


def read(path: pathlib.Path, values: Iterable[str] = ()) -> Split:
  """Reads what `prediction_csv.write` wrote.

  Args:
    path: The CSV.
    values: Tasks that are known to predict values, not probabilities. Others
      do if a number leaves [0, 1].

  Raises:
    UserError: The file is damaged; the message says how.
  """
  with open(path, 'rb') as file:
    header = file.readline()
    file.seek(max(0, path.stat().st_size - 1))
    whole = file.read() == b'\n'
  if not whole:
    raise UserError(f'{path.name} is truncated: its last line has no end')
  try:
    columns = next(csv.reader([header.decode()]), [])
    table = _table(path, columns)
  except (pa.ArrowInvalid, UnicodeDecodeError) as error:
    reason = str(error).splitlines()[0]
    raise UserError(f'{path.name} is damaged: {reason}') from None
  ids = np.array(table['id'].to_pylist(), object)
  corpora = np.array(table['corpus'].to_pylist(), object)
  split: Split = {}
  for task, outputs in _tasks(columns).items():
    gold, predicted = (
      np.stack([_floats(table[f'{k}/{task}/{o}']) for o in outputs], -1)
      for k in ('gold', 'predicted')
    )
    if not np.isfinite(predicted).all():
      row = ids[np.flatnonzero(~np.isfinite(predicted).all(-1))[0]]
      raise UserError(f'{path.name}: a prediction for {row!r} is not finite')
    one_class = f'gold/{task}' in columns
    labelled = np.isfinite(gold)
    labelled = labelled.all(-1) if one_class else labelled.any(-1)
    kind = CLASS if one_class else PRESENCE
    if not one_class and (task in values or _leave(gold) or _leave(predicted)):
      kind = VALUE
    for corpus in dict.fromkeys(corpora):
      rows = labelled & (corpora == corpus)
      if rows.any():
        split.setdefault(corpus, {})[task] = Predicted(
          kind, tuple(outputs), ids[rows], gold[rows], predicted[rows]
        )
  return split


def _table(path: pathlib.Path, columns: list[str]) -> pa.Table:
  if missing := [c for c in ('id', 'corpus') if c not in columns]:
    raise UserError(f'{path.name} has no column {missing[0]!r}')
  numbers = [c for task in _pairs(columns) for c in task]
  types = {c: pa.float64() if c in numbers else pa.string() for c in columns}
  table = arrow_csv.read_csv(
    path,
    parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
    convert_options=arrow_csv.ConvertOptions(column_types=types),
  )
  if not table.num_rows:
    raise UserError(f'{path.name} has no row')
  return table


def _pairs(columns: list[str]) -> list[tuple[str, str]]:
  """Returns the columns gold/TASK/OUTPUT with those predicted."""
  gold = [c for c in columns if c.startswith('gold/') and c.count('/') > 1]
  pairs = [(c, f'predicted/{c.removeprefix("gold/")}') for c in gold]
  return [pair for pair in pairs if pair[1] in columns]


def _tasks(columns: list[str]) -> Mapping[str, list[str]]:
  tasks: dict[str, list[str]] = {}
  for gold, _ in _pairs(columns):
    _, task, output = gold.split('/', 2)
    tasks.setdefault(task, []).append(output)
  return tasks


def _floats(column: pa.ChunkedArray) -> np.ndarray:
  filled = compute.fill_null(column, float('nan'))
  return np.concatenate([np.asarray(x) for x in filled.chunks])


def _leave(numbers: np.ndarray) -> bool:
  """Returns whether any number is no probability."""
  return bool(np.any((numbers < 0) | (numbers > 1)))


def pooled(of: Iterable[Predicted]) -> Predicted:
  """Puts what several seeds say of the same task below each other."""
  parts = list(of)
  join = lambda name: np.concatenate([getattr(x, name) for x in parts])
  return dataclasses.replace(
    parts[0],
    # One seed may leave [0, 1] where another does not.
    kind=VALUE if any(x.kind == VALUE for x in parts) else parts[0].kind,
    ids=join('ids'),
    gold=join('gold'),
    predicted=join('predicted'),
  )


def averaged(of: Iterable[Predicted]) -> Predicted:
  """Returns the mean prediction of several seeds, of the first one's samples.

  A seed that lacks one of these samples is left out.
  """
  parts = list(of)
  first = parts[0]
  known, total = 0, np.zeros_like(first.predicted)
  for part in parts:
    row = {x: i for i, x in enumerate(part.ids)}
    if all(x in row for x in first.ids):
      known += 1
      total += part.predicted[[row[x] for x in first.ids]]
  return dataclasses.replace(pooled(parts[:1]), predicted=total / known)
