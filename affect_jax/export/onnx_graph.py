"""The network and its predictions as an ONNX graph.

BatchNorm is folded into the convolutions, as its statistics do not change any
more. Pictures keep the layout [B, S, S, 3], and are transposed inside.
"""

from collections.abc import Mapping, Sequence
import pathlib
from typing import Any

import jax.numpy as jnp
import numpy as np

from affect_jax.errors import MissingExtra
from affect_jax.errors import UserError
from affect_jax.export import weights
from affect_jax.models import affect_model
from affect_jax.models import onnx_file
from affect_jax.models import resnet
from affect_jax.tasks import base
from affect_jax.tasks import losses

# Old enough for the runtimes of phones and browsers.
OPSET, IR_VERSION = 17, 8
EPSILON = 1e-5  # Of `resnet`'s BatchNorm.


class _Graph:
  """Nodes and weights so far; each method appends and returns a name."""

  def __init__(self, dtype: str):
    onnx = _import()
    self._helper, self._numpy = onnx.helper, onnx.numpy_helper
    self._dtype = dtype
    self.nodes: list[Any] = []
    self.weights: list[Any] = []

  def constant(self, name: str, value: np.ndarray) -> str:
    """Adds an array; floats get the graph's dtype."""
    value = np.asarray(value)
    if value.dtype.kind == 'f':
      value = value.astype(self._dtype)
    self.weights.append(self._numpy.from_array(value, name))
    return name

  def add(self, op: str, inputs: Sequence[str], output: str, **options) -> str:
    """Adds a node with one output."""
    self.nodes.append(
      self._helper.make_node(op, inputs, [output], name=output, **options)
    )
    return output

  def conv(
    self, x: str, name: str, bn: str, of: Mapping[str, np.ndarray], stride: int
  ) -> str:
    """Adds a convolution with its BatchNorm."""
    kernel = of[f'{name}.weight']
    scale = of[f'{bn}.weight'] / np.sqrt(of[f'{bn}.running_var'] + EPSILON)
    bias = of[f'{bn}.bias'] - of[f'{bn}.running_mean'] * scale
    inputs = (
      x,
      self.constant(f'{name}.kernel', kernel * scale[:, None, None, None]),
      self.constant(f'{name}.bias', bias),
    )
    pads = [kernel.shape[-1] // 2] * 4
    return self.add('Conv', inputs, name, pads=pads, strides=[stride] * 2)


def build(
  model: affect_model.AffectModel,
  variables: Mapping[str, Any],
  tasks: Sequence[base.Task],
  size: int,
  dtype: str = 'float32',
) -> Any:
  """Returns an `onnx.ModelProto`: image -> an output per task.

  Args:
    model: The model, without temporal encoder.
    variables: Its variables.
    tasks: Its tasks, in the order of the outputs.
    size: Pixels of a side.
    dtype: Type of weights and features: 'float32' or 'float16'; input and
      outputs are float32.

  Raises:
    MissingExtra: onnx is not installed.
    UserError: A task's predictions are none of `activation`'s.
  """
  onnx = _import()
  of = weights.tensors(variables)
  graph = _Graph(dtype)
  mean = np.asarray(model.mean, np.float32).reshape(1, 1, 1, 3)
  std = np.asarray(model.std, np.float32).reshape(1, 1, 1, 3)
  x = 'image'
  if dtype != 'float32':
    x = graph.add('Cast', [x], 'cast', to=onnx.TensorProto.FLOAT16)
  x = graph.add('Sub', [x, graph.constant('mean', mean)], 'centred')
  x = graph.add('Div', [x, graph.constant('std', std)], 'normalized')
  x = graph.add('Transpose', [x], 'planes', perm=[0, 3, 1, 2])
  x = graph.conv(x, 'conv1', 'bn1', of, 2)
  x = graph.add('Relu', [x], 'stem')
  if model.stem == 'imagenet':
    window = {'kernel_shape': [3, 3], 'pads': [1] * 4, 'strides': [2, 2]}
    x = graph.add('MaxPool', [x], 'maxpool', **window)
  for stage in range(1, len(resnet.WIDTHS) + 1):
    for block in range(resnet.NUM_BLOCKS):
      stride = 2 if stage > 1 and block == 0 else 1
      x = _block(graph, x, f'layer{stage}.{block}', of, stride)
  x = graph.add('GlobalAveragePool', [x], 'pooled')
  x = graph.add('Flatten', [x], 'features')
  outputs = []
  for task in tasks:
    head = [
      graph.constant(f'{task.name}.{part}', of[f'heads.{task.name}.{part}'])
      for part in ('weight', 'bias')
    ]
    y = graph.add('Gemm', [x, *head], f'{task.name}.raw', transB=1)
    if dtype != 'float32':
      y = graph.add(
        'Cast', [y], f'{task.name}.float', to=onnx.TensorProto.FLOAT
      )
    _activate(graph, y, task)
    outputs.append(
      onnx.helper.make_tensor_value_info(
        task.name, onnx.TensorProto.FLOAT, ['batch', len(task.outputs)]
      )
    )
  image = onnx.helper.make_tensor_value_info(
    'image', onnx.TensorProto.FLOAT, ['batch', size, size, 3]
  )
  return onnx.helper.make_model(
    onnx.helper.make_graph(
      graph.nodes, 'affect_jax', [image], outputs, graph.weights
    ),
    producer_name='affect_jax',
    ir_version=IR_VERSION,
    opset_imports=[onnx.helper.make_opsetid('', OPSET)],
  )


def describe(path: pathlib.Path, text: str) -> None:
  """Makes a file say what model.json says, whatever becomes of that."""
  onnx = _import()
  model = onnx.load(str(path))
  onnx.helper.set_model_props(model, {onnx_file.PROPERTY: text})
  onnx.save(model, str(path))


def activation(task: base.Task) -> str:
  """Returns which function a task's predictions are of its raw outputs.

  It is found by comparing values, so that no task has to declare it: 'Softmax',
  'Sigmoid', 'Tanh', 'Identity', or 'Bins' (see `losses.bin_expectation`).

  Raises:
    UserError: It is none of these.
  """
  raw = np.random.default_rng(0).normal(0, 2, (4, task.num_units))
  raw = raw.astype(np.float32)
  wanted = np.asarray(task.predict(jnp.asarray(raw)))
  shares = lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True)
  candidates = {
    'Softmax': shares(raw),
    'Sigmoid': 1 / (1 + np.exp(-raw)),
    'Tanh': np.tanh(raw),
    'Identity': raw,
  }
  bins = task.num_units // len(task.outputs)
  if bins > 1:
    parts = shares(raw.reshape(4, len(task.outputs), bins))
    candidates['Bins'] = parts @ _centres(bins)
  for name, values in candidates.items():
    if values.shape == wanted.shape and np.allclose(values, wanted, atol=1e-5):
      return name
  raise UserError(
    f'The predictions of {task.name} are no {", ".join(candidates)} of its raw '
    'outputs: ONNX cannot hold them; --format=stablehlo can.'
  )


