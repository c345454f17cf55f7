"""Metrics against scikit-learn and numpy, with sample weights."""

import math

import numpy as np
import pytest
import sklearn.metrics

from affect_jax.metrics import challenge
from affect_jax.metrics import classification
from affect_jax.metrics import counted
from affect_jax.metrics import multilabel
from affect_jax.metrics import regression

NAMES = ('a', 'b', 'c', 'd', 'e')
N, K = 300, len(NAMES)


def classes(seed=0, rows=N):
  rng = np.random.default_rng(seed)
  gold = rng.integers(0, K - 1, rows)  # The last class has no gold rows,
  guess = np.where(rng.random(rows) < 0.5, gold, rng.integers(0, K, rows))
  scores = rng.uniform(0, 0.4, (rows, K)) + np.eye(K)[guess]
  labels = 0.6 * np.eye(K)[gold] + 0.4 / K  # Soft: argmax is gold.
  return scores, labels, rng.uniform(0.1, 2, rows), gold, guess


def binary(seed=0):
  rng = np.random.default_rng(seed)
  labels = (rng.random((N, K)) < [0.1, 0.3, 0.5, 0.7, 0.9]).astype(float)
  scores = np.clip(0.3 * labels + rng.normal(0.35, 0.2, (N, K)), 0, 1)
  scores = np.round(scores, 2)  # With ties.
  return scores, labels, rng.uniform(0.1, 2, (N, K))


def real(seed=0, offset=0.0):
  rng = np.random.default_rng(seed)
  labels = rng.uniform(-1, 1, (N, K)) + offset
  predictions = 0.7 * labels + 0.1 + rng.normal(0, 0.3, (N, K)) + 0.3 * offset
  return predictions, labels, rng.uniform(0.1, 2, (N, K))


CLASSIFICATION = {
  'macro_f1': classification.macro_f1,
  'accuracy': classification.accuracy,
  'uar': classification.uar,
  'f1': lambda p, y, w: classification.per_class_f1(p, y, w, NAMES),
  'confusion': lambda p, y, w: classification.confusion(p, y, w, NAMES),
}
PER_OUTPUT = {
  'binary f1': (binary, multilabel.f1),
  'binary mean_f1': (binary, multilabel.mean_f1),
  'binary accuracy': (binary, multilabel.accuracy),
  'binary mean_accuracy': (binary, multilabel.mean_accuracy),
  'binary auc': (binary, multilabel.auc),
  'binary mean_auc': (binary, multilabel.mean_auc),
  'binary tune': (binary, multilabel.tune),
  'real ccc': (real, regression.ccc),
  'real mean_ccc': (real, regression.mean_ccc),
  'real pearson': (real, regression.pearson),
  'real rmse': (real, regression.rmse),
  'real mae': (real, regression.mae),
  'real sign_agreement': (real, regression.sign_agreement),
}
CASES = {
  **{k: (lambda: classes()[:3], v) for k, v in CLASSIFICATION.items()},
  **{
    k: (make, lambda p, y, w, metric=metric: metric(p, y, w, NAMES))
    for k, (make, metric) in PER_OUTPUT.items()
  },
}
every_metric = pytest.mark.parametrize('case', CASES)


def values(result):
  """As an array; None is NaN."""
  return np.array(
    list(result.values()) if isinstance(result, dict) else [result], np.float64
  )


@every_metric
def test_weight_0_is_a_dropped_row_whatever_it_holds(case):
  make, metric = CASES[case]
  p, y, w = make()
  keep = np.arange(N) % 3 > 0
  expected = values(metric(p[keep], y[keep], w[keep]))
  p, y, w = p.copy(), y.copy(), w.copy()
  p[~keep], y[~keep], w[~keep] = np.nan, -5, 0
  np.testing.assert_allclose(values(metric(p, y, w)), expected, rtol=1e-12)
  y[~keep] = np.inf
  np.testing.assert_allclose(values(metric(p, y, w)), expected, rtol=1e-12)


@every_metric
def test_whole_weights_are_repeated_rows(case):
  make, metric = CASES[case]
  p, y, _ = make()
  times = np.random.default_rng(8).integers(0, 4, N)
  repeated = [np.repeat(x, times, axis=0) for x in (p, y)]
  np.testing.assert_allclose(
    values(metric(p, y, times.astype(float))),
    values(metric(*repeated, np.ones(len(repeated[0])))),
    rtol=1e-9,
  )


