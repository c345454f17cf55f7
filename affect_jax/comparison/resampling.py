"""Draws of clusters: with replacement, and with two runs swapped.

A cluster is a set of samples that resemble each other, such as the frames of
a video; a sample that resembles no other is a cluster of its own. G clusters.
"""

from collections.abc import Callable
from typing import Any
import warnings

import numpy as np
from scipy import stats

# Numbers that a batch of draws may hold: about 100 MB.
BATCH = 12_500_000


def bootstrap(
  score: Callable[[np.ndarray], np.ndarray],
  clusters: int,
  draws: int,
  rng: np.random.Generator,
) -> np.ndarray:
  """Scores draws of G clusters out of G, with replacement.

  Args:
    score: How often each cluster is in a draw, int [R, G] -> scores [R, ...].
    clusters: G, at least 2.
    draws: How many.
    rng: Its state alone decides the draws.

  Returns:
    Scores [draws, ...].
  """
  shape = score(np.ones((1, clusters), int)).shape[1:]
  columns = int(np.prod(shape))

  def statistic(drawn: np.ndarray, axis: int) -> np.ndarray:
    del axis  # The last one.
    # All rows hold the same draws: scipy wants one row for each score.
    drawn = drawn[0] + clusters * np.arange(drawn.shape[1])[:, None]
    counts = np.bincount(drawn.ravel(), minlength=drawn.size)
    return score(counts.reshape(drawn.shape)).reshape(-1, columns).T

  numbers = np.arange(clusters, dtype=np.int32)
  with warnings.catch_warnings():
    # Of undefined scores, which the caller gets as NaN.
    warnings.simplefilter('ignore', stats.DegenerateDataWarning)
    found = stats.bootstrap(
      (np.broadcast_to(numbers, (columns, clusters)),),
      statistic,
      vectorized=True,
      axis=-1,
      n_resamples=draws,
      batch=max(1, BATCH // (columns * clusters)),
      # Only the distribution is used: percentiles cover too little.
      method='percentile',
      rng=rng,
    )
  return found.bootstrap_distribution.T.reshape(draws, *shape)


def permutation_test(
  difference: Callable[[np.ndarray], np.ndarray],
  clusters: int,
  draws: int,
  rng: np.random.Generator,
) -> Any:
  """Tests M differences between two runs by swapping them in random clusters.

  All swaps are tried if there are no more than `draws`; then the test is exact.

  Args:
    difference: In which clusters the two are swapped, bool [R, G] ->
      differences [R, M].
    clusters: G.
    draws: How many.
    rng: Its state alone decides the draws.

  Returns:
    scipy's result: two-sided `pvalue` [M] and `null_distribution` [R, M].
  """
  observed = difference(np.zeros((1, clusters), bool))[0]

  def statistic(first: np.ndarray, second: np.ndarray, axis: int) -> np.ndarray:
    del second, axis
    # [M, G], or [R, M, G] of a batch. As above, all M rows are the same.
    swapped = first[..., 0, :].reshape(-1, clusters) == 1
    values = difference(swapped)
    # A difference that is undefined must not count as a small one.
    values = np.where(np.isnan(values), observed[None, :], values)
    return values.reshape(first.shape[:-1])

  rows = (len(observed), clusters)
  return stats.permutation_test(
    (np.zeros(rows, np.int8), np.ones(rows, np.int8)),
    statistic,
    permutation_type='samples',
    vectorized=True,
    axis=-1,
    n_resamples=draws,
    batch=max(1, min(draws, BATCH // (2 * len(observed) * clusters))),
    rng=rng,
  )
