"""Convolutions as matrix products, where XLA's own are slow: on one CPU.

XLA's CPU convolutions are good forwards, but their weight gradients are slow
on large maps, and everything is on maps of a few pixels, which a ResNet-18
has at the end where pictures are small. How much faster this trains is
measured by `experiments/benchmarks/convolution.py`. Same values to float32
rounding; several devices, and accelerators, use jax's own.
"""

from typing import Any

import jax
import jax.numpy as jnp

# Up to this height and width of the output, one product over all patches
# beats the convolution.
SMALL = 3
# Pictures whose patches are held at once for a weight gradient: they should
# stay in the cache.
CHUNK = 4

_NUMBERS = ('NHWC', 'HWIO', 'NHWC')


def conv(
  x: jax.Array, kernel: jax.Array, strides: Any, padding: Any, **options: Any
) -> jax.Array:
  """Like `jax.lax.conv_general_dilated` on NHWC, which it falls back to.

  Args:
    x: [B, H, W, C].
    kernel: [size, size, C, K].
    strides: Of height and width.
    padding: ((low, high), (low, high)).
    **options: Handed on to jax.
  """
  size, stride = kernel.shape[0], strides[0]
  same = tuple(padding) == (((size - 1) // 2,) * 2,) * 2
  # A scan over the batch would gather a sharded one.
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
  """[B, H, W, C] -> [B, H / stride, W / stride, size * size * C]."""
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
  """3x3, stride 1, padding 1."""
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
    return total + patches.T @ rows, None

  shape = (9 * x.shape[-1], gradient.shape[-1])
  dk, _ = jax.lax.scan(
    add, jnp.zeros(shape, kernel.dtype), (split(x), split(gradient))
  )
  return dx, dk.reshape(kernel.shape)


_conv_3x3.defvjp(_forward, _backward)