@every_metric
def test_order_of_rows_does_not_matter(case):
  make, metric = CASES[case]
  arrays = make()
  order = np.random.default_rng(8).permutation(N)
  np.testing.assert_allclose(
    values(metric(*(x[order] for x in arrays))),
    values(metric(*arrays)),
    rtol=1e-9,
  )


@every_metric
@pytest.mark.parametrize('rows', [0, 1, 7])
def test_without_gold_it_is_nan(case, rows):
  make, metric = CASES[case]
  p, y, w = (x[:rows] for x in make())
  result = values(metric(p, y * np.nan, w * 0))
  assert np.all(np.isnan(result))


def of_one_row(case, predictions, labels):
  """By hand; the first row's class and units are predicted right."""
  gold = np.argmax(labels)
  if case in ('f1', 'confusion'):
    right = np.zeros((K, K) if case == 'confusion' else K)
    right[(gold,) * right.ndim] = 1
    return right.ravel()
  error = np.abs(predictions - labels)
  return {
    'macro_f1': 1 / K,  # Four classes have an F1 of 0.
    'binary f1': labels,
    'binary mean_f1': labels.mean(),
    'binary auc': np.full(K, np.nan),  # There are not both classes.
    'binary mean_auc': np.nan,
    'binary tune': np.where(labels > 0.5, 0.5, np.nan),
    'real ccc': np.zeros(K),  # Of two constants that differ,
    'real mean_ccc': 0,
    'real pearson': np.full(K, np.nan),  # 0 / 0.
    'real rmse': error,
    'real mae': error,
  }.get(case, np.ones(K if case in PER_ROW else 1))


PER_ROW = ('binary accuracy', 'real sign_agreement')


@every_metric
def test_one_row_is_enough(case):
  make, metric = CASES[case]
  predictions, labels, weights = (x[:1] for x in make())
  np.testing.assert_allclose(
    values(metric(predictions, labels, np.ones_like(weights))),
    np.ravel(of_one_row(case, predictions[0], labels[0])),
    rtol=1e-12,
  )


@every_metric
def test_counted_values_that_are_not_finite_are_named(case):
  make, metric = CASES[case]
  p, y, w = (x.copy() for x in make())
  p[17, 2] = np.nan
  with pytest.raises(ValueError, match=r'Prediction nan of row 17, column 2'):
    metric(p, y, w)
  p[17, 2], y[4, 0] = 0, np.inf
  with pytest.raises(ValueError, match=r'Label inf of row 4, column 0'):
    metric(p, y, w)
  with pytest.raises(ValueError, match='Weight -'):
    metric(p, y, -w)
  with pytest.raises(ValueError, match='must both be'):
    metric(p[:, :2], y, w)
  with pytest.raises(ValueError, match=r'[Ww]eights'):
    metric(p, y, w[:3])


def test_macro_f1_is_that_of_scikit_learn_over_all_classes():
  p, y, w, gold, guess = classes()
  f1 = sklearn.metrics.f1_score(
    gold,
    guess,
    labels=range(K),
    average=None,
    sample_weight=w,
    zero_division=0,
  )
  assert classification.macro_f1(p, y, w) == pytest.approx(np.mean(f1))
  per_class = classification.per_class_f1(p, y, w, NAMES)
  np.testing.assert_allclose(values(per_class), f1, rtol=1e-12)


def test_a_class_that_never_occurs_has_an_f1_of_0_and_counts():
  labels = np.eye(3)[[0, 0, 1, 1]]
  f1 = classification.per_class_f1(labels, labels, np.ones(4), ('a', 'b', 'c'))
  assert f1 == {'a': 1, 'b': 1, 'c': 0}
  macro = classification.macro_f1(labels, labels, np.ones(4))
  assert macro == pytest.approx(2 / 3)


def test_accuracy_uar_confusion_are_those_of_scikit_learn():
  p, y, w, gold, guess = classes(seed=1)
  assert classification.accuracy(p, y, w) == pytest.approx(
    sklearn.metrics.accuracy_score(gold, guess, sample_weight=w), rel=1e-12
  )
  recall = sklearn.metrics.recall_score(
    gold, guess, labels=range(K - 1), average='macro', sample_weight=w
  )
  assert classification.uar(p, y, w) == pytest.approx(recall, rel=1e-12)
  matrix = sklearn.metrics.confusion_matrix(
    gold, guess, labels=range(K), sample_weight=w
  )
  confusion = classification.confusion(p, y, w, NAMES)
  assert list(confusion)[:2] == ['a/a', 'a/b']
  np.testing.assert_allclose(
    values(confusion).reshape(K, K), matrix, rtol=1e-12
  )
  assert confusion['b/d'] == pytest.approx(matrix[1, 3])
  assert matrix[1, 3] != matrix[3, 1]


