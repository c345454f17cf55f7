"""Writes the table of a corpus: scores against `fixed`, cost, cosines."""

from collections.abc import Mapping, Sequence
import json
import pathlib
from typing import Any

import numpy as np

from affect_jax import tasks as tasks_lib
from affect_jax import whole_file
from affect_jax.comparison import compare
from affect_jax.run import folder as run_folder

REFERENCE = 'fixed'


def write(
  folder: pathlib.Path, methods: Sequence[str], about: Mapping[str, Any]
) -> None:
  """Writes results.json and table.md into the folder of a corpus.

  Args:
    folder: The folder, which has a folder for each method.
    methods: Names of methods; `fixed` is what others are compared with.
    about: Further entries of results.json: what the numbers depend on.
  """
  finished = [m for m in methods if (folder / m / 'results.json').is_file()]
  if REFERENCE not in finished:
    return
  first = json.loads((folder / REFERENCE / 'config.json').read_text())
  headlines = [
    f'{name}/{tasks_lib.TASKS[name].build().headline}'
    for name in first['tasks']
  ]
  order = [REFERENCE, *(m for m in finished if m != REFERENCE)]
  rows, notes = {}, {}
  if len(order) > 1:
    paths = [str(folder / m) for m in order]
    found = compare.compare(paths, metrics=headlines)
    notes = {'resampled': found.resampled, 'notes': list(found.notes)}
    for row in found.rows:
      method = pathlib.Path(found.runs[row.b]).name
      # With several corpora, a task has gold in one of them.
      if row.difference is not None:
        rows[method, '/'.join(row.metric.split('/')[-2:])] = row
  scores = {m: _scores(folder / m, headlines) for m in order}
  costs = read_costs(folder / 'cost.json')
  cosines = {m: _cosines(folder / m) for m in order}
  text = _markdown(order, headlines, scores, rows, costs, cosines)
  run_folder.write_json(
    str(folder / 'results.json'),
    {
      **about,
      'test': scores,
      'against_fixed': {
        f'{m} {metric}': vars(row) for (m, metric), row in rows.items()
      },
      **notes,
      'cost': costs,
      'cosines': cosines,
    },
  )
  whole_file.write_text(folder / 'table.md', text)
  print(text)


def read_costs(path: pathlib.Path) -> dict[str, Any]:
  """Returns {method: from `cost.measure`}; {} of an older form."""
  costs = run_folder.read_json(str(path)) or {}
  return costs if all(isinstance(c, dict) for c in costs.values()) else {}


def _scores(folder: pathlib.Path, headlines: Sequence[str]) -> dict[str, Any]:
  """Returns {metric: scores on test by seed}, of the corpus that has them."""
  splits = json.loads((folder / 'results.json').read_text())['splits']
  return {
    metric: next(
      values[metric]['values']
      for split, values in splits.items()
      if split.split('/')[0] == 'test' and values[metric]['mean'] is not None
    )
    for metric in headlines
  }


def _cosines(folder: pathlib.Path) -> dict[str, float]:
  """Returns {pair of tasks: mean cosine over all logged steps and seeds}."""
  values: dict[str, list[float]] = {}
  for path in sorted(folder.glob('seed_*/metrics.jsonl')):
    for line in path.read_text().splitlines():
      for name, value in json.loads(line).items():
        if name.startswith('train/cosine/') and value is not None:
          values.setdefault(name.removeprefix('train/cosine/'), []).append(
            value
          )
  return {pair: float(np.mean(v)) for pair, v in values.items()}


def _markdown(order, headlines, scores, rows, costs, cosines) -> str:
  # Some corpora log none for the reference.
  pairs = list(dict.fromkeys(p for m in order for p in cosines[m]))
  head = [
    *(f'{m} | against {REFERENCE} [95 %] | Holm p' for m in headlines),
    'processor time of an update',
    'its memory',
    *(f'cosine {p}' for p in pairs),
  ]
  width = 1 + 3 * len(headlines) + 2 + len(pairs)
  lines = [f'| method | {" | ".join(head)} |', '|---' * width + '|']
  for method in order:
    cells = []
    for metric in headlines:
      values = np.array(scores[method][metric], float)
      spread = f' ± {values.std(ddof=1):.3f}' if len(values) > 1 else ''
      cells.append(f'{values.mean():.3f}{spread}')
      row = rows.get((method, metric))
      cells += (
        [
          f'{row.difference:+.3f} [{row.low:+.3f}, {row.high:+.3f}]',
          f'{row.holm:.2g}',
        ]
        if row
        else ['', '']
      )
    cost = costs.get(method)
    cells += [_time(cost), _memory(cost, costs.get(REFERENCE))]
    own = cosines[method]
    cells += [f'{own[p]:+.2f}' if p in own else '' for p in pairs]
    lines.append(f'| {method} | {" | ".join(cells)} |')
  return '\n'.join(lines) + '\n'


def _time(cost) -> str:
  """Returns a method's time relative to the reference: median, quartiles."""
  if not cost:
    return ''
  low, median, high = cost['relative']
  return f'{median:.2f} × ({low:.2f}–{high:.2f})'


def _memory(cost, reference) -> str:
  return f'{cost["gib"] / reference["gib"]:.2f} ×' if cost else ''
