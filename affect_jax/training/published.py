"""A published model: a folder with weights as safetensors, no checkpoint.

  model.safetensors  all variables, by their paths: 'params/backbone/...'
  model.json         step, thresholds, scores on validation, preprocessing,
                     sha256 of the files that must belong together

`publish` writes it, with the signature that makes a model of it.
"""

from collections.abc import Mapping
import hashlib
import pathlib
from typing import Any

from flax import traverse_util
import numpy as np
from safetensors import numpy as safetensors

from affect_jax import user_path
from affect_jax.errors import UserError
from affect_jax.models import json_file
from affect_jax.models import tensor_file

WEIGHTS, ABOUT = 'model.safetensors', 'model.json'
# Of what model.json has checksums, as files of two models would not be noticed.
CHECKED = (WEIGHTS, 'config.json', 'signature.json', 'signature.npz')
# What model.json says of itself.
KIND = 'affect_jax published model'


def is_in(folder: str | pathlib.Path) -> bool:
  """Returns whether a folder holds a published model."""
  return about(folder) is not None and (_path(folder) / WEIGHTS).is_file()


def about(folder: str | pathlib.Path) -> dict[str, Any] | None:
  """Returns what model.json says; None if there is none of a published model.

  Raises:
    UserError: The file is damaged.
  """
  path = _path(folder) / ABOUT
  if not path.is_file():
    return None
  content = json_file.read(path)
  return content if content.get('is') == KIND else None


def write_weights(path: pathlib.Path, variables: Mapping[str, Any]) -> None:
  """Writes the variables of a model, nested dicts of arrays, as one file."""
  # `save_file` would make a file that only its owner may read.
  path.write_bytes(safetensors.save(flat(variables), {'format': 'flax'}))


def flat(variables: Mapping[str, Any]) -> dict[str, np.ndarray]:
  """Returns {'params/backbone/...': array} of nested dicts of arrays."""
  leaves = traverse_util.flatten_dict(dict(variables), sep='/')
  return {k: np.ascontiguousarray(np.asarray(x)) for k, x in leaves.items()}


def read(
  folder: str | pathlib.Path, step: int | None = None
) -> tuple[dict[str, Any], dict[str, Any], int]:
  """Returns variables, thresholds and step, as `checkpoint.read` does.

  Args:
    folder: Of the published model.
    step: The step that is wanted; None: the one that there is.

  Raises:
    FileNotFoundError: Another step is wanted.
    UserError: A file is missing or damaged, or of another model.
  """
  content = about(folder)
  path = _path(folder) / WEIGHTS
  if content is None or not path.is_file():
    raise UserError(f'{folder} lacks {WEIGHTS}, or its {ABOUT}.')
  if not isinstance(content.get('thresholds'), dict) or not isinstance(
    content.get('step'), int
  ):
    raise UserError(f'{_path(folder) / ABOUT} is damaged: copy it again.')
  if step not in (None, content['step']):
    raise FileNotFoundError(
      f'{folder} has no step {step}; it has {content["step"]} alone.'
    )
  variables = traverse_util.unflatten_dict(tensor_file.read(path), sep='/')
  _check(path.parent, content.get('sha256', {}))
  return variables, content['thresholds'], content['step']


def _check(folder: pathlib.Path, checksums: Any) -> None:
  """Raises UserError if a file is not the one that model.json was written for.

  Args:
    folder: Of the published model.
    checksums: {file: sha256}; {} of models that are older than these.
  """
  if not isinstance(checksums, dict):
    raise UserError(f'{folder / ABOUT} is damaged: copy it again.')
  others = [
    name
    for name in CHECKED
    if name in checksums and _sha256(folder / name) != checksums[name]
  ]
  if others:
    raise UserError(
      f'{folder}: {", ".join(others)} and {ABOUT} are not of the same model, '
      'by checksum, as when a copy or affect_jax.publish was cut short: copy '
      'or publish it again.'
    )


def _sha256(path: pathlib.Path) -> str:
  if not path.is_file():
    return ''
  with path.open('rb') as file:
    return hashlib.file_digest(file, 'sha256').hexdigest()


def _path(folder: str | pathlib.Path) -> pathlib.Path:
  return user_path.expand(folder)
