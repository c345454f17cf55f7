"""Encoders of sequences: what steps tell each other, [B, T, D] -> [B, T, D'].

Steps are those of a modality, frames of a video, or utterances of a dialogue.
A step whose mask is False changes nothing, wherever it stands and whatever is
written there; of the output only steps with mask True mean anything.
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


class Lstm(nn.Module):
  """Long short-term memory (Hochreiter & Schmidhuber, 1997).

  One bias per gate, as in Keras; PyTorch has two, which add up.

  Attributes:
    width: Units of each direction.
    layers: How many, one on top of the other.
    bidirectional: Backwards too; the output then has 2 * width.
    dropout: Between layers and on the output.
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
    there = mask[..., np.newaxis].astype(x.dtype)
    ways = [('forward', False), ('backward', True)][: 1 + self.bidirectional]
    for layer in range(self.layers):
      x = jnp.concatenate([sequence.masked(x, mask), there], -1)
      read = []
      for name, backwards in ways:
        cell = _MaskedLstm(self.width, name=f'{name}{layer}')
        read.append(nn.RNN(cell, reverse=backwards, keep_order=True)(x))
      x = nn.Dropout(self.dropout)(
        jnp.concatenate(read, -1), deterministic=not train
      )
    return x


class _MaskedLstm(nn.RNNCellBase):
  """An LSTM whose state passes over steps that are not there.

  The last feature says whether a step is: 1 or 0. (`seq_lengths` of nn.RNN
  is right only for masks without holes.)
  """

  features: int

  @nn.compact
  def __call__(self, carry: Any, inputs: Any) -> tuple[Any, Any]:
    x, there = inputs[..., :-1], inputs[..., -1:] > 0
    new, _ = nn.OptimizedLSTMCell(self.features, name='cell')(carry, x)
    new = jax.tree.map(lambda a, b: jnp.where(there, a, b), new, carry)
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
  """A bidirectional LSTM and a dense layer: bc-LSTM, over a dialogue.

  Poria et al., 2017: "Context-Dependent Sentiment Analysis in User-Generated
  Videos".

  Attributes:
    hidden: Units of each direction.
    width: Features that come out.
    dropout: On the LSTM's output and on what comes out. The authors' code
      has 0.9, on a few hundred dialogues.
  """

  hidden: int = 300
  width: int = 100
  dropout: float = 0.5

  @nn.compact
  def __call__(
    self, x: jax.Array, mask: jax.Array, *, train: bool
  ) -> jax.Array:
    """[B, T, D], mask bool [B, T] -> [B, T, width]; 0 where it is False."""
    x = Lstm(
      self.hidden, bidirectional=True, dropout=self.dropout, name='lstm'
    )(x, mask, train=train)
    x = nn.relu(nn.Dense(self.width, name='dense')(x))
    x = nn.Dropout(self.dropout)(x, deterministic=not train)
    return sequence.masked(x, mask)


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
    x += sequence.positions(x.shape[1], self.width)[np.newaxis]
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


ENCODERS: dict[str, Any] = {
  'gru': Gru,
  'lstm': ContextLstm,
  'transformer': Transformer,
}


def get_encoder(what: str, name: str, **options: Any) -> nn.Module:
  """Builds an encoder; `options` are the attributes of its module.

  Args:
    what: 'temporal' over frames, or 'context' over utterances. In a module that
      calls it, its parameters are under this name.
    name: A key of ENCODERS.
    **options: Those of the module.

  Raises:
    UserError: Unknown name or option; the message lists the known.
  """
  return by_name.build(f'{what} encoder', name, ENCODERS, options, name=what)
