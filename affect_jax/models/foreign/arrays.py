"""Puts the arrays of a file into the variables of a network."""

from collections.abc import Mapping
import pathlib
from typing import Any

from flax import linen as nn
from flax import traverse_util
import jax
import jax.numpy as jnp
import numpy as np

from affect_jax.errors import UserError

# Problems that a message lists.
LISTED = 3


def fit(
  path: pathlib.Path,
  network: nn.Module,
  image_size: int,
  found: Mapping[tuple[str, ...], tuple[str, np.ndarray]],
  what: str,
) -> dict[str, Any]:
  """Returns the variables of a network, each from its array.

  Args:
    path: The file, for messages.
    network: It maps pictures [B, H, W, 3].
    image_size: Their height and width.
    found: {path in the variables: (name in the file, array)}.
    what: What the file should hold, for messages.

  Raises:
    UserError: An array is missing, unknown, of another shape or not finite.
  """
  image = jax.ShapeDtypeStruct((1, image_size, image_size, 3), jnp.float32)
  shapes: dict[Any, Any] = traverse_util.flatten_dict(
    jax.eval_shape(network.init, jax.random.key(0), image)
  )
  problems = [f'{"/".join(k[1:])} is missing' for k in shapes if k not in found]
  for key, (name, array) in found.items():
    if key not in shapes:
      problems.append(f'{name} is unknown')
    elif array.shape != shapes[key].shape:
      problems.append(f'{name} is {array.shape}, not {shapes[key].shape}')
    elif not np.isfinite(array).all():
      problems.append(f'{name} is not finite')
  if problems:
    more = len(problems) - LISTED
    raise UserError(
      f'{path} is no {what}: {"; ".join(problems[:LISTED])}'
      + (f'; and {more} more.' if more > 0 else '.')
    )
  return traverse_util.unflatten_dict(
    {k: array.astype(np.float32) for k, (_, array) in found.items()}
  )
