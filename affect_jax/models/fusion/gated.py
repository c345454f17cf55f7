"""Gated fusion, GMU: gates weigh the modalities against each other.

Arevalo et al., 2017: "Gated Multimodal Units for Information Fusion".
"""

from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp

from affect_jax.models import sequence
from affect_jax.models.fusion import summaries


class Gated(summaries.Reader):
  """The sum of z_m * tanh(W_m v_m), with z_m = sigmoid(U_m [v_1, v_2, ...]).

  This is the paper's form for any number of modalities. A missing modality
  adds nothing to the sum.

  Attributes:
    encoder, hidden, width, dropout, encoder_options: See `summaries.Reader`,
      which makes the vectors v.
    fused_width: Width of the output.
    fused_dropout: Dropout rate on the output.
  """

  encoder: str | Mapping[str, str] = 'lstm'
  dropout: float = 0.2
  fused_width: int = 128
  fused_dropout: float = 0.2

  @nn.compact
  def __call__(
    self,
    sequences: Mapping[str, jax.Array],
    masks: Mapping[str, jax.Array],
    *,
    train: bool,
  ) -> jax.Array:
    """{modality: [B, T, D]}, masks bool [B, T] -> [B, fused_width]."""
    vectors = self.vectors(sequences, masks, train=train)
    all_vectors = jnp.concatenate(list(vectors.values()), -1)
    gated = []
    for name, v in vectors.items():
      value = nn.Dense(self.fused_width, name=f'value_{name}')(v)
      gate = nn.Dense(self.fused_width, name=f'gate_{name}')(all_vectors)
      x = nn.sigmoid(gate) * nn.tanh(value)
      gated.append(sequence.masked(x, masks[name].any(-1)))
    x = jnp.stack(gated).sum(0)
    return nn.Dropout(self.fused_dropout)(x, deterministic=not train)
