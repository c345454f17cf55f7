"""Convolutions as matrix products equal jax's, gradients included."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from affect_jax.models import convolution


@pytest.mark.parametrize(
  ('pixels', 'size', 'stride', 'batch', 'channels', 'large'),
  [
    (40, 3, 1, 2, 20, False),  # Kernel gradients over bands of a picture,
    (40, 3, 1, 2, 2, False),  # with fewer numbers in a patch than features;
    (12, 3, 1, 8, 20, False),  # over several pictures,
    (7, 3, 1, 3, 20, False),  # a number without divisors.
    (12, 3, 1, 8, 20, True),  # Large kernels,
    (16, 3, 2, 2, 20, True),  # with strides,
    (15, 3, 2, 3, 5, True),  # that round up, and blocks of few channels.
    (3, 3, 1, 4, 20, False),  # Small maps.
    (5, 3, 2, 2, 20, False),
    (16, 3, 2, 2, 20, False),  # Strides.
    (16, 7, 2, 2, 5, False),
    (15, 7, 2, 3, 5, False),
    (16, 5, 1, 2, 20, False),
    (9, 1, 2, 2, 20, False),
    (8, 2, 1, 2, 20, False),  # jax's own.
  ],
)
def test_equals_jax(monkeypatch, pixels, size, stride, batch, channels, large):
  monkeypatch.setattr(jax, 'device_count', lambda: 1)
  if large:  # As kernels of many channels.
    monkeypatch.setattr(convolution, 'LARGE_KERNEL', 1)
  # Small numbers, so that pictures and kernels of a test are cut as well.
  monkeypatch.setattr(convolution, 'MAX_HELD', 9 * channels * 200)
  monkeypatch.setattr(convolution, 'MIN_PIXELS', 50)
  r = np.random.default_rng(0)
  shape = (batch, pixels, pixels + 2, channels)
  x = jnp.asarray(r.normal(size=shape), jnp.float32)
  kernel = jnp.asarray(r.normal(size=(size, size, channels, 24)), jnp.float32)
  pad = (size - 1) // 2
  arguments = ((stride, stride), ((pad, pad), (pad, pad)))
  numbers = {'dimension_numbers': ('NHWC', 'HWIO', 'NHWC')}

  @functools.partial(jax.jit, static_argnums=0)
  def run(function):
    def loss(x, kernel):
      y = function(x, kernel, *arguments, **numbers)
      # Not y ** 2 alone, whose gradient hides what a shift of y does.
      return jnp.mean(y**2 + y * jnp.arange(y.size).reshape(y.shape)), y

    return jax.grad(loss, (0, 1), has_aux=True)(x, kernel)

  ours, theirs = (
    run(f) for f in (convolution.conv, jax.lax.conv_general_dilated)
  )
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(
      a, b, rtol=1e-5, atol=1e-5 * np.abs(b).max()
    ),
    ours,
    theirs,
  )


def test_what_is_held_at_once():
  # [B, 28, 28, 64]: a picture has 784 pixels with patches of 576 numbers.
  assert convolution._part(28, 28, 576) == 28
  assert convolution._part(32, 784, 576) == 1
  assert convolution._part(112, 112, 576) == 8  # Bands of 8 rows,
  assert convolution._part(113, 112, 576) == 113  # where a number divides.
  assert convolution._part(32, 16, 4608) == 16  # Enough for a product.
  assert convolution._part(37, 16, 4608) == 37


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
  monkeypatch.setattr(convolution, '_conv', None)
  x, kernel = jnp.ones((2, 8, 8, 3)), jnp.ones((3, 3, 3, 4))
  y = convolution.conv(
    x,
    kernel,
    (1, 1),
    ((1, 1), (1, 1)),
    dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
  )
  assert y.shape == (2, 8, 8, 4)
