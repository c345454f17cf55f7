"""Compares runs pair by pair, metric by metric."""

from collections.abc import Mapping, Sequence
import dataclasses
import itertools
import math
import string

import numpy as np

from affect_jax.comparison import agreement
from affect_jax.comparison import measures
from affect_jax.comparison import notes as notes_lib
from affect_jax.comparison import run_folders
from affect_jax.comparison import split_scores
from affect_jax.comparison import uncertainty
from affect_jax.errors import UserError
from affect_jax.run import progress as progress_lib


@dataclasses.dataclass(frozen=True)
class Row:
  """One metric of two runs; None is undefined or unknown.

  Attributes:
    a: Letter of the first run.
    b: Letter of the second.
    metric: '[corpus/]task/metric[/output]'; the corpus if there are several.
    mean_a: Mean score of A over the seeds that both have.
    mean_b: That of B.
    difference: B minus A.
    low: Lower end of its 95 % interval.
    high: Upper end.
    p: Two-sided.
    holm: p adjusted for all rows.
    better: Chance that a seed of B is better than one of A; None with one.
  """

  a: str
  b: str
  metric: str
  mean_a: float | None
  mean_b: float | None
  difference: float | None
  low: float | None
  high: float | None
  p: float | None
  holm: float | None
  better: float | None


@dataclasses.dataclass(frozen=True)
class Comparison:
  """What `compare` found.

  Attributes:
    split: 'test' or 'val'.
    runs: {letter: path}.
    rows: Pair by pair.
    resampled: What was resampled, and how many.
    notes: What else must be known.
    draws, seed: As given.
  """

  split: str
  runs: Mapping[str, str]
  rows: Sequence[Row]
  resampled: str
  notes: Sequence[str]
  draws: int
  seed: int


def compare(
  paths: Sequence[str],
  *,
  split: str = 'test',
  pairs: str = 'first',
  metrics: Sequence[str] = (),
  draws: int = 2000,
  seed: int = 0,
) -> Comparison:
  """Compares runs on the predictions that they left.

  Args:
    paths: Runs, or folders with a run for each seed.
    split: 'test' or 'val'.
    pairs: 'first' compares each run with the first, 'all' each with each.
    metrics: Wanted metrics, see `measures.build`.
    draws: Of clusters with replacement, and of swaps.
    seed: Decides all draws.

  Raises:
    UserError: The runs were not tested on the same; see `agreement`.
  """
  agreement.check_paths(paths)
  if len(paths) > len(string.ascii_uppercase):
    raise UserError(f'{len(paths)} runs; give at most 26.')
  runs = [run_folders.read(path, split) for path in paths]
  agreement.check_corpora(runs, split)
  tasks = agreement.shared_tasks(runs)
  aligned = agreement.aligned(runs, tasks, split)
  numbers = [
    pair
    for pair in itertools.combinations(range(len(runs)), 2)
    if pairs == 'all' or pair[0] == 0
  ]
  shared = {(i, j): _common(runs[i], runs[j]) for i, j in numbers}
  notes = [
    *notes_lib.of_tasks(runs, tasks),
    *notes_lib.of_thresholds(runs, tasks, split),
    *notes_lib.of_seeds(runs, shared),
  ]

  corpora = list(next(iter(aligned[0].values())))
  # A draw scores all models, a swap those of a pair: draws take unequal times.
  scored = sum(len(run) for run in aligned)
  scored += 2 * sum(len(common) for common in shared.values())
  tick = progress_lib.make(len(corpora) * scored * draws, 'scores')
  rows, sizes = [], []
  for corpus in corpora:
    prefix = f'{corpus}/' if len(corpora) > 1 else ''
    table = [{k: x[corpus] for k, x in run.items()} for run in aligned]
    found, size, said = _compare_corpus(
      runs,
      table,
      tasks,
      corpus,
      shared,
      metrics,
      draws,
      seed,
      tick,
      several=len(corpora) > 1,
    )
    rows += [
      dataclasses.replace(r, metric=f'{prefix}{r.metric}') for r in found
    ]
    sizes.append(f'{corpus}: {size}' if prefix else size)
    notes += [f'{corpus}: {note}' if prefix else note for note in said]
  return Comparison(
    split=split,
    runs=dict(zip(string.ascii_uppercase, paths, strict=False)),
    rows=_adjust(rows),
    resampled=notes_lib.resampled(sizes, shared),
    notes=list(dict.fromkeys(notes)),
    draws=draws,
    seed=seed,
  )


