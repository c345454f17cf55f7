"""What holds for every loss: weights, garbage, gradients, shapes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys.losses import B
from toys.losses import example
from toys.losses import K
from toys.losses import LOSSES
from toys.losses import value_and_grad

every_loss = pytest.mark.parametrize('name', LOSSES)


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
