"""Reads the weights of an HDF5 file that Keras wrote; runs nothing in it."""

import pathlib
import re
from typing import Any

import numpy as np

from affect_jax.errors import MissingExtra
from affect_jax.errors import UserError

Layers = dict[str, list[tuple[str, dict[str, np.ndarray]]]]


def read(path: pathlib.Path) -> Layers:
  """Reads the weights of a model that Keras saved as .h5 or .hdf5.

  Returns:
    {kind of layer: its layers in the order Keras made them}: each a pair (name
    as 'conv2d_3', {name as 'kernel': array}).

  Raises:
    MissingExtra: h5py is not installed.
    UserError: The file is no HDF5 file, or is damaged.
  """
  try:
    import h5py
  except ImportError as e:
    raise MissingExtra(
      f"{path}: HDF5 files need h5py: pip install 'affect_jax[foreign]'."
    ) from e
  layers: dict[str, dict[str, np.ndarray]] = {}

  def visit(name: str, item: Any) -> None:
    # As 'conv2d_1/conv2d_1_1/kernel:0'; Keras 3 has no ':0'.
    if isinstance(item, h5py.Dataset):
      parts = name.split('/')
      weights = layers.setdefault(parts[0], {})
      weights[parts[-1].split(':')[0]] = np.asarray(item)

  try:
    with h5py.File(path, 'r') as file:
      # Beside it, Keras keeps what the optimizer had.
      # Not `get`, which takes damage for absence.
      saved_by_model = 'model_weights' in file
      root: Any = file['model_weights'] if saved_by_model else file
      root.visititems(visit)
  except (
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
  ) as e:
    raise UserError(
      f'{path} is no HDF5 file, or is damaged or truncated ({e}).'
    ) from e
  found: Layers = {}
  for name in sorted(layers, key=_number):
    found.setdefault(_kind(name), []).append((name, layers[name]))
  return found


def _kind(name: str) -> str:
  return re.sub(r'_\d+$', '', name)


def _number(name: str) -> int:
  """Returns the number of a layer: 'conv2d_3' -> 3, 'conv2d' -> 0."""
  match = re.search(r'_(\d+)$', name)
  return int(match[1]) if match else 0
