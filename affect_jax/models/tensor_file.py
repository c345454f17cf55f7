"""Reads named arrays from the weight files of other libraries.

The content of a file says of which library it is, not its name.
"""

from collections.abc import Mapping
import pathlib
from typing import Any

import ml_dtypes
import numpy as np
import safetensors

from affect_jax import file_kind
from affect_jax.errors import UserError
from affect_jax.models import torch_pickle

# Keys under which training scripts save the model's state dict.
WRAPPERS = ('state_dict', 'model', 'model_state_dict', 'net', 'network')

# How files of torch.save begin: today, and up to torch 1.5.
TORCH = (b'PK', b'\x80')
# How others begin.
_OTHERS = {
  b'\x89HDF': 'is a HDF5 file, as Keras writes them',
  b'\x93NUMPY': "is one array of numpy's",
  b'GGUF': 'is a GGUF file, for llama.cpp',
}

_SAFETENSORS = {
  'F64': np.dtype(np.float64),
  'F32': np.dtype(np.float32),
  'F16': np.dtype(np.float16),
  'BF16': np.dtype(ml_dtypes.bfloat16),
  'I64': np.dtype(np.int64),
  'I32': np.dtype(np.int32),
  'U8': np.dtype(np.uint8),
  'BOOL': np.dtype(np.bool_),
}


def read(path: str | pathlib.Path) -> dict[str, Any]:
  """Returns {name: array} of a file of safetensors or a saved state dict.

  Nothing in the file is executed, and PyTorch is not needed. torch.save may
  have put the state dict under one of `WRAPPERS`.

  Args:
    path: A file of any name, as .safetensors, .pth, .pth.tar, .pt, .bin, .ckpt.

  Raises:
    FileNotFoundError: The file does not exist.
    UserError: The file is of another kind, is damaged, is truncated, has no
      tensors, or has more than tensors (see `torch_pickle.load`); the message
      names the file.
  """
  path = pathlib.Path(path)
  with path.open('rb') as f:
    head = f.read(file_kind.HEAD)
  # After 8 bytes, its length, comes JSON.
  if head[8:9] == b'{' or path.suffix.lower() == '.safetensors':
    kind = '' if head[8:9] == b'{' else file_kind.describe(head)
    if kind:
      raise UserError(f'{path} {kind}.')
    return _read_safetensors(path)
  if not head.startswith(TORCH):
    raise UserError(f'{path} {_other(head)}.')
  state = torch_pickle.load(path)
  if isinstance(state, Mapping):
    # Wrappers first: they may have a tensor beside them, such as a score.
    for tensors in (*(state.get(name) for name in WRAPPERS), state):
      if isinstance(tensors, Mapping) and any(
        isinstance(x, np.ndarray) for x in tensors.values()
      ):
        return {str(name): x for name, x in tensors.items()}
  keys = list(state) if isinstance(state, Mapping) else type(state).__name__
  raise UserError(
    f'{path}: no tensors at the top level or under {", ".join(WRAPPERS)}; '
    f'the file has {keys}.'
  )


def _other(head: bytes) -> str:
  """Returns what a file is that holds no weights, as a predicate."""
  known = [kind for start, kind in _OTHERS.items() if head.startswith(start)]
  kind = (known or [file_kind.describe(head) or 'is of an unknown kind'])[0]
  return (
    f"{kind}; weights are read from files of safetensors and PyTorch's "
    'torch.save (.safetensors, .pth, .pth.tar, .pt, .bin, .ckpt)'
  )


def _read_safetensors(path: pathlib.Path) -> dict[str, np.ndarray]:
  try:
    entries = safetensors.deserialize(path.read_bytes())
  except safetensors.SafetensorError as e:
    raise UserError(f'{path}: damaged or truncated ({e}).') from e
  tensors = {}
  for name, entry in entries:
    if entry['dtype'] not in _SAFETENSORS:
      raise UserError(
        f'{path}: {name} has type {entry["dtype"]}, which is not supported; '
        f'known: {", ".join(_SAFETENSORS)}.'
      )
    data = np.frombuffer(entry['data'], _SAFETENSORS[entry['dtype']])
    tensors[name] = data.reshape(entry['shape'])
  return tensors
