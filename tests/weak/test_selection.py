"""Rules of selection, each against its formula written out."""

import dataclasses

import numpy as np
import pytest

from affect_jax.errors import UserError
from affect_jax.weak import rules
from affect_jax.weak import selection
from affect_jax.weak import table

N, K = 200, 3
NAMES = ('negative', 'neutral', 'positive')
R = np.random.default_rng(0)
# The second class is rare and unsure.
P = R.dirichlet([2.0, 0.4, 3.0], N).astype(np.float32)
RIGHT = np.array([0.9, 0.3, 0.7], np.float32)


def labels(p=P, kind='class', task='sentiment_class', names=NAMES, right=RIGHT):
  return table.WeakLabels(
    task=task,
    kind=kind,
    outputs=names,
    ids=np.array([str(i) for i in range(len(p))], object),
    labels=p,
    confidence=table.confidence_of(kind, p),
    right=right,
  )


def by_hand(rule):
  m, c = P.max(1), P.argmax(1)
  if rule == 'all':
    return np.ones(N)
  if rule == 'fixed':
    return m >= 0.7
  if rule == 'ss_mfar':
    return np.array([m[i] >= max(0.7, 0.97 * RIGHT[c[i]]) for i in range(N)])
  if rule == 'flexmatch':
    counts = [sum(m[c == k] >= 0.7) for k in range(K)]
    a = np.array(counts) / max(counts)
    return np.array([m[i] >= 0.7 * a[c[i]] / (2 - a[c[i]]) for i in range(N)])
  if rule == 'freematch':
    mean = P.mean(0)
    return np.array(
      [m[i] >= m.mean() * mean[c[i]] / mean.max() for i in range(N)]
    )
  gauss = np.exp(-((m - m.mean()) ** 2) / (2 * m.var() / 4))
  return np.where(m >= m.mean(), 1, gauss)


@pytest.mark.parametrize('rule', selection.RULES)
def test_a_rule_is_its_formula(rule):
  found = selection.factors(labels(), rule=rule, threshold=0.7)
  expected = by_hand(rule).astype(float)
  np.testing.assert_allclose(found, expected, rtol=1e-5)
  assert found.shape == (N,)
  if rule != 'all':
    assert 0 < expected.mean() < 1


@pytest.mark.parametrize('rule', selection.RULES)
def test_what_may_be_present_is_two_classes(rule):
  p = P[:, :2]
  right = np.float32([0.9, 0.3, 0.8, 0.6])
  units = labels(p, 'presence', 'action_units', ('AU1', 'AU2'), right)
  found = selection.factors(units, rule=rule, threshold=0.7)
  assert found.shape == (N, 2)
  for k in range(2):
    both = np.stack([1 - p[:, k], p[:, k]], 1)
    two = labels(both, names=('a', 'b'), right=right[2 * k : 2 * k + 2])
    one = selection.factors(two, rule=rule, threshold=0.7)
    np.testing.assert_allclose(found[:, k], one, rtol=1e-4)


def test_thresholds_of_classes_and_balance():
  found = selection.factors(
    labels(), rule='fixed', threshold=0.99, per_class={'positive': 0.6}
  )
  c, m = P.argmax(1), P.max(1)
  np.testing.assert_array_equal(
    found, np.where(c == 2, m >= 0.6, m >= np.float32(0.99))
  )
  found = selection.factors(
    labels(), rule='fixed', threshold=0.6, balanced=True
  )
  counts = [found[c == k].sum() for k in range(K)]
  # None of the second class is so sure.
  assert counts[0] == counts[2] > counts[1] == 0
  kept = (c == 0) & (found > 0)
  dropped = (c == 0) & (found == 0)
  assert m[kept].min() >= m[dropped].max()


def test_values_count_by_their_confidence_alone():
  value = table.WeakLabels(
    task='sentiment',
    kind='value',
    outputs=('sentiment',),
    ids=np.array(['a', 'b'], object),
    labels=np.float32([[4.0], [-1.0]]),
    confidence=np.float32([[0.9], [0.2]]),
  )
  assert selection.factors(value, rule='flexmatch').tolist() == [[1], [1]]
  kept = selection.factors(value, rule='fixed', threshold=0.5)
  assert kept.tolist() == [[1], [0]]
  values, weights = selection.weigh(
    value, weight=0.5, by_confidence=True, hard=True, temperature=0.1
  )
  np.testing.assert_array_equal(values, value.labels)
  np.testing.assert_allclose(weights, [[0.45], [0.1]], rtol=1e-6)


