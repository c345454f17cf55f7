"""Sequences with masks: what a step is, and one vector of several.

A step whose mask is False changes nothing, wherever it stands and whatever is
written there.
"""

import jax
import jax.numpy as jnp
import numpy as np


def masked(x: jax.Array, mask: jax.Array) -> jax.Array:
  """Zeros where the mask is False, even for NaN: [..., D], bool [...]."""
  return jnp.where(mask[..., np.newaxis], x, 0)


def mean(x: jax.Array, mask: jax.Array) -> jax.Array:
  """The mean of the steps that are there: [B, T, D] -> [B, D]; 0 if none."""
  steps = mask.sum(-1, keepdims=True)
  return masked(x, mask).sum(-2) / jnp.maximum(steps, 1)


def first(x: jax.Array, mask: jax.Array) -> jax.Array:
  """The first step that is there: [B, T, D] -> [B, D]; 0 if there is none."""
  return masked(x, mask & (jnp.cumsum(mask, -1) == 1)).sum(-2)


def last(x: jax.Array, mask: jax.Array) -> jax.Array:
  """The last step that is there: [B, T, D] -> [B, D]; 0 if there is none."""
  return first(x[:, ::-1], mask[:, ::-1])


def ends(x: jax.Array, mask: jax.Array) -> jax.Array:
  """Last states of a bidirectional LSTM: its output [B, T, D] -> [B, D].

  The backward half has read everything when it is at the first step.
  """
  forward, backward = jnp.split(x, 2, -1)
  return jnp.concatenate([last(forward, mask), first(backward, mask)], -1)


def positions(length: int, width: int) -> np.ndarray:
  """Sines and cosines of the position in the window: float32 [T, width]."""
  angle = np.arange(length)[:, np.newaxis] / 10_000 ** (
    2 * (np.arange(width) // 2) / width
  )
  odd = np.arange(width) % 2 == 1
  return np.where(odd, np.cos(angle), np.sin(angle)).astype(np.float32)
