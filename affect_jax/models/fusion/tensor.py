"""Tensor fusion: the outer product of modalities, in full or of low rank.

TFN: Zadeh et al., 2017, "Tensor Fusion Network for Multimodal Sentiment
Analysis". LMF: Liu et al., 2018, "Efficient Low-rank Multimodal Fusion with
Modality-Specific Factors".
"""

from collections.abc import Mapping, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from affect_jax.models.fusion import summaries


def outer(vectors: Sequence[jax.Array]) -> jax.Array:
  """Returns the outer product of [1, v] over all vectors v, flattened.

  Args:
    vectors: One per modality, [B, D_m] each.

  Returns:
    [B, prod(D_m + 1)], the last modality's index running fastest: the
    constant 1, the entries of each vector, and products of two and three.
  """
  product = _one_and(vectors[0])
  for v in vectors[1:]:
    product = jnp.einsum('bi,bj->bij', product, _one_and(v))
    product = product.reshape(product.shape[0], -1)
  return product


def low_rank(
  vectors: Sequence[jax.Array],
  factors: Sequence[jax.Array],
  weights: jax.Array,
  bias: jax.Array,
) -> jax.Array:
  """Applies a linear map of rank R to `outer(vectors)`.

  Args:
    vectors: One per modality, [B, D_m] each.
    factors: One per modality, [R, D_m + 1, K] each.
    weights: [R], the weights of the R summands.
    bias: [K].

  Returns:
    [B, K].
  """
  product = jnp.einsum('bd,rdk->rbk', _one_and(vectors[0]), factors[0])
  for v, factor in zip(vectors[1:], factors[1:], strict=True):
    product *= jnp.einsum('bd,rdk->rbk', _one_and(v), factor)
  return jnp.einsum('r,rbk->bk', weights, product) + bias[np.newaxis]


class TensorFusion(summaries.Reader):
  """TFN: two dense layers on the outer product of the modalities.

  Attributes:
    encoder, hidden, width, dropout, encoder_options: See `summaries.Reader`.
      The first dense layer has prod(width + 1) inputs.
    fused_width: Units of the dense layers, and width of the output.
    fused_dropout: Dropout rate on the product.
  """

  encoder: str | Mapping[str, str] = 'lstm'
  width: int | Mapping[str, int] = 32
  dropout: float = 0.3
  fused_width: int = 64
  fused_dropout: float = 0.5

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
    x = outer(list(vectors.values()))
    x = nn.Dropout(self.fused_dropout)(x, deterministic=not train)
    for i in range(2):
      x = nn.relu(nn.Dense(self.fused_width, name=f'dense{i}')(x))
    return x


class LowRankFusion(summaries.Reader):
  """LMF: a linear map of the outer product, which is never materialized.

  Attributes:
    encoder, hidden, width, dropout, encoder_options: See `summaries.Reader`.
    fused_width: Width of the output. In the original this is the prediction
      itself; here a head follows.
    rank: R, the number of products that add up.
  """

  encoder: str | Mapping[str, str] = 'lstm'
  width: int | Mapping[str, int] = 64
  dropout: float = 0.3
  fused_width: int = 64
  rank: int = 4

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
    init = nn.initializers.glorot_normal(in_axis=1, out_axis=2, batch_axis=(0,))
    factors = [
      self.param(
        f'factor_{name}', init, (self.rank, v.shape[-1] + 1, self.fused_width)
      )
      for name, v in vectors.items()
    ]
    # Xavier initialization, as for the [1, rank] of the authors' code.
    std = (2 / (self.rank + 1)) ** 0.5
    weights = self.param('weights', nn.initializers.normal(std), (self.rank,))
    bias = self.param('bias', nn.initializers.zeros, (self.fused_width,))
    return low_rank(list(vectors.values()), factors, weights, bias)


def _one_and(v):
  return jnp.concatenate([jnp.ones_like(v[:, :1]), v], -1)
