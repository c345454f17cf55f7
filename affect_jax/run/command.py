"""How every command begins and ends.

It begins with flags that exist, TensorFlow away from the accelerators and a
readable log, and ends with 0, or with one line that says what is wrong.
"""

from collections.abc import Callable, Iterator, Sequence
import contextlib
import os
import shlex
import sys
import traceback
from typing import Any

from absl import app
from absl import flags
from absl import logging
import tensorflow as tf

from affect_jax import errors
from affect_jax import user_path
from affect_jax import whole_file
from affect_jax.run import config_flag
from affect_jax.run import log_format
from affect_jax.training import processes

Around = Callable[[], contextlib.AbstractContextManager]


def run(
  main: Callable[[], Any],
  *,
  required: Sequence[str] = (),
  folder: Callable[[], str] = str,
  around: Around = contextlib.nullcontext,
  join: Callable[[], Any] = lambda: None,
) -> None:
  """Parses flags and calls main(), whose result is the exit code (None: 0).

  Args:
    main: The command.
    required: Flags that have to be given.
    folder: Gives where the traceback of an error is kept, see `in_one_line`.
    around: What an error passes through after its line is made.
    join: Joins other processes, before anything asks for devices.
  """

  def opened(argv: list[str]) -> None:
    if len(argv) > 1:
      raise app.UsageError(f'Unknown arguments: {" ".join(argv[1:])}.')
    with around(), in_one_line(folder()):
      join()
      prepare()
      sys.exit(main())

  flags.mark_flags_as_required(required)
  if 'config' in flags.FLAGS:
    config_flag.check_settings('config')
  app.run(opened, flags_parser=_parse)


def prepare() -> None:
  """A readable log; accelerators that TensorFlow does not touch."""
  log_format.set_up()
  # It only reads data, and would take the accelerators' memory.
  for kind in ('GPU', 'TPU'):
    tf.config.set_visible_devices([], kind)


def _parse(argv: Sequence[str]) -> list[str]:
  try:
    return flags.FLAGS(argv)
  except flags.Error as error:
    # absl wraps what a parser raises, and shows the whole value again.
    ours = isinstance(error.__context__, errors.UserError)
    sys.exit(f'Error: {error.__context__ if ours else error}')


@contextlib.contextmanager
def in_one_line(folder: str = '') -> Iterator[None]:
  """Ends the program, with exit code 1 and one line, where an error comes.

  Args:
    folder: Where the traceback of what is not the user's to mend is kept, as
      error.txt; of a file that cannot be read or written, too. If there is no
      such folder, it is printed. A run that ends well leaves no error.txt.
  """
  folder = str(user_path.expand(folder)) if folder else ''
  try:
    yield
  except (errors.UserError, errors.MissingExtra, errors.Diverged) as error:
    logging.debug('%s', error, exc_info=True)
    sys.exit(f'Error: {error}')
  except Exception as error:
    path = _keep(folder)
    if isinstance(error, OSError):
      where = f' (traceback: {path})' if path else ''
      sys.exit(f'{type(error).__name__}: {error}{where}')
    if not path:
      raise
    said = (str(error).strip() or 'no message').splitlines()[0][:200]
    if processes.lost_one(error):
      sys.exit(
        'Error: another process was killed or crashed; its own log says why. '
        f'The same commands go on from the last checkpoint. | {said} | The '
        f'traceback is in {path}'
      )
    sys.exit(
      f'Unexpected {type(error).__name__}: {said} | This is a fault of the '
      f'program, or of a library; the traceback is in {path}'
    )
  except SystemExit as end:
    if not end.code:
      _forget(folder)
    raise
  _forget(folder)


def _keep(folder: str) -> str:
  """Writes the traceback of the current error; '' where it cannot be kept."""
  if not os.path.isdir(folder):
    return ''
  path = _path(folder)
  text = f'{shlex.join(sys.argv)}\n\n{traceback.format_exc()}'
  try:
    whole_file.write_text(path, text)
  except OSError:  # Perhaps the disk is full, and that is the error.
    return ''
  return path


def _forget(folder: str) -> None:
  with contextlib.suppress(OSError):
    if folder:
      os.remove(_path(folder))


def _path(folder: str) -> str:
  """error.txt; with its number for any but the first of several processes."""
  index = processes.number()
  return os.path.join(folder, f'error-{index}.txt' if index else 'error.txt')
