"""What every fusion does with its inputs: order, check, and zero padding."""

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
  """Modalities in the order of `ORDER`: {name: (sequence, mask)}.

  Args:
    sequences: {modality: float [B, T, D]}; T and D may differ.
    masks: {modality: bool [B, T]}; False is padding, or nothing at all.

  Returns:
    The same, with zeros where the mask is False.

  Raises:
    ValueError: No modality, an unknown one, one without mask, or shapes or
      types that do not fit.
  """
  if not sequences:
    raise UserError(f'There is no modality; known: {list(ORDER)}.')
  for name in sequences:
    by_name.check('modality', name, ORDER)
  if set(sequences) != set(masks):
    raise UserError(
      f'Sequences of {sorted(sequences)}, but masks of {sorted(masks)}.'
    )
  given = {}
  for name in ORDER:
    if name not in sequences:
      continue
    x, mask = sequences[name], masks[name]
    if x.ndim != 3 or not jnp.issubdtype(x.dtype, jnp.floating):
      raise UserError(
        f'{name}: floats [B, T, D] are expected, not {x.dtype} {x.shape}.'
      )
    if mask.shape != x.shape[:2] or mask.dtype != bool:
      raise UserError(
        f'{name}: its mask is {mask.dtype} {mask.shape}, not bool '
        f'{x.shape[:2]}.'
      )
    given[name] = sequence.masked(x, mask), mask
  return given


def freeze(module: nn.Module) -> None:
  """Makes dict options of a module hashable, as static arguments must be."""
  for field in dataclasses.fields(module):
    value = getattr(module, field.name, None)
    if isinstance(value, dict):
      object.__setattr__(module, field.name, flax.core.freeze(value))


def option(value: Any, name: str) -> Any:
  """An option of a modality: one for all, or a mapping from their names.

  Raises:
    ValueError: The mapping lacks it.
  """
  if not isinstance(value, Mapping):
    return value
  if name not in value:
    raise UserError(f'No option for {name!r}, only for {sorted(value)}.')
  return value[name]
