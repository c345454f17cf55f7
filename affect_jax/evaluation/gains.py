"""What one set of seeds gains over another, by task, seed by seed."""

from collections.abc import Mapping, Sequence
import math
from typing import Any

import numpy as np
from rich import console
from rich import table as rich_table
from scipy import stats

from affect_jax.evaluation import score
from affect_jax.evaluation import selection_score
from affect_jax.evaluation import table


def of_tasks(
  before: Mapping[str, Any],
  after: Mapping[str, Any],
  tasks: Sequence[Any],
  part: str,
) -> list[dict[str, Any]]:
  """Returns the gain of each task's headline metric, and of their mean.

  A task is scored on every corpus that has gold of it, and the mean of these
  scores counts.

  Args:
    before, after: Summaries of the same seeds, from `seed_summary.summarise`.
    tasks: The tasks.
    part: 'val' or 'test'.

  Returns:
    A row per task, then one of their mean, 'headline': {'metric', 'before',
    'after': means over seeds, 'gain', 'low', 'high'}. The interval is that of
    the mean difference, by Student's t on the seeds' differences; None with one
    seed. Tasks without a score are left out.
  """
  rows = []
  for task in tasks:
    metric = f'{task.name}/{task.headline}'
    one, other = (_by_seed(x, part, metric) for x in (before, after))
    if one is not None and other is not None:
      rows.append((metric, one, other))
  if rows:
    means = [np.mean([r[i] for r in rows], 0) for i in (1, 2)]
    rows.append((score.HEADLINE, *means))
  return [_row(*r) for r in rows]


def of_selection(
  before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[dict[str, Any]]:
  """Returns the row of the selection score; [] if there is none.

  Args:
    before, after: See `of_tasks`.
  """
  one, other = (
    _by_seed(x, 'val', selection_score.KEY) for x in (before, after)
  )
  if one is None or other is None:
    return []
  return [_row(selection_score.KEY, one, other)]


def _by_seed(summary, part, metric) -> np.ndarray | None:
  """Returns a score per seed, the mean over corpora; None if none has any."""
  found = [
    values[metric]['values']
    for split, values in summary['splits'].items()
    if split.split('/')[0] == part
    and values.get(metric, {}).get('mean') is not None
  ]
  if not found or any(v is None for values in found for v in values):
    return None
  return np.mean(np.array(found, np.float64), 0)


def _row(metric, before, after) -> dict[str, Any]:
  gains = after - before
  mean, low, high = float(gains.mean()), None, None
  if len(gains) > 1:
    half = stats.t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1)
    half /= math.sqrt(len(gains))
    low, high = mean - float(half), mean + float(half)
  return {
    'metric': metric,
    'before': float(before.mean()),
    'after': float(after.mean()),
    'gain': mean,
    'low': low,
    'high': high,
  }


def show(
  rows: Sequence[Mapping[str, Any]], title: str, names: tuple[str, str]
) -> None:
  """Prints the gains, with the columns before and after called `names`."""
  shown = rich_table.Table(title=title)
  shown.add_column('metric', no_wrap=True)
  for name in (*names, 'gain', '95 % interval'):
    shown.add_column(name, justify='right')
  for row in rows:
    interval = 'one seed'
    if row['low'] is not None:
      interval = f'{row["low"]:+.4f} to {row["high"]:+.4f}'
    shown.add_row(
      row['metric'],
      table.cell(row['before']),
      table.cell(row['after']),
      f'{row["gain"]:+.4f}',
      interval,
    )
  console.Console(width=100, highlight=False).print(shown)
