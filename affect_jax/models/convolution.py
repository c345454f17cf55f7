"""Convolutions as matrix products, for one CPU, where XLA's own are slow.

XLA's forward convolutions are fast on CPU while their kernel fits in the
cache. Its gradients of the kernel are slow on large maps, and all its passes
are slow where the kernel is large or the map small, as in the last stages of a
ResNet-18. The benchmark `experiments/benchmarks/convolution.py` measures the
gain. Values are equal to float32 rounding. Accelerators and several devices use
jax's own.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp

# Up to this height and width of the output, and from so many weights of the
# kernel on (1 MB), products over patches beat the convolution.
SMALL_MAP = 3
LARGE_KERNEL = 2**18
# Numbers in patches that are held at once: they should fit in the cache (2 MB)
# but be those of pixels enough for an efficient product.
MAX_HELD, MIN_PIXELS = 2**19, 192
# With fewer, a gradient takes blocks of 2 x 2 pixels for one of more channels.
FEW_CHANNELS = 16

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
  same = size % 2 and tuple(padding) == ((size // 2,) * 2,) * 2
  # A scan over the batch would gather a sharded batch.
  if not same or jax.default_backend() != 'cpu' or jax.device_count() > 1:
    return jax.lax.conv_general_dilated(x, kernel, strides, padding, **options)
  if size == 1:
    return x[:, ::stride, ::stride] @ kernel[0, 0]
  return _conv(x, kernel, stride)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _conv(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
  """Convolves with kernels of odd size, padded by half of it."""
  if _by_patches(x, kernel, stride):
    return _conv_patches(x, kernel, stride)
  return _conv_xla(x, kernel, stride)


def _forward(x, kernel, stride):
  return _conv(x, kernel, stride), (x, kernel)


def _backward(stride, saved, gradient):
  x, kernel = saved
  if _by_patches(x, kernel, stride):
    dx = _fold(gradient, kernel, stride, x.shape[1:3])
  elif stride == 1:
    # The transpose of a convolution is one with the mirrored kernel.
    dx = _conv_xla(gradient, kernel[::-1, ::-1].swapaxes(2, 3), 1)
  else:
    _, transpose = jax.vjp(lambda x: _conv_xla(x, kernel, stride), x)
    (dx,) = transpose(gradient)
  x = _pad(x, len(kernel) // 2)
  if stride == 2 and x.shape[-1] < FEW_CHANNELS:
    dk = _gradient_by_blocks(x, gradient, len(kernel))
  else:
    dk = _kernel_gradient(x, gradient, len(kernel), stride)
  return dx, dk.astype(kernel.dtype)


_conv.defvjp(_forward, _backward)


def _by_patches(x, kernel, stride) -> bool:
  small = -(-x.shape[1] // stride) <= SMALL_MAP
  return len(kernel) == 3 and (small or kernel.size >= LARGE_KERNEL)


def _conv_xla(x, kernel, stride):
  pad = len(kernel) // 2
  return jax.lax.conv_general_dilated(
    x, kernel, (stride,) * 2, ((pad, pad),) * 2, dimension_numbers=_NUMBERS
  )


def _conv_patches(x, kernel, stride):
  weights = kernel.reshape(-1, kernel.shape[-1])
  rows, columns = (-(-n // stride) for n in x.shape[1:3])
  part = _part(len(x), rows * columns, len(weights))
  out = jax.lax.map(
    lambda x: _patches(_pad(x, 1), 3, stride) @ weights, _split(x, part)
  )
  return out.reshape(-1, *out.shape[2:])


def _fold(gradient, kernel, stride, shape):
  """Returns the gradient of x, by adding what each patch gives its pixels."""
  weights = kernel.reshape(-1, kernel.shape[-1])
  rows, columns = gradient.shape[1:3]
  zero = jnp.zeros((), gradient.dtype)

  def pad(taps, pixels):
    # Of the three taps; a negative padding cuts off what is outside of x.
    return [
      (i - 1, pixels - stride * (taps - 1) - i, stride - 1) for i in range(3)
    ]

  pads = [
    ((0, 0, 0), y, x, (0, 0, 0))
    for y in pad(rows, shape[0])
    for x in pad(columns, shape[1])
  ]

  def fold(gradient):
    parts = jnp.split(gradient @ weights.T, 9, -1)
    return sum(
      jax.lax.pad(x, zero, p) for x, p in zip(parts, pads, strict=True)
    )

  part = _part(len(gradient), rows * columns, len(weights))
  out = jax.lax.map(fold, _split(gradient, part))
  return out.reshape(-1, *out.shape[2:])


def _gradient_by_blocks(x, gradient, size):
  """`_kernel_gradient` at stride 2: blocks of 2 x 2 pixels become channels.

  Patches of few channels are slow to cut. A kernel of blocks is half as large,
  and its stride is 1.
  """
  half, (b, _, _, c) = -(-size // 2), x.shape
  h, w = (n + half - 1 for n in gradient.shape[1:3])
  x = jnp.pad(
    x, ((0, 0), (0, 2 * h - x.shape[1]), (0, 2 * w - x.shape[2]), (0, 0))
  )
  x = x.reshape(b, h, 2, w, 2, c).transpose(0, 1, 3, 2, 4, 5)
  dk = _kernel_gradient(x.reshape(b, h, w, 4 * c), gradient, half, 1)
  dk = dk.reshape(half, half, 2, 2, c, -1).transpose(0, 2, 1, 3, 4, 5)
  return dk.reshape(2 * half, 2 * half, c, -1)[:size, :size]


def _kernel_gradient(x, gradient, size, stride):
  """Returns the float32 gradient of the kernel, [size, size, C, K].

  Args:
    x: [B, H, W, C], padded.
    gradient: [B, rows, columns, K] of the output.
    size: Of the kernel.
    stride: Of the convolution.
  """
  rows, columns, features = gradient.shape[1:]
  depth = size * size * x.shape[-1]
  # Bands of large pictures, or several small pictures, at a time.
  height = _part(rows, columns, depth)
  bands = [
    x[:, i : i + stride * (height - 1) + size]
    for i in range(0, stride * rows, stride * height)
  ]
  x = jnp.stack(bands, 1).reshape(-1, *bands[0].shape[1:])
  gradient = gradient.reshape(-1, height, columns, features)
  part = _part(len(x), height * columns, depth)
  # XLA is slow where the transposed matrix is the wider one.
  swap = features < depth

  def add(total, pair):
    patches = _patches(pair[0], size, stride).reshape(-1, depth)
    factors = patches, pair[1].reshape(-1, features)
    a, b = factors[::-1] if swap else factors
    # As float32, lest sums of many bfloat16 lose the small ones.
    product = jax.lax.dot_general(
      a, b, (((0,), (0,)), ((), ())), preferred_element_type=jnp.float32
    )
    return total + product, None

  zero = jnp.zeros((features, depth) if swap else (depth, features))
  total, _ = jax.lax.scan(add, zero, (_split(x, part), _split(gradient, part)))
  total = total.T if swap else total
  return total.reshape(size, size, x.shape[-1], features)


def _part(whole: int, pixels: int, depth: int) -> int:
  """Returns how many rows, or pictures, to take at a time.

  Args:
    whole: How many there are. The result divides it.
    pixels: Of each.
    depth: Numbers in a pixel's patch.
  """
  divisors = [n for n in range(1, whole + 1) if whole % n == 0]
  most = max(n for n in divisors if n == 1 or n * pixels * depth <= MAX_HELD)
  least = next(n for n in divisors if n == whole or n * pixels >= MIN_PIXELS)
  return max(least, most)


def _split(x: jax.Array, part: int) -> jax.Array:
  return x.reshape(-1, part, *x.shape[1:])


def _pad(x: jax.Array, pad: int) -> jax.Array:
  return jnp.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))


def _patches(x: jax.Array, size: int, stride: int) -> jax.Array:
  """Cuts padded [B, H, W, C] into [B, rows, columns, size * size * C]."""
  rows, columns = ((n - size) // stride + 1 for n in x.shape[1:3])
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
