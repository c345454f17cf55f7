"""Scores of the arms over seeds, and what their differences are worth."""

from collections.abc import Mapping, Sequence
import math
import pathlib
from typing import Any

import numpy as np
from scipy import stats

from affect_jax.comparison import uncertainty
from affect_jax.run import folder as run_folder

# {arm: {corpus/task/metric: a score per seed, NaN where a run is missing}}.
Scores = Mapping[str, Mapping[str, np.ndarray]]


def read(
  root: pathlib.Path, arms: Sequence[Any], seeds: Sequence[int]
) -> Scores:
  """Reads the scores on test of all finished runs."""
  found: dict[str, dict[str, np.ndarray]] = {}
  for arm in arms:
    scores: dict[str, np.ndarray] = {}
    for i, seed in enumerate(seeds):
      path = root / arm.name / f'seed_{seed}' / 'results.json'
      results = run_folder.read_json(str(path)) or {}
      for split, values in results.items():
        part, _, corpus = split.partition('/')
        if part != 'test':
          continue
        corpus = corpus or arm.corpora[0]
        for metric, value in values.items():
          row = scores.setdefault(
            f'{corpus}/{metric}', np.full(len(seeds), math.nan)
          )
          row[i] = math.nan if value is None else value
    if scores:
      found[arm.name] = scores
  return found


def of(scores: Scores, arm: str, metric: str) -> np.ndarray:
  """Returns the scores of an arm, of the seeds that have it; [] if none."""
  values = scores.get(arm, {}).get(metric, np.zeros(0))
  return values[~np.isnan(values)]


def gain(scores: Scores, metric: str, before: str, after: str) -> Any:
  """Compares two arms, seed by seed.

  Returns:
    {'metric', 'before', 'after': means, 'gain', 'low', 'high': 95 % interval of
    the mean difference by Student's t, 'p', 'ratio': of standard deviations,
    after over before, 'spread_p': Brown and Forsythe's test that they are
    equal, 'seeds'}; None with fewer than two seeds in common.
  """
  one, other = (
    scores.get(arm, {}).get(metric, np.zeros(0)) for arm in (before, after)
  )
  if len(one) != len(other):
    return None
  both = ~(np.isnan(one) | np.isnan(other))
  one, other = one[both], other[both]
  if len(one) < 2:
    return None
  difference = other - one
  half = stats.t.ppf(0.975, len(one) - 1) * difference.std(ddof=1)
  half /= math.sqrt(len(one))
  mean = difference.mean()
  varies = np.ptp(difference) > 0
  return {
    'metric': metric,
    'before': one.mean(),
    'after': other.mean(),
    'gain': mean,
    'low': mean - half,
    'high': mean + half,
    'p': stats.ttest_rel(other, one).pvalue if varies else 1.0,
    'ratio': other.std(ddof=1) / max(one.std(ddof=1), 1e-12),
    'spread_p': stats.levene(one, other, center='median').pvalue,
    'seeds': len(one),
  }


def add_holm(rows: Sequence[dict[str, Any]]) -> None:
  """Adds 'holm' to gains: p adjusted for all of them."""
  if rows:
    adjusted = uncertainty.holm(np.array([r['p'] for r in rows]))
    for row, p in zip(rows, adjusted, strict=True):
      row['holm'] = p


def constant(scores: Scores, arm: str, task: str) -> float:
  """Returns weighted F1 of always saying the most frequent class of test.

  Args:
    scores: See `read`.
    arm: One that was tested on the task.
    task: 'corpus/task'.
  """
  prefix = f'{task}/confusion/'
  counts: dict[str, float] = {}
  for metric, values in scores[arm].items():
    if metric.startswith(prefix):
      gold = metric.removeprefix(prefix).split('/')[0]
      counts[gold] = counts.get(gold, 0.0) + float(np.nanmax(values[:1]))
  share = max(counts.values()) / sum(counts.values())
  return share * 2 * share / (1 + share)


def recovered(
  gold: np.ndarray, base: np.ndarray, weak: np.ndarray
) -> tuple[float, float, float]:
  """Returns the share of the gold labels' gain that weak labels bring.

  (mean weak - mean base) / (mean gold - mean base), with a 95 % interval by
  10,000 bootstrap draws of seeds, which the three have in common.
  """
  draws = np.random.default_rng(0).integers(0, len(gold), (10_000, len(gold)))

  def share(of_gold, of_base, of_weak):
    gain = of_gold - of_base
    return (of_weak - of_base) / np.where(np.abs(gain) < 1e-9, np.nan, gain)

  each = share(*(x[draws].mean(1) for x in (gold, base, weak)))
  low, high = np.nanpercentile(each, [2.5, 97.5])
  return float(share(gold.mean(), base.mean(), weak.mean())), low, high
