"""How much of the gain of gold labels weak ones bring."""

import numpy as np

from affect_jax.comparison import paired_seeds


def constant(scores: paired_seeds.Scores, arm: str, task: str) -> float:
  """Returns weighted F1 of always saying the most frequent class of test.

  Args:
    scores: See `paired_seeds.read`.
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
