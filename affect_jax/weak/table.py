"""Tables of weak labels: parquet, or a CSV of somebody else's predictions.

A table of `affect_jax.label` has a row for each sample and task:

  id, corpus     the sample, and the class of its corpus ('meld')
  version        full name of the corpus as it was labelled, '' if unknown
  task, outputs  the task, and the names of its classes or values
  kind           'class', 'presence' or 'value', as in `tasks.annotation`
  label          a number for each output: a distribution over classes, the
                 probability that each is present, or values
  confidence     in [0, 1]: one number, or one per output; see `confidence_of`
  teacher, step, config, temperature
                 who labelled it: folders of runs, steps of their checkpoints,
                 a hash of their configs, what calibrated them
  right          what `calibration.confidence_where_right` says of them

A table of another program, CSV or parquet, has a row for each sample: `id`,
`corpus` if there are several, and columns 'TASK/OUTPUT' (or those of our
predictions/*.csv, 'predicted/TASK/OUTPUT'). An empty cell is no label.
"""

from collections.abc import Iterator, Mapping, Sequence
import dataclasses
import pathlib
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute
from pyarrow import parquet

from affect_jax import tasks as tasks_lib
from affect_jax import whole_file
from affect_jax.corpora.files import cells as cells_lib
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError
from affect_jax.weak import columns
from affect_jax.weak import row_checks

# Columns that are equal in all rows of one `WeakLabels`.
SHARED = ('task', 'kind', 'corpus', 'version', 'teacher', 'step', 'config')


@dataclasses.dataclass(frozen=True, eq=False)
class WeakLabels:
  """Weak labels of one task for samples of one corpus, by one teacher.

  Attributes:
    task: Name of the task.
    kind: 'class', 'presence' or 'value'. An emotion is one or the other of the
      first two.
    outputs: Names of its K classes or values.
    ids: [N] str.
    labels: f32 [N, K], in the space of predictions.
    confidence: f32 [N] of classes, else [N, K], in [0, 1].
    corpus: Class of the corpus, as 'meld'; '' if the table does not say.
    version: Full name of the corpus that was labelled; '' if unknown.
    teacher, step, config: Who labelled it; '' if unknown.
    temperature: What calibrated the teacher; 1 for none.
    right: See `calibration.confidence_where_right`; None if unknown.
  """

  task: str
  kind: str
  outputs: tuple[str, ...]
  ids: np.ndarray
  labels: np.ndarray
  confidence: np.ndarray
  corpus: str = ''
  version: str = ''
  teacher: str = ''
  step: str = ''
  config: str = ''
  temperature: float = 1.0
  right: np.ndarray | None = None

  def where(self, kept: np.ndarray) -> 'WeakLabels':
    """Returns the labels of some samples: bool [N]."""
    return dataclasses.replace(
      self,
      ids=self.ids[kept],
      labels=self.labels[kept],
      confidence=self.confidence[kept],
    )


def kind_of(task: Any) -> str:
  """Returns the kind of a `tasks.Task`'s labels: emotions may have two."""
  kind = tasks_lib.get_annotation(task.name).kind
  return kind if task.weight_per_output else 'class'


def confidence_of(kind: str, labels: np.ndarray) -> np.ndarray:
  """Returns the confidence of predictions [N, K]: that of their own numbers.

  Classes: the largest probability [N]. Presence: max(p, 1 - p) [N, K]. Values
  say nothing about their confidence: 1 [N, K].
  """
  if kind == 'class':
    return labels.max(-1)
  if kind == 'presence':
    return np.maximum(labels, 1 - labels)
  return np.ones_like(labels)


