"""Features of different corpora, projected into one space."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp


def normalized(x: jax.Array, mean: Any, std: Any) -> jax.Array:
  """Returns features [B, T, D] minus mean [D], over standard deviation [D]."""
  return (x - _row(mean)) / _row(std)


def _row(values: Any) -> jax.Array:
  return jnp.asarray(values, jnp.float32).reshape(1, 1, -1)


class Projection(nn.Module):
  """A dense layer for each feature space, into a space that all share.

  params: {'from_SPACE': {'kernel' [D, width], 'bias' [width]}}.

  Attributes:
    spaces: (name, D, statistics) of each space: statistics are (mean [D],
      standard deviation [D]), which normalize its features, or ().
    width: Features of the shared space.
  """

  spaces: tuple[tuple[str, int, Any], ...]
  width: int

  @nn.compact
  def __call__(self, x: jax.Array, number: jax.Array) -> jax.Array:
    """[B, T, D of the widest space] -> [B, T, width].

    Args:
      x: Features; those beyond the D of a row's space are not read.
      number: int32 [B], the place of each row's space in `spaces`.
    """
    # Each layer reads all rows. A gather of kernels would be shorter, but its
    # gradient adds in an order that differs from run to run on GPUs.
    projected = jnp.zeros((*x.shape[:-1], self.width), x.dtype)
    for i, (name, dim, statistics) in enumerate(self.spaces):
      features = x[..., :dim]
      if statistics:
        features = normalized(features, *statistics)
      y = nn.Dense(self.width, name=f'from_{name}')(features)
      is_from = (number == i)[:, jnp.newaxis, jnp.newaxis]
      projected = jnp.where(is_from, y, projected)
    return projected
