"""Runs that read windows of frames, or utterances: StableHLO and weights."""

from collections.abc import Callable, Mapping
import pathlib
from typing import Any

import jax
from jax import export
import numpy as np

from affect_jax.data import batch as batch_lib
from affect_jax.export import check
from affect_jax.export import stablehlo
from affect_jax.models import tensor_file
from affect_jax.run import signature
from affect_jax.run import utterances
from affect_jax.training import published

Inputs = dict[str, np.ndarray]


def example(trained: signature.Trained) -> Inputs:
  """Returns one row of inputs, as `data.batch` describes them.

  Utterances have the largest length that training pads to.
  """
  inputs = trained.signature.inputs
  if trained.signature.kind == 'faces':
    return batch_lib.dummy_batch(
      trained.tasks, inputs['image_size'], window=inputs['window']
    )['inputs']
  return utterances.dummy_inputs(
    inputs['dims'],
    max(inputs['boundaries']),
    inputs['window'],
    inputs['together'],
    [*inputs.get('spaces', ())],
  )


def describe(trained: signature.Trained) -> dict[str, Any]:
  """Returns {'inputs': {name: its shape, None for any, and dtype}}."""
  return {
    name: {'shape': [None, *x.shape[1:]], 'dtype': x.dtype.name}
    for name, x in example(trained).items()
  }


def write_weights(path: pathlib.Path, trained: signature.Trained) -> float:
  """Writes all variables by their paths, and returns the largest difference."""
  published.write_weights(path, trained.variables)
  found = tensor_file.read(path)
  wanted = published.flat(trained.variables)
  assert found.keys() == wanted.keys()
  return max(float(np.abs(found[k] - x).max()) for k, x in wanted.items())


def write_stablehlo(
  path: pathlib.Path, trained: signature.Trained
) -> tuple[check.Run, check.Run, Callable[[int], Inputs]]:
  """Writes inputs -> {task: predictions}, for any number of rows.

  Returns:
    What the file does, what the run does, and random inputs of so many rows.
  """
  row = example(trained)

  def predict(inputs: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
    raw = trained.model.apply(trained.variables, inputs, train=False)
    assert isinstance(raw, dict)
    return {t.name: t.predict(raw[t.name]) for t in trained.tasks}

  shapes = {
    name: ', '.join(['batch', *map(str, x.shape[1:])])
    for name, x in row.items()
  }
  stablehlo.save(path, predict, export.symbolic_args_specs((row,), (shapes,)))
  compiled = jax.jit(predict)
  wanted = lambda inputs: jax.tree.map(np.asarray, compiled(inputs))
  return stablehlo.load(path), wanted, lambda count: _random(row, count)


def _random(row: Inputs, count: int) -> Inputs:
  """Returns rows of random numbers; steps after a random one are masked."""
  r = np.random.default_rng(0)
  found: Inputs = {}
  for name, x in row.items():
    shape = (count, *x.shape[1:])
    if x.dtype == bool:
      ends = r.integers(1, shape[-1] + 1, (*shape[:-1], 1))
      found[name] = np.arange(shape[-1]) < ends
    elif x.dtype.kind == 'i':
      # Of token ids, a few; all rows are of the first feature space.
      top = 1 if name.endswith('_space') else 100
      found[name] = r.integers(0, top, shape).astype(x.dtype)
    else:
      found[name] = r.random(shape).astype(x.dtype)
  return found
