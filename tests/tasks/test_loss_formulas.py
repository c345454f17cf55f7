"""Each loss against its formula, written out in numpy float64."""

import jax.numpy as jnp
import numpy as np
import pytest
from toys.losses import B
from toys.losses import example
from toys.losses import K
from toys.losses import one_hot
from toys.losses import sigmoid
from toys.losses import softmax
from toys.losses import value_and_grad

from affect_jax.tasks import losses


def test_weighted_mean():
  values = jnp.asarray([1.0, 3.0, jnp.nan])
  weights = jnp.asarray([1.0, 0.5, 0.0])
  assert losses.weighted_mean(values, weights) == pytest.approx(2.5 / 1.5)
  assert losses.weighted_mean(values, weights * 0) == 0


def test_softmax_cross_entropy_of_soft_labels():
  logits, labels, weights = example('softmax_cross_entropy')
  rows = -np.sum(labels * np.log(softmax(logits.astype(float))), 1)
  expected = np.sum(weights * rows) / np.sum(weights)
  value = losses.softmax_cross_entropy(
    *map(jnp.asarray, (logits, labels, weights))
  )
  np.testing.assert_allclose(value, expected, rtol=1e-5)


def test_class_weights_and_smoothing_are_those_of_pytorch():
  # torch.nn.functional.cross_entropy(torch.tensor(logits), torch.tensor([0,
  # 2, 2]), weight=torch.tensor([1., 2., 4.]), label_smoothing=s), as its
  # documentation defines it, written out in float64.
  logits = np.array([[1.0, 2.0, 0.5], [0.2, -1.0, 0.0], [3.0, 0.1, -0.5]])
  classes, c = np.array([0, 2, 2]), np.array([1.0, 2.0, 4.0])
  for s in (0.0, 0.2):
    log_p = np.log(softmax(logits))
    hard = -(c[classes] * log_p[np.arange(3), classes]).sum()
    even = -(c[None] * log_p).sum()
    expected = ((1 - s) * hard + s / 3 * even) / c[classes].sum()
    for scale in (1, 7):
      value = losses.softmax_cross_entropy(
        jnp.asarray(logits, jnp.float32),
        jnp.asarray(np.eye(3)[classes], jnp.float32),
        jnp.ones(3),
        class_weights=scale * c,
        label_smoothing=s,
      )
      np.testing.assert_allclose(value, expected, rtol=1e-5)


def test_class_weights_of_1_change_nothing_and_of_0_drop_a_class():
  logits, _, weights = example('softmax_cross_entropy')
  classes = np.arange(B) % K
  labels = one_hot(classes).astype(np.float32)
  arrays = tuple(map(jnp.asarray, (logits, labels, weights)))
  plain = losses.softmax_cross_entropy(*arrays)
  ones = losses.softmax_cross_entropy(*arrays, class_weights=np.ones(K))
  np.testing.assert_allclose(plain, ones, rtol=1e-6)
  zero = losses.softmax_cross_entropy(*arrays, class_weights=[1, 1, 0, 1])
  kept = losses.softmax_cross_entropy(*(x[classes != 2] for x in arrays))
  np.testing.assert_allclose(zero, kept, rtol=1e-5)


def test_softmax_focal():
  logits, labels, weights = example('softmax_cross_entropy')
  p = softmax(logits.astype(float))
  rows = -np.sum(labels * (1 - p) ** 1.5 * np.log(p), 1)
  value = losses.softmax_cross_entropy(
    *map(jnp.asarray, (logits, labels, weights)), focal_gamma=1.5
  )
  expected = np.sum(weights * rows) / np.sum(weights)
  np.testing.assert_allclose(value, expected, rtol=1e-5)


def binary_example():
  logits, labels, weights = example('sigmoid', seed=2)
  labels[0] = [0.2, 0.9, 0.5, 0.7]  # Soft ones too.
  p = sigmoid(logits.astype(float))
  return logits, labels, weights, p


@pytest.mark.parametrize('pos_weight', [None, [1.0, 0.5, 3.0, 20.0]])
def test_sigmoid_cross_entropy(pos_weight):
  logits, y, w, p = binary_example()
  c = np.ones(K) if pos_weight is None else np.asarray(pos_weight)
  rows = -(c * y * np.log(p) + (1 - y) * np.log(1 - p))
  value = losses.sigmoid_cross_entropy(
    *map(jnp.asarray, (logits, y, w)), pos_weight=pos_weight
  )
  np.testing.assert_allclose(value, np.sum(w * rows) / w.sum(), rtol=1e-5)


@pytest.mark.parametrize('alpha', [None, 0.25])
@pytest.mark.parametrize('gamma', [0.0, 0.5, 2.0])
def test_sigmoid_focal(alpha, gamma):
  logits, y, w, p = binary_example()
  up, down = (1, 1) if alpha is None else (alpha, 1 - alpha)
  rows = -up * y * (1 - p) ** gamma * np.log(p)
  rows -= down * (1 - y) * p**gamma * np.log(1 - p)
  value = losses.sigmoid_focal(
    *map(jnp.asarray, (logits, y, w)), gamma=gamma, alpha=alpha
  )
  np.testing.assert_allclose(value, np.sum(w * rows) / w.sum(), rtol=1e-5)


