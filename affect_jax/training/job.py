"""A job of several processes: all start together, and all end together.

A process that fails, or is killed, would leave the others waiting for it in
their next collective. So an error of one ends all with its message; a broken
connection ends those that wait on it at once; and who says nothing for
HEARTBEAT_SECS is taken for dead by jax, which ends the others.
"""

from collections.abc import Iterator
import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from typing import Any, NoReturn

import jax
from jax.experimental import multihost_utils
import numpy as np

from affect_jax.errors import UserError
from affect_jax.training import processes

HEARTBEAT_SECS = 100
# How long process 0 that ends waits until all have heard why.
FAREWELL_SECS = 10
FAILURE = 'affect_jax/failure'
HEARD = 'affect_jax/heard'
# Exit codes of a run that was asked to stop: all have agreed on it.
STOPPED = (128 + signal.SIGINT, 128 + signal.SIGTERM)


def start(
  coordinator: str | None, num_processes: int | None, process_id: int | None
) -> None:
  """Joins the other processes; before anything asks for devices.

  Args:
    coordinator: 'HOST:PORT' of process 0. With None for all three, a cluster
      manager is asked.
    num_processes: How many there are.
    process_id: Which this one is, from 0.

  Raises:
    ValueError: An argument is missing or wrong, there is no cluster manager,
      process 0 cannot be reached, or processes differ in their devices.
  """
  _check(coordinator, num_processes, process_id)
  # Without it CPUs know no collectives; accelerators have their own.
  jax.config.update('jax_cpu_collectives_implementation', 'gloo')
  try:
    jax.distributed.initialize(
      coordinator,
      num_processes,
      process_id,
      heartbeat_timeout_seconds=HEARTBEAT_SECS,
    )
  except ValueError as error:
    raise UserError(
      f'--distributed: no cluster manager is known here ({error}) Give '
      '--coordinator=HOST:PORT, --num_processes and --process_id.'
    ) from error
  except RuntimeError as error:
    raise UserError(
      f'The processes did not meet at {coordinator or "process 0"}: is '
      'process 0 started, is its port free and open to the others?\n'
      f'  {error}'
    ) from error
  # jax takes SIGTERM for itself and would ignore it outside of the training
  # loop; inside, `interrupt` listens.
  signal.signal(signal.SIGTERM, signal.SIG_DFL)
  threading.Thread(target=_listen, name=FAILURE, daemon=True).start()
  # Gloo connects at the first collective, and waits for 30 seconds only: now,
  # when all have just met.
  counts = multihost_utils.process_allgather(np.int32(jax.local_device_count()))
  if len(set(counts.tolist())) > 1:
    raise UserError(
      f'Processes see {counts.tolist()} devices; each needs as many.'
    )


def _check(
  coordinator: str | None, num_processes: int | None, process_id: int | None
) -> None:
  values = {
    '--coordinator': coordinator,
    '--num_processes': num_processes,
    '--process_id': process_id,
  }
  if all(v is None for v in values.values()):
    return
  if coordinator is None or num_processes is None or process_id is None:
    missing = [k for k, v in values.items() if v is None]
    raise UserError(
      f'{" and ".join(missing)} missing: processes find each other by all of '
      '--coordinator=HOST:PORT, --num_processes and --process_id, or by '
      '--distributed alone where a cluster manager knows them.'
    )
  host, _, port = coordinator.rpartition(':')
  if not host or not port.isdigit():
    raise UserError(
      f'--coordinator={coordinator} is not HOST:PORT, as node1:9999: the '
      'machine of process 0, and a free port there.'
    )
  if not 0 <= process_id < num_processes:
    raise UserError(
      f'--process_id={process_id} is not from 0 to {num_processes - 1}, with '
      f'--num_processes={num_processes}.'
    )


@contextlib.contextmanager
def ending_together() -> Iterator[None]:
  """Ends all processes where one fails, with its message and exit code 1.

  Where a run ends in order, each waits for the others: process 0, through
  which all are connected, must not be gone before them.
  """
  code: Any = None
  try:
    yield
  except SystemExit as end:
    code = end.code
    if jax.distributed.is_initialized() and code not in (None, 0, *STOPPED):
      if isinstance(code, str):
        print(code, file=sys.stderr)
      _end_all(str(code))
  except BaseException as error:
    if not jax.distributed.is_initialized():
      raise
    traceback.print_exc()
    _end_all(f'{type(error).__name__}: {error}')
  if jax.distributed.is_initialized():
    _end_in_order()
  if code is not None:
    sys.exit(code)


def _end_in_order() -> None:
  processes.wait_for_all('end')
  if jax.process_index() == 0:
    processes.post(FAILURE, '')
  # Python may not end while a thread waits inside of the service.
  for thread in threading.enumerate():
    if thread.name == FAILURE:
      thread.join()
  jax.distributed.shutdown()


def _end_all(message: str) -> NoReturn:
  """Tells the others, and ends this process.

  An ordered end would wait minutes for those that cannot come.
  """
  # Another process was first, or process 0 is gone.
  with contextlib.suppress(Exception):
    processes.post(FAILURE, f'{jax.process_index()} {message}')
  _leave()


def _listen() -> None:
  """Waits, in a thread of its own, for the failure of any process, or ''."""
  try:
    text = processes.read(FAILURE)
  except Exception:
    return  # The job ended in order, or jax itself ends this process.
  index, _, message = text.partition(' ')
  if text and int(index) != jax.process_index():
    print(f'Process {index}: {message}', file=sys.stderr)
    _leave()


def _leave() -> NoReturn:
  """Ends this process; process 0, through which all hear, is the last."""
  with contextlib.suppress(Exception):
    processes.post(f'{HEARD}/{jax.process_index()}', '')
    deadline = time.monotonic() + FAREWELL_SECS
    while jax.process_index() == 0 and time.monotonic() < deadline:
      if processes.count(HEARD) == jax.process_count():
        break
      time.sleep(0.05)
  sys.stdout.flush()
  sys.stderr.flush()
  os._exit(1)