def test_hand_counted_confusion():
  gold, guess = [0, 0, 1, 2], [0, 1, 1, 1]
  arrays = np.eye(3)[guess], np.eye(3)[gold], np.ones(4)
  confusion = classification.confusion(*arrays, ('x', 'y', 'z'))
  assert {k: v for k, v in confusion.items() if v} == {
    'x/x': 1,
    'x/y': 1,
    'y/y': 1,
    'z/y': 1,
  }
  f1 = classification.per_class_f1(*arrays, ('x', 'y', 'z'))
  assert f1 == pytest.approx({'x': 2 / 3, 'y': 0.5, 'z': 0})
  assert classification.uar(*arrays) == pytest.approx((0.5 + 1 + 0) / 3)


def test_wrong_number_of_names_is_an_error():
  p, y, w = classes()[:3]
  with pytest.raises(ValueError, match='2 names'):
    classification.confusion(p, y, w, NAMES[:2])
  with pytest.raises(ValueError, match='zip'):
    classification.per_class_f1(p, y, w, NAMES[:2])


def test_multilabel_is_that_of_scikit_learn():
  p, y, w = binary()
  f1, accuracy, auc = (
    m(p, y, w, NAMES)
    for m in (multilabel.f1, multilabel.accuracy, multilabel.auc)
  )
  for k, name in enumerate(NAMES):
    column = {'sample_weight': w[:, k]}
    guess = p[:, k] > 0.5
    assert f1[name] == pytest.approx(
      sklearn.metrics.f1_score(y[:, k], guess, **column), rel=1e-12
    )
    assert accuracy[name] == pytest.approx(
      sklearn.metrics.accuracy_score(y[:, k], guess, **column), rel=1e-12
    )
    assert auc[name] == pytest.approx(
      sklearn.metrics.roc_auc_score(y[:, k], p[:, k], **column), rel=1e-9
    )
  for mean, each in (
    (multilabel.mean_f1, f1),
    (multilabel.mean_accuracy, accuracy),
    (multilabel.mean_auc, auc),
  ):
    assert mean(p, y, w, NAMES) == pytest.approx(np.mean(values(each)))


def test_an_unlabelled_output_is_nan_and_leaves_the_mean():
  p, y, w = binary()
  w[:, 1] = 0
  f1 = multilabel.f1(p, y, w, NAMES)
  assert math.isnan(f1['b'])
  rest = [v for k, v in f1.items() if k != 'b']
  assert multilabel.mean_f1(p, y, w, NAMES) == pytest.approx(np.mean(rest))


def test_a_labelled_output_without_positives_is_0_and_stays_in_the_mean():
  p, y, w = np.zeros((4, 2)), np.zeros((4, 2)), np.ones(4)
  y[:2, 0] = p[:2, 0] = 1
  assert multilabel.f1(p, y, w, ('x', 'y')) == {'x': 1, 'y': 0}
  assert multilabel.mean_f1(p, y, w, ('x', 'y')) == 0.5
  auc = multilabel.auc(p, y, w, ('x', 'y'))
  assert auc['x'] == 1
  assert math.isnan(auc['y'])
  assert multilabel.mean_auc(p, y, w, ('x', 'y')) == 1
  p[:, 1] = 0.7
  assert multilabel.f1(p, y, w, ('x', 'y'))['y'] == 0


def test_tune_finds_the_best_threshold_of_the_grid():
  p, y, w = binary()
  tuned = multilabel.tune(p, y, w, NAMES)
  f1 = multilabel.f1(p, y, w, NAMES, tuned)
  for k, name in enumerate(NAMES):
    scores = [
      sklearn.metrics.f1_score(y[:, k], p[:, k] > n / 20, sample_weight=w[:, k])
      for n in range(1, 20)
    ]
    assert f1[name] == pytest.approx(max(scores), rel=1e-12)
    assert tuned[name] == (np.argmax(scores) + 1) / 20
  assert multilabel.mean_f1(p, y, w, NAMES, tuned) > multilabel.mean_f1(
    p, y, w, NAMES
  )


