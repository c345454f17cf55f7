"""Rules that turn sentiment into classes, against papers and scikit-learn."""

import math

import numpy as np
import pytest
import sklearn.metrics

from affect_jax.metrics import sentiment

N = 400


def values(seed=0):
  """Predictions and labels with ties: 0, halves, and beyond the range."""
  rng = np.random.default_rng(seed)
  labels = np.round(rng.uniform(-3, 3, N), 1)
  labels[rng.random(N) < 0.2] = 0
  predictions = np.clip(0.8 * labels + 0.2 + rng.normal(0, 0.5, N), -4, 4)
  predictions = np.where(
    rng.random(N) < 0.3, np.round(2 * predictions) / 2, predictions
  )
  return predictions[:, None], labels[:, None], rng.uniform(0.1, 2, N)


def cmu(a):
  """The README of CMU-MOSEI."""
  if a < 0:
    return -3 if a < -2 else -2 if a < -1 else -1
  return 0 if a == 0 else 1 if a <= 1 else 2 if a <= 2 else 3


def rounded(largest):
  # Python rounds halves to the even number, too.
  return lambda a: round(max(-largest, min(largest, a)))


ORACLES = {
  '2_neg_nonneg': lambda a: a >= 0,
  '2_neg_pos': lambda a: a > 0,
  '2_nonpos_pos': lambda a: a > 0,
  '3': rounded(1),
  '5': rounded(2),
  '7': rounded(3),
  '7_cmu': cmu,
}
every_rule = pytest.mark.parametrize('rule', sentiment.RULES)


def classes(rule, *arrays):
  """Classes of each array as the papers say, without rows they leave out."""
  p, y, w = arrays
  keep = y[:, 0] != 0 if rule == '2_neg_pos' else np.ones(len(y), bool)
  to_class = ORACLES[rule]
  guess, gold = ([int(to_class(a)) for a in x[keep, 0]] for x in (p, y))
  return gold, guess, w[keep]


@every_rule
def test_rules_are_those_of_papers(rule):
  arrays = values()
  gold, guess, w = classes(rule, *arrays)
  assert sentiment.accuracy(*arrays, rule) == pytest.approx(
    sklearn.metrics.accuracy_score(gold, guess, sample_weight=w), rel=1e-12
  )
  expected = sklearn.metrics.f1_score(
    gold, guess, average='weighted', sample_weight=w, zero_division=0
  )
  found = sentiment.weighted_f1(*arrays, rule)
  assert found == pytest.approx(expected, rel=1e-12)
  assert 0.2 < found < 0.95


def test_every_rule_gives_another_number():
  numbers = {sentiment.accuracy(*values(), rule) for rule in sentiment.RULES}
  assert len(numbers) == len(sentiment.RULES)


def agree(prediction, label, rule):
  row = np.array([[prediction]]), np.array([[label]]), np.ones(1)
  return sentiment.accuracy(*row, rule)


@pytest.mark.parametrize(
  ('value', 'rule', 'expected'),
  [
    # Halves go to the even number.
    *((v, '7', c) for v, c in ((0.5, 0), (1.5, 2), (2.5, 2), (-0.5, 0))),
    *((v, '7', c) for v, c in ((-1.5, -2), (-2.5, -2), (0.51, 1), (9, 3))),
    # Only an exact 0 is neutral; ends of bins belong away from 0.
    *((v, '7_cmu', c) for v, c in ((0, 0), (1e-6, 1), (1, 1), (1.01, 2))),
    *((v, '7_cmu', c) for v, c in ((2, 2), (2.4, 3), (3.7, 3), (-0.1, -1))),
    *((v, '7_cmu', c) for v, c in ((-1, -1), (-1.1, -2), (-2, -2), (-2.1, -3))),
    # The same values by both.
    *((-0.33, '7', 0), (-0.33, '7_cmu', -1)),
    *((1.4, '7', 1), (1.4, '7_cmu', 2), (2.4, '7', 2)),
    # Fewer classes clip first.
    *((2.6, '5', 2), (-2.6, '5', -2), (1.4, '5', 1), (0.5, '5', 0)),
    *((2.6, '3', 1), (0.4, '3', 0), (-0.6, '3', -1), (-0.5, '3', 0)),
  ],
)
def test_classes_by_hand(value, rule, expected):
  largest = int(rule[0]) // 2
  right = [
    c for c in range(-largest, largest + 1) if agree(value, float(c), rule)
  ]
  assert right == [expected]


