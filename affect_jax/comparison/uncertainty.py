"""How sure a difference is, over new samples and over new seeds.

With k pairs of seeds, a difference d is the mean of theirs. It varies because
other samples could have been tested, and because other seeds could have been
trained. What a seed errs on a sample by chance is part of both, so variances
add up as for two crossed factors (Cameron, Gelbach & Miller, 2011):
V = V_samples - V_both + V_seeds.

  V_samples  of d over bootstrap draws of the clusters
  V_both     the part of it that differs from seed to seed, divided by k
  V_seeds    of the k differences, divided by k

Percentiles of the bootstrap cover too little with few clusters. So only its
variance is used: times G / (G - 1), and in an interval of Student's t with
G - 1 degrees of freedom, where G is the effective number of clusters, (sum of
sizes)^2 / sum of squared sizes (Kish, 1965). V_seeds has k - 1; of both,
Satterthwaite's.

With one pair, p is that of swapping clusters. With several, the swapped
differences get a share of V_samples - V_both, and a normal error of V_seeds is
added. A test that only swaps samples takes the seeds as given: it finds
"significant" differences between equal ways of training in up to 45 % of cases.
All figures: experiments/compare_calibration.
"""

import dataclasses
import math
import warnings

import numpy as np
from scipy import stats
from statsmodels.stats import multitest

LEVEL = 0.95


@dataclasses.dataclass(frozen=True)
class Estimate:
  """What is known of M differences; each array is [M].

  Attributes:
    difference: Mean over pairs of seeds of B's score minus A's.
    low: Lower end of the 95 % interval; NaN if there are fewer than two
      (effective) clusters.
    high: Upper end.
    p: Two-sided; NaN as `low` if there are several seeds.
  """

  difference: np.ndarray
  low: np.ndarray
  high: np.ndarray
  p: np.ndarray


def effective(sizes: np.ndarray) -> float:
  """Number of equally large clusters that tell as much as these; 0 if none."""
  sizes = np.asarray(sizes, np.float64)
  return float(sizes.sum() ** 2 / (sizes**2).sum()) if sizes.any() else 0.0


def estimate(
  differences: np.ndarray,
  drawn: np.ndarray,
  swapped: np.ndarray,
  swapped_p: np.ndarray,
  clusters: np.ndarray,
  rng: np.random.Generator,
) -> Estimate:
  """Estimates M differences over k pairs of seeds.

  Args:
    differences: B minus A, [k, M].
    drawn: The same on bootstrap draws, [R, k, M]; NaN where undefined.
    swapped: Their mean over the seeds, with clusters swapped, [R, M].
    swapped_p: The p of these swaps alone, [M].
    clusters: Effective number of clusters of each metric, [M].
    rng: For the error of seeds.
  """
  k = len(differences)
  mean = differences.mean(0)
  enough = clusters >= 2
  clusters = np.maximum(clusters, 2)
  scale = clusters / (clusters - 1)
  of_samples = scale * _variance(drawn.mean(1))
  if k == 1:
    half = stats.t.ppf((1 + LEVEL) / 2, clusters - 1) * np.sqrt(of_samples)
    return _estimate(mean, half, swapped_p, enough)
  apart = drawn - drawn.mean(1, keepdims=True)
  of_both = scale * _variance(apart).sum(0) / (k * (k - 1))
  only_samples = np.maximum(of_samples - of_both, 0)
  of_seeds = differences.var(0, ddof=1) / k
  both = only_samples + of_seeds

  def freedom(of_samples, of_clusters):
    # Satterthwaite, 1946.
    parts = of_samples**2 / of_clusters + of_seeds**2 / (k - 1)
    return np.where(parts > 0, both**2 / np.where(parts > 0, parts, 1), 1e6)

  quantile = stats.t.ppf((1 + LEVEL) / 2, freedom(only_samples, clusters - 1))
  half = quantile * np.sqrt(both)
  # Repeated, in case that few clusters had few swaps.
  swapped = np.tile(swapped, (math.ceil(2000 / len(swapped)), 1))
  share = only_samples / np.where(of_samples > 0, of_samples, 1)
  normal = rng.standard_normal(swapped.shape)
  error = np.sqrt(share) * swapped + np.sqrt(of_seeds) * normal
  # The swaps are no estimate: only the variance of seeds is uncertain.
  free = np.minimum(freedom(0 * both, 1), 1e6)
  error *= np.sqrt(free / rng.chisquare(free, swapped.shape))
  # Values that differ by rounding are equal.
  extreme = np.abs(error) >= np.abs(mean) * (1 - 1e-9)
  p = (1 + extreme.sum(0)) / (1 + len(error))
  return _estimate(mean, half, np.where(enough, p, np.nan), enough)


def better(a: np.ndarray, b: np.ndarray, lower: bool) -> float:
  """Chance that a seed of B is better than one of A, a tie counting half.

  The probability of improvement of Agarwal et al., 2021, over all pairs.

  Args:
    a: Scores of A, [seeds].
    b: Scores of B, [seeds].
    lower: Whether lower scores are better.
  """
  b = b[:, None]
  above = np.mean((b > a) + (b == a) / 2)
  return float(1 - above if lower else above)


def holm(p: np.ndarray) -> np.ndarray:
  """Adjusts p values for their number (Holm, 1979)."""
  return np.asarray(multitest.multipletests(p, method='holm')[1])


def _estimate(mean, half, p, enough):
  half = np.where(enough, half, np.nan)
  return Estimate(mean, mean - half, mean + half, p)


def _variance(drawn: np.ndarray) -> np.ndarray:
  """Variance over draws where a score is defined; NaN if nowhere."""
  with warnings.catch_warnings():
    warnings.simplefilter('ignore', RuntimeWarning)
    return np.nanvar(drawn, axis=0, ddof=1)
