"""Metrics of emotions, against scikit-learn and the formulas of papers."""

import math

import numpy as np
import pytest
import sklearn.metrics

from affect_jax.metrics import classification
from affect_jax.metrics import emotion
from affect_jax.metrics import multilabel

NAMES = ('anger', 'fear', 'happiness', 'sadness')
N, K = 300, len(NAMES)


def several(seed=0):
  rng = np.random.default_rng(seed)
  labels = (rng.random((N, K)) < [0.1, 0.3, 0.5, 0.9]).astype(float)
  scores = np.clip(0.3 * labels + rng.normal(0.35, 0.2, (N, K)), 0, 1)
  scores = np.round(scores, 2)  # Some are exactly .5, which is "not there".
  return scores, labels, rng.uniform(0.1, 2, (N, K))


def one_of_k(seed=0):
  rng = np.random.default_rng(seed)
  gold = rng.choice(K - 1, N, p=[0.7, 0.2, 0.1])  # The last has no gold rows.
  guess = np.where(rng.random(N) < 0.5, gold, rng.integers(0, K, N))
  scores = rng.uniform(0, 0.4, (N, K)) + np.eye(K)[guess]
  return scores, np.eye(K)[gold], rng.uniform(0.1, 2, N), gold, guess


def test_weighted_accuracy_is_that_of_mosei_papers():
  p, y, w = several()
  found = emotion.weighted_accuracy(p, y, w, NAMES)
  for k, name in enumerate(NAMES):
    guess, gold, v = p[:, k] > 0.5, y[:, k] == 1, w[:, k]
    positives, negatives = v[gold].sum(), v[~gold].sum()
    tp, tn = v[gold & guess].sum(), v[~gold & ~guess].sum()
    formula = (tp * negatives / positives + tn) / (2 * negatives)
    assert found[name] == pytest.approx(formula, rel=1e-12)
    assert found[name] == pytest.approx(
      sklearn.metrics.balanced_accuracy_score(gold, guess, sample_weight=v)
    )
  assert emotion.mean_weighted_accuracy(p, y, w, NAMES) == pytest.approx(
    np.mean(list(found.values()))
  )


def test_weighted_f1_is_that_of_papers():
  p, y, w = several()
  found = emotion.weighted_f1(p, y, w, NAMES)
  for k, name in enumerate(NAMES):
    expected = sklearn.metrics.f1_score(
      y[:, k] == 1, p[:, k] > 0.5, average='weighted', sample_weight=w[:, k]
    )
    assert found[name] == pytest.approx(expected, rel=1e-12)
  assert emotion.mean_weighted_f1(p, y, w, NAMES) == pytest.approx(
    np.mean(list(found.values()))
  )


def test_never_finding_a_rare_emotion():
  # Each metric says something else of the same useless predictions.
  y = np.zeros((100, 1))
  y[:5] = 1
  arrays = np.zeros((100, 1)), y, np.ones(100), ('fear',)
  assert multilabel.accuracy(*arrays)['fear'] == pytest.approx(0.95)
  assert emotion.weighted_accuracy(*arrays)['fear'] == 0.5
  assert multilabel.f1(*arrays)['fear'] == 0
  expected = 0.95 * 2 * 95 / (95 + 100)
  assert emotion.weighted_f1(*arrays)['fear'] == pytest.approx(expected)
  assert round(expected, 2) == 0.93


def test_emotions_that_are_never_or_always_there():
  p, y, w = several()
  y[:, 0], y[:, 1] = 0, 1
  found = emotion.weighted_accuracy(p, y, w, NAMES)
  assert math.isnan(found['anger'])
  assert math.isnan(found['fear'])
  rest = [found[n] for n in NAMES[2:]]
  assert emotion.mean_weighted_accuracy(p, y, w, NAMES) == pytest.approx(
    np.mean(rest)
  )
  # F1 has a value for them: that of the only class there is.
  f1 = emotion.weighted_f1(p, y, w, NAMES)
  for k, name in enumerate(NAMES[:2]):
    expected = sklearn.metrics.f1_score(
      y[:, k] == 1,
      p[:, k] > 0.5,
      average='weighted',
      sample_weight=w[:, k],
      zero_division=0,
    )
    assert f1[name] == pytest.approx(expected)


METRICS = {
  'weighted_accuracy': emotion.weighted_accuracy,
  'mean_weighted_accuracy': emotion.mean_weighted_accuracy,
  'weighted_f1': emotion.weighted_f1,
  'mean_weighted_f1': emotion.mean_weighted_f1,
}
CATEGORICAL = {
  'weighted_f1': classification.weighted_f1,
  'weighted_precision': classification.weighted_precision,
}
CASES = {
  **{f'several {k}': (several, m, (NAMES,)) for k, m in METRICS.items()},
  **{
    f'one {k}': (lambda: one_of_k()[:3], m, ()) for k, m in CATEGORICAL.items()
  },
}
every_case = pytest.mark.parametrize('case', CASES)


