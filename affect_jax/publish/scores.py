"""Scores on validation with intervals, and whether they may replace others."""

from collections.abc import Mapping
import math
import pathlib
from typing import Any

from absl import logging
import numpy as np

from affect_jax.comparison import measures
from affect_jax.comparison import run_folders
from affect_jax.comparison import split_scores
from affect_jax.comparison import uncertainty
from affect_jax.errors import UserError

# Of clusters, by which intervals are found.
DRAWS = 1000
Scores = Mapping[str, Mapping[str, float | None]]


def of_validation(workdir: str) -> dict[str, dict[str, float | None]]:
  """Returns {'corpus/task/metric': {'score', 'low', 'high'}}.

  The metric is the first of each task, the interval that of 95 % over draws of
  people, videos or dialogues (`comparison.uncertainty`); None where there is
  one of these only. {} for a run without validation.

  Args:
    workdir: A finished run.

  Raises:
    UserError: Its predictions are damaged.
  """
  if not (pathlib.Path(workdir) / 'predictions' / 'val.csv').exists():
    logging.warning('%s has no validation: its card has no scores.', workdir)
    return {}
  trained = run_folders.read(workdir, 'val').seeds[None]
  found = {}
  for corpus, rows in trained.rows.items():
    cuts = trained.thresholds.get(corpus, {})
    names = [
      f'{task.name}/{next(m for m in task.metrics if m not in measures.COUNTS)}'
      for task in trained.tasks
      if rows['weights'][task.name].any()
    ]
    if names:
      of = measures.build(
        trained.tasks, rows, thresholds=cuts, names=names
      ).labelled()
      model = measures.predictions(trained.tasks, rows, cuts)
      for name, values in _estimate(of, model, rows['cluster']).items():
        found[f'{corpus}/{name}'] = values
  return found


def _estimate(
  of: measures.Measures, model: measures.Predictions, names: Any
) -> dict[str, dict[str, float | None]]:
  cluster, count, _ = split_scores.clusters_of(names)
  score = of(model)
  low = high = np.full(len(score), np.nan)
  if count > 1:
    drawn = split_scores.drawn(
      of, [model], cluster, DRAWS, seed=0, tick=lambda _: None
    )
    sizes = [np.bincount(cluster, column) for column in of.gold().T]
    nothing = np.full(len(score), np.nan)
    # One "pair of seeds", whose difference is the score itself.
    estimate = uncertainty.estimate(
      score[None],
      drawn,
      nothing[None],
      nothing,
      np.array([uncertainty.effective(x) for x in sizes]),
      np.random.default_rng(0),
    )
    low, high = estimate.low, estimate.high
  number = lambda x: None if math.isnan(x) else float(x)
  return {
    name: {'score': number(s), 'low': number(a), 'high': number(b)}
    for name, s, a, b in zip(of.names, score, low, high, strict=True)
  }


def check(new: Scores, published: Scores, where: str) -> None:
  """Refuses scores that lie below those of a published card.

  Below means: by more than the interval of the card, on the worse side of it.
  A score that either lacks is not compared.

  Args:
    new: Of the run that is to be published.
    published: Of what stands there.
    where: Where that is.

  Raises:
    UserError: A score is below; the message names all, with both figures.
  """
  worse = []
  for name, old in published.items():
    score = new.get(name, {}).get('score')
    if score is None or old['score'] is None:
      continue
    lower = measures.is_lower_better(name.partition('/')[2])
    end = old['high' if lower else 'low']
    limit = old['score'] if end is None else end
    if score > limit if lower else score < limit:
      worse.append(f'{name} {score:.4f}, published {in_words(old)}')
  if worse:
    raise UserError(
      f'{where} has a better model, by its scores on validation: '
      f'{"; ".join(worse)}. Publish this run under another name.'
    )


def in_words(x: Mapping[str, float | None]) -> str:
  """Returns a score with its interval: '0.7390 (0.7012 to 0.7768)'."""
  said = f'{x["score"]:.4f}'
  if x['low'] is None:
    return said
  return f'{said} ({x["low"]:.4f} to {x["high"]:.4f})'
