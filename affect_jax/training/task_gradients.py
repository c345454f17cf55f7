"""The gradient of each task's loss, from one forward pass."""

from collections.abc import Callable, Mapping, Sequence
import itertools
from typing import Any

import jax
import jax.numpy as jnp

# The part of a model that tasks do not share: params['heads'][task].
HEADS = 'heads'


def shared(params: Mapping[str, Any]) -> dict[str, Any]:
  """Returns the parameters, or their gradients, that tasks share."""
  return {k: v for k, v in params.items() if k != HEADS}


def of_tasks(pull: Callable[[Any], Any], num_tasks: int) -> Any:
  """Returns gradients with respect to all parameters, leaves [K, ...].

  Args:
    pull: (cotangents of (losses [K], auxiliary loss [])) -> gradients, of
      `jax.vjp`.
    num_tasks: K.
  """
  # Written out: in a loop, a CPU runs convolutions four times slower.
  parts = [pull((row, jnp.zeros(())))[0] for row in jnp.eye(num_tasks)]
  return jax.tree.map(lambda *rows: jnp.stack(rows), *parts)


def gram(gradients: Any) -> jax.Array:
  """Returns inner products [K, K] of gradients with leaves [K, ...]."""
  rows = [g.reshape(g.shape[0], -1) for g in jax.tree.leaves(gradients)]
  product = lambda g: jnp.matmul(g, g.T, precision=jax.lax.Precision.HIGHEST)
  return jnp.sum(jnp.stack([product(g) for g in rows]), 0)


def report(
  names: Sequence[str], inner_products: jax.Array
) -> dict[str, jax.Array]:
  """Returns norms of the tasks' gradients, and the cosine of each pair.

  A cosine below 0 is a conflict: what helps one task harms the other.

  Args:
    names: The tasks.
    inner_products: From `gram`.

  Returns:
    {'grad_norm/task': [], 'cosine/task/other task': []}; the cosine with a
    gradient of length 0 is NaN.
  """
  norms = jnp.sqrt(jnp.diagonal(inner_products))
  logs = {f'grad_norm/{n}': norm for n, norm in zip(names, norms, strict=True)}
  for i, j in itertools.combinations(range(len(names)), 2):
    cosine = inner_products[i, j] / (norms[i] * norms[j])
    logs[f'cosine/{names[i]}/{names[j]}'] = cosine
  return logs
