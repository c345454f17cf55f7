"""The cores that a process may use."""

import os

import pytest

from affect_jax.training import cores


@pytest.mark.skipif(
  not hasattr(os, 'sched_setaffinity'), reason='This system pins no process.'
)
def test_cores_of_others_do_not_count():
  own = os.sched_getaffinity(0)
  try:
    os.sched_setaffinity(0, {min(own)})
    assert cores.usable() == 1
  finally:
    os.sched_setaffinity(0, own)
  assert cores.usable() == len(own)