def test_label_0_of_two_classes():
  found = {
    rule: [agree(p, 0.0, rule) for p in (-0.1, 0.0, 0.1)]
    for rule in sentiment.TWO_CLASSES
  }
  assert found['2_neg_nonneg'] == [0, 1, 1]
  assert found['2_nonpos_pos'] == [1, 1, 0]
  # Left out: nothing is left to count.
  assert np.all(np.isnan(found['2_neg_pos']))


def test_prediction_0_of_two_classes():
  found = {
    rule: [agree(0.0, label, rule) for label in (-1.0, 1.0)]
    for rule in sentiment.TWO_CLASSES
  }
  assert found == {
    '2_neg_nonneg': [0, 1],
    '2_neg_pos': [1, 0],
    '2_nonpos_pos': [1, 0],
  }


def test_rows_with_label_0_do_not_enter_neg_pos():
  p, y, w = values()
  keep = y[:, 0] != 0
  assert 20 < np.sum(~keep) < N - 20
  for metric in (sentiment.accuracy, sentiment.weighted_f1):
    found = metric(p, y, w, '2_neg_pos')
    assert found == metric(p[keep], y[keep], w[keep], '2_neg_pos')
    # On rows without 0, negative or not and positive or not are one question.
    assert found == metric(p[keep], y[keep], w[keep], '2_nonpos_pos')


def test_gold_comes_first_in_f1():
  # MulT and MISA call f1_score(prediction, gold): another number where the
  # model prefers a class. 8 positive rows of 10; 4 predicted.
  y = np.array([1.0] * 8 + [-1.0] * 2)[:, None]
  p = np.array([1.0] * 4 + [-1.0] * 6)[:, None]
  found = sentiment.weighted_f1(p, y, np.ones(10), '2_neg_pos')
  # F1 of the positive 2*4/(8+4), of the negative 2*2/(2+6).
  assert found == pytest.approx(0.8 * 2 / 3 + 0.2 * 0.5)
  gold, guess = y[:, 0] > 0, p[:, 0] > 0
  swapped = sklearn.metrics.f1_score(guess, gold, average='weighted')
  assert swapped == pytest.approx(0.4 * 2 / 3 + 0.6 * 0.5)
  assert found - swapped > 0.05


NAMES = ('negative', 'neutral', 'positive')


def three(seed=0):
  rng = np.random.default_rng(seed)
  gold = rng.integers(0, 3, N)
  scores = rng.dirichlet(np.ones(3), N) + 0.4 * np.eye(3)[gold]
  labels = 0.6 * np.eye(3)[gold] + 0.4 / 3  # Soft: argmax is gold.
  scores /= scores.sum(1, keepdims=True)
  return scores, labels, rng.uniform(0.1, 2, N), gold


@pytest.mark.parametrize('rule', ['2_nonpos_pos', '2_neg_pos'])
def test_three_classes_as_two(rule):
  p, y, w, gold = three()
  # MMSA's classification mode: the likelier of negative and positive.
  guess = np.argmax(p[:, [0, 2]], axis=1) == 1
  keep = gold != 1 if rule == '2_neg_pos' else gold >= 0
  truth = gold == 2
  triple = sentiment.of_classes(p, y, w, NAMES)
  options = {'sample_weight': w[keep]}
  assert sentiment.accuracy(*triple, rule) == pytest.approx(
    sklearn.metrics.accuracy_score(truth[keep], guess[keep], **options)
  )
  assert sentiment.weighted_f1(*triple, rule) == pytest.approx(
    sklearn.metrics.f1_score(
      truth[keep], guess[keep], average='weighted', **options
    )
  )


