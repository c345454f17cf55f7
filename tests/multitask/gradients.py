"""Signals made of a Jacobian, as a training step would."""

from collections.abc import Callable
import functools
import zlib

import jax
import jax.numpy as jnp
import numpy as np

from affect_jax import multitask
from affect_jax.multitask import base

# Those whose weights are of the gradients; `db_mtl` needs whole ones.
METHODS = [
  name
  for name in multitask.METHODS
  if multitask.get_method(name).reads_gradients and name != 'db_mtl'
]
# So short that they end within a test.
PERIODS = {'dwa': {'period': 2}, 'stch': {'warmup_steps': 2}}
OF_LOSSES = [
  name
  for name in multitask.METHODS
  if not multitask.get_method(name).reads_gradients
]


@functools.cache
def built(name: str, **options) -> tuple[base.Method, Callable]:
  """The method, and its compiled update: each is compiled once a shape."""
  options = PERIODS.get(name, {}) | options
  method = multitask.get_method(name, **options)
  return method, jax.jit(method.update)


def signals(
  jacobian, losses=None, present=None, names=None, step=0
) -> base.Signals:
  """What a step hands a method whose tasks have the gradients [K, D]."""
  size = len(jacobian)
  names = names or [f'task{i}' for i in range(size)]
  present = np.ones(size, bool) if present is None else np.array(present)
  losses = np.ones(size) if losses is None else losses
  ids = np.array([zlib.crc32(name.encode()) for name in names], np.uint32)
  return _signals(jacobian, losses, present, ids, step)


@jax.jit
def _signals(jacobian, losses, present, ids, step):
  jacobian = jnp.where(present[:, None], jacobian, 0)
  rng = jax.random.fold_in(jax.random.key(3), step)
  return base.Signals(
    losses=jnp.where(present, losses, 0),
    present=present,
    gram=jnp.matmul(jacobian, jacobian.T, precision='highest'),
    rng=rng,
    task_rngs=jax.vmap(jax.random.fold_in, (None, 0))(rng, ids),
    task_ids=ids,
  )


def aggregate(name: str, jacobian, repeat: int = 1, **options) -> np.ndarray:
  """The update [D] that the method makes of a Jacobian, after some steps.

  Absent tasks fill up to 8, so that each method is compiled once.
  """
  jacobian = np.asarray(jacobian)
  absent = np.zeros((8 - len(jacobian), jacobian.shape[1]), jacobian.dtype)
  all_ = np.concatenate([jacobian, absent])
  method, update = built(name, **options)
  state = method.init(8, ())
  for _ in range(repeat):
    weights, state = update(
      state, signals(all_, present=np.arange(8) < len(jacobian))
    )
  return np.asarray(weights) @ all_
