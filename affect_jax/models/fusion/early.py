"""Early fusion, EF-LSTM: modalities are one sequence before they are read.

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
  align='resample' every one is brought, by means over equal stretches of it,
  to as many steps as the first modality (the text) has in that row; where a
  row lacks the first one, to a single step. With align='steps' step t of all
  is the same moment, and a step counts if any modality is there.

  Attributes:
    width: Units of the LSTM and features that come out.
    layers: Of the LSTM.
    bidirectional: Backwards too.
    dropout: Between layers, on the state and on the output.
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
      ValueError: An unknown `align`, or 'steps' with different lengths T.
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
  """Steps that are there, brought to another number of steps.

  A new step is the mean of its stretch of the old ones, whose parts count by
  how much of them lies in it; as many steps as before change nothing.

  Args:
    x: [B, T, D], zeros where the mask is False.
    mask: bool [B, T].
    steps: int [B], how many come out, at most `length`.
    length: Of the result.

  Returns:
    [B, length, D], zeros after the first `steps` and if nothing is there.
  """
  old = mask.sum(-1)[:, np.newaxis, np.newaxis]
  new = jnp.maximum(steps, 1)[:, np.newaxis, np.newaxis]
  at = jnp.arange(length)[np.newaxis, :, np.newaxis]
  # Exact where both are as long: the products are whole numbers.
  begin, end = at * old / new, (at + 1) * old / new
  place = (jnp.cumsum(mask, -1) - 1)[:, np.newaxis, :]
  inside = jnp.minimum(end, place + 1) - jnp.maximum(begin, place)
  inside = jnp.where(mask[:, np.newaxis, :], jnp.maximum(inside, 0), 0)
  weights = inside * new / jnp.maximum(old, 1)
  weights = jnp.where(at < steps[:, np.newaxis, np.newaxis], weights, 0)
  return jnp.einsum('bst,btd->bsd', weights.astype(x.dtype), x)


def _resampled(given):
  target = next(iter(given.values()))[1]
  any_there = jnp.stack([m.any(-1) for _, m in given.values()]).any(0)
  steps = jnp.maximum(target.sum(-1), any_there)
  length = target.shape[1]
  x = [resample(x, mask, steps, length) for x, mask in given.values()]
  there = jnp.arange(length)[np.newaxis] < steps[:, np.newaxis]
  return jnp.concatenate(x, -1), there


def _stepwise(given):
  lengths = {name: x.shape[1] for name, (x, _) in given.items()}
  if len(set(lengths.values())) > 1:
    raise UserError(
      f"align='steps' needs one length, not {lengths}; use 'resample'."
    )
  x = jnp.concatenate([x for x, _ in given.values()], -1)
  return x, jnp.stack([mask for _, mask in given.values()]).any(0)


_ALIGN = {'resample': _resampled, 'steps': _stepwise}
