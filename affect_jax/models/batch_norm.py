"""Batch normalization for training that leaves out padding rows."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np


class MaskedBatchNorm(nn.Module):
  """Normalizes by the rows that count, and updates the running averages.

  Parameters and running averages are named as in `nn.BatchNorm`, and values are
  equal where all rows count. With a mask under pmap, `nn.BatchNorm` averages
  the devices' means, no matter how many rows each of them has, and gets NaN
  where a device has none; here sums and counts are added up over devices. If no
  row counts, the running averages stay as they are.

  Attributes:
    momentum, epsilon, dtype, scale_init: See `nn.BatchNorm`.
    axis_name: The pmap axis, or None.
  """

  momentum: float
  epsilon: float
  dtype: Any = jnp.float32
  axis_name: str | None = None
  scale_init: Any = nn.initializers.ones

  @nn.compact
  def __call__(self, x: jax.Array, rows: jax.Array) -> jax.Array:
    """Normalizes x [B, H, W, C]; `rows` bool [B] marks the rows that count."""
    shape = (x.shape[-1],)
    scale = self.param('scale', self.scale_init, shape, jnp.float32)
    bias = self.param('bias', nn.initializers.zeros, shape, jnp.float32)
    averages = {
      'mean': self.variable('batch_stats', 'mean', jnp.zeros, shape),
      'var': self.variable('batch_stats', 'var', jnp.ones, shape),
    }
    x = x.astype(jnp.float32)
    # Values of rows that do not count may be NaN and must not reach a sum.
    counted = jnp.where(rows[:, np.newaxis, np.newaxis, np.newaxis], x, 0)
    sums = (
      counted.sum((0, 1, 2)),
      (counted**2).sum((0, 1, 2)),
      rows.sum(dtype=jnp.float32) * x.shape[1] * x.shape[2],
    )
    if self.axis_name and not self.is_initializing():
      sums = jax.lax.psum(sums, self.axis_name)
    total, squares, count = sums
    mean = total / jnp.maximum(count, 1)
    # Rounding may make the variance negative.
    var = jnp.maximum(squares / jnp.maximum(count, 1) - mean**2, 0)
    if not self.is_initializing():
      rate = jnp.where(count > 0, 1 - self.momentum, 0)
      for name, value in (('mean', mean), ('var', var)):
        averages[name].value += rate * (value - averages[name].value)
    mean, factor, bias = (
      v[np.newaxis, np.newaxis, np.newaxis]
      for v in (mean, jax.lax.rsqrt(var + self.epsilon) * scale, bias)
    )
    return ((x - mean) * factor + bias).astype(self.dtype)
