"""Lets the processes of a run agree.

All processes see the same order of data (`data.streams`) and the predictions of
all rows, so that they decide alike. This module shares what only one process
knows: process 0 reads and writes the run's folder for all, and a signal to one
process is a signal to all.

Messages go through the coordination service of jax.distributed. Unlike
collectives of devices it carries text, and it waits for the hours that
preparing a corpus may take. A run of one process sends no messages.
"""

from collections.abc import Callable, Mapping, Sequence
import itertools
import json
import re
from typing import Any

import jax

# The service has no public name; Orbax imports it from here, too.
from jax._src import distributed as jax_distributed
from jax.experimental import multihost_utils
import jax.numpy as jnp
import numpy as np

from affect_jax.errors import UserError
from affect_jax.training import parallel as parallel_lib

# A month: dead processes are noticed by other means.
PATIENCE_MS = 30 * 24 * 3600 * 1000

_number = itertools.count()

# What gloo, NCCL and the coordination service say of a broken connection.
_LOST = re.compile(
  'gloo|nccl|connection (closed|reset|refused)|heartbeat|coordination service',
  re.IGNORECASE,
)


def _service() -> Any:
  return jax_distributed.global_state.client


def post(key: str, text: str) -> None:
  """Posts a text to all processes; a key may be used once only."""
  _service().key_value_set(key, text)


def read(key: str) -> str:
  """Waits for the text that any process posts under `key`."""
  return _service().blocking_key_value_get(key, PATIENCE_MS)


def count(prefix: str) -> int:
  """Counts the keys below `prefix/` that were posted."""
  return len(_service().key_value_dir_get(prefix))


def wait_for_all(name: str) -> None:
  """Returns when all processes have called it."""
  _service().wait_at_barrier(f'affect_jax/{name}', PATIENCE_MS)


def lost_one(error: BaseException) -> bool:
  """Whether an error says that another process is gone."""
  return jax.distributed.is_initialized() and bool(_LOST.search(str(error)))


def number() -> int:
  """Returns the number of this process, from 0, once it joined the others.

  Unlike jax.process_index it does not initialise the devices.
  """
  return jax_distributed.global_state.process_id


def is_first() -> bool:
  """Returns whether this is process 0, which alone writes the run's folder."""
  return jax.process_index() == 0


def from_first(name: str, make: Callable[[], Any]) -> Any:
  """Returns the result of make() in process 0; only process 0 calls it.

  All processes must make the same calls in the same order.

  Args:
    name: Name of the message, for debugging.
    make: Returns a value that JSON can hold, NaN included.
  """
  if jax.process_count() == 1:
    return make()
  key = f'affect_jax/{next(_number)}/{name}'
  if is_first():
    value = make()
    post(key, json.dumps(value))
    return value
  return json.loads(read(key))


def first_then_others(name: str, do: Callable[[], Any]) -> None:
  """Calls `do` in every process, in process 0 before all others.

  It suits files that are made once per disk, which machines may share or not.
  """
  from_first(name, do)
  if not is_first():
    do()


def check_same(name: str, own: Mapping[str, Any]) -> None:
  """Refuses processes whose settings or data are not those of process 0.

  Args:
    name: What is compared.
    own: {key: value that JSON can hold}, of this process.

  Raises:
    UserError: Values differ; the message names every key that does.
  """
  # JSON reads tuples back as lists.
  own = json.loads(json.dumps(own))
  first = from_first(name, lambda: own)
  different = [
    f'  {key}: {first.get(key, "absent")!r} in process 0, '
    f'{own.get(key, "absent")!r} in process {jax.process_index()}'
    for key in sorted(first.keys() | own.keys())
    if first.get(key, 'absent') != own.get(key, 'absent')
  ]
  if different:
    raise UserError(
      f'All processes of a run need the same {name}:\n' + '\n'.join(different)
    )


def gather(values: Sequence[bytes]) -> list[list[bytes]]:
  """Returns the byte strings of all processes, by process.

  Args:
    values: Strings of this process, of any length; every process has as many.
  """
  if jax.process_count() == 1:
    return [list(values)]
  own_lengths = np.array([len(v) for v in values], np.int32)
  lengths = multihost_utils.process_allgather(own_lengths)
  # Collectives need arrays of one size.
  joined = np.zeros(lengths.sum(1, dtype=np.int64).max(), np.uint8)
  content = b''.join(values)
  joined[: len(content)] = np.frombuffer(content, np.uint8)
  gathered = []
  for data, sizes in zip(
    multihost_utils.process_allgather(joined), lengths, strict=True
  ):
    ends = np.cumsum(sizes, dtype=np.int64)
    text = data.tobytes()
    pairs = zip((ends - sizes).tolist(), ends.tolist(), strict=True)
    gathered.append([text[start:end] for start, end in pairs])
  return gathered


def make_agree(parallel: parallel_lib.Parallel) -> Callable[[int], int]:
  """Makes a function: own number -> the largest of all processes' numbers.

  Each call returns the result of the call before, the same in all processes, at
  first 0: the number is computed on the devices behind the training step, and
  nobody waits for it. In a run of one process it comes back at once.
  """
  if jax.process_count() == 1:
    return lambda own: own
  largest = jax.jit(jnp.max, out_shardings=parallel.replicated)
  rows = len(parallel.mesh.local_devices)
  pending: list[Any] = [0]

  def agree(own: int) -> int:
    numbers = parallel.put_global(np.full(rows, own, np.int32))
    pending.append(largest(numbers))
    return int(pending.pop(0))

  return agree