def write(path: pathlib.Path, labels: Sequence[WeakLabels]) -> None:
  """Writes a parquet table, whole or not at all."""
  parts = []
  for part in labels:
    n = len(part.ids)
    same = lambda value, kind, n=n: pa.repeat(pa.scalar(value, kind), n)
    numbers = pa.list_(pa.float32())
    constant = {
      name: same(getattr(part, name), pa.string()).dictionary_encode()
      for name in SHARED
    }
    table = {
      'id': pa.array(part.ids.tolist(), pa.string()),
      **constant,
      'outputs': same(list(part.outputs), pa.list_(pa.string())),
      'label': columns.of_matrix(part.labels),
      'confidence': columns.of_matrix(part.confidence.reshape(n, -1)),
      'temperature': same(part.temperature, pa.float64()),
      'right': same(
        None if part.right is None else part.right.tolist(), numbers
      ),
    }
    parts.append(pa.table(table))
  path.parent.mkdir(parents=True, exist_ok=True)
  with whole_file.writing(path) as partial:
    parquet.write_table(pa.concat_tables(parts), str(partial))


def check_file(path: str | pathlib.Path) -> pathlib.Path:
  """Returns the path of a table; reads no more of it than its end.

  Raises:
    FileNotFoundError: There is no such file.
    UserError: It is a parquet file that was cut short, or none.
  """
  file = sources.existing(path, 'a table of weak labels')
  if file.suffix.lower() != '.csv':
    try:
      parquet.read_metadata(file)
    except Exception as error:  # Damage: not only ArrowInvalid and OSError.
      raise UserError(
        f'{file} is no whole parquet file ({error}). If it was cut short, make '
        'it again; a CSV must be called so.'
      ) from error
  return file


def read(path: str | pathlib.Path) -> list[WeakLabels]:
  """Reads a table of weak labels; see above for what it may be.

  Raises:
    FileNotFoundError: There is no such file.
    UserError: It is damaged, lacks a column, or a row cannot be a label; the
      message names the row.
  """
  file = check_file(path)
  if file.suffix.lower() == '.csv':
    lines = sources.read_rows(file)
    _, header = next(lines)
    return _wide(file, header, _cells(file, header, lines))
  try:
    content = parquet.read_table(file)
    content.validate(full=True)  # Text must be UTF-8, say.
    names = content.column_names
  except Exception as error:  # Damage: not only ArrowInvalid and OSError.
    raise UserError(f'{file} is damaged ({error}): make it again.') from error
  if 'task' not in names:
    rows = ((i, r) for i, r in enumerate(content.to_pylist(), 1))
    return _wide(file, names, rows)
  wanted = ('id', 'task', 'outputs', 'label')
  if missing := [n for n in wanted if n not in names]:
    raise UserError(f'{file} has no column {missing[0]!r}; it has {names}.')
  return _long(file, content)


def _cells(
  file: pathlib.Path, header: Sequence[str], lines: Any
) -> Iterator[tuple[int, dict[str, Any]]]:
  for line, cells in lines:
    if len(cells) != len(header):
      raise UserError(
        f'{file}:{line}: {len(cells)} cells, where the header has '
        f'{len(header)}: the file is truncated or was edited.'
      )
    yield line, dict(zip(header, cells, strict=True))


