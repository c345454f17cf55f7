"""Writes a split's table of samples: gold and predicted, side by side."""

from collections.abc import Mapping, Sequence
import csv
import os
from typing import Any

import numpy as np

from affect_jax import whole_file


def write(
  path: str, tasks: Sequence[Any], rows: Mapping[str, Mapping[str, Any]]
) -> None:
  """Writes one CSV row per sample, whole or not at all.

  Columns: id, corpus, then for every output of every task
  gold/task/output and predicted/task/output: a value, or a probability. Gold
  is empty if there is no gold label. A task with one label per sample
  (expression) also has gold/task and predicted/task, the name of the likeliest
  class. Numbers read back equal as float32.

  Args:
    path: The CSV.
    tasks: The tasks.
    rows: {corpus: from `predict.predict_split`}.
  """
  header = ['id', 'corpus']
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
        for task in tasks:
          line += _cells(
            task,
            corpus_rows['labels'][task.name][i],
            corpus_rows['predictions'][task.name][i],
            corpus_rows['weights'][task.name][i],
          )
        writer.writerow(line)


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
