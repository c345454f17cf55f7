"""Masked sequences: pooling to one vector, and positional encoding.

A step whose mask is False changes nothing, wherever it is and whatever its
values are.
"""

import jax
import jax.numpy as jnp
import numpy as np


def masked(x: jax.Array, mask: jax.Array) -> jax.Array:
  """Sets x [..., D] to 0, even NaN, where the mask bool [...] is False."""
  return jnp.where(mask[..., np.newaxis], x, 0)


def mean(x: jax.Array, mask: jax.Array) -> jax.Array:
  """Returns the mean of unmasked steps: [B, T, D] -> [B, D]; 0 if none."""
  steps = mask.sum(-1, keepdims=True)
  return masked(x, mask).sum(-2) / jnp.maximum(steps, 1)


def first(x: jax.Array, mask: jax.Array) -> jax.Array:
  """Returns the first unmasked step: [B, T, D] -> [B, D]; 0 if none."""
  return masked(x, mask & (jnp.cumsum(mask, -1) == 1)).sum(-2)


def last(x: jax.Array, mask: jax.Array) -> jax.Array:
  """Returns the last unmasked step: [B, T, D] -> [B, D]; 0 if none."""
  return first(x[:, ::-1], mask[:, ::-1])


def ends(x: jax.Array, mask: jax.Array) -> jax.Array:
  """Returns the final states of a bidirectional LSTM: [B, T, D] -> [B, D].

  The backward half ends at the first step.
  """
  forward, backward = jnp.split(x, 2, -1)
  return jnp.concatenate([last(forward, mask), first(backward, mask)], -1)


def positions(length: int, width: int) -> np.ndarray:
  """Returns sinusoidal positional encodings, float32 [length, width]."""
  angle = np.arange(length)[:, np.newaxis] / 10_000 ** (
    2 * (np.arange(width) // 2) / width
  )
  odd = np.arange(width) % 2 == 1
  return np.where(odd, np.cos(angle), np.sin(angle)).astype(np.float32)
