"""SIGTERM and Ctrl-C end a run after its current step, not in the middle."""

from collections.abc import Iterator
import contextlib
import signal
import threading


class Interrupted(Exception):
  """A run was asked to stop, and has saved its state.

  Attributes:
    exit_code: 128 + the signal's number, as shells have it.
  """

  def __init__(self, step: int, signum: int):
    super().__init__(
      f'Stopped by {signal.Signals(signum).name}; step {step} is saved. The '
      'same command goes on from there.'
    )
    self.exit_code = 128 + signum


@contextlib.contextmanager
def catch() -> Iterator[list[int]]:
  """Yields a list that collects SIGTERM and SIGINT, instead of dying.

  A second signal of the same kind acts as usual.
  """
  received: list[int] = []
  if threading.current_thread() is not threading.main_thread():
    yield received  # Only the main thread may set handlers.
    return

  def handle(signum, frame):
    del frame
    received.append(signum)
    signal.signal(signum, before[signum])

  before = {
    s: signal.signal(s, handle) for s in (signal.SIGTERM, signal.SIGINT)
  }
  try:
    yield received
  finally:
    for signum, handler in before.items():
      signal.signal(signum, handler)
