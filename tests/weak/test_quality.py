"""What is said of labellers is what one counts by hand."""

import numpy as np
import pytest
from scipy import stats

from affect_jax.weak import combination
from affect_jax.weak import quality


def group(kind, task, outputs, labels, confidence=None):
  labels = np.array(labels, np.float32)
  shape = labels.shape[:2] if kind == 'class' else labels.shape
  return combination.Group(
    corpus='toy',
    version='',
    task=task,
    kind=kind,
    outputs=outputs,
    labellers=tuple('ab'[: len(labels)]),
    ids=np.array([f's{i}' for i in range(labels.shape[1])], object),
    labels=labels,
    confidence=np.ones(shape) if confidence is None else np.array(confidence),
  )


def test_classes_by_hand():
  silent = [np.nan, np.nan]
  of = group(
    'class',
    'sentiment_class',
    ('negative', 'positive'),
    [
      [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], silent, [1, 0]],
      [silent, [0.3, 0.7], [0, 1], [0, 1], [0, 1]],
    ],
    [[0.9, 0.8, 0.6, 0, 1], [0, 0.7, 1, 1, 1]],
  )
  # In another order, with a class that no labeller knows; s4 has none, and x
  # is labelled by nobody.
  gold = {
    's0': [0, 0, 1],
    's1': [0, 1, 0],
    's2': [0, 1, 0],
    's3': [1, 0, 0],
    'x': [0, 1, 0],
  }
  (one,) = quality.describe(
    of,
    {},
    ('neutral', 'positive', 'negative'),
    {k: np.array(v, float) for k, v in gold.items()},
  )
  a, b = one['labellers']
  assert (one['metric'], one['gold'], one['commonest']) == ('accuracy', 5, 0.6)
  assert (a['scored'], a['coverage']) == (3, 3 / 5)
  assert a['score'] == pytest.approx(2 / 3)
  # Three bins with one label each: .1, .2 and .6 away.
  assert a['calibration_error'] == pytest.approx((0.1 + 0.2 + 0.6) / 3)
  # Wilson, 1927, of 2 in 3.
  z, n, p = stats.norm.ppf(0.975), 3, 2 / 3
  half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
  middle = p + z**2 / (2 * n)
  assert a['low'] == pytest.approx((middle - half) / (1 + z**2 / n))
  assert a['high'] == pytest.approx((middle + half) / (1 + z**2 / n))
  # Gold of s3 is of a class that b does not know: it cannot be right or wrong.
  assert (b['scored'], b['score']) == (2, 1.0)
  # Of the samples with gold, both label s1 and s2, and agree on s1.
  assert one['both'] == [[3, 2], [2, 3]]
  assert one['agreement'] == [[1.0, 0.5], [0.5, 1.0]]


def test_values_by_output_and_a_combination(monkeypatch):
  monkeypatch.setattr(quality, 'DRAWS', 200)
  r = np.random.default_rng(0)
  truth = r.normal(size=(200, 2))
  a, b = (truth + r.normal(size=truth.shape) for _ in 'ab')
  a[:50] = np.nan
  b[:, 1] = np.nan
  of = group('value', 'valence_arousal', ('valence', 'arousal'), [a, b])
  both = {'mean': combination.combine(of)}
  gold = {f's{i}': truth[i] for i in range(200)}
  valence, arousal = quality.describe(of, both, of.outputs, gold)
  assert (valence['output'], valence['metric']) == ('valence', 'ccc')
  names = [x['name'] for x in valence['labellers']]
  assert names == ['a', 'b', 'mean']
  mean = np.nanmean([a[:, 0], b[:, 0]], 0)
  for row, says in zip(
    valence['labellers'], (a[:, 0], b[:, 0], mean), strict=True
  ):
    kept = ~np.isnan(says)
    x, y = says[kept], truth[kept, 0]
    expected = (
      2
      * np.cov(x, y, bias=True)[0, 1]
      / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    )
    assert row['score'] == pytest.approx(expected, abs=1e-6)
    assert row['low'] < expected < row['high']
    # About 4 standard errors of a correlation of .8.
    assert 0.05 < row['high'] - row['low'] < 0.4
    assert row['scored'] == kept.sum()
  of_b = arousal['labellers'][1]
  assert (of_b['scored'], of_b['score'], of_b['low']) == (0, None, None)
  assert arousal['agreement'][0][1] is None


def test_presence_by_output():
  of = group(
    'presence',
    'action_units',
    ('AU1', 'AU2'),
    [[[0.9, np.nan], [0.2, 0.6], [0.7, 0.1]]],
    [[[0.9, 0], [0.8, 0.6], [0.7, 0.9]]],
  )
  gold = {'s0': [1.0], 's1': [1.0], 's2': [np.nan]}
  (one,) = quality.describe(
    of, {}, ('AU1',), {k: np.array(v) for k, v in gold.items()}
  )
  assert (one['output'], one['gold']) == ('AU1', 2)
  (row,) = one['labellers']
  assert (row['scored'], row['score']) == (2, 0.5)
  assert row['calibration_error'] == pytest.approx((0.1 + 0.8) / 2)
