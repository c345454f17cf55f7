"""Convolutions as matrix products, for one CPU, where XLA's own are slow.

XLA's forward convolutions are fast on CPU, but their weight gradients are slow
on large maps, and both passes are slow on maps of a few pixels, such as the
last ones of a ResNet-18 on small pictures. The benchmark
`experiments/benchmarks/convolution.py` measures the gain. Values are equal to
float32 rounding. Accelerators and several devices use jax's own.
"""

from typing import Any

import jax
import jax.numpy as jnp

# Up to this height and width of the output, one product over all patches
# beats the convolution.
SMALL = 3
# Pictures whose patches a weight gradient holds at once: they should fit in
# the cache.
CHUNK = 4

_NUMBERS = ('NHWC', 'HWIO', 'NHWC')


def conv(
  x: jax.Array, kernel: jax.Array, strides: Any, padding: Any, **options: Any
) -> jax.Array:
  """Like `jax.lax.conv_general_dilated` on NHWC, which it falls back to.

  Args:
    x: [B, H, W, C].
    kernel: [size, size, C, K].
    strides: Along height and width.
    padding: ((low, high), (low, high)).
    **options: Passed on to jax.
  """
  size, stride = kernel.shape[0], strides[0]
  same = tuple(padding) == (((size - 1) // 2,) * 2,) * 2
  # A scan over the batch would gather a sharded batch.
  if not same or jax.default_backend() != 'cpu' or jax.device_count() > 1:
    return jax.lax.conv_general_dilated(x, kernel, strides, padding, **options)
  if size == 1:
    return x[:, ::stride, ::stride] @ kernel[0, 0]
  if size == 3 and -(-x.shape[1] // stride) <= SMALL:
    return _patches(x, size, stride) @ kernel.reshape(-1, kernel.shape[-1])
  if size == 3 and stride == 1:
    return _conv_3x3(x, kernel)
  return jax.lax.conv_general_dilated(x, kernel, strides, padding, **options)


def _patches(x: jax.Array, size: int, stride: int) -> jax.Array:
  """Cuts [B, H, W, C] into [B, H / stride, W / stride, size * size * C]."""
  pad = (size - 1) // 2
  rows, columns = (-(-n // stride) for n in x.shape[1:3])
  x = jnp.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
  parts = [
    x[
      :,
      i : i + stride * (rows - 1) + 1 : stride,
      j : j + stride * (columns - 1) + 1 : stride,
    ]
    for i in range(size)
    for j in range(size)
  ]
  return jnp.concatenate(parts, -1)


@jax.custom_vjp
def _conv_3x3(x: jax.Array, kernel: jax.Array) -> jax.Array:
  """Convolves with 3x3 kernels, stride 1 and padding 1."""
  return jax.lax.conv_general_dilated(
    x, kernel, (1, 1), ((1, 1), (1, 1)), dimension_numbers=_NUMBERS
  )


def _forward(x, kernel):
  return _conv_3x3(x, kernel), (x, kernel)


def _backward(saved, gradient):
  x, kernel = saved
  # The transpose of a convolution is one with the mirrored kernel.
  dx = _conv_3x3(gradient, kernel[::-1, ::-1].swapaxes(2, 3))
  chunk = next(n for n in (CHUNK, 2, 1) if len(x) % n == 0)
  split = lambda a: a.reshape(-1, chunk, *a.shape[1:])

  def add(total, pair):
    pair = (_patches(pair[0], 3, 1), pair[1])
    patches, rows = (a.reshape(-1, a.shape[-1]) for a in pair)
    product = jnp.matmul(patches.T, rows, preferred_element_type=jnp.float32)
    return total + product, None

  shape = (9 * x.shape[-1], gradient.shape[-1])
  # As float32, lest sums of many chunks of bfloat16 lose the small ones.
  dk, _ = jax.lax.scan(
    add, jnp.zeros(shape, jnp.float32), (split(x), split(gradient))
  )
  return dx, dk.reshape(kernel.shape).astype(kernel.dtype)


_conv_3x3.defvjp(_forward, _backward)
