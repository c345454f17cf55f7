"""Inputs of every fusion: puts them in order, checks and masks them."""

from collections.abc import Mapping
import dataclasses
from typing import Any

import flax.core
import flax.linen as nn
import jax
import jax.numpy as jnp

from affect_jax import by_name
from affect_jax.errors import UserError
from affect_jax.models import sequence

ORDER = ('text', 'audio', 'vision')


def ordered(
  sequences: Mapping[str, jax.Array], masks: Mapping[str, jax.Array]
) -> dict[str, tuple[jax.Array, jax.Array]]:
  """Returns modalities in the order of `ORDER`: {name: (sequence, mask)}.

  Args:
    sequences: {modality: float [B, T, D]}; T and D may differ.
    masks: {modality: bool [B, T]}, False in padding; False everywhere in rows
      that lack the modality.

  Returns:
    The sequences, with zeros where the mask is False, and the masks.

  Raises:
    UserError: There is no modality, one is unknown or has no mask, or shapes
      or types do not fit.
  """
  if not sequences:
    raise UserError(f'The fusion got no modality; known: {list(ORDER)}.')
  for name in sequences:
    by_name.check('modality', name, ORDER)
  if set(sequences) != set(masks):
    raise UserError(
      f'The sequences are {sorted(sequences)}, but the masks are '
      f'{sorted(masks)}.'
    )
  given = {}
  for name in ORDER:
    if name not in sequences:
      continue
    x, mask = sequences[name], masks[name]
    if x.ndim != 3 or not jnp.issubdtype(x.dtype, jnp.floating):
      raise UserError(
        f'{name} must be floats [B, T, D], not {x.dtype} {x.shape}.'
      )
    if mask.shape != x.shape[:2] or mask.dtype != bool:
      raise UserError(
        f'The mask of {name} must be bool {x.shape[:2]}, not {mask.dtype} '
        f'{mask.shape}.'
      )
    given[name] = sequence.masked(x, mask), mask
  return given


def freeze(module: nn.Module) -> None:
  """Makes the dict attributes of a module hashable, as jit needs them."""
  for field in dataclasses.fields(module):
    value = getattr(module, field.name, None)
    if isinstance(value, dict):
      object.__setattr__(module, field.name, flax.core.freeze(value))


def option(value: Any, name: str) -> Any:
  """Returns a modality's option: `value`, or its entry if it is a mapping.

  Raises:
    UserError: The mapping lacks the modality.
  """
  if not isinstance(value, Mapping):
    return value
  if name not in value:
    raise UserError(f'No option for {name!r}, only for {sorted(value)}.')
  return value[name]
