"""Early fusion, EF-LSTM: one LSTM reads the concatenated modalities.

Williams et al., 2018: "Recognizing Emotions in Video Using Multimodal DNN
Feature Fusion".
"""

from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from affect_jax import by_name
from affect_jax.errors import UserError
from affect_jax.models import encoders
from affect_jax.models import sequence
from affect_jax.models.fusion import modalities


class EarlyLstm(nn.Module):
  """An LSTM over the modalities' features, concatenated step by step.

  Modalities have different lengths unless they were aligned to words. With
  align='resample' every modality is resampled, by means over equal stretches,
  to as many steps as the first modality (the text) has in that row, or to a
  single step where the row lacks the first one. With align='steps' step t is
  the same moment in all modalities, and it counts if any of them has it.

  Attributes:
    width: Units of the LSTM, and width of the output.
    layers: Number of LSTM layers.
    bidirectional: Whether the LSTM also reads backwards.
    dropout: Dropout rate between layers, on the state and on the output.
    align: 'resample' or 'steps', see above.
  """

  width: int = 128
  layers: int = 1
  bidirectional: bool = False
  dropout: float = 0.5
  align: str = 'resample'

  @nn.compact
  def __call__(
    self,
    sequences: Mapping[str, jax.Array],
    masks: Mapping[str, jax.Array],
    *,
    train: bool,
  ) -> jax.Array:
    """{modality: [B, T, D]}, masks bool [B, T] -> [B, width].

    Raises:
      UserError: `align` is unknown, or is 'steps' and the lengths T differ.
    """
    align = by_name.get('align', self.align, _ALIGN, of='ef_lstm')
    x, mask = align(modalities.ordered(sequences, masks))
    x = encoders.Lstm(
      self.width, self.layers, self.bidirectional, self.dropout, name='lstm'
    )(x, mask, train=train)
    x = sequence.ends(x, mask) if self.bidirectional else sequence.last(x, mask)
    x = nn.relu(nn.Dense(self.width, name='dense')(x))
    return nn.Dropout(self.dropout)(x, deterministic=not train)


def resample(
  x: jax.Array, mask: jax.Array, steps: jax.Array, length: int
) -> jax.Array:
  """Resamples the unmasked steps of each row to another number of steps.

  A new step is the mean of the stretch of old steps that it covers; an old
  step weighs as much as the part of it that lies in the stretch. If the
  number of steps stays the same, so do the values.

  Args:
    x: [B, T, D], zeros where the mask is False.
    mask: bool [B, T].
    steps: int [B], number of steps to make, at most `length`.
    length: Length of the result.

  Returns:
    [B, length, D], zeros after the first `steps` and in rows that are masked
    everywhere.
  """
  old = mask.sum(-1)[:, np.newaxis, np.newaxis]
  new = jnp.maximum(steps, 1)[:, np.newaxis, np.newaxis]
  new_step = jnp.arange(length)[np.newaxis, :, np.newaxis]
  # Exact if old == new: the products are whole numbers.
  begin, end = new_step * old / new, (new_step + 1) * old / new
  old_step = (jnp.cumsum(mask, -1) - 1)[:, np.newaxis, :]
  overlap = jnp.minimum(end, old_step + 1) - jnp.maximum(begin, old_step)
  overlap = jnp.where(mask[:, np.newaxis, :], jnp.maximum(overlap, 0), 0)
  weights = overlap * new / jnp.maximum(old, 1)
  weights = jnp.where(new_step < steps[:, np.newaxis, np.newaxis], weights, 0)
  return jnp.einsum('bst,btd->bsd', weights.astype(x.dtype), x)


def _resampled(given):
  first_mask = next(iter(given.values()))[1]
  any_present = jnp.stack([m.any(-1) for _, m in given.values()]).any(0)
  steps = jnp.maximum(first_mask.sum(-1), any_present)
  length = first_mask.shape[1]
  x = [resample(x, mask, steps, length) for x, mask in given.values()]
  mask = jnp.arange(length)[np.newaxis] < steps[:, np.newaxis]
  return jnp.concatenate(x, -1), mask


def _stepwise(given):
  lengths = {name: x.shape[1] for name, (x, _) in given.items()}
  if len(set(lengths.values())) > 1:
    raise UserError(
      "config.utterance.ef_lstm.align='steps' needs modalities of one length, "
      f"not {lengths}; set it to 'resample'."
    )
  x = jnp.concatenate([x for x, _ in given.values()], -1)
  return x, jnp.stack([mask for _, mask in given.values()]).any(0)


_ALIGN = {'resample': _resampled, 'steps': _stepwise}
