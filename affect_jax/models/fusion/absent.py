"""Missing modalities: learned tokens, and modality dropout in training.

Modality dropout follows Neverova et al., 2016, "ModDrop".
"""

from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from affect_jax.models.fusion import modalities


class Absent(nn.Module):
  """Puts a learned token where a row lacks a modality.

  A modality that a row lacks (its mask is False everywhere), or that is
  dropped in training, becomes a sequence of one step, so that a fusion sees
  at least one step of each. Rows without any modality are padding of the
  batch and stay empty, unless `real` says that they are samples.

  Attributes:
    dropout: Probability that a row loses a modality in training, one for all
      or {modality: probability}. If a row would lose every modality that it
      has, one of them, drawn uniformly, stays. Needs an rng named 'dropout'.
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
    """Returns sequences and masks with tokens in them, and what was seen.

    Args:
      sequences: {modality: [B, T, D]}.
      masks: {modality: bool [B, T]}.
      train: Whether modalities are dropped.
      real: bool [B], True where a row is a sample; by default, where it has
        any modality.

    Returns:
      (sequences, masks, seen): The first two shaped as they came; seen is
      {modality: bool [B]}, True where a row has the modality and it was not
      dropped.
    """
    given = modalities.ordered(sequences, masks)
    present = jnp.stack([mask.any(-1) for _, mask in given.values()], -1)
    rates = [modalities.option(self.dropout, name) for name in given]
    kept_mask = present
    if train and any(rates):
      kept_mask = kept(self.make_rng('dropout'), present, np.asarray(rates))
    real = present.any(-1) if real is None else real
    out_sequences, out_masks, seen = {}, {}, {}
    for i, (name, (x, mask)) in enumerate(given.items()):
      token = self.param(
        f'token_{name}', nn.initializers.normal(0.02), (x.shape[-1],)
      )
      keep = kept_mask[:, i, np.newaxis]
      first_step = np.arange(x.shape[1])[np.newaxis] == 0
      mask = jnp.where(keep, mask, first_step & real[:, np.newaxis])
      x = jnp.where(
        keep[..., np.newaxis], x, token[np.newaxis, np.newaxis].astype(x.dtype)
      )
      out_sequences[name] = jnp.where(mask[..., np.newaxis], x, 0)
      out_masks[name] = mask
      seen[name] = kept_mask[:, i]
    return out_sequences, out_masks, seen


def kept(rng: jax.Array, present: jax.Array, rates: np.ndarray) -> jax.Array:
  """Draws which modalities of each row stay.

  Args:
    rng: A key.
    present: bool [B, M], the modalities that a row has.
    rates: Probabilities [M] of losing each.

  Returns:
    bool [B, M], with at least one True in every row that has one in `present`.
  """
  drop_rng, spare_rng = jax.random.split(rng)
  dropped = jax.random.uniform(drop_rng, present.shape) < rates[np.newaxis]
  stays = present & ~dropped
  # Scores of present modalities are positive, so one of them is the highest.
  score = present * (1 + jax.random.uniform(spare_rng, present.shape))
  spared = present & (score == score.max(-1, keepdims=True))
  return jnp.where(stays.any(-1, keepdims=True), stays, spared)
