"""The tasks of sentiment, as a number and as a class."""

import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.metrics

from affect_jax.metrics import sentiment as metrics
from affect_jax.tasks import losses
from affect_jax.tasks import sentiment
from affect_jax.tasks import sentiment_class


def test_sentiment_losses():
  rng = np.random.default_rng(0)
  outputs, labels, weights = (
    np.asarray(x, np.float32)
    for x in (
      rng.normal(size=(40, 1)),
      rng.uniform(-3, 3, (40, 1)),
      rng.uniform(0.2, 1, (40, 1)),
    )
  )
  arrays = tuple(map(jnp.asarray, (outputs, labels, weights)))
  p, y, w = (x[:, 0].astype(float) for x in (outputs, labels, weights))
  cov = np.cov(p, y, aweights=w, bias=True)
  gap = np.average(p, weights=w) - np.average(y, weights=w)
  for options, expected in (
    ({}, np.average(np.abs(p - y), weights=w)),
    ({'loss': 'mae'}, np.average(np.abs(p - y), weights=w)),
    ({'loss': 'mse'}, np.average((p - y) ** 2, weights=w)),
    (
      {'loss': 'ccc'},
      1 - 2 * cov[0, 1] / (cov[0, 0] + cov[1, 1] + gap**2),
    ),
  ):
    task = sentiment.build(**options)
    np.testing.assert_allclose(task.loss(*arrays), expected, rtol=1e-5)


def test_sentiment_is_not_clipped():
  outputs = jnp.asarray([[-7.0], [0.0], [5.5]])
  task = sentiment.build()
  np.testing.assert_array_equal(task.predict(outputs), outputs)
  # MAE sees what is beyond the scale, and classes do not.
  arrays = np.asarray(outputs), np.array([[-3.0], [0], [3]]), np.ones(3)
  assert task.metrics['mae'](*arrays) == pytest.approx((4 + 2.5) / 3)
  assert task.metrics['acc7'](*arrays) == 1
  assert task.metrics['acc7_cmu'](*arrays) == 1


def test_sentiment_headline_sees_what_mae_and_pearson_see():
  task = sentiment.build()
  headline = task.metrics[task.headline]
  y = np.linspace(-3, 3, 9)[:, None]
  w = np.ones((9, 1))
  # Constant predictions: Pearson is undefined, and would leave the mean.
  assert headline(0 * y + 0.3, y, w) == 0
  assert np.isnan(task.metrics['pearson'](0 * y + 0.3, y, w))
  # A wrong scale: Pearson does not see it.
  assert task.metrics['pearson'](0.1 * y, y, w) == pytest.approx(1)
  assert headline(0.1 * y, y, w) < 0.3


def test_sentiment_metrics_go_by_their_rules():
  task = sentiment.build()
  rng = np.random.default_rng(0)
  y = np.round(rng.uniform(-3, 3, (200, 1)))
  p = y + rng.normal(0, 1, y.shape)
  w = rng.uniform(0.1, 1, y.shape)
  for rule in metrics.RULES:
    acc = metrics.accuracy(p, y, w, rule)
    assert task.metrics[f'acc{rule}'](p, y, w) == acc
    f1 = metrics.weighted_f1(p, y, w, rule)
    assert task.metrics[f'f1_{rule}'](p, y, w) == f1


def test_sentiment_class_sees_two_classes_by_name():
  task = sentiment_class.build(('positive', 'neutral', 'negative'))
  rng = np.random.default_rng(0)
  gold = rng.integers(0, 3, 200)
  y, p = np.eye(3)[gold], rng.dirichlet(np.ones(3), 200)
  w = rng.uniform(0.1, 1, 200)
  positive = p[:, 0] > p[:, 2]
  keep = gold != 1
  expected = sklearn.metrics.accuracy_score(
    gold[keep] == 0, positive[keep], sample_weight=w[keep]
  )
  assert task.metrics['acc2_neg_pos'](p, y, w) == pytest.approx(expected)
  expected = sklearn.metrics.f1_score(
    gold == 0, positive, sample_weight=w, average='weighted'
  )
  assert task.metrics['f1_2_nonpos_pos'](p, y, w) == pytest.approx(expected)
  arrays = tuple(jnp.asarray(x, jnp.float32) for x in (p, y, w))
  assert task.loss(*arrays) == losses.softmax_cross_entropy(*arrays)
