"""Reads named arrays from the weight files of other libraries."""

from collections.abc import Mapping
import pathlib
from typing import Any

import ml_dtypes
import numpy as np
import safetensors

from affect_jax.errors import UserError
from affect_jax.models import torch_pickle

SUFFIXES = ('.safetensors', '.pth', '.pt', '.bin')
# Keys under which training scripts save the model's state dict.
WRAPPERS = ('state_dict', 'model', 'model_state_dict', 'net', 'network')

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
  """Returns {name: array} of a .safetensors file or a saved state dict.

  Nothing in the file is executed, and PyTorch is not needed. torch.save may
  have put the state dict under one of `WRAPPERS`.

  Raises:
    FileNotFoundError: The file does not exist.
    UserError: The suffix is unknown, or the file is damaged, is truncated, has
      no tensors, or has more than tensors (see `torch_pickle.load`); the
      message names the file.
  """
  path = pathlib.Path(path)
  if path.suffix not in SUFFIXES:
    raise UserError(
      f'{path}: unknown suffix; weights are in files {", ".join(SUFFIXES)}.'
    )
  if path.suffix == '.safetensors':
    return _read_safetensors(path)
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
