"""Logs how far a long command is, and how much time is left."""

from collections.abc import Callable
import time

from absl import logging


def make(
  total: int, unit: str, every_secs: float = 10.0
) -> Callable[[int], None]:
  """Makes a function that counts what was done, and logs it now and then.

  Args:
    total: How many there are; an estimate is enough, and 0 means unknown.
    unit: What is counted, as 'pictures'.
    every_secs: Seconds between lines of the log.

  Returns:
    (how many more were done) -> None.
  """
  start = reported = time.monotonic()
  done = 0

  def progress(more: int) -> None:
    nonlocal done, reported
    done, now = done + more, time.monotonic()
    if not done or now - reported < every_secs:
      return
    reported, rate = now, done / (now - start)
    text = f'{done:,} {unit}, {rate:.1f}/s'
    if total:
      minutes = max(0, total - done) / rate / 60
      text = f'{done:,} of {total:,} {unit}, {rate:.1f}/s, '
      text += f'{minutes:.1f} min left'
    logging.info('%s', text)

  return progress
