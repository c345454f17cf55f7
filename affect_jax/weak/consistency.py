"""Mean teacher: the model shall predict what its moving average does.

The average predicts the weak view, the model the strong one; the loss is the
mean over samples and outputs of the squared difference of their predictions,
probabilities or values, summed over tasks (Tarvainen and Valpola, 2017). It
reads labelled and unlabelled samples alike.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp


def loss(
  tasks: Sequence[Any], outputs: Any, targets: Any, real: jax.Array
) -> jax.Array:
  """Returns the loss, f32 [].

  Args:
    tasks: Those that count.
    outputs: {task: raw head outputs [B, units]} of the model.
    targets: {task: predictions [B, K]} of the teacher.
    real: bool [B], which rows are samples.
  """
  total = jnp.zeros(())
  count = jnp.maximum(real.sum(), 1)
  for task in tasks:
    off = task.predict(outputs[task.name]) - targets[task.name]
    each = jnp.mean(off**2, -1)
    total += jnp.where(real, each, 0.0).sum() / count
  return total
