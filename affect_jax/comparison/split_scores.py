"""Scores of runs on one corpus: on all samples, on draws, and swapped."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from affect_jax.comparison import measures
from affect_jax.comparison import resampling

# (how many more models were scored) -> None: shows progress.
Tick = Callable[[int], None]


def clusters_of(names: Sequence[str]) -> tuple[np.ndarray, int, bool]:
  """Numbers the clusters of N samples.

  Args:
    names: Cluster of each sample; '' where it is unknown, and alone.

  Returns:
    Cluster [N], how many there are, and whether any is known.
  """
  keys = [(name, -1) if name else ('', i) for i, name in enumerate(names)]
  numbers = {key: i for i, key in enumerate(dict.fromkeys(keys))}
  return np.array([numbers[key] for key in keys]), len(numbers), any(names)


def observed(
  of: measures.Measures, models: Sequence[measures.Predictions]
) -> np.ndarray:
  """Scores S models: [S, M]."""
  return np.stack([of(model) for model in models])


def drawn(
  of: measures.Measures,
  models: Sequence[measures.Predictions],
  cluster: np.ndarray,
  draws: int,
  seed: int,
  tick: Tick,
) -> np.ndarray:
  """Scores S models on bootstrap draws of clusters: [draws, S, M]."""

  def score(counts: np.ndarray) -> np.ndarray:
    scores = []
    for count in counts:
      scores.append([of(model, count[cluster]) for model in models])
      tick(len(models))
    return np.array(scores)

  return resampling.bootstrap(
    score, cluster.max() + 1, draws, np.random.default_rng(seed)
  )


def swapped(
  of: measures.Measures,
  a: Mapping[int | None, measures.Predictions],
  b: Mapping[int | None, measures.Predictions],
  cluster: np.ndarray,
  draws: int,
  seed: int,
  tick: Tick,
):
  """Tests B minus A, by swapping them in random clusters; see `resampling`.

  A cluster is swapped in all pairs of seeds at once.
  """

  def difference(swaps: np.ndarray) -> np.ndarray:
    result = []
    for swap in swaps:
      chosen = swap[cluster][:, None]
      pairs = []
      for number, first in a.items():
        second = b[number]
        ours = {k: np.where(chosen, second[k], first[k]) for k in first}
        theirs = {k: np.where(chosen, first[k], second[k]) for k in first}
        pairs.append(of(theirs) - of(ours))
      result.append(np.mean(pairs, axis=0))
      tick(2 * len(pairs))
    return np.array(result)

  return resampling.permutation_test(
    difference, cluster.max() + 1, draws, np.random.default_rng(seed)
  )
