"""Freed memory is kept for the next arrays."""

import os
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
  platform.libc_ver()[0] != 'glibc', reason='only glibc is told to keep memory'
)

# Page faults of ten arrays of 80 MB after a first one: 114 each, if pages are
# huge (2 MB and what precedes them), or 20,000.
FAULTS = """
import resource
import threading
import numpy as np
from affect_jax.run import allocator
allocator.keep_freed()
def fill():
  np.ones(10_000_000)
  before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
  for _ in range(10):
    np.ones(10_000_000)
  print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
thread = threading.Thread(target=fill)
thread.start()
thread.join()
"""


def faults(**settings):
  done = subprocess.run(
    [sys.executable, '-c', FAULTS],
    env={k: v for k, v in os.environ.items() if 'MALLOC' not in k.upper()}
    | settings,
    stdout=subprocess.PIPE,
    check=True,
    text=True,
  )
  return int(done.stdout)


def test_arrays_get_the_pages_of_those_before():
  assert faults() < 100


def test_settings_of_the_user_win():
  # Above a page, malloc maps memory anew, and returns it.
  assert faults(MALLOC_MMAP_THRESHOLD_='4096') > 500