def units(p, confidence, kind='presence'):
  return table.WeakLabels(
    task='action_units',
    kind=kind,
    outputs=('AU1', 'AU2'),
    ids=np.array([str(i) for i in range(len(p))], object),
    labels=p,
    confidence=confidence,
    right=np.float32([0.9, 0.3, 0.8, 0.6]),
  )


@pytest.mark.parametrize('balanced', [False, True])
@pytest.mark.parametrize('rule', selection.RULES)
def test_who_abstains_is_no_label_and_in_no_statistic(rule, balanced):
  p = P[:, :2].copy()
  confidence = table.confidence_of('presence', p)
  silent = R.random(p.shape) < 0.5
  p[silent], confidence[silent] = 0, 0
  options = {'rule': rule, 'threshold': 0.7, 'balanced': balanced}
  found = selection.factors(units(p, confidence), **options)
  assert not found[silent].any()
  for k in range(2):
    says = ~silent[:, k]
    alone = units(p[says], table.confidence_of('presence', p[says]))
    expected = selection.factors(alone, **options)[:, k]
    np.testing.assert_allclose(found[says, k], expected, rtol=1e-6)
    assert expected.any()
  nobody = units(np.zeros_like(p), np.zeros_like(p))
  assert not selection.factors(nobody, **options).any()


def test_a_rule_and_values_nobody_trusts_abstain():
  happy = rules.apply(
    'expression_to_units',
    np.array(['a'], object),
    ('happiness',),
    np.ones((1, 1)),
    np.ones(1),
  )
  _, weights = selection.weigh(happy, weight=0.5)
  spoken = dict(zip(happy.outputs, weights[0], strict=True))
  assert {k for k, w in spoken.items() if w} == {'AU6', 'AU12', 'AU25'}
  value = units(P[:2, :2], np.float32([[0, 0.4], [0, 0.4]]), 'value')
  for rule in selection.RULES:
    found = selection.factors(value, rule=rule, threshold=0.0)
    assert found.tolist() == [[0, 1], [0, 1]]


def test_a_weak_label_never_looks_like_gold():
  sure = labels(np.eye(3, dtype=np.float32))
  for by_confidence in (False, True):
    _, weights = selection.weigh(sure, weight=1.0, by_confidence=by_confidence)
    assert weights.dtype == np.float32
    assert (weights < 1).all()
    assert (weights > 0.99).all()


def test_hard_labels_and_temperature():
  hard, _ = selection.weigh(labels(), hard=True)
  np.testing.assert_array_equal(hard, np.eye(3)[P.argmax(1)])
  sharp, _ = selection.weigh(labels(), temperature=0.5)
  expected = P.astype(float) ** 2
  expected /= expected.sum(1, keepdims=True)
  np.testing.assert_allclose(sharp, expected, rtol=1e-5)
  unit = labels(P[:, :1], 'presence', 'sarcasm', ('sarcasm',), None)
  hard, _ = selection.weigh(unit, hard=True)
  np.testing.assert_array_equal(hard[:, 0], P[:, 0] > 0.5)
  soft, _ = selection.weigh(unit, temperature=2.0)
  roots = np.sqrt(np.stack([1 - P[:, 0], P[:, 0]], 1).astype(float))
  np.testing.assert_allclose(
    soft[:, 0], (roots / roots.sum(1, keepdims=True))[:, 1], rtol=1e-5
  )


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'weight': -0.1}, 'weight=-0.1 must be in'),
    ({'weight': 1.5}, 'gold counts 1'),
    ({'weight': float('nan')}, 'must be in'),
    ({'temperature': 0.0}, 'must be positive'),
    ({'rule': 'fixmatch'}, "'fixmatch'.*flexmatch"),
    ({'threshold': 2.0}, r'must be in \[0, 1\]'),
    ({'per_class': {'joy': 0.5}}, 'joy'),
    ({'rule': 'ss_mfar'}, 'emotion_to_sentiment does not tell.*rules, comb'),
  ],
)
def test_wrong_options_are_refused(options, message):
  of_a_rule = dataclasses.replace(
    labels(right=None), teacher='emotion_to_sentiment'
  )
  with pytest.raises(UserError, match=message):
    selection.weigh(of_a_rule, **options)
