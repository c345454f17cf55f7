"""Logs how far the draws are, if they take long."""

import time

from absl import logging


class Progress:
  """Counts draws, and logs every ten seconds how many are left."""

  def __init__(self, total: int, every_secs: float = 10.0):
    self._total, self._every = total, every_secs
    self._start = self._last = time.monotonic()
    self._done = 0

  def tick(self) -> None:
    """Counts one draw."""
    self._done += 1
    now = time.monotonic()
    if now - self._last >= self._every:
      self._last = now
      left = max(0, self._total - self._done)
      minutes = (now - self._start) / self._done * left / 60
      logging.info(
        '%d of about %d draws, %.1f min left', self._done, self._total, minutes
      )