def _compare_corpus(
  runs, table, tasks, corpus, shared, metrics, draws, seed, tick, *, several
):
  """Returns rows of all pairs, the size of the corpus in words, and notes."""
  any_run = next(iter(table[0].values()))
  # Which outputs are tuned depends on gold alone, which is that of all runs.
  tuned, *_ = (x.thresholds.get(corpus, {}) for x in runs[0].seeds.values())
  of = measures.build(tasks, any_run, thresholds=tuned, names=metrics)
  if several:  # One need not label what another does.
    of = of.labelled()
  models = [
    {
      k: measures.predictions(
        tasks, rows, runs[i].seeds[k].thresholds.get(corpus, {})
      )
      for k, rows in table[i].items()
    }
    for i in range(len(runs))
  ]
  # An older run does not name clusters; they are the same for all.
  names = next(
    (r['cluster'] for run in table for r in run.values() if any(r['cluster'])),
    any_run['cluster'],
  )
  cluster, count, known = split_scores.clusters_of(names)
  if count < 2:
    raise UserError(
      f'{corpus} has one cluster of samples only, {names[0] or "one sample"!r}:'
      ' nothing can be said of others.'
    )
  gold = of.gold()
  effective = np.array(
    [uncertainty.effective(np.bincount(cluster, column)) for column in gold.T]
  )
  keys = [(i, k) for i, run in enumerate(models) for k in run]
  flat = [models[i][k] for i, k in keys]
  scores = split_scores.observed(of, flat)
  drawn = split_scores.drawn(of, flat, cluster, draws, seed, tick)
  result = []
  for (i, j), common in shared.items():
    a, b = (
      [keys.index((run, k)) for k in k_of]
      for run, k_of in ((i, common), (j, common))
    )
    test = split_scores.swapped(
      of,
      {k: models[i][k] for k in common},
      {k: models[j][k] for k in common},
      cluster,
      draws,
      seed,
      tick,
    )
    estimate = uncertainty.estimate(
      scores[b] - scores[a],
      drawn[:, b] - drawn[:, a],
      test.null_distribution,
      test.pvalue,
      effective,
      np.random.default_rng(seed),
    )
    result += _rows(of.names, (i, j), scores[a], scores[b], estimate)
  size = notes_lib.size(len(cluster), count, known, draws)
  has_gold = np.any(gold, axis=0, keepdims=True)[0]
  labelled = [n for n, has in zip(of.names, has_gold, strict=True) if has]
  if several:  # A corpus may label nothing at all.
    result = [row for row in result if row.metric in labelled]
  notes = notes_lib.of_clusters(known, effective[has_gold], labelled)
  return result, size, notes


def _rows(names, pair, a, b, estimate):
  a_name, b_name = (string.ascii_uppercase[i] for i in pair)
  number = lambda x: None if math.isnan(x) else float(x)
  rows = []
  for m, name in enumerate(names):
    difference = number(estimate.difference[m])
    defined = difference is not None
    better = None
    if defined and len(a) > 1:
      lower = measures.is_lower_better(name)
      better = uncertainty.better(a[:, m], b[:, m], lower)
    rows.append(
      Row(
        a=a_name,
        b=b_name,
        metric=name,
        mean_a=number(a[:, m].mean()),
        mean_b=number(b[:, m].mean()),
        difference=difference,
        low=number(estimate.low[m]) if defined else None,
        high=number(estimate.high[m]) if defined else None,
        p=number(estimate.p[m]) if defined else None,
        holm=None,
        better=better,
      )
    )
  return rows


def _adjust(rows: Sequence[Row]) -> list[Row]:
  """Adjusts all p at once: each was a chance to find a difference."""
  given = [r.p for r in rows if r.p is not None]
  adjusted = iter(uncertainty.holm(np.array(given)) if given else ())
  return [
    r if r.p is None else dataclasses.replace(r, holm=float(next(adjusted)))
    for r in rows
  ]


def _common(a: run_folders.Run, b: run_folders.Run) -> list[int | None]:
  """Returns the seeds that both runs have; UserError if none."""
  if common := [k for k in a.seeds if k in b.seeds]:
    return common
  raise UserError(
    f'{a.path} has {notes_lib.named(a.seeds)}, {b.path} has '
    f'{notes_lib.named(b.seeds)}: there is no pair of seeds to compare.'
  )
