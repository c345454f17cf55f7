"""What frames of a video tell each other: encoders over windows of features.

Features [B, T, D] -> [B, T, D']; a padded or missing frame (mask False) is
read by no other frame.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from affect_jax import by_name


class Gru(nn.Module):
  """Gated recurrent units, forwards and backwards (Cho et al., 2014).

  Attributes:
    width: Units of each direction; the output has 2 * width.
    layers: How many, one on top of the other.
    dropout: Between layers and on the output.
  """

  width: int = 128
  layers: int = 1
  dropout: float = 0.0

  @nn.compact
  def __call__(
    self, x: jax.Array, mask: jax.Array, *, train: bool
  ) -> jax.Array:
    """Features [B, T, D], mask bool [B, T] -> [B, T, 2 * width]."""
    there = mask[..., np.newaxis].astype(x.dtype)
    for layer in range(self.layers):
      read = []
      for name, backwards in (('forward', False), ('backward', True)):
        cell = _MaskedGru(self.width, name=f'{name}{layer}')
        read.append(
          nn.RNN(cell, reverse=backwards, keep_order=True)(
            jnp.concatenate([x, there], -1)
          )
        )
      x = nn.Dropout(self.dropout)(
        jnp.concatenate(read, -1), deterministic=not train
      )
    return x


class _MaskedGru(nn.RNNCellBase):
  """A GRU whose state passes over frames that are not there.

  The last feature says whether a frame is: 1 or 0.
  """

  features: int

  @nn.compact
  def __call__(self, carry: Any, inputs: Any) -> tuple[Any, Any]:
    x, there = inputs[..., :-1], inputs[..., -1:] > 0
    new, _ = nn.GRUCell(self.features, name='cell')(carry, x)
    new = jnp.where(there, new, carry)
    return new, new

  @nn.nowrap
  def initialize_carry(self, rng, input_shape):
    del rng
    return jnp.zeros((*input_shape[:-1], self.features))

  @property
  def num_feature_axes(self) -> int:
    return 1


class Transformer(nn.Module):
  """Self-attention over the window (Vaswani et al., 2017), pre-norm.

  Attributes:
    width: Of the layers, a multiple of `heads`; the output has it.
    layers: How many.
    heads: Of attention.
    dropout: On what each sub-layer adds.
  """

  width: int = 256
  layers: int = 2
  heads: int = 4
  dropout: float = 0.1

  @nn.compact
  def __call__(
    self, x: jax.Array, mask: jax.Array, *, train: bool
  ) -> jax.Array:
    """Features [B, T, D], mask bool [B, T] -> [B, T, width]."""
    drop = nn.Dropout(self.dropout, deterministic=not train)
    x = nn.Dense(self.width, name='project')(x)
    x += positions(x.shape[1], self.width)[np.newaxis]
    # Queries of missing frames see all frames: a softmax over nothing is NaN.
    seen = mask[:, np.newaxis, np.newaxis, :]
    seen = seen | ~mask.any(-1)[:, np.newaxis, np.newaxis, np.newaxis]
    for layer in range(self.layers):
      y = nn.LayerNorm(name=f'norm_attention{layer}')(x)
      y = nn.MultiHeadDotProductAttention(self.heads, name=f'attention{layer}')(
        y, mask=seen
      )
      x += drop(y)
      y = nn.LayerNorm(name=f'norm_mlp{layer}')(x)
      y = nn.gelu(nn.Dense(4 * self.width, name=f'mlp_in{layer}')(y))
      x += drop(nn.Dense(self.width, name=f'mlp_out{layer}')(y))
    return nn.LayerNorm(name='norm')(x)


def positions(length: int, width: int) -> np.ndarray:
  """Sines and cosines of the position in the window: float32 [T, width]."""
  angle = np.arange(length)[:, np.newaxis] / 10_000 ** (
    2 * (np.arange(width) // 2) / width
  )
  odd = np.arange(width) % 2 == 1
  return np.where(odd, np.cos(angle), np.sin(angle)).astype(np.float32)


ENCODERS: dict[str, Any] = {'gru': Gru, 'transformer': Transformer}


def build(name: str, **options: Any) -> nn.Module:
  """A temporal encoder by its name.

  Raises:
    ValueError: Unknown name, or an option that it does not have.
  """
  return by_name.build(
    'temporal encoder', name, ENCODERS, options, name='temporal'
  )