def test_tune_prefers_thresholds_close_to_a_half():
  y = np.array([[0.0], [0.0], [1.0], [1.0]])
  for scores, expected in (
    ([0.1, 0.2, 0.8, 0.9], 0.5),  # .2 to .75 are perfect.
    ([0.1, 0.62, 0.9, 0.9], 0.65),  # .65 and more.
    ([0.01, 0.02, 0.31, 0.9], 0.3),  # .3 and less.
    ([0.9, 0.9, 0.9, 0.9], 0.5),  # All alike.
    ([0.0, 0.0, 0.0, 0.0], 0.5),  # None ever found.
  ):
    p = np.array(scores)[:, None]
    assert multilabel.tune(p, y, np.ones(4), ('x',)) == {'x': expected}
    assert multilabel.tune(p, y * 0, np.ones(4), ('x',)) == {'x': None}


def test_what_is_not_tuned_has_no_tuned_score():
  p = np.array([[0.4, 0.9], [0.1, 0.2]])
  y = np.array([[1.0, 1.0], [0.0, 0.0]])
  names, cut = ('x', 'y'), {'x': 0.3, 'y': None}
  found = multilabel.f1(p, y, np.ones(2), names, cut)
  assert found['x'] == 1
  assert math.isnan(found['y'])
  assert multilabel.mean_f1(p, y, np.ones(2), names, cut) == 1


def test_missing_threshold_is_an_error():
  p, y, w = binary()
  with pytest.raises(ValueError, match=r"No threshold for 'b'; known: \['a'\]"):
    multilabel.f1(p, y, w, NAMES, {'a': 0.4})


@pytest.mark.parametrize('offset', [0.0, 1000.0])
def test_regression_is_that_of_numpy(offset):
  p, y, w = real(offset=offset)
  ccc, pearson, rmse, mae, sign = (
    m(p, y, w, NAMES)
    for m in (
      regression.ccc,
      regression.pearson,
      regression.rmse,
      regression.mae,
      regression.sign_agreement,
    )
  )
  for k, name in enumerate(NAMES):
    a, b, v = p[:, k], y[:, k], w[:, k]
    cov = np.cov(a, b, aweights=v, bias=True)
    gap = np.average(a, weights=v) - np.average(b, weights=v)
    expected = 2 * cov[0, 1] / (cov[0, 0] + cov[1, 1] + gap**2)
    assert ccc[name] == pytest.approx(expected, rel=1e-9)
    assert pearson[name] == pytest.approx(
      cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1]), rel=1e-9
    )
    assert rmse[name] == pytest.approx(
      math.sqrt(sklearn.metrics.mean_squared_error(b, a, sample_weight=v))
    )
    assert mae[name] == pytest.approx(
      sklearn.metrics.mean_absolute_error(b, a, sample_weight=v)
    )
    assert sign[name] == pytest.approx(np.average(a * b > 0, weights=v))
  assert regression.mean_ccc(p, y, w, NAMES) == pytest.approx(
    np.mean(values(ccc))
  )


def test_ccc_by_hand():
  # x = 1 2 3, y = 2 4 6: means 2 and 4, variances 2/3 and 8/3, cov 4/3.
  x, y = np.array([[1.0], [2.0], [3.0]]), np.array([[2.0], [4.0], [6.0]])
  ccc = regression.ccc(x, y, np.ones(3), ('x',))
  assert ccc['x'] == pytest.approx((8 / 3) / (10 / 3 + 4))
  assert regression.pearson(x, y, np.ones(3), ('x',))['x'] == pytest.approx(1)


def test_constants():
  varied = np.linspace(-1, 1, 7)[:, None]
  constant = np.full((7, 1), 0.1)  # Its mean is not .1 in floating point.
  w = np.ones(7)
  assert regression.ccc(varied, constant, w, 'x') == {'x': 0}
  assert regression.ccc(constant, varied, w, 'x') == {'x': 0}
  assert regression.ccc(constant, constant + 1, w, 'x') == {'x': 0}
  assert math.isnan(regression.ccc(constant, constant, w, 'x')['x'])
  assert math.isnan(regression.pearson(constant, varied, w, 'x')['x'])
  both = np.hstack([varied, constant])
  assert regression.mean_ccc(both, both, w, 'xy') == pytest.approx(1)


def test_0_is_a_sign_of_its_own():
  p = np.array([[0.0], [0.1], [-0.1], [0.2]])
  y = np.array([[0.0], [0.0], [-1.0], [-1.0]])
  assert regression.sign_agreement(p, y, np.ones(4), 'x') == {'x': 0.5}


def test_p_mtl():
  assert challenge.p_mtl(0.5, 0.25, 0.125) == 0.875
  assert math.isnan(challenge.p_mtl(0.5, math.nan, 0.1))


def test_mean_skips_what_is_undefined():
  assert counted.mean({'a': 1.0, 'b': math.nan, 'c': 0.0}) == 0.5
  assert math.isnan(counted.mean({'a': math.nan}))
