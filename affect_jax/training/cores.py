"""How many cores there are to use."""

import os


def usable() -> int:
  """Returns how many cores this process may use; at least 1.

  A job may have some of a machine's cores alone (SLURM, taskset).
  """
  if hasattr(os, 'sched_getaffinity'):  # Not on macOS.
    return len(os.sched_getaffinity(0))
  return os.cpu_count() or 1
