"""What a user can mend is an error of its own type."""


class UserError(ValueError):
  """A setting, a file or a folder is wrong; the message says how to mend it.

  Commands print its message as one line. Any other ValueError, say one of
  jax, is a fault of this package, and keeps its traceback.
  """
