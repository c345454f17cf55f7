"""The network and its predictions for `jax.export`."""

from collections.abc import Callable, Sequence
import pathlib
from typing import Any

import jax
from jax import export
import jax.numpy as jnp
import numpy as np

from affect_jax.errors import UserError
from affect_jax.export import program

PLATFORMS = ('cpu', 'cuda', 'rocm', 'tpu')


def write(path: pathlib.Path, predict: program.Predict, size: int) -> None:
  """Writes StableHLO, for any batch size and all PLATFORMS.

  Args:
    path: model.jax.
    predict: f32 [B, size, size, 3] -> {task: [B, K]}.
    size: Pixels of a side.
  """
  shape = export.symbolic_shape(f'batch, {size}, {size}, 3')
  save(path, predict, [jax.ShapeDtypeStruct(shape, jnp.float32)])


def save(
  path: pathlib.Path, predict: Callable[..., Any], specs: Sequence[Any]
) -> None:
  """Writes a function for arguments of these shapes, for all PLATFORMS."""
  exported = export.export(jax.jit(predict), platforms=PLATFORMS)(*specs)
  path.write_bytes(exported.serialize())


def load(path: pathlib.Path):
  """Returns the function that a file holds, from and to numpy arrays.

  Raises:
    UserError: The file is damaged, or of another program.
  """
  try:
    exported = export.deserialize(bytearray(path.read_bytes()))
  except Exception as error:  # Of flatbuffers and MLIR: nearly anything.
    raise UserError(
      f'{path} is no exported function of JAX, or is damaged or cut: export or '
      f'copy it again ({type(error).__name__}: {str(error)[:150]}).'
    ) from error
  call = jax.jit(exported.call)
  return lambda inputs: jax.tree.map(np.asarray, call(inputs))
