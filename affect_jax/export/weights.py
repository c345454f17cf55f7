"""Weights as safetensors, by the names that torchvision's ResNet-18 has."""

from collections.abc import Mapping
import json
import pathlib
from typing import Any

import jax
import numpy as np
from safetensors import numpy as safetensors

from affect_jax.models import pretrained
from affect_jax.run import folder as run_folder


def tensors(variables: Mapping[str, Any]) -> dict[str, np.ndarray]:
  """Returns {name: float32 array} in PyTorch's layouts.

  The ResNet-18 has torchvision's names ('layer1.0.conv1.weight': [out, in,
  height, width]); a head is 'heads.TASK.weight' [units, 512] and
  'heads.TASK.bias' [units].

  Args:
    variables: Of an `affect_model.AffectModel` without temporal encoder.
  """
  found = {}
  for name, (keys, _) in pretrained.tensor_places().items():
    node: Any = variables[keys[0]]['backbone']
    for key in keys[1:]:
      node = node[key]
    x = np.asarray(node, np.float32)
    # Ours are [height, width, in, out].
    found[name] = x.transpose(3, 2, 0, 1) if x.ndim == 4 else x
  for task, head in variables['params']['heads'].items():
    found[f'heads.{task}.weight'] = np.asarray(head['kernel'], np.float32).T
    found[f'heads.{task}.bias'] = np.asarray(head['bias'], np.float32)
  return {name: np.ascontiguousarray(x) for name, x in found.items()}


def write(
  path: pathlib.Path,
  variables: Mapping[str, Any],
  about: Mapping[str, Any],
  dtype: str,
) -> None:
  """Writes the tensors, and model.json's content as metadata.

  Args:
    path: model.safetensors.
    variables: See `tensors`.
    about: From `program.describe`.
    dtype: 'float32' or 'float16'.
  """
  arrays = {name: x.astype(dtype) for name, x in tensors(variables).items()}
  metadata = {'format': 'pt', 'affect_jax': json.dumps(run_folder.plain(about))}
  # `save_file` would make a file that only its owner may read.
  path.write_bytes(safetensors.save(arrays, metadata))


def difference(path: pathlib.Path, variables: Mapping[str, Any]) -> float:
  """Returns the largest difference of a file's weights from the run's.

  The file is read by `pretrained.load_resnet18`, as `config.init.weights` does.
  """
  params, stats, _ = pretrained.load_resnet18(path)
  backbone = {'params': params, 'batch_stats': stats}
  own = {k: variables[k]['backbone'] for k in backbone}
  pairs = [
    (np.asarray(a, np.float32), np.asarray(b, np.float32))
    for a, b in zip(
      jax.tree.leaves(backbone), jax.tree.leaves(own), strict=True
    )
  ]
  heads = tensors(variables)
  for name, x in safetensors.load_file(path).items():
    if name.startswith('heads.'):
      pairs.append((x.astype(np.float32), heads[name]))
  return max(float(np.abs(a - b).max()) for a, b in pairs)
