"""Formats the log for users: time and message of what concerns them."""

import os
import sys
from typing import Any

from absl import logging

from affect_jax.training import status_line

# What tfds and Orbax say of themselves, and nobody who runs them can mend.
_OF_LIBRARIES = (
  'Using custom data configuration',
  '`FeatureConnector.dtype` is deprecated',
  'Requested `tracked_metric`',
)


def set_up() -> None:
  """Shows what this package logs, and warnings of other packages.

  All processes log the same, so that all but the first show only warnings, with
  their number.
  """
  index = process_number()
  logging.set_verbosity(logging.WARNING if index else logging.INFO)
  handler = logging.get_absl_handler()
  handler.setFormatter(_PlainFormatter(f'[{index}] ' if index else ''))
  handler.addFilter(_speaks_to_users)


def process_number() -> int:
  """Returns the number of this process, from 0.

  Whoever joined others has loaded `training.processes`, which needs JAX.
  """
  processes = sys.modules.get('affect_jax.training.processes')
  return processes.number() if processes else 0


class _PlainFormatter(logging.PythonFormatter):
  """Time and message; the place in the code helps no user."""

  def __init__(self, prefix):
    super().__init__()
    self._prefix = prefix

  def format(self, record):
    status_line.clear()
    time = self.formatTime(record, '%H:%M:%S')
    level = '' if record.levelname == 'INFO' else f'{record.levelname} '
    return f'{self._prefix}{time} {level}{record.getMessage()}'


def _speaks_to_users(record: Any) -> bool:
  """Returns False for what Orbax and tfds log of every step of their work."""
  if record.getMessage().startswith(_OF_LIBRARIES):
    return False
  packages = ('affect_jax', 'experiments')
  return record.levelname != 'INFO' or any(
    f'{os.sep}{name}{os.sep}' in record.pathname for name in packages
  )
