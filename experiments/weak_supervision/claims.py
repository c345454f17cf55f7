"""The paper's four claims, each with a verdict that the numbers decide.

supported       the 95 % intervals of all gains that it is about lie above 0
not supported   one of them lies below 0, or all include 0 with their ends
                within 1 point: there is no gain that matters
undecided       else
"""

from collections.abc import Sequence
from typing import Any

import arms as arms_lib
import numpy as np
import recovery
import settings as settings_lib

from affect_jax.comparison import paired_seeds

POINT = 0.01
# Fewer tell nothing.
LEAST_SEEDS = 5


def verdict(rows: Sequence[Any]) -> str:
  """Returns the verdict on gains, see above."""
  if not rows or any(r is None for r in rows):
    return 'undecided (runs are missing)'
  if any(r['seeds'] < LEAST_SEEDS for r in rows):
    return 'undecided (too few seeds)'
  if all(r['low'] > 0 for r in rows):
    return 'supported'
  if any(r['high'] < 0 for r in rows):
    return 'not supported'
  if all(r['low'] > -POINT and r['high'] < POINT for r in rows):
    return 'not supported'
  return 'undecided'


def single_of(metric: str) -> str:
  """Returns the arm of one task alone that a metric is compared with."""
  corpus, task, _ = metric.split('/')
  return f'single/{corpus}_{task}'


def decide(scores: paired_seeds.Scores) -> list[str]:
  """Returns a line for each claim: its verdict, and the figures behind it."""
  paper = settings_lib.TASKS_OF_PAPER
  gains = [
    paired_seeds.gain(scores, m, single_of(m), 'multi/weak') for m in paper
  ]
  return [
    f'**Each task gains** over a network of its own: {verdict(gains)}. '
    + '; '.join(_gain(g) for g in gains if g),
    _steadier(gains),
    _near_gold(scores),
    _fusions(scores),
  ]


def _gain(row) -> str:
  name = settings_lib.METRICS[row['metric']]
  return (
    f'{name} {row["gain"]:+.3f} [{row["low"]:+.3f}, {row["high"]:+.3f}], '
    f'{row["seeds"]} seeds'
  )


def _steadier(gains) -> str:
  known = [g for g in gains if g]
  said = 'undecided'
  if len(known) == len(gains) and known[0]['seeds'] >= LEAST_SEEDS:
    surely = [g for g in known if g['spread_p'] < 0.05]
    if all(g['ratio'] < 1 for g in known) and surely:
      said = 'supported'
    elif any(g['ratio'] > 1 for g in surely):
      said = 'not supported'
  return (
    f'**Runs get steadier** across seeds: {said}. Standard deviation, relative '
    'to a network of its own: '
    + '; '.join(
      f'{settings_lib.METRICS[g["metric"]]} {g["ratio"]:.2f} × '
      f'(Brown-Forsythe p {g["spread_p"]:.2f})'
      for g in known
    )
  )


def _near_gold(scores) -> str:
  """Weak sentiment for emotion of MELD, whose tasks correlate."""
  said, figures = 'undecided', []
  for metric in (
    'meld/emotion/weighted_f1',
    'meld/sentiment_class/weighted_f1',
  ):
    row = curve(scores, metric, 0)
    if not row:
      continue
    figures.append(
      f'{settings_lib.METRICS[metric]}: weak labels alone recover '
      f'{row["share"]:.2f} [{row["low"]:.2f}, {row["high"]:.2f}] of the gain '
      'of gold ones'
    )
    if 'sentiment_class' in metric:
      said = (
        'undecided (too few seeds)'
        if len(row['weak']) < LEAST_SEEDS
        else 'supported'
        if row['low'] > 0.8
        else 'not supported'
        if row['high'] < 0.8
        else 'undecided'
      )
  sarcasm = paired_seeds.gain(
    scores,
    'mustard/sarcasm/weighted_f1',
    'single/mustard_sarcasm',
    'curve/sarcasm',
  )
  if sarcasm:
    figures.append(f'weak sentiment beside sarcasm: {_gain(sarcasm)}')
  return (
    '**Weak labels come near gold ones where tasks correlate** (at least .8 of '
    f'the gain): {said}. ' + '; '.join(figures)
  )


def curve(scores, metric: str, percent: int) -> Any:
  """Returns what weak labels recover beside a share of gold ones.

  The base is the network with this share of gold alone; with none of it, the
  network of emotion alone, and for sentiment the most frequent class.
  """
  arms = ['curve/gold_100', f'curve/weak_{percent}']
  if percent:
    arms.append(f'curve/gold_{percent}')
  elif 'emotion' in metric:
    arms.append('single/meld_emotion')
  found = paired_seeds.shared(scores, metric, arms)
  if found is None:
    return None
  gold, weak, *base = found
  if not base:
    task = metric.rpartition('/')[0]
    constant = recovery.constant(scores, 'curve/gold_100', task)
    base = [np.full(len(gold), constant)]
  (base,) = base
  share, low, high = recovery.recovered(gold, base, weak)
  return {'share': share, 'low': low, 'high': high, 'weak': weak, 'base': base}


def _fusions(scores) -> str:
  metric = 'mosi/sentiment/acc2_neg_nonneg'
  simple = 'fusion/concat'
  rows = [
    (name, paired_seeds.gain(scores, metric, simple, f'fusion/{name}'))
    for name in arms_lib.FUSIONS
    if name != 'concat'
  ]
  known = [(n, r) for n, r in rows if r]
  said = 'undecided'
  if len(known) == len(rows) and known[0][1]['seeds'] >= LEAST_SEEDS:
    if all(r['high'] < POINT for _, r in known):
      said = 'supported'
    elif any(r['low'] > POINT for _, r in known):
      said = 'not supported'
  return (
    '**Complex fusion adds little** to concatenation (less than 1 point): '
    f'{said}. '
    + '; '.join(
      f'{n} {r["gain"]:+.3f} [{r["low"]:+.3f}, {r["high"]:+.3f}]'
      for n, r in known
    )
  )
