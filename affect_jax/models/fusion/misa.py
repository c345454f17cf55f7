"""MISA: what modalities share, and what is private to each.

Hazarika et al., 2020: "MISA: Modality-Invariant and -Specific Representations
for Multimodal Sentiment Analysis".
"""

from collections.abc import Mapping
import itertools
from typing import Any, ClassVar

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

  The auxiliary losses are 'similarity', 'difference' and 'reconstruction',
  times the weights below. The vectors that they compare are sown into the
  collection 'auxiliary_rows' if it is mutable. A row counts in the losses of
  the modalities that it has. Nothing attends to a missing modality, and its
  vectors are 0.

  The authors' code also has an adversarial and a discriminator loss, which it
  does not train with by default; both are left out here.

  Attributes:
    encoder: 'lstm' (two bidirectional LSTMs, with a norm between) or 'mean'
      over time (as the authors do with BERT's features), one for all or
      {modality: name}.
    hidden: Units of each direction of an LSTM, one for all or {modality:
      units}; 0 means as many as the modality has features, as in the authors'
      code.
    width: Width of the vectors, a multiple of `heads`.
    heads: Heads of the attention over the vectors.
    mlp_width: Width of the hidden layer behind the attention.
    attention_dropout: Dropout rate of the attention and the layers behind it.
    dropout: Dropout rate on the output.
    similarity_weight, difference_weight, reconstruction_weight: Factors of
      the losses.
  """

  reads_seen: ClassVar[bool] = True

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
    seen: Mapping[str, jax.Array] | None = None,
  ) -> jax.Array:
    """{modality: [B, T, D]}, masks bool [B, T] -> [B, M * width].

    Args:
      sequences, masks, train: See `fusion`.
      seen: {modality: bool [B]}, False where a token replaces the modality,
        which then does not count in the losses; None: all are real.

    Raises:
      UserError: An unknown encoder, or `width` is not a multiple of `heads`.
    """
    if self.width % self.heads:
      raise UserError(
        f'config.utterance.misa: width={self.width} is not a multiple of '
        f'heads={self.heads}; change one of them.'
      )
    given = modalities.ordered(sequences, masks)
    present = {name: mask.any(-1) for name, (_, mask) in given.items()}
    projected, private, shared = {}, {}, {}
    share = nn.Dense(self.width, name='share')
    for name, (x, mask) in given.items():
      x = self._read(name, x, mask, train)
      x = nn.relu(nn.Dense(self.width, name=f'project_{name}')(x))
      projected[name] = nn.LayerNorm(1e-5, name=f'norm_{name}')(x)
      separate = nn.Dense(self.width, name=f'private_{name}')
      private[name] = nn.sigmoid(separate(projected[name]))
      shared[name] = nn.sigmoid(share(projected[name]))

    # Initialization creates the decoders' parameters, but sows nothing.
    initializing = self.is_initializing()
    if initializing or self.is_mutable_collection(ROWS):
      rebuilt = {
        name: nn.Dense(self.width, name=f'rebuild_{name}')(
          private[name] + shared[name]
        )
        for name in given
      }
      if not initializing:
        rows = {
          name: {
            'present': present[name] & (True if seen is None else seen[name]),
            'projected': projected[name],
            'rebuilt': rebuilt[name],
            'private': private[name],
            'shared': shared[name],
          }
          for name in given
        }
        self.sow(ROWS, 'rows', rows, lambda old, new: new, dict)

    vectors = jnp.stack([*private.values(), *shared.values()], 1)
    there = jnp.stack([*present.values()] * 2, 1)
    x = self._attend(sequence.masked(vectors, there), there, train)
    x = sequence.masked(x, there).reshape(x.shape[0], -1)
    x = nn.Dense(len(given) * self.width, name='fuse')(x)
    return nn.relu(nn.Dropout(self.dropout)(x, deterministic=not train))

  def _read(self, name, x, mask, train):
    """Encodes a modality [B, T, D] as one vector [B, D']."""
    kind = modalities.option(self.encoder, name)
    if kind == 'mean':
      return sequence.mean(x, mask)
    by_name.check('encoder', kind, ('lstm', 'mean'), of=name)
    units = modalities.option(self.hidden, name) or x.shape[-1]
    lower, upper = (
      encoders.Lstm(units, bidirectional=True, name=f'{where}_{name}')
      for where in ('lower', 'upper')
    )
    lower_out = lower(x, mask, train=train)
    normed = nn.LayerNorm(1e-5, name=f'norm_lower_{name}')(lower_out)
    upper_out = upper(normed, mask, train=train)
    states = [sequence.ends(x, mask) for x in (lower_out, upper_out)]
    return jnp.concatenate(states, -1)

  def _attend(self, x, there, train):
    """Applies a post-norm transformer layer to vectors [B, 2 M, width]."""
    drop = nn.Dropout(self.attention_dropout, deterministic=not train)
    # A fully masked softmax is uniform; masking the output makes it harmless.
    y = nn.MultiHeadDotProductAttention(
      self.heads,
      dropout_rate=self.attention_dropout,
      broadcast_dropout=False,
      deterministic=not train,
      name='attention',
    )(x, mask=there[:, np.newaxis, np.newaxis, :])
    x = nn.LayerNorm(1e-5, name='norm_attention')(x + drop(y))
    y = drop(nn.relu(nn.Dense(self.mlp_width, name='mlp_in')(x)))
    y = drop(nn.Dense(x.shape[-1], name='mlp_out')(y))
    return nn.LayerNorm(1e-5, name='norm_mlp')(x + y)

  @nn.nowrap
  def auxiliary_losses(self, rows: Mapping[str, Any]) -> dict[str, jax.Array]:
    """Computes the three losses over the rows of the whole batch.

    Args:
      rows: {modality: {'present': bool [B], and vectors [B, width]
        'projected', 'rebuilt', 'private', 'shared'}}, as they were sown.

    Returns:
      {name: float32 []}.
    """
    given = [rows[name] for name in modalities.ORDER if name in rows]
    similarity, difference, reconstruction = [], [], []
    for a, b in itertools.combinations(given, 2):
      both = a['present'] & b['present']
      similarity.append(misa_losses.cmd(a['shared'], b['shared'], both))
      difference.append(misa_losses.overlap(a['private'], b['private'], both))
    for x in given:
      difference.append(
        misa_losses.overlap(x['private'], x['shared'], x['present'])
      )
      reconstruction.append(
        misa_losses.squared_error(x['rebuilt'], x['projected'], x['present'])
      )
    losses = {
      'similarity': self.similarity_weight
      * (sum(similarity) / max(len(similarity), 1)),
      'difference': self.difference_weight * sum(difference),
      'reconstruction': self.reconstruction_weight
      * (sum(reconstruction) / len(reconstruction)),
    }
    return {k: jnp.asarray(v, jnp.float32) for k, v in losses.items()}