@pytest.mark.parametrize('clip', [0.0, 0.05, 0.4])
@pytest.mark.parametrize('gammas', [(4.0, 1.0), (0.0, 0.0), (2.5, 0.5)])
def test_sigmoid_asymmetric(clip, gammas):
  gamma_neg, gamma_pos = gammas
  logits, y, w, p = binary_example()
  m = np.maximum(p - clip, 0)
  rows = -y * (1 - p) ** gamma_pos * np.log(p)
  rows -= (1 - y) * m**gamma_neg * np.log(1 - m)
  value = losses.sigmoid_asymmetric(
    *map(jnp.asarray, (logits, y, w)),
    gamma_neg=gamma_neg,
    gamma_pos=gamma_pos,
    clip=clip,
  )
  np.testing.assert_allclose(value, np.sum(w * rows) / w.sum(), rtol=1e-5)


def numpy_ccc(p, y, w):
  mp, my = np.average(p, weights=w), np.average(y, weights=w)
  cov = np.cov(p, y, aweights=w, bias=True)
  return 2 * cov[0, 1] / (cov[0, 0] + cov[1, 1] + (mp - my) ** 2)


@pytest.mark.parametrize('offset', [0.0, 1000.0])
def test_concordance(offset):
  rng = np.random.default_rng(4)
  labels = (rng.normal(size=(200, 2)) + offset).astype(np.float32)
  noise = rng.normal(size=(200, 2))
  outputs = (labels + noise + [0.3, 0]).astype(np.float32)
  weights = rng.uniform(0, 1, (200, 2)).astype(np.float32)
  arrays = [x.astype(float) for x in (outputs, labels, weights)]
  expected = np.mean(
    [1 - numpy_ccc(*(x[:, k] for x in arrays)) for k in (0, 1)]
  )
  value = losses.concordance(*map(jnp.asarray, (outputs, labels, weights)))
  tolerance = 1e-5 if offset == 0 else 2e-3
  np.testing.assert_allclose(value, expected, rtol=tolerance)


def test_concordance_averages_over_the_outputs_that_have_labels():
  outputs, labels, weights = example('concordance')
  weights[:, 1:] = 0
  both = losses.concordance(*map(jnp.asarray, (outputs, labels, weights)))
  alone = losses.concordance(
    *(jnp.asarray(x[:, :1]) for x in (outputs, labels, weights))
  )
  np.testing.assert_allclose(both, alone, rtol=1e-6)


def test_concordance_bounds_and_constants():
  y = jnp.asarray([[-0.5], [0.1], [0.9]])
  w = jnp.ones((3, 1))
  assert losses.concordance(y, y, w) == pytest.approx(0, abs=1e-5)
  centered = y - jnp.mean(y)
  assert losses.concordance(-centered, centered, w) == pytest.approx(2)
  for outputs, labels in ((y, y * 0), (y * 0, y), (y * 0, y * 0)):
    value, grad = value_and_grad('concordance', outputs, labels, w)
    assert value == pytest.approx(1)
    assert np.all(np.isfinite(grad))
    # A constant may be pulled apart, never moved as a whole.
    assert np.sum(grad) == pytest.approx(0, abs=1e-5)
  one_row = value_and_grad('concordance', y[:1], y[1:2], w[:1])
  assert one_row[0] == pytest.approx(1)
  assert one_row[1] == 0


def test_errors():
  outputs, labels, weights = example('squared_error')
  arrays = tuple(map(jnp.asarray, (outputs, labels, weights)))
  np.testing.assert_allclose(
    losses.squared_error(*arrays),
    np.average((outputs - labels) ** 2, weights=weights),
    rtol=1e-5,
  )
  np.testing.assert_allclose(
    losses.absolute_error(*arrays),
    np.average(np.abs(outputs - labels), weights=weights),
    rtol=1e-5,
  )


def test_bins():
  assert losses.bin_values(5).tolist() == [-1, -0.5, 0, 0.5, 1]
  logits = np.random.default_rng(0).normal(size=(3, 10)).astype(np.float32)
  p = softmax(logits.reshape(3, 2, 5).astype(float))
  expected = p @ np.array([-1, -0.5, 0, 0.5, 1])
  value = losses.bin_expectation(jnp.asarray(logits), 5)
  np.testing.assert_allclose(value, expected, atol=1e-6)

  labels = jnp.asarray([[-1.0, 0.2], [0.3, 1.0], [0.0, 5.0]])
  weights = jnp.asarray([[1.0, 0.5], [1.0, 1.0], [0.0, 1.0]])
  nearest = [[0, 2], [3, 4], [2, 4]]
  total = 0.0
  for b in range(3):
    for k in range(2):
      total -= weights[b, k] * np.log(p[b, k, nearest[b][k]])
  hard = losses.binned_cross_entropy(
    jnp.asarray(logits), labels, weights, bins=5
  )
  np.testing.assert_allclose(hard, total / 4.5, rtol=1e-5)


def test_soft_bins_expect_the_label():
  # One label, .2, is .6 of the bin 0 and .4 of the bin .5: 0 * .6 + .5 * .4.
  logits = jnp.asarray([[0.3, -1.0, 0.5, 0.1, 0.0]])
  log_p = np.log(softmax(np.array([0.3, -1.0, 0.5, 0.1, 0.0])))
  value = losses.binned_cross_entropy(
    logits, jnp.asarray([[0.2]]), jnp.ones((1, 1)), bins=5, soft=True
  )
  np.testing.assert_allclose(value, -0.6 * log_p[2] - 0.4 * log_p[3], rtol=1e-5)
