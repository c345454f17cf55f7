"""Converts Hugging Face's tensors to the parameters of `bert.Bert`.

Names are those of BERT, which RoBERTa, XLM-R and ELECTRA share behind another
prefix, or those of DistilBERT.
"""

from collections.abc import Mapping
import math
import pathlib
from typing import Any

from flax import traverse_util
import jax
import jax.numpy as jnp
import numpy as np

from affect_jax.errors import UserError
from affect_jax.models import bert

# {our module: theirs}; first those of the model, then those of a layer.
_MODULES = {
  'word': 'embeddings.word_embeddings',
  'position': 'embeddings.position_embeddings',
  'token_type': 'embeddings.token_type_embeddings',
  'norm': 'embeddings.LayerNorm',
  'project': 'embeddings_project',
}
_LAYERS = 'encoder.layer'
_LAYER_MODULES = {
  'attention.query': 'attention.self.query',
  'attention.key': 'attention.self.key',
  'attention.value': 'attention.self.value',
  'attention.out': 'attention.output.dense',
  'norm_attention': 'attention.output.LayerNorm',
  'mlp_in': 'intermediate.dense',
  'mlp_out': 'output.dense',
  'norm_mlp': 'output.LayerNorm',
}
_DISTILBERT_LAYERS = 'transformer.layer'
_DISTILBERT_LAYER_MODULES = {
  'attention.query': 'attention.q_lin',
  'attention.key': 'attention.k_lin',
  'attention.value': 'attention.v_lin',
  'attention.out': 'attention.out_lin',
  'norm_attention': 'sa_layer_norm',
  'mlp_in': 'ffn.lin1',
  'mlp_out': 'ffn.lin2',
  'norm_mlp': 'output_layer_norm',
}
# Tensors under these are the encoder's: one that has no place is an error.
_ENCODER = ('embeddings.', 'embeddings_project.', 'encoder.', 'transformer.')
_LEAVES = {'embedding': 'weight', 'kernel': 'weight', 'scale': 'weight'}
# TensorFlow's names, which early files still use.
_OLD_NAMES = {
  'LayerNorm.gamma': 'LayerNorm.weight',
  'LayerNorm.beta': 'LayerNorm.bias',
}
# Constants 0, 1, 2, ... and 0, 0, 0, ..., not weights.
_BUFFERS = ('embeddings.position_ids', 'embeddings.token_type_ids')

# {Hugging Face's name: (path in our params, shape in our params)}.
_Places = dict[str, tuple[tuple[str, ...], tuple[int, ...]]]


def convert(
  path: pathlib.Path,
  tensors: Mapping[str, Any],
  options: Mapping[str, Any],
) -> tuple[dict[str, Any], list[str]]:
  """Returns the parameters of `bert.Bert(**options)`, and ignored tensors.

  Args:
    path: The file, for error messages.
    tensors: {name: array} from that file; all names of the encoder may have one
      common prefix.
    options: Attributes of the model.

  Returns:
    (params, ignored): float32 numpy arrays, nested like the model's
    parameters; and the names of tensors outside the encoder: a pooler, heads.

  Raises:
    UserError: A tensor is missing, unexpected, of another shape or not finite;
      the message names the file and the tensor.
  """
  tensors = {
    _new_name(name): x
    for name, x in tensors.items()
    if isinstance(x, np.ndarray)
  }
  prefix = _find_prefix(path, tensors)
  inner = {
    name.removeprefix(prefix): x
    for name, x in tensors.items()
    if name.startswith(prefix)
  }
  distilled = any(name.startswith(_DISTILBERT_LAYERS) for name in inner)
  places = _find_places(options, distilled)
  _check(path, inner, places)
  flat = {}
  for name, (keys, shape) in places.items():
    x = inner[name].astype(np.float32)
    if not np.all(np.isfinite(x)):
      raise UserError(f'{path}: {prefix}{name} is not finite.')
    # Dense weights are [out, in] in the file, [in, out] in flax.
    flat[keys] = (x.T if keys[-1] == 'kernel' else x).reshape(shape)
  ignored = sorted(set(tensors) - {prefix + name for name in places})
  return traverse_util.unflatten_dict(flat), ignored


def _new_name(name: str) -> str:
  for old, new in _OLD_NAMES.items():
    if name.endswith(old):
      return name.removesuffix(old) + new
  return name


def _find_prefix(path: pathlib.Path, names: Mapping[str, Any]) -> str:
  """Returns the prefix of the tensors' names, such as 'bert.' or ''."""
  landmark = 'embeddings.word_embeddings.weight'
  prefixes = [
    name.removesuffix(landmark)
    for name in names
    if name == landmark or name.endswith('.' + landmark)
  ]
  if len(prefixes) != 1:
    raise UserError(
      f'{path}: an encoder has one tensor {landmark}, but this file has '
      f'{len(prefixes)}; its tensors are {sorted(names)[:5]} ...'
    )
  return prefixes[0]


def _find_places(options: Mapping[str, Any], distilled: bool) -> _Places:
  layers, layer_modules = _LAYERS, _LAYER_MODULES
  if distilled:
    layers, layer_modules = _DISTILBERT_LAYERS, _DISTILBERT_LAYER_MODULES
  model = bert.Bert(**options)
  params = jax.eval_shape(
    lambda: model.init(
      jax.random.key(0),
      jnp.zeros((1, 1), jnp.int32),
      jnp.ones((1, 1), bool),
      train=False,
    )
  )['params']
  places = {}
  leaves: Any = traverse_util.flatten_dict(params)
  for keys, leaf in leaves.items():
    first, *rest = keys[:-1]
    if first in _MODULES:
      module = _MODULES[first]
    else:
      number = first.removeprefix('layer')
      module = f'{layers}.{number}.{layer_modules[".".join(rest)]}'
    name = f'{module}.{_LEAVES.get(keys[-1], keys[-1])}'
    places[name] = (keys, leaf.shape)
  return places


def _file_shape(
  keys: tuple[str, ...], shape: tuple[int, ...]
) -> tuple[int, ...]:
  """Returns a parameter's shape in a file, where heads have no axis."""
  if keys[-1] == 'embedding':
    return shape
  if keys[-1] != 'kernel':
    return (math.prod(shape),)
  inputs = 2 if keys[-2] == 'out' else 1
  return (math.prod(shape[inputs:]), math.prod(shape[:inputs]))


def _check(
  path: pathlib.Path, tensors: Mapping[str, np.ndarray], places: _Places
) -> None:
  """Raises UserError unless the tensors are those of the encoder."""
  problems = [f'{name} is missing' for name in places if name not in tensors]
  problems += [
    f'{name} is unexpected'
    for name in sorted(tensors)
    if name.startswith(_ENCODER) and name not in places and name not in _BUFFERS
  ]
  for name, (keys, shape) in places.items():
    expected = _file_shape(keys, shape)
    if name in tensors and tensors[name].shape != expected:
      problems.append(f'{name} has shape {tensors[name].shape}, not {expected}')
  if problems:
    more = f'; and {len(problems) - 3} more' if len(problems) > 3 else ''
    raise UserError(
      f'{path}: not the encoder of its config.json: '
      f'{"; ".join(problems[:3])}{more}.'
    )
