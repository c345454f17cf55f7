"""Packs the utterances of a dialogue into one sequence of tokens.

As in Cohan et al., 2019, "Pretrained Language Models for Sequential Sentence
Classification": sentences follow one another, each keeps its [CLS] and [SEP],
and all are classified at once. There is no padding between them.
"""

import jax
import jax.numpy as jnp
import numpy as np


def pack(
  ids: jax.Array, mask: jax.Array, length: int
) -> tuple[jax.Array, jax.Array, jax.Array]:
  """Packs the tokens of each dialogue into one row.

  Args:
    ids: int [B, U, T].
    mask: bool [B, U, T], True from the front of each utterance.
    length: N, the length of a packed row; no dialogue has more tokens.

  Returns:
    Packed ids int [B, N], their mask bool [B, N], and the position of each
    token in its row, int [B, U, T]; N in padding.
  """
  counts = mask.sum(-1)
  starts = jnp.cumsum(counts, -1) - counts
  steps = np.arange(ids.shape[-1])[np.newaxis, np.newaxis]
  positions = jnp.where(mask, starts[..., np.newaxis] + steps, length)
  rows = np.arange(len(ids))[:, np.newaxis, np.newaxis]
  packed = jnp.zeros((ids.shape[0], length), ids.dtype)
  packed = packed.at[rows, positions].set(ids, mode='drop')
  total = counts.sum(-1, keepdims=True)
  return packed, jnp.arange(length)[np.newaxis] < total, positions


def sentences(positions: jax.Array, length: int) -> tuple[jax.Array, jax.Array]:
  """Returns each packed token's utterance, and its position in the utterance.

  Args:
    positions: int [B, U, T], from `pack`.
    length: N, the length of a packed row.

  Returns:
    Two arrays int32 [B, N], the `sentences` with which `bert.Bert` reads each
    utterance alone; 0 in padding.
  """
  rows = np.arange(len(positions))[:, np.newaxis, np.newaxis]

  def packed(axis: int) -> jax.Array:
    indices = jax.lax.broadcasted_iota(jnp.int32, positions.shape, axis)
    zeros = jnp.zeros((positions.shape[0], length), jnp.int32)
    return zeros.at[rows, positions].set(indices, mode='drop')

  return packed(1), packed(2)


def unpack(x: jax.Array, positions: jax.Array) -> jax.Array:
  """Returns packed vectors [B, N, D] as [B, U, T, D]; 0 in padding."""
  rows = np.arange(len(x))[:, np.newaxis, np.newaxis]
  return x.at[rows, positions].get(mode='fill', fill_value=0)
