"""The text of a dialogue as one sequence, which each utterance reads whole.

As Cohan et al., 2019, "Pretrained Language Models for Sequential Sentence
Classification": sentences stand one after another, each keeps its [CLS] and
[SEP], and all are classified at once. There is no padding between them, so
that a dialogue costs what its tokens cost.
"""

import jax
import jax.numpy as jnp
import numpy as np


def pack(
  ids: jax.Array, mask: jax.Array, length: int
) -> tuple[jax.Array, jax.Array, jax.Array]:
  """Puts the tokens of the utterances of each dialogue in one row.

  Args:
    ids: int [B, U, T].
    mask: bool [B, U, T], True from the front of each utterance.
    length: N, of the rows that come out; no dialogue has more tokens.

  Returns:
    Ids int [B, N], mask bool [B, N], and of each token its place int
    [B, U, T] in the row; N in padding.
  """
  counts = mask.sum(-1)
  before = jnp.cumsum(counts, -1) - counts
  steps = np.arange(ids.shape[-1])[np.newaxis, np.newaxis]
  places = jnp.where(mask, before[..., np.newaxis] + steps, length)
  rows = np.arange(len(ids))[:, np.newaxis, np.newaxis]
  packed = jnp.zeros((len(ids), length), ids.dtype)
  packed = packed.at[rows, places].set(ids, mode='drop')
  total = counts.sum(-1, keepdims=True)
  return packed, jnp.arange(length)[np.newaxis] < total, places


def sentences(places: jax.Array, length: int) -> tuple[jax.Array, jax.Array]:
  """Of each token in a row of N = length, its utterance and position in it.

  Args:
    places: int [B, U, T], of `pack`.
    length: N, of the rows.

  Returns:
    Two of int32 [B, N], as `bert.Bert` takes them to read each utterance
    alone; 0 in padding.
  """
  rows = np.arange(len(places))[:, np.newaxis, np.newaxis]

  def packed(axis: int) -> jax.Array:
    counts = jax.lax.broadcasted_iota(jnp.int32, places.shape, axis)
    found = jnp.zeros((len(places), length), jnp.int32)
    return found.at[rows, places].set(counts, mode='drop')

  return packed(1), packed(2)


def unpack(x: jax.Array, places: jax.Array) -> jax.Array:
  """Vectors [B, N, D] of tokens -> [B, U, T, D] by `places`; 0 in padding."""
  rows = np.arange(len(x))[:, np.newaxis, np.newaxis]
  return x.at[rows, places].get(mode='fill', fill_value=0)
