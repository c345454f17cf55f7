"""Encoders of sequences, [B, T, D] -> [B, T, D'], where steps see each other.

Steps are those of a modality, frames of a video, or utterances of a dialogue.
A step whose mask is False changes no other step, wherever it is and whatever
its values are. The output has a meaning only where the mask is True.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from affect_jax import by_name
from affect_jax.models import sequence


class Gru(nn.Module):
  """Gated recurrent units, forwards and backwards (Cho et al., 2014).

  Attributes:
    width: Units of each direction; the output has 2 * width.
    layers: Number of layers.
    dropout: Dropout rate between layers and on the output.
  """

  width: int = 128
  layers: int = 1
  dropout: float = 0.0

  @nn.compact
  def __call__(
    self, x: jax.Array, mask: jax.Array, *, train: bool
  ) -> jax.Array:
    """Features [B, T, D], mask bool [B, T] -> [B, T, 2 * width]."""
    mask_feature = mask[..., np.newaxis].astype(x.dtype)
    for layer in range(self.layers):
      states = []
      for name, backwards in (('forward', False), ('backward', True)):
        cell = _MaskedGru(self.width, name=f'{name}{layer}')
        states.append(
          nn.RNN(cell, reverse=backwards, keep_order=True)(
            jnp.concatenate([x, mask_feature], -1)
          )
        )
      x = nn.Dropout(self.dropout)(
        jnp.concatenate(states, -1), deterministic=not train
      )
    return x


class _MaskedGru(nn.RNNCellBase):
  """A GRU whose state skips masked steps.

  The last feature is the mask: 1 or 0.
  """

  features: int

  @nn.compact
  def __call__(self, carry: Any, inputs: Any) -> tuple[Any, Any]:
    x, mask = inputs[..., :-1], inputs[..., -1:] > 0
    new, _ = nn.GRUCell(self.features, name='cell')(carry, x)
    new = jnp.where(mask, new, carry)
    return new, new

  @nn.nowrap
  def initialize_carry(self, rng, input_shape):
    del rng
    return jnp.zeros((*input_shape[:-1], self.features))

  @property
  def num_feature_axes(self) -> int:
    return 1


class Lstm(nn.Module):
  """Long short-term memory (Hochreiter & Schmidhuber, 1997).

  Each gate has one bias, as in Keras; PyTorch has two, which add up.

  Attributes:
    width: Units of each direction.
    layers: Number of layers.
    bidirectional: Whether it also reads backwards; the output then has
      2 * width.
    dropout: Dropout rate between layers and on the output.
  """

  width: int = 128
  layers: int = 1
  bidirectional: bool = False
  dropout: float = 0.0

  @nn.compact
  def __call__(
    self, x: jax.Array, mask: jax.Array, *, train: bool
  ) -> jax.Array:
    """[B, T, D], mask bool [B, T] -> [B, T, width or 2 * width]."""
    mask_feature = mask[..., np.newaxis].astype(x.dtype)
    directions = [('forward', False), ('backward', True)]
    for layer in range(self.layers):
      x = jnp.concatenate([sequence.masked(x, mask), mask_feature], -1)
      states = []
      for name, backwards in directions[: 1 + self.bidirectional]:
        cell = _MaskedLstm(self.width, name=f'{name}{layer}')
        states.append(nn.RNN(cell, reverse=backwards, keep_order=True)(x))
      x = nn.Dropout(self.dropout)(
        jnp.concatenate(states, -1), deterministic=not train
      )
    return x


class _MaskedLstm(nn.RNNCellBase):
  """An LSTM whose state skips masked steps.

  The last feature is the mask: 1 or 0. (`seq_lengths` of nn.RNN is right only
  for masks without gaps.)
  """

  features: int

  @nn.compact
  def __call__(self, carry: Any, inputs: Any) -> tuple[Any, Any]:
    x, mask = inputs[..., :-1], inputs[..., -1:] > 0
    new, _ = nn.OptimizedLSTMCell(self.features, name='cell')(carry, x)
    new = jax.tree.map(lambda a, b: jnp.where(mask, a, b), new, carry)
    return new, new[1]

  @nn.nowrap
  def initialize_carry(self, rng, input_shape):
    del rng
    zeros = jnp.zeros((*input_shape[:-1], self.features))
    return zeros, zeros

  @property
  def num_feature_axes(self) -> int:
    return 1


class ContextLstm(nn.Module):
  """bc-LSTM: a bidirectional LSTM over a dialogue, then a dense layer.

  Poria et al., 2017: "Context-Dependent Sentiment Analysis in User-Generated
  Videos".

  Attributes:
    hidden: Units of each direction.
    width: Width of the output.
    dropout: Dropout rate on the LSTM's output and on the output. The authors'
      code has 0.9, on a few hundred dialogues.
  """

  hidden: int = 300
  width: int = 100
  dropout: float = 0.5

  @nn.compact
  def __call__(
    self, x: jax.Array, mask: jax.Array, *, train: bool
  ) -> jax.Array:
    """[B, T, D], mask bool [B, T] -> [B, T, width]; 0 where masked."""
    x = Lstm(
      self.hidden, bidirectional=True, dropout=self.dropout, name='lstm'
    )(x, mask, train=train)
    x = nn.relu(nn.Dense(self.width, name='dense')(x))
    x = nn.Dropout(self.dropout)(x, deterministic=not train)
    return sequence.masked(x, mask)


class Transformer(nn.Module):
  """Self-attention over the window (Vaswani et al., 2017), pre-norm.

  Attributes:
    width: Width of the layers and of the output, a multiple of `heads`.
    layers: Number of layers.
    heads: Attention heads.
    dropout: Dropout rate on the output of each sub-layer.
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
    x += sequence.positions(x.shape[1], self.width)[np.newaxis]
    # Rows without any step attend to all steps, not to none.
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


ENCODERS: dict[str, Any] = {
  'gru': Gru,
  'lstm': ContextLstm,
  'transformer': Transformer,
}


def get_encoder(what: str, name: str, **options: Any) -> nn.Module:
  """Builds an encoder; `options` are the attributes of its module.

  Args:
    what: 'temporal' over frames, or 'context' over utterances. The encoder's
      parameters are under this name in the module that calls it.
    name: A key of ENCODERS.
    **options: Attributes of the module.

  Raises:
    UserError: Unknown name or option; the message lists the known ones.
  """
  return by_name.build(f'{what} encoder', name, ENCODERS, options, name=what)
