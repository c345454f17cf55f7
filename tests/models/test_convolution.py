"""Convolutions as matrix products equal jax's, gradients included."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from affect_jax.models import convolution


@pytest.mark.parametrize(
  ('pixels', 'size', 'stride', 'batch'),
  [
    (12, 3, 1, 8),  # Weight gradients over chunks of 4,
    (7, 3, 1, 3),  # of 1;
    (3, 3, 1, 4),  # patches
    (6, 3, 2, 4),  # with strides,
    (5, 3, 2, 2),  # that round up;
    (9, 1, 2, 2),  # 1x1;
    (16, 3, 2, 2),  # jax's own.
    (16, 7, 2, 2),
  ],
)
def test_equals_jax(monkeypatch, pixels, size, stride, batch):
  monkeypatch.setattr(jax, 'device_count', lambda: 1)
  r = np.random.default_rng(0)
  x = jnp.asarray(r.normal(size=(batch, pixels, pixels + 2, 5)), jnp.float32)
  kernel = jnp.asarray(r.normal(size=(size, size, 5, 4)), jnp.float32)
  pad = (size - 1) // 2
  arguments = ((stride, stride), ((pad, pad), (pad, pad)))
  numbers = {'dimension_numbers': ('NHWC', 'HWIO', 'NHWC')}

  def run(function):
    def loss(x, kernel):
      y = function(x, kernel, *arguments, **numbers)
      return jnp.sum(y**2), y

    return jax.grad(loss, (0, 1), has_aux=True)(x, kernel)

  ours, theirs = (
    run(f) for f in (convolution.conv, jax.lax.conv_general_dilated)
  )
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3),
    ours,
    theirs,
  )


def test_bfloat16_sums_chunks_as_float32(monkeypatch):
  monkeypatch.setattr(jax, 'device_count', lambda: 1)
  x = jnp.ones((256, 10, 10, 8), jnp.bfloat16)
  kernel = jnp.zeros((3, 3, 8, 8), jnp.bfloat16)
  numbers = {'dimension_numbers': ('NHWC', 'HWIO', 'NHWC')}
  conv = lambda k: convolution.conv(
    x, k, (1, 1), ((1, 1), (1, 1)), **numbers
  ).sum(dtype=jnp.float32)
  # 100 ones of each of 256 pictures, of which large sums would lose some.
  assert np.all(jax.grad(conv)(kernel)[1, 1] == 256 * 100)


def test_several_devices_use_jaxs_own(monkeypatch):
  assert jax.device_count() == 4
  monkeypatch.setattr(convolution, '_conv_3x3', None)
  x, kernel = jnp.ones((2, 8, 8, 3)), jnp.ones((3, 3, 3, 4))
  y = convolution.conv(
    x,
    kernel,
    (1, 1),
    ((1, 1), (1, 1)),
    dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
  )
  assert y.shape == (2, 8, 8, 4)
