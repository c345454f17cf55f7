"""Late fusion: one encoder per modality, then dense layers on all of them.

LF-DNN is a baseline of Yu et al., 2020, "CH-SIMS: A Chinese Multimodal
Sentiment Analysis Dataset with Fine-grained Annotation of Modality". Their
code (thuiar/MMSA) names as its sources Cambria et al., 2017, "Benchmarking
Multimodal Sentiment Analysis", and Williams et al., 2018, "Recognizing
Emotions in Video Using Multimodal DNN Feature Fusion". Their text encoder is
an LSTM; here lf_dnn encodes every modality by `summaries.DnnSummary`. The
dense layers are the same.

LF-LSTM is a baseline of Tsai et al., 2019, "Multimodal Transformer for
Unaligned Multimodal Language Sequences". LF-Transformer follows no paper: it
is the same model with another encoder.
"""

from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp

from affect_jax.models.fusion import summaries


class Late(summaries.Reader):
  """Two dense layers on the concatenated vectors of the modalities.

  Attributes:
    encoder, hidden, width, dropout, encoder_options: See `summaries.Reader`.
    fused_width: Units of the dense layers, and width of the output.
    fused_dropout: Dropout rate on the concatenation.
  """

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
    x = jnp.concatenate(list(vectors.values()), -1)
    x = nn.Dropout(self.fused_dropout)(x, deterministic=not train)
    for i in range(2):
      x = nn.relu(nn.Dense(self.fused_width, name=f'dense{i}')(x))
    return x
