"""Summaries: one vector per modality, for late, tensor and gated fusion."""

from collections.abc import Mapping
from typing import Any

import flax.core
import flax.linen as nn
import jax

from affect_jax import by_name
from affect_jax.models import encoders
from affect_jax.models import sequence
from affect_jax.models.fusion import modalities


class DnnSummary(nn.Module):
  """Three dense layers on the mean over time (Zadeh et al., 2017).

  Public code has a batch normalization before them, which is left out here:
  standardize the features beforehand (config.utterance.standardize).

  Attributes:
    hidden: Units of the first two layers.
    width: Units of the last layer.
    dropout: Dropout rate on the mean.
  """

  hidden: int = 128
  width: int = 128
  dropout: float = 0.0

  @nn.compact
  def __call__(
    self, x: jax.Array, mask: jax.Array, *, train: bool
  ) -> jax.Array:
    """[B, T, D], mask bool [B, T] -> [B, width], non-negative."""
    x = nn.Dropout(self.dropout)(
      sequence.mean(x, mask), deterministic=not train
    )
    for i, units in enumerate((self.hidden, self.hidden, self.width)):
      x = nn.relu(nn.Dense(units, name=f'dense{i}')(x))
    return sequence.masked(x, mask.any(-1))


class LstmSummary(nn.Module):
  """The last state of an LSTM, projected (Zadeh et al., 2017).

  Attributes:
    hidden: Units of each direction.
    width: Width of the vector.
    dropout: Dropout rate between layers and on the state.
    layers, bidirectional: See `encoders.Lstm`.
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
    x = encoders.Lstm(
      self.hidden, self.layers, self.bidirectional, self.dropout, name='lstm'
    )(x, mask, train=train)
    state = (
      sequence.ends(x, mask) if self.bidirectional else sequence.last(x, mask)
    )
    return sequence.masked(
      nn.Dense(self.width, name='dense')(state), mask.any(-1)
    )


class TransformerSummary(nn.Module):
  """The mean over time of a transformer's output, projected.

  Attributes:
    hidden: Width of the transformer, a multiple of `heads`.
    width: Width of the vector.
    dropout: Dropout rate of the transformer.
    layers, heads: See `encoders.Transformer`.
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
    x = encoders.Transformer(
      self.hidden, self.layers, self.heads, self.dropout, name='transformer'
    )(sequence.masked(x, mask), mask, train=train)
    x = nn.Dense(self.width, name='dense')(sequence.mean(x, mask))
    return sequence.masked(x, mask.any(-1))


SUMMARIES: dict[str, Any] = {
  'dnn': DnnSummary,
  'lstm': LstmSummary,
  'transformer': TransformerSummary,
}


class Reader(nn.Module):
  """Base of fusions that first encode each modality on its own.

  Attributes:
    encoder: A key of `SUMMARIES`, one for all or {modality: name}.
    hidden: Units inside the encoder, one for all or {modality: units}.
    width: Width of the vector, one for all or {modality: width}.
    dropout: Dropout rate of the encoder.
    encoder_options: {encoder: its other options}.
  """

  encoder: str | Mapping[str, str] = 'dnn'
  hidden: int | Mapping[str, int] = 128
  width: int | Mapping[str, int] = 128
  dropout: float = 0.0
  encoder_options: Mapping[str, Mapping[str, Any]] = flax.core.FrozenDict()

  def __post_init__(self) -> None:
    modalities.freeze(self)
    super().__post_init__()

  def vectors(
    self,
    sequences: Mapping[str, jax.Array],
    masks: Mapping[str, jax.Array],
    *,
    train: bool,
  ) -> dict[str, jax.Array]:
    """Applies `Summaries`, whose parameters are under 'encode'."""
    return Summaries(
      self.encoder,
      self.hidden,
      self.width,
      self.dropout,
      self.encoder_options,
      name='encode',
    )(sequences, masks, train=train)


class Summaries(Reader):
  """Encodes each modality on its own as a vector; see `Reader`."""

  @nn.compact
  def __call__(
    self,
    sequences: Mapping[str, jax.Array],
    masks: Mapping[str, jax.Array],
    *,
    train: bool,
  ) -> dict[str, jax.Array]:
    """{modality: [B, T, D]}, masks bool [B, T] -> {modality: [B, width]}.

    The order is that of `modalities.ORDER`. A missing modality has the vector
    0.

    Raises:
      UserError: Unknown encoder or option; the message lists the known ones.
    """
    vectors = {}
    for name, (x, mask) in modalities.ordered(sequences, masks).items():
      kind = modalities.option(self.encoder, name)
      options = {
        'hidden': modalities.option(self.hidden, name),
        'width': modalities.option(self.width, name),
        'dropout': self.dropout,
        **self.encoder_options.get(kind, {}),
      }
      encoder = by_name.build(
        f'encoder of {name}', kind, SUMMARIES, options, name=name
      )
      vectors[name] = encoder(x, mask, train=train)
    return vectors
