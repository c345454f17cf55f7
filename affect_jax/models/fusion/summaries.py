"""One vector per modality: what late, tensor and gated fusion begin with."""

from collections.abc import Mapping
from typing import Any

import flax.core
import flax.linen as nn
import jax

from affect_jax import by_name
from affect_jax.models import sequence
from affect_jax.models.fusion import modalities


class Reader(nn.Module):
  """The options of what reads each modality on its own, and does so first.

  Attributes:
    encoder: A name in `sequence.SUMMARIES`, for all or {modality: name}.
    hidden: Units inside of it, for all or {modality: units}.
    width: Of the vector, for all or {modality: width}.
    dropout: Of the encoder.
    encoder_options: {name of an encoder: its other options}.
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
    """What `Summaries` makes of them; its parameters are under 'encode'."""
    return Summaries(
      self.encoder,
      self.hidden,
      self.width,
      self.dropout,
      self.encoder_options,
      name='encode',
    )(sequences, masks, train=train)


class Summaries(Reader):
  """Each modality as a vector, read on its own; see `Reader`."""

  @nn.compact
  def __call__(
    self,
    sequences: Mapping[str, jax.Array],
    masks: Mapping[str, jax.Array],
    *,
    train: bool,
  ) -> dict[str, jax.Array]:
    """{modality: [B, T, D]}, masks bool [B, T] -> {modality: [B, width]}.

    In the order of `modalities.ORDER`. The vector of what is missing is 0.

    Raises:
      ValueError: An unknown encoder or option; the message lists the known.
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
        f'encoder of {name}', kind, sequence.SUMMARIES, options, name=name
      )
      vectors[name] = encoder(x, mask, train=train)
    return vectors
