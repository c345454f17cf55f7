"""What a reader of a comparison must know besides its numbers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from affect_jax.comparison import run_folders

# With fewer, p is coarse: six clusters can be swapped in 64 ways.
FEW_CLUSTERS = 10
# With three, p is at most .05 in 5 to 7 % of cases without a difference.
FEW_SEEDS = 5
# {indices of two runs: the seeds that both have}.
Shared = Mapping[tuple[int, int], Sequence[int | None]]


def of_tasks(
  runs: Sequence[run_folders.Run], tasks: Sequence[Any]
) -> list[str]:
  """Names the tasks that some runs lack."""
  shared = [t.name for t in tasks]
  alone = {
    t.name: None
    for run in runs
    for x in run.seeds.values()
    for t in x.tasks
    if t.name not in shared
  }
  if not alone:
    return []
  return [f'Left out, as not all runs have it: {", ".join(alone)}.']


def of_thresholds(
  runs: Sequence[run_folders.Run], tasks: Sequence[Any], split: str
) -> list[str]:
  """Says where thresholds come from, if that is not as usual."""
  if not any(t.tune for t in tasks):
    return []
  if split == 'val':
    return ['Thresholds were tuned on val itself: tuned metrics flatter.']
  if not any(x.thresholds for x in runs[0].seeds.values()):
    return ['Without predictions/val.csv there are no tuned metrics.']
  return []


def of_seeds(runs: Sequence[run_folders.Run], shared: Shared) -> list[str]:
  """Names seeds that have no partner, and says what one seed cannot tell."""
  notes = []
  for (i, j), common in shared.items():
    for run, other in ((runs[i], runs[j]), (runs[j], runs[i])):
      if alone := [k for k in run.seeds if k not in common]:
        notes.append(
          f'{run.path} has {named(alone)}, which {other.path} lacks: left out.'
        )
    if len(common) == 1:
      notes.append(
        'One seed each: intervals and p are about these trained models on '
        'other samples, not about other seeds.'
      )
    elif len(common) < FEW_SEEDS:
      notes.append(
        f'With fewer than {FEW_SEEDS} pairs of seeds, p is a little too low, '
        'and intervals are a little too narrow.'
      )
  return notes


def of_clusters(
  known: bool, effective: np.ndarray, names: Sequence[str]
) -> list[str]:
  """Says if clusters are unknown, or few.

  Args:
    known: Whether any sample has a cluster.
    effective: Effective number of clusters of each metric, [M].
    names: Names of the M metrics.
  """
  notes = []
  if not known:
    notes.append(
      'Samples are taken as independent: predictions/*.csv name no clusters '
      '(the corpus knows none, or an older version wrote them).'
    )
  few = dict.fromkeys(
    name.split('/')[0]
    for name, x in zip(names, effective, strict=True)
    if x < FEW_CLUSTERS
  )
  if few:
    notes.append(
      f'Few clusters: the labels of {", ".join(few)} tell as much as '
      f'{min(effective):.1f} clusters of equal size; with fewer than '
      f'{FEW_CLUSTERS}, intervals and p are rough.'
    )
  return notes


def size(samples: int, clusters: int, known: bool, draws: int) -> str:
  """Says what of a corpus is resampled, and how often.

  Args:
    samples: N.
    clusters: G, which is N if none is known.
    known: Whether any sample has a cluster.
    draws: Of clusters; swaps are all that there are, if these are fewer.
  """
  text = f'{samples:,} samples'
  if known:
    text = f'{clusters:,} clusters (subjects, videos or dialogues) of {text}'
  swaps = f'in {draws:,} ways'
  if 2**clusters <= draws:
    swaps = f'in all {2**clusters:,} ways'
  return f'{text}, drawn {draws:,} times and swapped {swaps}'


def resampled(sizes: Sequence[str], shared: Shared) -> str:
  """Says what was resampled, and for how many seeds.

  Args:
    sizes: Of each corpus, from `size`.
    shared: Seeds of each pair of runs.
  """
  text = f'Resampled: {"; ".join(sizes)}'
  counts = sorted({len(common) for common in shared.values()})
  if counts[-1] > 1:
    text += f'; {" or ".join(map(str, counts))} pairs of seeds'
  return f'{text}.'


def named(seeds: Iterable[int | None]) -> str:
  """Returns 'seeds 0, 1' or 'a single run'."""
  numbers = [k for k in seeds if k is not None]
  if not numbers:
    return 'a single run'
  return f'seed{"s" * (len(numbers) > 1)} {", ".join(map(str, numbers))}'
