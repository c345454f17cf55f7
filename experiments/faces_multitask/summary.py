"""Writes tables and a figure of the arms' scores, against the reference."""

from collections.abc import Mapping, Sequence
import os
from typing import Any

import arms as arms_lib
import numpy as np
from scipy import stats

from affect_jax import whole_file
from affect_jax.run import folder as run_folder

# {headline metric of a task: its name in the table}.
HEADLINES = {
  'expression/macro_f1': 'P_EXPR',
  'action_units/mean_f1': 'P_AU',
  'valence_arousal/mean_ccc': 'P_VA',
}
# These explain P_AU; results.json has them, the table does not.
DETAILS = ('action_units/tuned_mean_f1', 'action_units/mean_auc')
REFERENCE = 'tasks/all'


def write(
  folder: str,
  arms: Sequence[arms_lib.Arm],
  results: Mapping[str, Sequence[Mapping[str, Any]]],
  about: Mapping[str, Any],
) -> None:
  """Writes results.json, table.md and figure.png into `folder`.

  Args:
    folder: The folder of one corpus.
    arms: The arms, in the order of the table.
    results: {arm: results.json of its finished seeds}.
    about: Further entries of results.json: what the numbers depend on.
  """
  os.makedirs(folder, exist_ok=True)
  table = {
    arm.folder: {
      metric: [r['test'][metric] for r in results[arm.folder]]
      for metric in (*HEADLINES, *DETAILS)
      if results[arm.folder] and metric in results[arm.folder][0]['test']
    }
    for arm in arms
  }
  path = os.path.join(folder, 'results.json')
  run_folder.write_json(path, {**about, 'test': table})
  text = _markdown(table)
  whole_file.write_text(os.path.join(folder, 'table.md'), text)
  print(text)
  _draw(os.path.join(folder, 'figure.png'), table)


def _markdown(table: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
  """Makes a table: mean and standard deviation (n - 1) over seeds.

  It compares each arm with the reference, by a paired t-test over seeds.
  """
  metrics = [
    m for m in HEADLINES if any(m in scores for scores in table.values())
  ]
  head = [f'{HEADLINES[m]} | vs {REFERENCE} (p)' for m in metrics]
  lines = [f'| arm | {" | ".join(head)} | seeds |']
  lines.append('|---' * (2 * len(metrics) + 2) + '|')
  reference = table.get(REFERENCE, {})
  for arm, scores in table.items():
    cells = []
    for metric in metrics:
      values = np.array(scores.get(metric, []), float)
      cells += [_spread(values), _against(values, reference.get(metric, []))]
    seeds = max((len(v) for v in scores.values()), default=0)
    lines.append(f'| {arm} | {" | ".join(cells)} | {seeds} |')
  return '\n'.join(lines) + '\n'


def _spread(values: np.ndarray) -> str:
  if not len(values):
    return ''
  if len(values) == 1:
    return f'{values[0]:.3f}'
  return f'{values.mean():.3f} ± {values.std(ddof=1):.3f}'


def _against(values: np.ndarray, reference: Sequence[float]) -> str:
  """Returns the difference of the means, with the p-value if there is one."""
  if not len(values) or len(values) != len(reference):
    return ''
  difference = values - np.array(reference)
  if not difference.any():
    return '–'
  text = f'{difference.mean():+.3f}'
  if len(values) < 2 or np.ptp(difference) == 0:
    return text
  p = stats.ttest_rel(values, reference).pvalue
  return f'{text} ({p:.2f})' if p >= 0.005 else f'{text} (< 0.01)'


def _draw(path: str, table: Mapping[str, Mapping[str, Any]]) -> None:
  """Draws a panel per task: a dot per seed, a bar at the mean."""
  try:
    import matplotlib
  except ImportError:
    print('No figure: pip install matplotlib.')
    return
  matplotlib.use('Agg')
  from matplotlib import pyplot

  metrics = [m for m in HEADLINES if any(m in s for s in table.values())]
  rows = list(reversed([a for a, s in table.items() if s]))
  if not rows:
    return
  figure, axes = pyplot.subplots(
    1,
    len(metrics),
    figsize=(3.2 * len(metrics) + 2, 0.28 * len(rows) + 1.2),
    sharey=True,
    squeeze=False,
    layout='constrained',
  )
  for axis, metric in zip(axes[0], metrics, strict=True):
    for y, arm in enumerate(rows):
      values = table[arm].get(metric, [])
      axis.plot(values, [y] * len(values), 'o', color='#4477aa', alpha=0.6)
      if values:
        axis.plot(np.mean(values), y, '|', color='black', markersize=14)
    reference = table.get(REFERENCE, {}).get(metric)
    if reference:
      axis.axvline(np.mean(reference), color='#aaaaaa', zorder=0)
    axis.set_title(HEADLINES[metric])
    axis.set_yticks(range(len(rows)), rows)
    axis.grid(axis='x', alpha=0.3)
  with whole_file.writing(path) as partial:
    figure.savefig(partial, dpi=110)
  pyplot.close(figure)
