"""ONNX files of exported runs: how they are run, and what they say."""

from collections.abc import Callable
import json
import pathlib
from typing import Any

import numpy as np

from affect_jax.errors import MissingExtra
from affect_jax.errors import UserError

Run = Callable[[np.ndarray], dict[str, np.ndarray]]
# The property of a file that holds what model.json says.
PROPERTY = 'affect_jax'


def load(path: pathlib.Path, threads: int = 0) -> tuple[Run, dict[str, Any]]:
  """Returns what a file does, and what it says of itself.

  Args:
    path: model.onnx.
    threads: Of the CPU; 0: all.

  Returns:
    f32 [B, S, S, 3] -> {task: [B, K]}, and the content of model.json, {} where
    the file has none.

  Raises:
    MissingExtra: onnxruntime is not installed.
    UserError: There is no such file, or it is damaged.
  """
  runtime = import_runtime()
  if not path.is_file():
    raise UserError(f'{path}: there is no such file.')
  options = runtime.SessionOptions()
  options.intra_op_num_threads = threads
  try:
    session = runtime.InferenceSession(
      str(path), options, providers=['CPUExecutionProvider']
    )
  except Exception as error:  # Its errors have no class in common.
    raise _damaged(path, error) from error
  names = [output.name for output in session.get_outputs()]

  def run(image: np.ndarray) -> dict[str, np.ndarray]:
    try:
      outputs = session.run(names, {'image': image})
    except Exception as error:
      raise _damaged(path, error) from error
    return dict(zip(names, outputs, strict=True))

  try:
    said = session.get_modelmeta().custom_metadata_map.get(PROPERTY, '{}')
    return run, json.loads(said)
  except ValueError as error:
    raise _damaged(path, error) from error


def _damaged(path: pathlib.Path, error: Exception) -> UserError:
  said = (str(error).splitlines() or [type(error).__name__])[0][:150]
  return UserError(
    f'{path} is no ONNX file that can be read, or is cut or damaged: export '
    f'or copy it again ({said}).'
  )


def import_runtime() -> Any:
  """Returns the module onnxruntime.

  Raises:
    MissingExtra: It is not installed.
  """
  try:
    import onnxruntime
  except ImportError as error:
    raise MissingExtra(
      'ONNX files are run by the package onnxruntime: '
      "pip install 'affect_jax[onnx]'."
    ) from error
  return onnxruntime
