"""Mean and standard deviation of features over all steps of training data."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from affect_jax.corpora.builders import records
from affect_jax.data import blocks
from affect_jax.data import streams


def statistics(
  corpora: Sequence[streams.Corpus],
  modalities: Sequence[str],
  name_of: Callable[[str, str], str] = lambda corpus, modality: modality,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
  """Returns {name: (mean [D], standard deviation [D])} of training data.

  Constant features have a standard deviation of 1. Token ids are left out.

  Args:
    corpora: Those whose training data are read.
    modalities: Names of the modalities.
    name_of: (corpus, modality) -> the name of its statistics. Features that
      share a name are as many, and are measured together.
  """
  # Per name: steps, mean, sum of squared deviations.
  moments: dict[str, list[Any]] = {}
  for corpus in corpora:
    dims = records.metadata(corpus.builder)['dims']
    # {modality: name of its statistics}.
    wanted = {m: name_of(corpus.name, m) for m in modalities if dims.get(m, 0)}
    for m, name in wanted.items():
      zeros = np.zeros(dims[m])
      moments.setdefault(name, [0.0, zeros, zeros])
    if 'train' not in corpus.splits or not wanted:
      continue
    dataset, _ = streams.records_of(corpus.builder, corpus.splits['train'])
    keys = [*wanted, *(m + '_length' for m in wanted)]
    dataset = dataset.map(lambda r, k=tuple(keys): {n: r[n] for n in k})
    for row in blocks.rows(dataset):
      for modality, name in wanted.items():
        x, steps = row[modality], row[modality + '_length']
        x = x[np.arange(x.shape[-2]) < steps[..., np.newaxis]]
        total, mean, squares = moments[name]
        if not len(x):
          continue
        # Chan et al., 1979: merging moments keeps digits that sums lose.
        row_mean = x.mean(0, dtype=np.float64)
        gap, n = row_mean - mean, total + len(x)
        moments[name] = [
          n,
          mean + gap * len(x) / n,
          squares
          + ((x - row_mean[np.newaxis]) ** 2).sum(0)
          + gap**2 * total * len(x) / n,
        ]
  result = {}
  for name, (total, mean, squares) in moments.items():
    std = np.sqrt(squares / max(total, 1))
    std = np.where(std > 1e-6 * (np.abs(mean) + 1e-6), std, 1.0)
    result[name] = mean.astype(np.float32), std.astype(np.float32)
  return result
