"""Losses against formulas written out in numpy float64."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from affect_jax import losses

B, K = 12, 4


def sigmoid(x):
  return 1 / (1 + np.exp(-x))


def softmax(x):
  e = np.exp(x - x.max(-1, keepdims=True))
  return e / e.sum(-1, keepdims=True)


def one_hot(classes):
  return np.eye(K)[classes]


def binned(outputs, labels, weights):
  return losses.binned_cross_entropy(outputs, labels, weights, bins=5)


def binned_soft(outputs, labels, weights):
  return losses.binned_cross_entropy(
    outputs, labels, weights, bins=5, soft=True
  )


def smoothed_focal(outputs, labels, weights):
  return losses.softmax_cross_entropy(
    outputs,
    labels,
    weights,
    class_weights=[1.0, 2.0, 0.5, 3.0],
    label_smoothing=0.1,
    focal_gamma=0.5,
  )


def sharp_asymmetric(outputs, labels, weights):
  return losses.sigmoid_asymmetric(
    outputs, labels, weights, gamma_neg=0.5, gamma_pos=0.0, clip=0.3
  )


LOSSES = {
  'softmax_cross_entropy': losses.softmax_cross_entropy,
  'smoothed_focal': smoothed_focal,
  'sigmoid_cross_entropy': losses.sigmoid_cross_entropy,
  'sigmoid_focal': losses.sigmoid_focal,
  'sigmoid_asymmetric': losses.sigmoid_asymmetric,
  'sharp_asymmetric': sharp_asymmetric,
  'concordance': losses.concordance,
  'squared_error': losses.squared_error,
  'absolute_error': losses.absolute_error,
  'binned': binned,
  'binned_soft': binned_soft,
}
every_loss = pytest.mark.parametrize('name', LOSSES)


def example(name, seed=0, rows=B):
  """Random (outputs, labels, weights) that suit the loss."""
  rng = np.random.default_rng(seed)
  units = K * 5 if 'binned' in name else K
  outputs = rng.normal(size=(rows, units))
  shape = (rows, K)
  weights = rng.uniform(0.1, 1, shape)
  if name in ('softmax_cross_entropy', 'smoothed_focal'):
    labels = rng.dirichlet(np.ones(K), rows)
    weights = weights[:, 0]
  elif 'sigmoid' in name or 'asymmetric' in name:
    labels = rng.integers(0, 2, shape).astype(float)
  else:
    labels = rng.uniform(-1, 1, shape)
  return tuple(x.astype(np.float32) for x in (outputs, labels, weights))


@functools.cache
def compiled(name):
  return jax.jit(jax.value_and_grad(LOSSES[name]))


def value_and_grad(name, outputs, labels, weights):
  value, grad = compiled(name)(outputs, labels, weights)
  return np.asarray(value), np.asarray(grad)


@every_loss
def test_weight_0_is_a_dropped_row(name):
  outputs, labels, weights = example(name)
  weights[[2, 7]] = 0
  value, grad = value_and_grad(name, outputs, labels, weights)
  keep = np.delete(np.arange(B), [2, 7])
  expected, expected_grad = value_and_grad(
    name, outputs[keep], labels[keep], weights[keep]
  )
  np.testing.assert_allclose(value, expected, rtol=1e-5)
  np.testing.assert_allclose(grad[keep], expected_grad, rtol=1e-4, atol=1e-7)
  assert np.all(grad[[2, 7]] == 0)
  assert np.any(grad != 0)


@every_loss
@pytest.mark.parametrize('garbage', [np.nan, np.inf, -5.0, 999.0])
def test_garbage_under_weight_0_changes_nothing(name, garbage):
  outputs, labels, weights = example(name)
  weights[3] = 0
  expected, expected_grad = value_and_grad(name, outputs, labels, weights)
  labels[3] = garbage
  outputs[3] = garbage
  value, grad = value_and_grad(name, outputs, labels, weights)
  assert value == expected
  np.testing.assert_array_equal(grad, expected_grad)


@pytest.mark.parametrize(
  'name', [n for n in LOSSES if n[:7] not in ('softmax', 'smoothe')]
)
def test_every_label_has_its_own_weight(name):
  outputs, labels, weights = example(name)
  weights[4, 1] = 0
  expected, expected_grad = value_and_grad(name, outputs, labels, weights)
  labels[4, 1] = np.nan
  value, grad = value_and_grad(name, outputs, labels, weights)
  assert value == expected
  np.testing.assert_array_equal(grad, expected_grad)
  units = grad.shape[1] // K
  assert np.all(grad[4, units : 2 * units] == 0)
  assert np.any(grad[4, :units] != 0)


@every_loss
def test_empty_is_0_with_gradient_0(name):
  outputs, labels, weights = example(name)
  labels[:] = np.nan
  value, grad = value_and_grad(name, outputs, labels, weights * 0)
  assert value == 0
  assert np.all(grad == 0)


@every_loss
def test_order_of_rows_and_scale_of_weights_do_not_matter(name):
  arrays = example(name)
  value, _ = value_and_grad(name, *arrays)
  order = np.random.default_rng(1).permutation(B)
  shuffled = [x[order] for x in arrays]
  np.testing.assert_allclose(
    value_and_grad(name, *shuffled)[0], value, rtol=1e-5
  )
  scaled = (*arrays[:2], arrays[2] * 0.25)
  np.testing.assert_allclose(value_and_grad(name, *scaled)[0], value, rtol=1e-5)


@every_loss
def test_weight_2_is_a_repeated_row(name):
  outputs, labels, weights = example(name)
  weights[:] = 1
  repeated = [np.concatenate([x, x[:3]]) for x in (outputs, labels, weights)]
  weights[:3] = 2
  np.testing.assert_allclose(
    value_and_grad(name, outputs, labels, weights)[0],
    value_and_grad(name, *repeated)[0],
    rtol=1e-5,
  )


@every_loss
def test_bfloat16_outputs_are_computed_in_float32(name):
  outputs, labels, weights = example(name)
  outputs = jnp.asarray(outputs).astype(jnp.bfloat16)
  value = jax.jit(LOSSES[name])(outputs, labels, weights)
  assert value.dtype == jnp.float32
  exact, _ = value_and_grad(name, outputs.astype(jnp.float32), labels, weights)
  np.testing.assert_allclose(value, exact, rtol=1e-5)


@every_loss
def test_extreme_outputs_have_finite_gradients(name):
  outputs, labels, weights = example(name)
  outputs = np.sign(outputs) * 1e4
  value, grad = value_and_grad(
    name, outputs.astype(np.float32), labels, weights
  )
  assert np.isfinite(value)
  assert np.all(np.isfinite(grad))


@every_loss
def test_the_gradient_is_that_of_finite_differences(name):
  # No error of this seed is so small that the steps cross the kink of |x|.
  outputs, labels, weights = example(name, seed=6)
  _, grad = value_and_grad(name, outputs, labels, weights)
  direction = np.random.default_rng(5).normal(size=outputs.shape)
  step = (2e-3 * direction).astype(np.float32)
  up, _ = value_and_grad(name, outputs + step, labels, weights)
  down, _ = value_and_grad(name, outputs - step, labels, weights)
  np.testing.assert_allclose(
    (up - down) / 4e-3, np.sum(grad * direction), rtol=0.02, atol=1e-3
  )


@every_loss
def test_shapes_that_would_broadcast_are_errors(name):
  outputs, labels, weights = (jnp.asarray(x) for x in example(name))
  with pytest.raises((ValueError, TypeError)):
    LOSSES[name](outputs[:1], labels, weights)


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
