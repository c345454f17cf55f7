"""Errors that a user can mend: commands print them in one line.

Any other error, as a ValueError of jax, is a fault of this package or of a
library, and keeps its traceback: see `run.command`.
"""


class UserError(ValueError):
  """A setting, a file or a folder is wrong; the message says how to mend it."""


class DamagedCheckpoint(UserError):
  """A checkpoint cannot be read; the message says what goes on without it."""


class MissingExtra(ImportError):
  """A library is not installed; the message says which extra brings it."""


class Diverged(FloatingPointError):
  """Training became NaN or infinite; the message says where, and what helps."""
