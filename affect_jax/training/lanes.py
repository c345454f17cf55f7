"""Runs that differ in their seed alone, updated by one program.

One small model leaves most of an accelerator idle: several runs side by side,
the lanes of one vectorised step, use more of it.
"""

from collections.abc import Callable, Sequence
import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from affect_jax.training import parallel as parallel_lib


@dataclasses.dataclass(frozen=True)
class Lanes:
  """How the step of `parallel` updates one run, or several.

  States, batches, random keys and logs of several runs have an axis of runs [S]
  first; those of a single run are as `parallel` makes them.

  Attributes:
    parallel: How each batch is spread over devices; under 'pmap' there can be
      one run only.
    number: S, the number of runs.
  """

  parallel: parallel_lib.Parallel
  number: int = 1

  def put_states(self, states: Sequence[Any]) -> Any:
    """Makes the runs' states the state that the compiled step takes."""
    if self.number == 1:
      return self.parallel.put_state(states[0])
    stacked = _stack([self.parallel.put_state(s) for s in states])
    return self.parallel.put_state(stacked)

  def put_batches(self, batches: Sequence[Any]) -> Any:
    """Makes the runs' batches what the compiled step takes.

    Batches of different shapes, as those of utterances may have, stay a list.
    """
    if self.number == 1:
      return self.parallel.put_batch(batches[0])
    shapes = [jax.tree.map(np.shape, b) for b in batches]
    if any(s != shapes[0] for s in shapes):
      return [self.parallel.put_batch(b) for b in batches]
    stacked = jax.tree.map(lambda *x: np.stack(x), *batches)
    return self.parallel.put_global(stacked, axis=1)

  def put_keys(self, keys: Sequence[jax.Array]) -> jax.Array:
    """Makes the runs' random keys what the compiled step takes."""
    return keys[0] if self.number == 1 else jnp.stack(keys)

  def compile_step(self, step: Callable) -> Callable:
    """Compiles (state, batch, rng) -> (state, logs); the state is donated."""
    return self._compile(step, self.parallel.compile_step)

  def compile_report(self, report: Callable) -> Callable:
    """Compiles (state, batch, rng) -> {name: scalar}; the state is kept."""
    return self._compile(report, self.parallel.compile_report)

  def _compile(self, function: Callable, compiled: Callable) -> Callable:
    one = compiled(function)
    if self.number == 1:
      return one
    together = compiled(jax.vmap(function))

    def call(state, batch, rng):
      if not isinstance(batch, list):
        return together(state, batch, rng)
      runs = zip(self.split(state), batch, self.split(rng), strict=True)
      return _stack([one(*run) for run in runs])

    return call

  def get_states(self, state: Any) -> list[Any]:
    """Makes the step's state those of the runs."""
    if self.number == 1:
      return [self.parallel.get_state(state)]
    return self.split(state)

  def split(self, values: Any) -> list[Any]:
    """Returns what each run has of state, keys or logs."""
    return [values] if self.number == 1 else _split(values, self.number)


@jax.jit
def _stack(trees: Sequence[Any]) -> Any:
  return jax.tree.map(lambda *x: jnp.stack(x), *trees)


@functools.partial(jax.jit, static_argnums=1)
def _split(tree: Any, number: int) -> list[Any]:
  return [jax.tree.map(lambda x, i=i: x[i], tree) for i in range(number)]
