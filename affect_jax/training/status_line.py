"""One line at the foot of a terminal that is redrawn in place.

In a file, or where the terminal cannot do that, there is none: `draw` says so,
and its caller writes lines of the log instead.
"""

import os
import shutil
import sys
import time

# To the line's beginning, and erase the line.
_ERASE = '\r\x1b[K'
# Redrawn more often, it would flicker.
_EVERY_SECS = 0.2

_drawn_at = 0.0  # When the line was drawn; 0 if there is none.


def possible() -> bool:
  """Returns whether stderr is a terminal that can redraw a line."""
  return sys.stderr.isatty() and os.environ.get('TERM', 'dumb') != 'dumb'


def draw(text: str) -> bool:
  """Draws the line anew, cut to the terminal's width.

  Returns:
    False if there can be no such line; a line that was drawn a moment ago stays
    as it is.
  """
  global _drawn_at
  if not possible():
    return False
  now = time.monotonic()
  if now - _drawn_at >= _EVERY_SECS:
    width = shutil.get_terminal_size().columns - 1
    sys.stderr.write(_ERASE + text[:width])
    sys.stderr.flush()
    _drawn_at = now
  return True


def clear() -> None:
  """Erases the line, if there is one, so that other text may follow."""
  global _drawn_at
  if _drawn_at:
    sys.stderr.write(_ERASE)
    sys.stderr.flush()
    _drawn_at = 0.0
