"""A split's table of samples: gold and predicted, side by side."""

import array
from collections.abc import Mapping, Sequence
import csv
import os
from typing import Any

import numpy as np

from affect_jax import whole_file
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError


def write(
  path: str, tasks: Sequence[Any], rows: Mapping[str, Mapping[str, Any]]
) -> None:
  """Writes one CSV row per sample, whole or not at all.

  Columns: id, corpus, cluster if any row has one, then for every output of
  every task gold/task/output and predicted/task/output: a value, or a
  probability. Gold is empty if there is no gold label. A task with one label
  per sample (expression) also has gold/task and predicted/task, the name of the
  likeliest class. Numbers read back equal as float32.

  Args:
    path: The CSV.
    tasks: The tasks.
    rows: {corpus: from `predict.predict_split`, possibly with 'cluster': [N]
      str, equal for samples that resemble each other, '' if unknown}.
  """
  clustered = any(any(r.get('cluster', ())) for r in rows.values())
  header = ['id', 'corpus', *(['cluster'] if clustered else [])]
  for task in tasks:
    if not task.weight_per_output:
      header += [f'gold/{task.name}', f'predicted/{task.name}']
    for output in task.outputs:
      header += [
        f'gold/{task.name}/{output}',
        f'predicted/{task.name}/{output}',
      ]
  os.makedirs(os.path.dirname(path), exist_ok=True)
  with (
    whole_file.writing(path) as partial,
    open(partial, 'w', newline='', encoding='utf-8') as file,
  ):
    writer = csv.writer(file)
    writer.writerow(header)
    for corpus, corpus_rows in rows.items():
      for i, sample in enumerate(corpus_rows['id']):
        line = [sample, corpus]
        if clustered:
          line.append(corpus_rows['cluster'][i])
        for task in tasks:
          line += _cells(
            task,
            corpus_rows['labels'][task.name][i],
            corpus_rows['predictions'][task.name][i],
            corpus_rows['weights'][task.name][i],
          )
        writer.writerow(line)


def read(path: str, tasks: Sequence[Any]) -> dict[str, dict[str, Any]]:
  """Reads what `write` wrote, as {corpus: rows}.

  Rows are those of `predict.predict_split`, with 'cluster' [N] str. A label
  that is not gold is 0 with weight 0.

  Args:
    path: The CSV.
    tasks: Some of its tasks.

  Raises:
    FileNotFoundError: There is no such file.
    UserError: The file is truncated, lacks an output of a task, has a sample
      twice, or a cell is no finite number; the message names file and line.
  """
  file = sources.existing(path, 'predictions of a run')
  with open(file, 'rb') as opened:
    opened.seek(max(0, file.stat().st_size - 1))
    whole = opened.read() == b'\n'
  if not whole:
    raise UserError(f'{file} is truncated: its last line has no end.')
  lines = sources.read_rows(file)
  line, header = next(lines)
  outputs = [(t.name, o) for t in tasks for o in t.outputs]
  wanted = [f'{k}/{t}/{o}' for k in ('gold', 'predicted') for t, o in outputs]
  if missing := [c for c in ('id', 'corpus', *wanted) if c not in header]:
    raise UserError(f'{file}:{line}: no column {missing[0]!r}.')
  places = {name: i for i, name in enumerate(header)}
  gold, predicted = (
    [places[name] for name in wanted if name.startswith(kind)]
    for kind in ('gold', 'predicted')
  )
  found: dict[str, Any] = {}  # {corpus: ({id: cluster}, gold, predicted)}
  for line, cells in lines:
    if len(cells) != len(header):
      raise UserError(
        f'{file}:{line}: {len(cells)} cells, where the header has '
        f'{len(header)}: the file is truncated or was edited.'
      )
    name, corpus = cells[places['id']], cells[places['corpus']]
    ids, labels, values = found.setdefault(
      corpus, ({}, array.array('f'), array.array('f'))
    )
    if name in ids:
      raise UserError(f'{file}:{line}: {name!r} appears twice.')
    ids[name] = cells[places['cluster']] if 'cluster' in places else ''
    try:
      labels.extend([float(cells[i] or 'nan') for i in gold])
      values.extend([float(cells[i]) for i in predicted])
    except ValueError as error:
      raise UserError(f'{file}:{line}: {error}.') from None
    if not np.all(np.isfinite(values[-len(predicted) :])):
      raise UserError(f'{file}:{line}: a prediction is not finite.')
  return {k: _rows(tasks, *columns) for k, columns in found.items()}


def _rows(
  tasks: Sequence[Any],
  ids: Mapping[str, str],
  labels: array.array,
  predicted: array.array,
) -> dict[str, Any]:
  rows: dict[str, Any] = {
    'id': np.array(list(ids), object),
    'cluster': np.array(list(ids.values()), object),
    'predictions': {},
    'labels': {},
    'weights': {},
  }
  stops = np.cumsum([len(t.outputs) for t in tasks])[:-1]
  both = [
    np.split(np.array(x, np.float32).reshape(len(ids), -1), stops, axis=1)
    for x in (labels, predicted)
  ]
  for task, y, p in zip(tasks, *both, strict=True):
    is_gold = np.isfinite(y)
    rows['labels'][task.name] = np.where(is_gold, y, np.float32(0))
    rows['predictions'][task.name] = p
    if not task.weight_per_output:
      is_gold = is_gold.all(-1)
    rows['weights'][task.name] = is_gold.astype(np.float32)
  return rows


def _cells(
  task: Any, labels: np.ndarray, predicted: np.ndarray, weights: np.ndarray
) -> list[str]:
  cells = []
  gold = np.broadcast_to(np.asarray(weights) == 1, labels.shape)
  if not task.weight_per_output:
    name = lambda x: task.outputs[int(np.argmax(x))]
    cells += [name(labels) if gold.all() else '', name(predicted)]
  for y, p, g in zip(labels, predicted, gold, strict=True):
    cells += [str(np.float32(y)) if g else '', str(np.float32(p))]
  return cells
