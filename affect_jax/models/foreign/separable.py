"""Depthwise separable convolutions with TensorFlow's 'same' padding."""

import functools

from flax import linen as nn
import jax
import jax.numpy as jnp


def depthwise_3x3(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
  """Convolves each channel with its own 3x3 kernel.

  It sums nine shifted pictures: XLA's grouped convolutions are slow on CPU.

  Args:
    x: [B, H, W, C].
    kernel: [3, 3, C].
    stride: Along height and width.

  Returns:
    [B, ceil(H / stride), ceil(W / stride), C].
  """
  sizes = [-(-n // stride) for n in x.shape[1:3]]
  padding = [(0, 0)]
  for before, after in zip(x.shape[1:3], sizes, strict=True):
    # The smaller half comes first.
    total = max((after - 1) * stride + 3 - before, 0)
    padding.append((total // 2, total - total // 2))
  x = jnp.pad(x, [*padding, (0, 0)])
  height, width = ((n - 1) * stride + 1 for n in sizes)
  shifted = [
    x[:, i : i + height : stride, j : j + width : stride]
    * kernel[i, j][None, None, None]
    for i in range(3)
    for j in range(3)
  ]
  return functools.reduce(jnp.add, shifted)


class SeparableConv(nn.Module):
  """A depthwise 3x3 and a pointwise convolution.

  Attributes:
    features: Channels of the result.
    stride: Along height and width.
    use_bias: Whether a bias follows.
  """

  features: int
  stride: int = 1
  use_bias: bool = False

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    """[B, H, W, C] -> [B, H / stride, W / stride, features]."""
    init = nn.initializers.lecun_normal()
    channels = x.shape[-1]
    depthwise = self.param('depthwise', init, (3, 3, channels, 1))
    pointwise = self.param('pointwise', init, (1, 1, channels, self.features))
    x = depthwise_3x3(x, depthwise[..., 0], self.stride) @ pointwise[0, 0]
    if self.use_bias:
      bias = self.param('bias', nn.initializers.zeros, (self.features,))
      x = x + bias[None, None, None]
    return x
