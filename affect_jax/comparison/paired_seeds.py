"""Scores of runs over seeds, and what their differences are worth.

For experiments with many arms; `compare` tells more about few of them.
Intervals are over seeds alone: of one split, with its samples as they are.
"""

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
  root: pathlib.Path, arms: Mapping[str, str], seeds: Sequence[int]
) -> Scores:
  """Reads the scores on test of all finished runs.

  Args:
    root: Runs lie in ROOT/ARM/seed_N.
    arms: {arm: its first corpus, which results of one corpus do not name}.
    seeds: N.
  """
  found: dict[str, dict[str, np.ndarray]] = {}
  for arm, first_corpus in arms.items():
    scores: dict[str, np.ndarray] = {}
    for i, seed in enumerate(seeds):
      path = root / arm / f'seed_{seed}' / 'results.json'
      results = run_folder.read_json(str(path)) or {}
      for split, values in results.items():
        part, _, corpus = split.partition('/')
        if part != 'test':
          continue
        corpus = corpus or first_corpus
        for metric, value in values.items():
          row = scores.setdefault(
            f'{corpus}/{metric}', np.full(len(seeds), math.nan)
          )
          row[i] = math.nan if value is None else value
    if scores:
      found[arm] = scores
  return found


def of(scores: Scores, arm: str, metric: str) -> np.ndarray:
  """Returns the scores of an arm, of the seeds that have it; [] if none."""
  values = scores.get(arm, {}).get(metric, np.zeros(0))
  return values[~np.isnan(values)]


def shared(
  scores: Scores, metric: str, arms: Sequence[str]
) -> list[np.ndarray] | None:
  """Returns each arm's scores of the seeds that all have; None below two."""
  found = [scores.get(arm, {}).get(metric, np.zeros(0)) for arm in arms]
  if len({len(x) for x in found}) > 1:
    return None
  values = np.array(found)
  values = values[:, ~np.isnan(values).any(0)]
  return [*values] if values.shape[1] > 1 else None


def gain(scores: Scores, metric: str, before: str, after: str) -> Any:
  """Compares two arms, seed by seed.

  Returns:
    {'metric', 'before', 'after': means, 'gain', 'low', 'high': 95 % interval of
    the mean difference by Student's t, 'p', 'ratio': of standard deviations,
    after over before, 'spread_p': Brown and Forsythe's test that they are
    equal, 1 with two seeds, 'seeds'}; None with fewer than two seeds in common.
  """
  both = shared(scores, metric, (before, after))
  if both is None:
    return None
  one, other = both
  difference = other - one
  half = stats.t.ppf(0.975, len(one) - 1) * difference.std(ddof=1)
  half /= math.sqrt(len(one))
  mean = difference.mean()
  if np.ptp(difference) > 1e-12:
    p = stats.ttest_rel(other, one).pvalue
  else:  # t is infinite, or there is no difference at all.
    p = 0.0 if abs(mean) > 1e-12 else 1.0
  return {
    'metric': metric,
    'before': one.mean(),
    'after': other.mean(),
    'gain': mean,
    'low': mean - half,
    'high': mean + half,
    'p': float(p),
    'ratio': other.std(ddof=1) / max(one.std(ddof=1), 1e-12),
    'spread_p': _spread_p(one, other),
    'seeds': len(one),
  }


def _spread_p(one: np.ndarray, other: np.ndarray) -> float:
  # Two values lie equally far from their median, and constants not at all.
  if len(one) < 3 or (np.ptp(one) == 0 and np.ptp(other) == 0):
    return 1.0
  return float(stats.levene(one, other, center='median').pvalue)


def add_holm(rows: Sequence[dict[str, Any]]) -> None:
  """Adds 'holm' to gains: p adjusted for all of them."""
  if rows:
    adjusted = uncertainty.holm(np.array([r['p'] for r in rows]))
    for row, p in zip(rows, adjusted, strict=True):
      row['holm'] = p