def test_neg_pos_of_perfect_classes_is_1():
  # MMSA's "Non0" compares 0 and 1 with labels 0 and 2: positives never match,
  # and perfect predictions get the share of negative rows.
  gold = np.array([0, 0, 1, 2, 2, 2])
  one_hot = np.eye(3)[gold]
  rows = gold != 1
  flawed = np.argmax(one_hot[rows][:, [0, 2]], axis=1) == gold[rows]
  assert flawed.mean() == pytest.approx(0.4)
  triple = sentiment.of_classes(one_hot, one_hot, np.ones(6), NAMES)
  for rule in sentiment.TWO_CLASSES:
    assert sentiment.accuracy(*triple, rule) == 1
    assert sentiment.weighted_f1(*triple, rule) == 1


def test_classes_are_found_by_name():
  p, y, w, _ = three()
  expected = sentiment.of_classes(p, y, w, NAMES)
  order = [2, 0, 1]
  names = [NAMES[i] for i in order]
  found = sentiment.of_classes(p[:, order], y[:, order], w, names)
  for a, b in zip(found, expected, strict=True):
    np.testing.assert_array_equal(a, b)
  two = sentiment.of_classes(
    p[:, [2, 0]], y[:, [2, 0]], w, ('positive', 'negative')
  )
  np.testing.assert_array_equal(two[0], expected[0])
  assert set(two[1][:, 0]) == {-1, 1}
  with pytest.raises(ValueError, match=r"lack \['positive'\]"):
    sentiment.of_classes(p, y, w, ('negative', 'neutral', 'good'))
  with pytest.raises(ValueError, match=r'weights \[N\], not \(400, 3\)'):
    sentiment.of_classes(p, y, y, NAMES)


def test_three_classes_drop_weight_0_whatever_it_holds():
  p, y, w, _ = three()
  keep = np.arange(N) % 3 > 0
  expected = sentiment.of_classes(p[keep], y[keep], w[keep], NAMES)
  w[~keep], p[~keep], y[~keep] = 0, np.inf, np.nan
  triple = sentiment.of_classes(p, y, w, NAMES)
  for rule in sentiment.TWO_CLASSES:
    assert sentiment.accuracy(*triple, rule) == pytest.approx(
      sentiment.accuracy(*expected, rule), rel=1e-12
    )


METRICS = (sentiment.accuracy, sentiment.weighted_f1)
every_metric = pytest.mark.parametrize('metric', METRICS)


@every_rule
@every_metric
def test_weights(rule, metric):
  p, y, w = values(seed=1)
  # [N, 1] are the same weights.
  assert metric(p, y, w[:, None], rule) == metric(p, y, w, rule)
  # Whole weights are repeated rows, and 0 is a dropped one.
  times = np.random.default_rng(8).integers(0, 4, N)
  expected = metric(
    *(np.repeat(x, times, axis=0) for x in (p, y)), np.ones(times.sum()), rule
  )
  assert metric(p, y, times.astype(float), rule) == pytest.approx(
    expected, rel=1e-9
  )
  p[times == 0], y[times == 0] = np.nan, np.inf
  assert metric(p, y, times.astype(float), rule) == pytest.approx(
    expected, rel=1e-9
  )


@every_rule
@every_metric
@pytest.mark.parametrize('rows', [0, 1, 7])
def test_nothing_counted_is_nan(rule, metric, rows):
  p, y, w = (x[:rows] for x in values())
  assert math.isnan(metric(p, y * np.nan, 0 * w, rule))


def test_bad_input():
  p, y, w = values()
  with pytest.raises(ValueError, match=r"rule '2'.*; known: 2_neg_nonneg"):
    sentiment.accuracy(p, y, w, '2')
  with pytest.raises(ValueError, match=r'is \[N, 1\], not \(400, 2\)'):
    sentiment.accuracy(np.hstack([p, p]), np.hstack([y, y]), w, '7')
  p[3] = np.nan
  with pytest.raises(ValueError, match='Prediction nan of row 3'):
    sentiment.weighted_f1(p, y, w, '7')
