"""How good weak labels are where there is gold.

Gold is [N, G] with NaN where a sample has none; labels are [N, K] with NaN
where a labeller abstains. Columns are matched by name.
"""

from collections.abc import Callable, Mapping, Sequence
import math
from typing import Any

import numpy as np
from scipy import stats

from affect_jax.metrics import regression
from affect_jax.weak import calibration
from affect_jax.weak import combination

# Of bootstrap intervals.
DRAWS, SEED = 1000, 0


def hard(kind: str, labels: np.ndarray) -> np.ndarray:
  """Returns what labels [N, K] say, f64: NaN where they abstain.

  Of 'class' the number of the class [N, 1]; of 'presence' 0 or 1 [N, K]; values
  stay [N, K].
  """
  labels = np.asarray(labels, np.float64)
  silent = np.isnan(labels)
  if kind == 'class':
    silent = silent.any(-1, keepdims=True)
    best = np.nan_to_num(labels).argmax(-1)[:, np.newaxis]
    return np.where(silent, np.nan, best)
  return (
    np.where(silent, np.nan, labels > 0.5) if kind == 'presence' else labels
  )


def pairs(
  kind: str,
  outputs: Sequence[str],
  labels: np.ndarray,
  gold_outputs: Sequence[str],
  gold: np.ndarray,
) -> dict[str, np.ndarray]:
  """Puts what labels say beside gold, see `hard`; NaN where either is silent.

  Returns:
    {output: f64 [N, 2]} of the outputs that both have; of classes {'': ...}, if
    they have any in common. A sample whose gold is mostly of other classes has
    no gold.
  """
  shared = [o for o in outputs if o in gold_outputs]
  if not shared:
    return {}
  labels = labels[:, [list(outputs).index(o) for o in shared]]
  gold = np.asarray(gold, np.float64)
  gold = gold[:, [list(gold_outputs).index(o) for o in shared]]
  if kind == 'class':
    mostly = np.nan_to_num(gold).sum(-1, keepdims=True) > 0.5
    gold = np.where(mostly, gold, np.nan)
  both = np.stack([hard(kind, labels), hard(kind, gold)], -1)
  names = [''] if kind == 'class' else shared
  return {name: both[:, k] for k, name in enumerate(names)}


def describe(
  of: combination.Group,
  combined: Mapping[str, combination.Combined],
  gold_outputs: Sequence[str],
  gold_of: Mapping[str, np.ndarray],
) -> list[dict[str, Any]]:
  """Measures labellers and their combinations against gold, for JSON.

  Args:
    of: What the labellers say.
    combined: {name of a combination: what it says}.
    gold_outputs: Names of the columns of gold.
    gold_of: {id: gold [G]} of the samples of a split that have any.

  Returns:
    For each output, of classes only once: 'corpus', 'task', 'output', 'metric'
    ('accuracy' or 'ccc'), 'gold' (samples that have it), 'commonest' (share of
    the most frequent label among them; None of values), 'labellers': for each
    labeller, then each combination, 'name', 'scored', 'coverage' (scored of
    gold), 'score' with its 95 % interval 'low', 'high' (Wilson's, of CCC by
    bootstrap; as if samples were independent), 'calibration_error' (15 bins;
    None of values); and 'agreement', [L, L]: the share of equal labels, of
    values their CCC, among the 'both' [L, L] samples of the split that two
    labellers label. None stands for what cannot be computed.
  """
  inside = np.array([x in gold_of for x in of.ids], bool)
  gold = np.full((len(of.ids), len(gold_outputs)), np.nan)
  for i in np.flatnonzero(inside):
    gold[i] = gold_of[of.ids[i]]
  labels, confidence = [*of.labels], [*of.confidence]
  row = {x: i for i, x in enumerate(of.ids)}
  for one in combined.values():
    places = [row[x] for x in one.labels.ids]
    labels.append(np.full_like(of.labels[0], np.nan))
    confidence.append(np.zeros_like(of.confidence[0]))
    silent = one.labels.confidence == 0 if of.kind != 'class' else False
    labels[-1][places] = np.where(silent, np.nan, one.labels.labels)
    confidence[-1][places] = one.labels.confidence
  every = np.array([*gold_of.values()]).reshape(-1, len(gold_outputs))
  in_gold = pairs(of.kind, gold_outputs, every, gold_outputs, every)
  beside = [pairs(of.kind, of.outputs, x, gold_outputs, gold) for x in labels]
  result = []
  for output in beside[0]:
    truth = in_gold[output][:, 1]
    truth = truth[~np.isnan(truth)]
    says = np.stack([b[output][:, 0] for b in beside], 1)
    k = of.outputs.index(output) if output else None
    rows = []
    for name, b, c in zip(
      (*of.labellers, *combined), beside, confidence, strict=True
    ):
      sure = c if k is None else c[:, k]
      rows.append(
        {'name': name, **_score(of.kind, b[output], sure, len(truth))}
      )
    agreement, both = _agreement(of.kind, says[inside, : len(of.labellers)])
    counts = np.unique(truth, return_counts=True)[1]
    is_value = of.kind == 'value' or not len(truth)
    result.append(
      {
        'corpus': of.corpus,
        'task': of.task,
        'output': output,
        'metric': 'ccc' if of.kind == 'value' else 'accuracy',
        'gold': len(truth),
        'commonest': None if is_value else float(counts.max() / len(truth)),
        'labellers': rows,
        'agreement': agreement,
        'both': both,
      }
    )
  return result


