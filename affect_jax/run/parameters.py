"""Says how large a network is: in the log by part, in a file in full."""

from collections.abc import Mapping, Sequence
import math
import os
from typing import Any

from absl import logging
from clu import parameter_overview
import jax

from affect_jax import whole_file
from affect_jax.training import processes

FILE = 'parameters.txt'


def show(params: Mapping[str, Any], workdirs: Sequence[str]) -> None:
  """Logs a line for each part, and lists all parameters in a file.

  Args:
    params: {part: tree of arrays, or of their shapes}.
    workdirs: Folders of runs of this network; each gets parameters.txt, with
      the name, shape, type and size of every parameter.
  """
  paths = [os.path.join(workdir, FILE) for workdir in workdirs]
  logging.info('Network: %s; in full: %s', size(params), ', '.join(paths))
  for part, tree in params.items():
    logging.info('  %s: %s', part, size(tree))
  if not processes.is_first():
    return
  table = parameter_overview.get_parameter_overview(params, include_stats=False)
  for path in paths:
    whole_file.write_text(path, table.strip() + '\n')


def show_share(state: Any) -> None:
  """Logs how much of a state each device holds, if it is not the whole.

  Args:
    state: Tree of arrays, or of their shapes, with their shardings.
  """
  arrays = jax.tree.leaves(state)
  held = sum(
    math.prod(x.sharding.shard_shape(x.shape)) * x.dtype.itemsize
    for x in arrays
  )
  whole = sum(math.prod(x.shape) * x.dtype.itemsize for x in arrays)
  if held < whole:
    logging.info(
      'Each device holds %.3g of the %.3g MB of parameters, optimiser state '
      'and averages.',
      held / 1e6,
      whole / 1e6,
    )


def size(tree: Any) -> str:
  """Returns a size as text: '1,000 parameters, 0.004 MB'."""
  arrays = jax.tree.leaves(tree)
  count = sum(math.prod(x.shape) for x in arrays)
  bytes_ = sum(math.prod(x.shape) * x.dtype.itemsize for x in arrays)
  return f'{count:,} parameters, {bytes_ / 1e6:.3g} MB'