def _block(
  graph: _Graph, x: str, name: str, of: Mapping[str, np.ndarray], stride: int
) -> str:
  y = graph.conv(x, f'{name}.conv1', f'{name}.bn1', of, stride)
  y = graph.add('Relu', [y], f'{name}.relu')
  y = graph.conv(y, f'{name}.conv2', f'{name}.bn2', of, 1)
  if f'{name}.downsample.0.weight' in of:
    names = (f'{name}.downsample.0', f'{name}.downsample.1')
    x = graph.conv(x, *names, of, stride)
  y = graph.add('Add', [x, y], f'{name}.sum')
  return graph.add('Relu', [y], f'{name}.out')


def _activate(graph: _Graph, x: str, task: base.Task) -> str:
  kind = activation(task)
  if kind == 'Softmax':
    return graph.add(kind, [x], task.name, axis=-1)
  if kind != 'Bins':
    return graph.add(kind, [x], task.name)
  bins = task.num_units // len(task.outputs)
  shape = graph.constant(
    f'{task.name}.shape', np.array([-1, len(task.outputs), bins], np.int64)
  )
  x = graph.add('Reshape', [x, shape], f'{task.name}.bins')
  x = graph.add('Softmax', [x], f'{task.name}.shares', axis=-1)
  # A sum of float32 in any graph.
  centres = _import().numpy_helper.from_array(
    _centres(bins), f'{task.name}.centres'
  )
  graph.weights.append(centres)
  return graph.add('MatMul', [x, centres.name], task.name)


def _centres(bins: int) -> np.ndarray:
  return np.asarray(losses.bin_values(bins), np.float32)


def _import() -> Any:
  try:
    import onnx
    import onnx.helper
    import onnx.numpy_helper
  except ImportError as error:
    raise MissingExtra(
      "--format=onnx needs the package onnx: pip install 'affect_jax[onnx]'."
    ) from error
  return onnx
