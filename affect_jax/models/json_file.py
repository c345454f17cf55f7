"""Reads JSON files that hold an object."""

import json
import pathlib
from typing import Any

from affect_jax import file_kind
from affect_jax.errors import UserError


def read(path: pathlib.Path) -> dict[str, Any]:
  """Returns the content of a file.

  Raises:
    FileNotFoundError: There is no such file.
    UserError: It is no JSON, or no object; the message names the file.
  """
  try:
    content = json.loads(path.read_text(encoding='utf-8'))
  except (ValueError, RecursionError) as e:
    with path.open('rb') as f:
      kind = file_kind.describe(f.read(file_kind.HEAD))
    raise UserError(
      f'{path} {kind}.' if kind else f'{path}: not JSON ({e}).'
    ) from e
  if not isinstance(content, dict):
    raise UserError(f'{path}: not a JSON object but {str(content)[:60]!r}.')
  return content


def read_if_any(path: pathlib.Path) -> dict[str, Any]:
  """Returns the content of a file, {} if there is none; errors: see `read`."""
  return read(path) if path.is_file() else {}
