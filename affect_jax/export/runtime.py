"""ONNX Runtime: loading a file, and making its numbers smaller."""

from collections.abc import Callable, Iterable
import pathlib
from typing import Any

import numpy as np

from affect_jax.errors import MissingExtra

Run = Callable[[np.ndarray], dict[str, np.ndarray]]


def load(path: pathlib.Path, threads: int = 0) -> Run:
  """Returns the function that a file holds: f32 [B, S, S, 3] -> {task: [B, K]}.

  Args:
    path: model.onnx.
    threads: Of the CPU; 0: all.

  Raises:
    MissingExtra: onnxruntime is not installed.
  """
  runtime = _import()
  options = runtime.SessionOptions()
  options.intra_op_num_threads = threads
  session = runtime.InferenceSession(
    str(path), options, providers=['CPUExecutionProvider']
  )
  names = [output.name for output in session.get_outputs()]

  def run(image: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(names, session.run(names, {'image': image}), strict=True))

  return run


def quantize(
  path: pathlib.Path, output: pathlib.Path, batches: Iterable[np.ndarray]
) -> None:
  """Writes a graph whose convolutions and products are of 8-bit integers.

  Args:
    path: The graph of float32.
    output: Where to write.
    batches: Pictures f32 [B, S, S, 3], from which the range of each feature map
      is learned; they should be like those that the model will see.
  """
  _import()
  from onnxruntime import quantization

  class Reader(quantization.CalibrationDataReader):
    """Gives the pictures, batch by batch."""

    def __init__(self) -> None:
      self._batches = iter(batches)

    def get_next(self) -> dict[str, np.ndarray] | None:
      """Returns the next inputs; None after the last."""
      image = next(self._batches, None)
      return None if image is None else {'image': image}

  quantization.quantize_static(
    str(path),
    str(output),
    Reader(),
    quant_format=quantization.QuantFormat.QDQ,
    per_channel=True,
    op_types_to_quantize=['Conv', 'Add', 'MaxPool', 'GlobalAveragePool'],
  )


def _import() -> Any:
  try:
    import onnxruntime
  except ImportError as error:
    raise MissingExtra(
      'ONNX files are run by the package onnxruntime: '
      "pip install 'affect_jax[onnx]'."
    ) from error
  return onnxruntime
