"""Progress says how much is done, how fast, and how long the rest takes."""

import logging

import pytest

from affect_jax.run import progress


@pytest.fixture
def clock(monkeypatch):
  """Seconds, which a test sets."""
  now = [100.0]
  monkeypatch.setattr(progress.time, 'monotonic', lambda: now[0])
  return now


def lines(caplog):
  return [record.getMessage() for record in caplog.records]


def test_a_line_every_ten_seconds_with_the_time_left(clock, caplog):
  with caplog.at_level(logging.INFO, logger='absl'):
    tell = progress.make(5000, 'frames')
    clock[0] += 5
    tell(100)
    clock[0] += 5
    tell(100)
    tell(100)
    clock[0] += 10
    tell(700)
  assert lines(caplog) == [
    '200 of 5,000 frames, 20.0/s, 4.0 min left',
    '1,000 of 5,000 frames, 50.0/s, 1.3 min left',
  ]


def test_a_total_that_is_unknown_or_too_small_is_no_error(clock, caplog):
  with caplog.at_level(logging.INFO, logger='absl'):
    tell = progress.make(0, 'frames', 1)
    clock[0] += 2
    tell(4)
    tell = progress.make(3, 'frames', 1)
    clock[0] += 2
    tell(4)
  assert lines(caplog) == [
    '4 frames, 2.0/s',
    '4 of 3 frames, 2.0/s, 0.0 min left',
  ]