def numbers(result):
  return np.array(
    list(result.values()) if isinstance(result, dict) else [result]
  )


@every_case
def test_weights(case):
  make, metric, names = CASES[case]
  p, y, _ = make()
  times = np.random.default_rng(8).integers(0, 4, N)
  repeated = (np.repeat(x, times, axis=0) for x in (p, y))
  expected = numbers(metric(*repeated, np.ones(times.sum()), *names))
  found = metric(p, y, times.astype(float), *names)
  np.testing.assert_allclose(numbers(found), expected, rtol=1e-9)
  p, y = p.copy(), y.copy()
  p[times == 0], y[times == 0] = np.inf, np.nan
  found = metric(p, y, times.astype(float), *names)
  np.testing.assert_allclose(numbers(found), expected, rtol=1e-9)


@every_case
@pytest.mark.parametrize('rows', [0, 1, 7])
def test_nothing_counted_is_nan(case, rows):
  make, metric, names = CASES[case]
  p, y, w = (x[:rows] for x in make())
  assert np.all(np.isnan(numbers(metric(p, y * np.nan, 0 * w, *names))))


def test_an_unlabelled_emotion_leaves_the_means():
  p, y, w = several()
  w[:, 1] = 0
  for each, mean in (
    (emotion.weighted_accuracy, emotion.mean_weighted_accuracy),
    (emotion.weighted_f1, emotion.mean_weighted_f1),
  ):
    found = each(p, y, w, NAMES)
    assert math.isnan(found['fear'])
    rest = [v for k, v in found.items() if k != 'fear']
    assert mean(p, y, w, NAMES) == pytest.approx(np.mean(rest))


def test_weighted_f1_and_precision_of_classes():
  p, y, w, gold, guess = one_of_k()
  options = {'average': 'weighted', 'sample_weight': w, 'zero_division': 0}
  assert classification.weighted_f1(p, y, w) == pytest.approx(
    sklearn.metrics.f1_score(gold, guess, **options), rel=1e-12
  )
  assert classification.weighted_precision(p, y, w) == pytest.approx(
    sklearn.metrics.precision_score(gold, guess, **options), rel=1e-12
  )
  # Weighted recall needs no function: it is the accuracy.
  assert classification.accuracy(p, y, w) == pytest.approx(
    sklearn.metrics.recall_score(gold, guess, **options), rel=1e-12
  )


def test_a_class_without_gold_rows_does_not_weigh():
  gold, guess = [0, 0, 0, 1], [0, 0, 2, 1]
  arrays = np.eye(3)[guess], np.eye(3)[gold], np.ones(4)
  # F1: .8, 1, 0 with 3, 1, 0 gold rows. Macro-F1 counts the third.
  assert classification.weighted_f1(*arrays) == pytest.approx(0.85)
  assert classification.macro_f1(*arrays) == pytest.approx(0.6)
  assert classification.weighted_precision(*arrays) == 1


def test_gold_comes_first_in_f1():
  # 3 of 5 rows are of the first class, and the second is preferred.
  gold, guess = [0, 0, 0, 1, 1], [0, 1, 1, 1, 1]
  found = classification.weighted_f1(
    np.eye(2)[guess], np.eye(2)[gold], np.ones(5)
  )
  swapped = sklearn.metrics.f1_score(guess, gold, average='weighted')
  assert found == pytest.approx(0.6 * 0.5 + 0.4 * 2 / 3)
  assert swapped == pytest.approx(0.2 * 0.5 + 0.8 * 2 / 3)


def test_two_classes():
  p = np.array([[0.5], [np.nextafter(0.5, 1)], [1e-20], [np.nan]])
  y = np.array([[1.0], [0.0], [0.5], [1.0]])
  p2, y2, w = classification.two_classes(p, y, np.array([1, 1, 1, 0]))
  # .5 is "no"; weights of one column lose it.
  assert np.argmax(p2[:3], axis=1).tolist() == [0, 1, 0]
  assert np.argmax(y2[:3], axis=1).tolist() == [1, 0, 0]
  assert w.tolist() == [1, 1, 1, 0]
  _, _, w = classification.two_classes(p, y, w[:, None])
  assert w.shape == (4,)
  with pytest.raises(ValueError, match=r'is \[N, 1\], not \(300, 4\)'):
    classification.two_classes(*several())
