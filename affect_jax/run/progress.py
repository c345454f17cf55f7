"""Says how far a long command is, and how much time is left.

On a terminal that is one line, redrawn in place; in a file, a line of the log
every few seconds.
"""

from collections.abc import Callable, Sequence
import time

from absl import logging

from affect_jax.run import log_format
from affect_jax.training import status_line


def make(
  total: int, unit: str, every_secs: float = 10.0
) -> Callable[[int], None]:
  """Makes a function that counts what was done, and says so now and then.

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
    if not done or now == start:
      return
    rate = done / (now - start)
    text = f'{done:,} {unit}, {rate:.1f}/s'
    if total:
      left = time_left(max(0, total - done) / rate)
      text = f'{done:,} of {total:,} {unit}, {rate:.1f}/s, {left}'
    if total and done >= total:
      status_line.clear()
    elif status_line.draw(text):
      return
    if now - reported >= every_secs:
      reported = now
      logging.info('%s', text)

  return progress


def time_left(seconds: float) -> str:
  """Returns a time as people say it: '40 s left', '3 min left', '2 h left'."""
  if seconds < 100:
    return f'{seconds:.0f} s left'
  if seconds < 100 * 60:
    return f'{seconds / 60:.0f} min left'
  return f'{seconds / 3600:.0f} h left'


class Training:
  """Says at which step training is, how fast it is, and its last losses.

  Rate and time left are means since this object's first step, validations
  included. Of several processes, the first one speaks.
  """

  def __init__(self, num_steps: int, every_secs: float):
    """Begins to count.

    Args:
      num_steps: The last step.
      every_secs: Seconds between lines of the log, where there is no terminal.
    """
    self._num_steps, self._every = num_steps, every_secs
    self._first: tuple[int, float] | None = None
    self._said = float('-inf')
    self._losses, self._losses_of = '', 0

  def losses(self, step: int, texts: Sequence[str]) -> None:
    """Takes the losses of a step: one text for each run that is trained."""
    self._losses, self._losses_of = ' | '.join(texts), step

  def step(self, step: int) -> None:
    """Says how far training is, now that this step has begun."""
    now = time.monotonic()
    # What came before it, as compiling, is not to be expected again.
    self._first = self._first or (step, now)
    if log_format.process_number():
      return
    last = step >= self._num_steps
    if not last and status_line.draw(self._text(step, now)):
      return
    if last:
      status_line.clear()
    # Nothing is known yet before the first losses.
    if self._losses and (last or now - self._said >= self._every):
      self._said = now
      logging.info('%s', self._text(step, now))

  def _text(self, step: int, now: float) -> str:
    # In this order, as a terminal may be too narrow for all losses.
    text = f'step {step}/{self._num_steps}'
    first_step, began = self._first or (step, now)
    if step > first_step and now > began:
      rate = (step - first_step) / (now - began)
      speed = f'{rate:.1f} steps/s' if rate >= 1 else f'{1 / rate:.1f} s/step'
      text += f', {speed}, {time_left((self._num_steps - step) / rate)}'
    if self._losses:
      text += f': {self._losses}'
      if self._losses_of != step:
        text += f' at step {self._losses_of}'
    return text
