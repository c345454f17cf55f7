"""The grid of missing modalities: scores of one model without some of them."""

from collections.abc import Sequence

import numpy as np

from affect_jax.report import contents
from affect_jax.report import runs as runs_lib
from affect_jax.report import style


def section(
  runs: Sequence[runs_lib.Run], split: str
) -> contents.Section | None:
  """Draws a grid for each run and corpus that has one (config.eval_subsets)."""
  parts: list[contents.Figure | contents.Table] = []
  for run in runs:
    keys = dict.fromkeys(k for x in run.seeds.values() for k in x.subsets)
    for key in keys:
      if key.split('/')[0] == split:
        parts += _grid(run, key, split)
  if not parts:
    return None
  sentences = [
    'One model, trained once, evaluated on the same samples with only the '
    'named modalities; a learned token stands for each that is taken away. '
    'Thresholds stay those of all modalities.'
  ]
  if any(len(run.seeds) > 1 for run in runs):
    sentences.append('Scores are means over seeds.')
  return contents.Section('subsets', 'Missing modalities', sentences, parts)


def _grid(run: runs_lib.Run, key: str, split: str):
  grids = [x.subsets[key] for x in run.seeds.values() if key in x.subsets]
  rows = list(dict.fromkeys(subset for grid in grids for subset in grid))
  columns, values = [], []
  for task in run.tasks:
    metric = run.headline(task)
    found = [
      [
        x
        for g in grids
        if (x := g.get(row, {}).get(f'{task}/{metric}')) is not None
      ]
      for row in rows
    ]
    if any(found):
      columns.append(f'{task}\n{style.spoken(metric or "")}')
      values.append([np.mean(x) if x else np.nan for x in found])
  if not columns:
    return []
  matrix = np.array(values, float).T
  drawn, axes = style.new(
    1.5 + 0.36 * len(rows),
    width=max(style.WIDTH, 2.6 + 1.0 * len(columns)),
  )
  texts = [[contents.cell(float(x)) for x in row] for row in matrix]
  image = style.heat(axes[0, 0], matrix, texts)
  axes[0, 0].set_yticks(range(len(rows)), [r.replace('+', ' + ') for r in rows])
  axes[0, 0].set_xticks(range(len(columns)), columns)
  axes[0, 0].set_ylabel('modalities that are left')
  lowest = 'in [−1, 1]' if np.nanmin(matrix) < 0 else '0 to 1'
  drawn.colorbar(image, label=f'score ({lowest})', shrink=0.9)
  of_corpus = key.partition('/')[2]
  title = f'Tested on {of_corpus or split}{run.suffix}'
  name = f'subsets_{run.letter}_{of_corpus}'.rstrip('_')
  table = contents.Table(
    name,
    f'Scores by modalities: {title}',
    ['modalities', *(c.replace('\n', ', ') for c in columns)],
    [
      [row, *(None if np.isnan(x) else float(x) for x in numbers)]
      for row, numbers in zip(rows, matrix, strict=True)
    ],
    on_page=False,
  )
  return [contents.Figure(name, title, drawn), table]