def _score(
  kind: str, both: np.ndarray, confidence: np.ndarray, gold: int
) -> dict[str, Any]:
  """Scores pairs [N, 2] of what is said and gold."""
  kept = ~np.isnan(both).any(-1)
  says, truth = both[kept].T
  n = len(says)
  score: dict[str, Any] = dict.fromkeys(
    ('score', 'low', 'high', 'calibration_error')
  )
  if n and kind == 'value':
    score['score'] = _finite(_ccc(says, truth))
    if n > 1 and score['score'] is not None:
      score['low'], score['high'] = _bootstrap(_ccc, says, truth)
  elif n:
    right = says == truth
    interval = stats.binomtest(int(right.sum()), n).proportion_ci(
      method='wilson'
    )
    score['score'] = float(right.mean())
    score['low'], score['high'] = float(interval.low), float(interval.high)
    score['calibration_error'] = calibration.calibration_error(
      confidence[kept], right
    )
  return {'scored': n, 'coverage': n / gold if gold else None, **score}


def _agreement(
  kind: str, says: np.ndarray
) -> tuple[list[list[float | None]], list[list[int]]]:
  """Returns how alike labellers are [L, L], and on how many samples [L, L]."""
  alike: list[list[float | None]] = []
  both: list[list[int]] = []
  for a in says.T:
    alike.append([])
    both.append([])
    for b in says.T:
      kept = ~np.isnan(a) & ~np.isnan(b)
      both[-1].append(int(kept.sum()))
      if not kept.any():
        alike[-1].append(None)
      elif kind == 'value':
        alike[-1].append(_finite(_ccc(a[kept], b[kept])))
      else:
        alike[-1].append(float((a[kept] == b[kept]).mean()))
  return alike, both


def _ccc(x: np.ndarray, y: np.ndarray) -> float:
  columns = (v[:, np.newaxis] for v in (x, y, np.ones(len(x))))
  return regression.ccc(*columns, names=['x'])['x']


def _bootstrap(
  statistic: Callable[..., float], x: np.ndarray, y: np.ndarray
) -> tuple[float | None, float | None]:
  found = stats.bootstrap(
    (x, y),
    statistic,
    paired=True,
    vectorized=False,
    n_resamples=DRAWS,
    method='percentile',
    rng=np.random.default_rng(SEED),
  ).confidence_interval
  return _finite(found.low), _finite(found.high)


def _finite(x: float) -> float | None:
  return float(x) if math.isfinite(x) else None
