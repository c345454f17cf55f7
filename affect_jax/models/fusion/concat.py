"""The simplest fusion: means over time, concatenated.

It has no parameters. A fine-tuned text encoder then has one dense layer above
it, the head, as in Devlin et al., 2019, section 4.1 (they read [CLS]).
"""

from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp

from affect_jax.models import sequence
from affect_jax.models.fusion import modalities


class Concat(nn.Module):
  """The mean of each modality, concatenated."""

  def __call__(
    self,
    sequences: Mapping[str, jax.Array],
    masks: Mapping[str, jax.Array],
    *,
    train: bool,
  ) -> jax.Array:
    """{modality: [B, T, D]}, masks bool [B, T] -> [B, sum of all D].

    The order is that of `modalities.ORDER`; a missing modality gives zeros.
    """
    del train  # There is no dropout.
    given = modalities.ordered(sequences, masks).values()
    return jnp.concatenate([sequence.mean(x, mask) for x, mask in given], -1)
