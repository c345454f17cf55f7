"""Missing modalities: a learned vector, and dropping some in training.

Dropping whole modalities follows Neverova et al., 2016, "ModDrop".
"""

from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from affect_jax.models.fusion import modalities


class Absent(nn.Module):
  """Puts one learned vector where a row lacks a modality.

  A modality that a row lacks (its mask is False everywhere), or that is
  dropped in training, becomes a sequence of one step, so that a fusion sees
  at least one step of each. Rows without any modality fill up a batch and
  stay empty, unless `real` says that they are samples.

  Attributes:
    dropout: Probability with which a row loses a modality in training, for
      all or {modality: probability}. If a row would lose all that it has,
      one of them, each as likely, stays. Needs an rng named 'dropout'.
  """

  dropout: float | Mapping[str, float] = 0.0

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
    real: jax.Array | None = None,
  ) -> tuple[dict[str, jax.Array], dict[str, jax.Array], dict[str, jax.Array]]:
    """Sequences {modality: [B, T, D]} and masks bool [B, T] -> the same.

    And {modality: bool [B]}: True where a row has it and it was not dropped.
    Samples are those of `real` bool [B], or those that have any modality.
    """
    given = modalities.ordered(sequences, masks)
    there = jnp.stack([mask.any(-1) for _, mask in given.values()], -1)
    rates = [modalities.option(self.dropout, name) for name in given]
    stays = there
    if train and any(rates):
      stays = kept(self.make_rng('dropout'), there, np.asarray(rates))
    real = there.any(-1) if real is None else real
    out_sequences, out_masks, seen = {}, {}, {}
    for i, (name, (x, mask)) in enumerate(given.items()):
      token = self.param(
        f'token_{name}', nn.initializers.normal(0.02), (x.shape[-1],)
      )
      stay = stays[:, i, np.newaxis]
      at_first = np.arange(x.shape[1])[np.newaxis] == 0
      mask = jnp.where(stay, mask, at_first & real[:, np.newaxis])
      x = jnp.where(
        stay[..., np.newaxis], x, token[np.newaxis, np.newaxis].astype(x.dtype)
      )
      out_sequences[name] = jnp.where(mask[..., np.newaxis], x, 0)
      out_masks[name] = mask
      seen[name] = stays[:, i]
    return out_sequences, out_masks, seen


def kept(rng: jax.Array, there: jax.Array, rates: np.ndarray) -> jax.Array:
  """Which modalities stay: bool [B, M] -> bool [B, M].

  Args:
    rng: A key.
    there: Which a row has.
    rates: Probabilities [M] of losing each.

  Returns:
    At least one True in every row that has one in `there`.
  """
  for_each, for_one = jax.random.split(rng)
  lost = jax.random.uniform(for_each, there.shape) < rates[np.newaxis]
  stays = there & ~lost
  # Scores are positive, so that the highest is of one that is there.
  score = there * (1 + jax.random.uniform(for_one, there.shape))
  spared = there & (score == score.max(-1, keepdims=True))
  return jnp.where(stays.any(-1, keepdims=True), stays, spared)
