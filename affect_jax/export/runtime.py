"""ONNX Runtime: loading a file, and making its numbers smaller."""

from collections.abc import Iterable
import pathlib

import numpy as np

from affect_jax.models import onnx_file


def load(path: pathlib.Path) -> onnx_file.Run:
  """Returns the function that a file holds: f32 [B, S, S, 3] -> {task: [B, K]}.

  Raises:
    MissingExtra: onnxruntime is not installed.
  """
  return onnx_file.load(path)[0]


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
  onnx_file.import_runtime()
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
