"""Progress says how much is done, how fast, and how long the rest takes."""

import io
import logging
import re
import types

import pytest

from affect_jax.run import log_format
from affect_jax.run import progress
from affect_jax.training import status_line


class Terminal(io.StringIO):
  """A stderr that can redraw a line."""

  def isatty(self):
    return True

  def shown(self):
    """What stays on the screen, by line; '\\r\\x1b[K' erases one."""
    return [re.split(r'\r\x1b\[K', x)[-1] for x in self.getvalue().split('\n')]


@pytest.fixture
def clock(monkeypatch):
  """Seconds, which a test sets."""
  now = [100.0]
  monkeypatch.setattr(progress.time, 'monotonic', lambda: now[0])
  return now


@pytest.fixture
def terminal(monkeypatch, clock):
  stream = Terminal()
  # pytest puts its own stderr back before the test.
  monkeypatch.setattr(status_line, 'sys', types.SimpleNamespace(stderr=stream))
  monkeypatch.setattr(status_line, '_drawn_at', 0.0)
  monkeypatch.setenv('TERM', 'xterm')
  monkeypatch.setenv('COLUMNS', '60')
  return stream


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
    '200 of 5,000 frames, 20.0/s, 4 min left',
    '1,000 of 5,000 frames, 50.0/s, 80 s left',
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
    '4 of 3 frames, 2.0/s, 0 s left',
  ]


def train(clock, steps, every_secs=10.0, log_every=2, seconds=2.0):
  tell = progress.Training(steps, every_secs)
  for step in range(1, steps + 1):
    clock[0] += seconds
    if step % log_every == 0:
      tell.losses(step, [f'loss {1 / step:.3f}'])
    tell.step(step)


def test_training_in_a_file_is_a_line_every_ten_seconds(clock, caplog):
  with caplog.at_level(logging.INFO, logger='absl'):
    train(clock, 12)
  assert lines(caplog) == [
    'step 2/12, 2.0 s/step, 20 s left: loss 0.500',
    'step 7/12, 2.0 s/step, 10 s left: loss 0.167 at step 6',
    'step 12/12, 2.0 s/step, 0 s left: loss 0.083',
  ]


def test_without_a_pause_every_logged_step_is_a_line(clock, caplog):
  with caplog.at_level(logging.INFO, logger='absl'):
    train(clock, 4, every_secs=0.0, log_every=1, seconds=0.25)
  assert lines(caplog) == [
    'step 1/4: loss 1.000',
    'step 2/4, 4.0 steps/s, 0 s left: loss 0.500',
    'step 3/4, 4.0 steps/s, 0 s left: loss 0.333',
    'step 4/4, 4.0 steps/s, 0 s left: loss 0.250',
  ]


def test_training_on_a_terminal_redraws_one_line(clock, caplog, terminal):
  with caplog.at_level(logging.INFO, logger='absl'):
    train(clock, 6)
    assert lines(caplog) == ['step 6/6, 2.0 s/step, 0 s left: loss 0.167']
  assert terminal.shown() == ['']
  drawn = terminal.getvalue().split('\r\x1b[K')
  assert 'step 5/6, 2.0 s/step, 2 s left: loss 0.250 at step 4' in drawn


def test_a_line_of_the_log_takes_the_place_of_the_redrawn_one(terminal):
  assert status_line.draw('step 1/9')
  record = logging.LogRecord('absl', logging.INFO, '', 0, 'hello', (), None)
  text = log_format._PlainFormatter('').format(record)
  terminal.write(text + '\n')
  assert terminal.shown() == [text, '']


def test_a_redrawn_line_is_not_longer_than_the_terminal_nor_flickers(
  terminal, clock
):
  status_line.draw('x' * 200)
  assert terminal.shown() == ['x' * 59]
  status_line.draw('y')  # At once.
  assert terminal.shown() == ['x' * 59]
  clock[0] += 1
  status_line.draw('z')
  assert terminal.shown() == ['z']
  status_line.clear()
  assert terminal.shown() == ['']
  before = terminal.getvalue()
  status_line.clear()
  assert terminal.getvalue() == before


def test_where_nothing_can_be_redrawn_nothing_is(monkeypatch, terminal):
  monkeypatch.setenv('TERM', 'dumb')
  assert not status_line.draw('step 1/9')
  assert terminal.getvalue() == ''


@pytest.mark.parametrize(
  ('seconds', 'text'),
  [(99, '99 s'), (100, '2 min'), (5999, '100 min'), (6000, '2 h')],
)
def test_time_left_in_words(seconds, text):
  assert progress.time_left(seconds) == f'{text} left'