def _long(file: pathlib.Path, content: pa.Table) -> list[WeakLabels]:
  """Reads a table of `write`."""
  # Programs write a column that is always empty without a type.
  names = [f.name for f in content.schema if not pa.types.is_null(f.type)]
  for name in ('outputs', 'label', 'confidence', 'right'):
    if name in names and not columns.is_list(content[name]):
      raise UserError(
        f'{file}: the column {name!r} has {content[name].type} in each row, '
        'not a list.'
      )
  needed = [content[n].is_null().to_numpy() for n in ('outputs', 'label', 'id')]
  if (missing := np.any(needed, 0)).any():
    raise UserError(
      f'{file}, row {missing.argmax() + 1}: id, outputs or label is missing.'
    )
  ids = columns.texts(content['id'])
  codes = [columns.codes_of_texts(content[n]) for n in SHARED if n in names]
  if 'temperature' in names:
    temperatures = compute.fill_null(content['temperature'], 1.0)
    codes.append(columns.codes_of_texts(temperatures))
  for name in ('outputs', 'right'):
    if name in names:
      codes.append(columns.codes_of_lists(content[name]))
  numbers = {
    name: columns.lists(columns.whole(content[name]))
    for name in ('label', 'confidence')
    if name in names
  }

  def matrix(places: np.ndarray, name: str, width: int) -> np.ndarray:
    starts, lengths, values = numbers[name]
    wrong = lengths[places] != width
    if wrong.any():
      i = int(places[wrong.argmax()])
      raise UserError(
        f'{file}, row {i + 1}: {name} of {content["task"][i]} is '
        f'{content[name][i].as_py()}, not {width} number(s).'
      )
    return values[starts[places][:, np.newaxis] + np.arange(width)]

  found = []
  for places in columns.groups(codes, len(content)):
    first = content.slice(places[0], 1).to_pylist()[0]
    shared: dict[str, Any] = {k: str(first.get(k) or '') for k in SHARED}
    outputs = tuple(first['outputs'])
    labels = matrix(places, 'label', len(outputs))
    shared['kind'] = shared['kind'] or _kind(shared['task'], labels)
    confidence = confidence_of(shared['kind'], labels)
    if 'confidence' in names:
      width = 1 if confidence.ndim == 1 else len(outputs)
      given = matrix(places, 'confidence', width)
      confidence = given.reshape(confidence.shape)
    temperature = first.get('temperature')
    right = first.get('right')
    part = WeakLabels(
      outputs=outputs,
      ids=ids[places],
      labels=labels,
      confidence=confidence,
      temperature=1.0 if temperature is None else float(temperature),
      right=np.array(right, np.float32) if right else None,
      **shared,
    )
    row_checks.check(file, places + 1, part)
    found.append(part)
  return found


def _kind(task: str, labels: np.ndarray) -> str:
  """Returns the kind of labels; of emotions, by whether they sum to 1."""
  annotation = tasks_lib.get_annotation(task)
  if annotation.by_name and labels.shape[1] > 1:
    is_one = np.abs(labels.sum(-1) - 1) <= row_checks.SUM_TOLERANCE
    return 'class' if np.mean(is_one) > 0.5 else 'presence'
  return annotation.kind


def _wide(
  file: pathlib.Path,
  header: Sequence[str],
  rows: Iterator[tuple[int, Mapping[str, Any]]],
) -> list[WeakLabels]:
  """Reads columns id, corpus, TASK/OUTPUT."""
  columns: dict[str, dict[str, str]] = {}  # {task: {output: column}}
  for name in header:
    parts = name.removeprefix('predicted/').split('/')
    if len(parts) == 2 and parts[0] in tasks_lib.TASKS:
      columns.setdefault(parts[0], {})[parts[1]] = name
  if 'id' not in header or not columns:
    raise UserError(
      f'{file} is no table of weak labels: it needs the column id, and '
      "'TASK/OUTPUT' for each output, as 'expression/happiness'. It has "
      f'{list(header)[:20]}.'
    )
  read: dict[tuple[str, str], tuple[list, list, list]] = {}
  for line, row in rows:
    for task, by_output in columns.items():
      cells = [row[c] for c in by_output.values()]
      if all(c is None or c == '' for c in cells):
        continue
      try:
        values = [cells_lib.to_number(str(c)) for c in cells]
      except (TypeError, ValueError):
        raise UserError(
          f'{file}:{line}: {task} of {row["id"]!r} is {cells}, not numbers.'
        ) from None
      corpus = row.get('corpus') or ''
      places, ids, labels = read.setdefault((corpus, task), ([], [], []))
      places.append(line)
      ids.append(row['id'])
      labels.append(values)
  found = []
  for (corpus, task), (places, ids, values) in read.items():
    labels = np.array(values, np.float32)
    kind = _kind(task, labels)
    part = WeakLabels(
      task=task,
      kind=kind,
      outputs=tuple(columns[task]),
      ids=np.array(ids, object),
      labels=labels,
      confidence=confidence_of(kind, labels),
      corpus=corpus,
      teacher=file.name,
    )
    row_checks.check(file, np.array(places), part)
    found.append(part)
  return found
