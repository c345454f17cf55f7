"""Writes the tables and the figure."""

from collections.abc import Sequence
import pathlib
from typing import Any

import arms as arms_lib
import numpy as np
import seed_file

from affect_jax import whole_file
from affect_jax.comparison import paired_seeds
from affect_jax.errors import UserError
from affect_jax.run import folder as run_folder

METRICS = {f'faces/{t}/{m}': t for t, m in arms_lib.TASKS.items()}
FER = 'fer/expression/accuracy'
WAYS = ('multi', 'half', *(w for w in arms_lib.WAYS if w != 'multi'))


def write(root: pathlib.Path, seeds: Sequence[int]) -> None:
  """Writes results.json, table.md, fer2013.md and figure.png into `root`.

  Raises:
    UserError: No seed has a file.
  """
  files = seed_file.read(root, seeds)
  if not files:
    raise UserError(f'{root}: no run is finished.')
  scores = seed_file.scores(files)
  shares = [s for s in arms_lib.SHARES if f'multi_{s}' in scores]
  rows = [
    {'arm': f'{way}_{share}', 'against': before, **row}
    for share in shares
    for way in WAYS
    for metric, task in METRICS.items()
    for before in _before(task, share)
    if before != f'{way}_{share}'
    and (row := paired_seeds.gain(scores, metric, before, f'{way}_{share}'))
  ]
  fer = _fer_rows(scores)
  paired_seeds.add_holm([*rows, *fer])
  fits = {
    arm: [x['prototypes'][arm] for x in files if arm in x['prototypes']]
    for arm in ('fer_gold', 'fer_weak')
    if arm in scores
  }
  run_folder.write_json(
    str(root / 'results.json'),
    {
      'seeds': [x['seed'] for x in files],
      'steps': files[0]['steps'],
      'commits_of_runs': sorted({c for x in files for c in x['commits']}),
      'gains': rows,
      'fer2013': fer,
    },
  )
  text = _table(scores, rows, shares)
  whole_file.write_text(root / 'table.md', text)
  print(text)
  if fer or fits:
    text = _fer_table(scores, fer, fits)
    whole_file.write_text(root / 'fer2013.md', text)
    print(text)
  _draw(root / 'figure.png', scores, shares)


def _before(task: str, share: int) -> tuple[str, ...]:
  """Returns the arms that the others of a share are compared with."""
  return f'uni_{task}_{share}', f'multi_{share}', f'half_{share}'


def _fer_rows(scores) -> list[dict[str, Any]]:
  pairs = (
    ('fer_gold', 'fer_alone'),
    ('fer_weak', 'fer_alone'),
    ('fer_weak', 'fer_gold'),
  )
  return [
    {'arm': arm, 'against': before, **row}
    for arm, before in pairs
    if (row := paired_seeds.gain(scores, FER, before, arm))
  ]


def _cell(values: np.ndarray) -> str:
  if not len(values):
    return ''
  spread = f' ± {values.std(ddof=1):.3f}' if len(values) > 1 else ''
  return f'{values.mean():.3f}{spread}'


def _interval(row) -> str:
  return (
    f'{row["gain"]:+.3f} [{row["low"]:+.3f}, {row["high"]:+.3f}] '
    f'({row["holm"]:.2g})'
  )


def _table(scores, rows, shares) -> str:
  """Makes a row per share and way: scores, and gains with Holm's p."""
  heads = [
    f'{t} | over uni-task | over multi | over half' for t in arms_lib.TASKS
  ]
  lines = [
    f'| labels | way | {" | ".join(heads)} |',
    '|---' * (2 + 4 * len(heads)) + '|',
  ]
  for share in shares:
    cells = []
    for metric, task in METRICS.items():
      values = paired_seeds.of(scores, f'uni_{task}_{share}', metric)
      cells += [_cell(values), '', '', '']
    lines.append(f'| {share} % | uni-task | {" | ".join(cells)} |')
    for way in WAYS:
      if way == 'half' and share == 100:
        continue
      arm, cells = f'{way}_{share}', []
      for metric, task in METRICS.items():
        cells.append(_cell(paired_seeds.of(scores, arm, metric)))
        for before in _before(task, share):
          row = next(
            (
              r
              for r in rows
              if (r['arm'], r['against'], r['metric']) == (arm, before, metric)
            ),
            None,
          )
          cells.append(_interval(row) if row else '')
      lines.append(f'| {share} % | {way} | {" | ".join(cells)} |')
  return '\n'.join(lines) + '\n'


def _fer_table(scores, fer, fits) -> str:
  lines = [
    '| arm | accuracy on FER2013 | over fer_alone (Holm p) | over fer_gold |',
    '|---|---|---|---|',
  ]
  over = {(r['arm'], r['against']): _interval(r) for r in fer}
  for arm in ('fer_alone', 'fer_gold', 'fer_weak'):
    cells = [over.get((arm, x), '') for x in ('fer_alone', 'fer_gold')]
    score = _cell(paired_seeds.of(scores, arm, FER))
    lines.append(f'| {arm} | {score} | {" | ".join(cells)} |')
  names = list(next(iter(fits.values()), [{}])[0])
  lines += [
    '',
    "Agreement with prototypes of the gold expression: units' AUC, Pearson.",
    '',
    f'| arm | {" | ".join(names)} |',
    '|---' * (1 + len(names)) + '|',
  ]
  for arm, of_seeds in fits.items():
    cells = [_cell(np.array([x[n] for x in of_seeds])) for n in names]
    lines.append(f'| {arm} | {" | ".join(cells)} |')
  return '\n'.join(lines) + '\n'


def _draw(path: pathlib.Path, scores, shares) -> None:
  """Draws a panel per task: scores over the share of labels."""
  try:
    import matplotlib
  except ImportError:
    print('No figure: pip install matplotlib.')
    return
  matplotlib.use('Agg')
  from matplotlib import pyplot

  figure, axes = pyplot.subplots(
    1, len(METRICS), figsize=(12, 4), layout='constrained'
  )
  for axis, (metric, task) in zip(axes, METRICS.items(), strict=True):
    for way in ('uni', *WAYS):
      name = f'uni_{task}' if way == 'uni' else way
      points = [
        (s, paired_seeds.of(scores, f'{name}_{s}', metric)) for s in shares
      ]
      points = [(s, v) for s, v in points if len(v)]
      if points:
        axis.errorbar(
          [s for s, _ in points],
          [v.mean() for _, v in points],
          yerr=[
            1.96 * v.std(ddof=1) / np.sqrt(len(v)) if len(v) > 1 else 0
            for _, v in points
          ],
          fmt='o-',
          label='uni-task' if way == 'uni' else way,
          capsize=2,
          markersize=4,
        )
    axis.set_title(f'{task}, {arms_lib.TASKS[task]}')
    axis.set_xscale('log')
    axis.set_xticks(shares, [f'{s} %' for s in shares])
    axis.set_xlabel('share of the labels')
    axis.grid(alpha=0.3)
  if axes[0].has_data():
    axes[0].legend(fontsize=8)
  with whole_file.writing(path) as partial:
    figure.savefig(partial, dpi=110)
  pyplot.close(figure)
