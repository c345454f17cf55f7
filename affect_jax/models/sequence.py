"""Encoders of one modality: features over time, or one vector of them.

A step whose mask is False changes nothing, wherever it stands and whatever is
written there. `ENCODERS` turn [B, T, D] into [B, T, D'], of which only the
steps with mask True mean anything; `SUMMARIES` turn it into [B, D'], which is
0 for a sequence without steps.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from affect_jax.models import temporal


def masked(x: jax.Array, mask: jax.Array) -> jax.Array:
  """Zeros where the mask is False, even for NaN: [..., D], bool [...]."""
  return jnp.where(mask[..., np.newaxis], x, 0)


def mean(x: jax.Array, mask: jax.Array) -> jax.Array:
  """The mean of the steps that are there: [B, T, D] -> [B, D]; 0 if none."""
  steps = mask.sum(-1, keepdims=True)
  return masked(x, mask).sum(-2) / jnp.maximum(steps, 1)


def first(x: jax.Array, mask: jax.Array) -> jax.Array:
  """The first step that is there: [B, T, D] -> [B, D]; 0 if there is none."""
  return masked(x, mask & (jnp.cumsum(mask, -1) == 1)).sum(-2)


def last(x: jax.Array, mask: jax.Array) -> jax.Array:
  """The last step that is there: [B, T, D] -> [B, D]; 0 if there is none."""
  return first(x[:, ::-1], mask[:, ::-1])


def ends(x: jax.Array, mask: jax.Array) -> jax.Array:
  """Last states of a bidirectional LSTM: its output [B, T, D] -> [B, D].

  The backward half has read everything when it is at the first step.
  """
  forward, backward = jnp.split(x, 2, -1)
  return jnp.concatenate([last(forward, mask), first(backward, mask)], -1)


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
      x = jnp.concatenate([masked(x, mask), there], -1)
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


class DnnSummary(nn.Module):
  """Three dense layers on the mean over time (Zadeh et al., 2017).

  Without the batch normalization that public code puts before them: bring
  features to one scale beforehand.

  Attributes:
    hidden: Units of the first two layers.
    width: Units of the last one.
    dropout: On the mean.
  """

  hidden: int = 128
  width: int = 128
  dropout: float = 0.0

  @nn.compact
  def __call__(
    self, x: jax.Array, mask: jax.Array, *, train: bool
  ) -> jax.Array:
    """[B, T, D], mask bool [B, T] -> [B, width], not negative."""
    x = nn.Dropout(self.dropout)(mean(x, mask), deterministic=not train)
    for i, units in enumerate((self.hidden, self.hidden, self.width)):
      x = nn.relu(nn.Dense(units, name=f'dense{i}')(x))
    return masked(x, mask.any(-1))


class LstmSummary(nn.Module):
  """The last state of an LSTM, projected (Zadeh et al., 2017).

  Attributes:
    hidden: Units of each direction.
    width: Of the vector.
    dropout: Between layers and on the state.
    layers, bidirectional: Of `Lstm`.
  """

  hidden: int = 128
  width: int = 128
  dropout: float = 0.0
  layers: int = 1
  bidirectional: bool = False

  @nn.compact
  def __call__(
    self, x: jax.Array, mask: jax.Array, *, train: bool
  ) -> jax.Array:
    """[B, T, D], mask bool [B, T] -> [B, width]."""
    x = Lstm(
      self.hidden, self.layers, self.bidirectional, self.dropout, name='lstm'
    )(x, mask, train=train)
    state = ends(x, mask) if self.bidirectional else last(x, mask)
    return masked(nn.Dense(self.width, name='dense')(state), mask.any(-1))


class TransformerSummary(nn.Module):
  """The mean over time of a transformer's output, projected.

  Attributes:
    hidden: Width of the transformer, a multiple of `heads`.
    width: Of the vector.
    dropout: Of the transformer.
    layers, heads: Of `temporal.Transformer`.
  """

  hidden: int = 128
  width: int = 128
  dropout: float = 0.0
  layers: int = 2
  heads: int = 4

  @nn.compact
  def __call__(
    self, x: jax.Array, mask: jax.Array, *, train: bool
  ) -> jax.Array:
    """[B, T, D], mask bool [B, T] -> [B, width]."""
    x = temporal.Transformer(
      self.hidden, self.layers, self.heads, self.dropout, name='transformer'
    )(masked(x, mask), mask, train=train)
    x = nn.Dense(self.width, name='dense')(mean(x, mask))
    return masked(x, mask.any(-1))


ENCODERS: dict[str, Any] = {
  'gru': temporal.Gru,
  'lstm': Lstm,
  'transformer': temporal.Transformer,
}
SUMMARIES: dict[str, Any] = {
  'dnn': DnnSummary,
  'lstm': LstmSummary,
  'transformer': TransformerSummary,
}
