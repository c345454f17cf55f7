"""MISA: what modalities share and what each has for itself.

Hazarika et al., 2020: "MISA: Modality-Invariant and -Specific Representations
for Multimodal Sentiment Analysis".
"""

from collections.abc import Mapping
import itertools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from affect_jax import by_name
from affect_jax.errors import UserError
from affect_jax.models import encoders
from affect_jax.models import sequence
from affect_jax.models.fusion import misa_losses
from affect_jax.models.fusion import modalities

ROWS = 'auxiliary_rows'


class Misa(nn.Module):
  """A shared and a private vector of each modality, and attention over all.

  Its own losses are 'similarity', 'difference' and 'reconstruction', times the
  weights below; what they compare is sown into the collection
  'auxiliary_rows', if it is mutable. Rows count in the losses of modalities
  that they have; a missing modality is read by none, and its vectors are 0.

  The authors' code also computes an adversarial and a discriminating loss
  but trains with neither, by default: they are not here.

  Attributes:
    encoder: 'lstm' (two bidirectional ones, with a norm between) or 'mean'
      (over time: what the authors do with BERT's features), for all or
      {modality: name}.
    hidden: Units of an LSTM's direction, for all or by modality; 0 is as many
      as the modality has features, as in the authors' code.
    width: Of the vectors, a multiple of `heads`.
    heads: Of the attention over the vectors.
    mlp_width: Units inside of its dense layers.
    attention_dropout: Of the attention and its dense layers.
    dropout: On what comes out.
    similarity_weight, difference_weight, reconstruction_weight: Of the
      losses.
  """

  encoder: str | Mapping[str, str] = 'lstm'
  hidden: int | Mapping[str, int] = 0
  width: int = 128
  heads: int = 2
  mlp_width: int = 2048
  attention_dropout: float = 0.1
  dropout: float = 0.5
  similarity_weight: float = 1.0
  difference_weight: float = 0.3
  reconstruction_weight: float = 1.0

  def __post_init__(self) -> None:
    modalities.freeze(self)
    super().__post_init__()

  @nn.compact
  def __call__(
    self,
    sequences: Mapping[str, jax.Array],
    masks: Mapping[str, jax.Array],
    *,
    train: bool,
  ) -> jax.Array:
    """{modality: [B, T, D]}, masks bool [B, T] -> [B, M * width].

    Raises:
      ValueError: An unknown encoder; `width` is not a multiple of `heads`.
    """
    if self.width % self.heads:
      raise UserError(
        f'width={self.width} is not a multiple of heads={self.heads}.'
      )
    given = modalities.ordered(sequences, masks)
    there = {name: mask.any(-1) for name, (_, mask) in given.items()}
    whole, private, shared = {}, {}, {}
    share = nn.Dense(self.width, name='share')
    for name, (x, mask) in given.items():
      x = self._read(name, x, mask, train)
      x = nn.relu(nn.Dense(self.width, name=f'project_{name}')(x))
      whole[name] = nn.LayerNorm(1e-5, name=f'norm_{name}')(x)
      keep = nn.Dense(self.width, name=f'private_{name}')
      private[name] = nn.sigmoid(keep(whole[name]))
      shared[name] = nn.sigmoid(share(whole[name]))

    # At initialization the decoders get their parameters, and no more.
    start = self.is_initializing()
    if start or self.is_mutable_collection(ROWS):
      rebuilt = {
        name: nn.Dense(self.width, name=f'rebuild_{name}')(
          private[name] + shared[name]
        )
        for name in given
      }
      if not start:
        rows = {
          name: {
            'there': there[name],
            'whole': whole[name],
            'rebuilt': rebuilt[name],
            'private': private[name],
            'shared': shared[name],
          }
          for name in given
        }
        self.sow(ROWS, 'rows', rows, lambda old, new: new, dict)

    vectors = jnp.stack([*private.values(), *shared.values()], 1)
    seen = jnp.stack([*there.values()] * 2, 1)
    x = self._attend(sequence.masked(vectors, seen), seen, train)
    x = sequence.masked(x, seen).reshape(len(x), -1)
    x = nn.Dense(len(given) * self.width, name='fuse')(x)
    return nn.relu(nn.Dropout(self.dropout)(x, deterministic=not train))

  def _read(self, name, x, mask, train):
    """One vector of a modality."""
    kind = modalities.option(self.encoder, name)
    if kind == 'mean':
      return sequence.mean(x, mask)
    by_name.check('encoder', kind, ('lstm', 'mean'), of=name)
    units = modalities.option(self.hidden, name) or x.shape[-1]
    lower, upper = (
      encoders.Lstm(units, bidirectional=True, name=f'{where}_{name}')
      for where in ('lower', 'upper')
    )
    below = lower(x, mask, train=train)
    above = nn.LayerNorm(1e-5, name=f'norm_lower_{name}')(below)
    above = upper(above, mask, train=train)
    states = [sequence.ends(x, mask) for x in (below, above)]
    return jnp.concatenate(states, -1)

  def _attend(self, x, seen, train):
    """A post-norm transformer layer over vectors [B, 2 M, width]."""
    drop = nn.Dropout(self.attention_dropout, deterministic=not train)
    # A softmax over nothing is uniform and, masked later, does no harm.
    y = nn.MultiHeadDotProductAttention(
      self.heads,
      dropout_rate=self.attention_dropout,
      broadcast_dropout=False,
      deterministic=not train,
      name='attention',
    )(x, mask=seen[:, np.newaxis, np.newaxis, :])
    x = nn.LayerNorm(1e-5, name='norm_attention')(x + drop(y))
    y = drop(nn.relu(nn.Dense(self.mlp_width, name='mlp_in')(x)))
    y = drop(nn.Dense(x.shape[-1], name='mlp_out')(y))
    return nn.LayerNorm(1e-5, name='norm_mlp')(x + y)

  @nn.nowrap
  def auxiliary_losses(self, rows: Mapping[str, Any]) -> dict[str, jax.Array]:
    """The three losses over rows of the whole batch, float32 [].

    Args:
      rows: {modality: {'there': bool [B], and vectors [B, width] 'whole',
        'rebuilt', 'private', 'shared'}}, as they were sown.
    """
    given = [rows[name] for name in modalities.ORDER if name in rows]
    similar, different, apart = [], [], []
    for a, b in itertools.combinations(given, 2):
      both = a['there'] & b['there']
      similar.append(misa_losses.cmd(a['shared'], b['shared'], both))
      different.append(misa_losses.overlap(a['private'], b['private'], both))
    for one in given:
      there = one['there']
      different.append(
        misa_losses.overlap(one['private'], one['shared'], there)
      )
      apart.append(
        misa_losses.squared_error(one['rebuilt'], one['whole'], there)
      )
    losses = {
      'similarity': self.similarity_weight
      * (sum(similar) / max(len(similar), 1)),
      'difference': self.difference_weight * sum(different),
      'reconstruction': self.reconstruction_weight * (sum(apart) / len(apart)),
    }
    return {k: jnp.asarray(v, jnp.float32) for k, v in losses.items()}
