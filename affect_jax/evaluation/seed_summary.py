"""Sums up the scores of a run's seeds: mean, deviation, interval."""

from collections.abc import Mapping
import math
from typing import Any

import numpy as np
from rich import console
from rich import table as rich_table
from scipy import stats

from affect_jax.evaluation import table

# The step is where each seed was best on validation; it has no mean.
LEFT_OUT = ('step',)


def summarise(
  results: Mapping[int, Mapping[str, Mapping[str, float | None]]],
) -> dict[str, Any]:
  """Returns mean, standard deviation and interval of each metric over seeds.

  The interval has the mean of all seeds (of this method and data) inside with
  a chance of 95 %, if scores are normal: mean +- t * std / sqrt(n). With one
  seed there is neither deviation nor interval (None).

  Args:
    results: {seed: {split: {metric: score; None if it is not defined}}}.

  Returns:
    {'seeds': [...], 'splits': {split: {metric: {'values', 'mean', 'std',
    'interval', 'seeds_without'}}}}; values are in the order of the seeds, and
    `seeds_without` counts those whose score is not defined.
  """
  splits: dict[str, Any] = {}
  for split in dict.fromkeys(s for r in results.values() for s in r):
    names = dict.fromkeys(k for r in results.values() for k in r.get(split, {}))
    splits[split] = {
      name: _summary([r.get(split, {}).get(name) for r in results.values()])
      for name in names
    }
  return {'seeds': [*results], 'splits': splits}


def _summary(values: list[float | None]) -> dict[str, Any]:
  defined = np.array([v for v in values if v is not None], np.float64)
  mean = float(defined.mean()) if defined.size else None
  std = interval = None
  if mean is not None and defined.size > 1:
    std = float(defined.std(ddof=1))
    half = stats.t.ppf(0.975, defined.size - 1) * std / math.sqrt(defined.size)
    interval = [mean - half, mean + half]
  return {
    'values': values,
    'mean': mean,
    'std': std,
    'interval': interval,
    'seeds_without': len(values) - defined.size,
  }


def show(summary: Mapping[str, Any], workdir: str) -> None:
  """Prints each seed's scores, their mean, deviation and interval."""
  seeds = summary['seeds']
  out = console.Console(width=100, highlight=False)
  for split, metrics in summary['splits'].items():
    shown = rich_table.Table(
      title=f'Scores of {len(seeds)} seed(s) in {workdir}, {split}'
    )
    shown.add_column('metric', no_wrap=True)
    # As many seeds as the width has room for; all are in results.json.
    some = seeds if len(seeds) <= 5 else ()
    for seed in some:
      shown.add_column(f'seed {seed}', justify='right')
    for column in ('mean', 'std', '95 % interval'):
      shown.add_column(column, justify='right')
    for name, values in metrics.items():
      if name in LEFT_OUT or not table.is_shown(name, values['values']):
        continue
      low_high = values['interval'] or (None, None)
      shown.add_row(
        name,
        *(table.cell(v) for v in values['values'][: len(some)]),
        table.cell(values['mean']),
        table.cell(values['std']),
        ' to '.join(map(table.cell, low_high)),
      )
    out.print(shown)
  if len(seeds) == 1:
    out.print('  One seed: there is no deviation and no interval.')
  out.print(f'  {workdir}/results.json  (every metric of every seed)')
  out.print(f'  {workdir}/seed_N  (the run of each seed)', soft_wrap=True)
  table.name_report(out, workdir)
