"""Starts several processes together, and ends them together.

A process that fails or is killed would leave the others waiting for it in their
next collective. So an error in one ends all of them with its message, and a
broken connection ends those that wait on it. A process that is silent for
HEARTBEAT_SECS is taken for dead by jax, which ends the others.
"""

from collections.abc import Iterator
import contextlib
import os
import signal
import socket
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
# How long process 0 waits, before it ends, until all others know why.
FAREWELL_SECS = 10
# How much longer: they say that they know just before they end, and jax aborts
# whom it finds without process 0.
LAST_SECS = 2
# How long processes wait for process 0 to be started: jax's own patience.
START_SECS = 300
FAILURE = 'affect_jax/failure'
HEARD = 'affect_jax/heard'
# Exit codes of a run that was asked to stop, on which all processes agreed.
STOPPED = (128 + signal.SIGINT, 128 + signal.SIGTERM)


def start(
  coordinator: str | None, num_processes: int | None, process_id: int | None
) -> None:
  """Joins the other processes. Must run before anything asks for devices.

  Args:
    coordinator: 'HOST:PORT' of process 0. If all three arguments are None, a
      cluster manager is asked.
    num_processes: Number of processes.
    process_id: Number of this process, from 0.

  Raises:
    UserError: An argument is missing or wrong, there is no cluster manager,
      process 0 cannot be reached, or processes have unequally many devices.
  """
  _check(coordinator, num_processes, process_id)
  if coordinator is not None:
    print(
      f'Process {process_id} of {num_processes} waits at {coordinator} for the '
      f'others, {START_SECS} seconds at most.',
      file=sys.stderr,
    )
    if process_id:
      _wait_for(coordinator)
  # CPUs have no collectives without it; accelerators have their own.
  jax.config.update('jax_cpu_collectives_implementation', 'gloo')
  try:
    jax.distributed.initialize(
      coordinator,
      num_processes,
      process_id,
      heartbeat_timeout_seconds=HEARTBEAT_SECS,
      initialization_timeout=START_SECS,
    )
  except ValueError as error:
    raise UserError(
      f'--distributed: no cluster manager is known here ({error}) Give '
      '--coordinator=HOST:PORT, --num_processes and --process_id.'
    ) from error
  except RuntimeError as error:
    raise UserError(
      f'The processes did not meet at {coordinator or "process 0"}. Check '
      'that process 0 runs, and that its port is free and open to the '
      f'others.\n  {error}'
    ) from error
  # jax handles SIGTERM itself, and would ignore it outside the training loop,
  # in which `interrupt` handles it.
  signal.signal(signal.SIGTERM, signal.SIG_DFL)
  threading.Thread(target=_listen, name=FAILURE, daemon=True).start()
  # Gloo connects at the first collective, for which it waits 30 seconds only:
  # run one now that all have just met.
  counts = multihost_utils.process_allgather(np.int32(jax.local_device_count()))
  if len(set(counts.tolist())) > 1:
    raise UserError(
      f'Processes see {counts.tolist()} devices; all need the same number.'
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
      f'{" and ".join(missing)} missing: give all of --coordinator=HOST:PORT, '
      '--num_processes and --process_id, or --distributed alone if a cluster '
      'manager knows the processes.'
    )
  host, _, port = coordinator.rpartition(':')
  if not host or not port.isdigit() or not 0 < int(port) < 2**16:
    raise UserError(
      f'--coordinator={coordinator} is not HOST:PORT: name the machine of '
      'process 0 and a free port there, as in node1:9999.'
    )
  if not 0 <= process_id < num_processes:
    raise UserError(
      f'--process_id={process_id} is not from 0 to {num_processes - 1}, with '
      f'--num_processes={num_processes}.'
    )


def _wait_for(coordinator: str) -> None:
  """Waits until process 0 listens: jax would abort with a stack dump."""
  host, _, port = coordinator.rpartition(':')
  deadline = time.monotonic() + START_SECS
  while True:
    try:
      socket.create_connection((host.strip('[]'), int(port)), 5).close()
      return
    except OSError as error:
      if time.monotonic() > deadline:
        raise UserError(
          f'Nobody listens at {coordinator}: {error}. Is process 0 started '
          'there, and is the port open to this machine?'
        ) from error
    time.sleep(0.5)


@contextlib.contextmanager
def ending_together() -> Iterator[None]:
  """Ends all processes if one fails, with its message and exit code 1.

  If a run ends in order, each process waits for the others: all are connected
  through process 0, which must not end before them.
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
  # Python must not end while a thread waits inside the service.
  for thread in threading.enumerate():
    if thread.name == FAILURE:
      thread.join()
  jax.distributed.shutdown()


def _end_all(message: str) -> NoReturn:
  """Tells the other processes, and ends this one.

  An ordered end would wait minutes for processes that cannot come.
  """
  # This fails if another process was first, or if process 0 is gone.
  with contextlib.suppress(Exception):
    processes.post(FAILURE, f'{jax.process_index()} {message}')
  _leave()


def _listen() -> None:
  """Waits, in its own thread, for any process to fail or the job to end."""
  try:
    text = processes.read(FAILURE)
  except Exception:
    return  # The job ended in order, or jax itself ends this process.
  index, _, message = text.partition(' ')
  if text and int(index) != jax.process_index():
    print(f'Process {index}: {message}', file=sys.stderr)
    _leave()


def _leave() -> NoReturn:
  """Ends this process; process 0, through which all hear, ends last."""
  # It fails if the thread that listens was first: wait all the same.
  with contextlib.suppress(Exception):
    processes.post(f'{HEARD}/{jax.process_index()}', '')
  with contextlib.suppress(Exception):
    deadline = time.monotonic() + FAREWELL_SECS
    while jax.process_index() == 0 and time.monotonic() < deadline:
      if processes.count(HEARD) == jax.process_count():
        time.sleep(LAST_SECS)
        break
      time.sleep(0.05)
  sys.stdout.flush()
  sys.stderr.flush()
  os._exit(1)
