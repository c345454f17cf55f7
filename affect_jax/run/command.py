"""Starts and ends every command.

A command starts with flags that exist, with TensorFlow kept off the
accelerators and with a readable log. It ends with exit code 0, or with one line
that says what is wrong.
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

from affect_jax import errors
from affect_jax import user_path
from affect_jax import whole_file
from affect_jax.run import log_format

Around = Callable[[], contextlib.AbstractContextManager]


def run(
  main: Callable[..., Any],
  *,
  more: bool = False,
  required: Sequence[str] = (),
  folder: Callable[[], str] = str,
  around: Around = contextlib.nullcontext,
  join: Callable[[], Any] = lambda: None,
  prepares: bool = True,
) -> None:
  """Parses flags and calls main(), whose result is the exit code (None: 0).

  Args:
    main: The command.
    more: Whether main takes a list of arguments that are no flags; otherwise
      there must be none.
    required: Flags that must be given.
    folder: Returns the folder for the traceback of an error, see `in_one_line`.
    around: Makes a context around `in_one_line`; an error reaches it last.
    join: Joins other processes, before anything asks for devices.
    prepares: Whether to call `prepare`; otherwise main does, where it needs
      TensorFlow or JAX.
  """

  def run_main(argv: list[str]) -> None:
    if len(argv) > 1 and not more:
      raise app.UsageError(f'Unknown arguments: {" ".join(argv[1:])}.')
    with around(), in_one_line(folder()):
      join()
      if prepares:
        prepare()
      else:
        log_format.set_up()
      sys.exit(main(argv[1:]) if more else main())

  flags.mark_flags_as_required(required)
  if 'config' in flags.FLAGS:
    # Late: it needs TensorFlow, which some commands do without.
    from affect_jax.run import config_flag

    config_flag.check_settings('config')
  app.run(run_main, flags_parser=_parse)


def prepare() -> None:
  """Sets up a readable log, and keeps TensorFlow off the accelerators."""
  log_format.set_up()
  import tensorflow as tf

  # TensorFlow only reads data, and would take the accelerators' memory.
  for kind in ('GPU', 'TPU'):
    tf.config.set_visible_devices([], kind)


def _parse(argv: Sequence[str]) -> list[str]:
  try:
    return flags.FLAGS(argv)
  except flags.Error as error:
    # absl wraps what a parser raises, and shows the whole value again.
    is_ours = isinstance(error.__context__, errors.UserError)
    sys.exit(f'Error: {error.__context__ if is_ours else error}')


@contextlib.contextmanager
def in_one_line(folder: str = '') -> Iterator[None]:
  """Ends the program on an error, with exit code 1 and one line.

  Args:
    folder: Its error.txt keeps the traceback of an OSError, and of errors that
      users cannot mend; without this folder the latter are printed in full. A
      run that ends well removes error.txt.
  """
  folder = str(user_path.expand(folder)) if folder else ''
  try:
    yield
  except (errors.UserError, errors.MissingExtra, errors.Diverged) as error:
    logging.debug('%s', error, exc_info=True)
    sys.exit(f'Error: {error}')
  except Exception as error:
    tf = sys.modules.get('tensorflow')
    if tf and isinstance(error, tf.errors.DataLossError):
      # Imported late, so that `--help` need not wait for it.
      from affect_jax.corpora.builders import damaged

      if explained := damaged.find():
        sys.exit(f'Error: {explained}')
    path = _keep(folder)
    where = f' (traceback: {path})' if path else ''
    if isinstance(error, OSError):
      sys.exit(f'{type(error).__name__}: {error}{where}')
    summary = (str(error).strip() or 'no message').splitlines()[0][:200]
    processes = sys.modules.get('affect_jax.training.processes')
    if processes and processes.lost_one(error):
      sys.exit(
        'Error: another process was killed or crashed; its own log says why. '
        f'The same commands go on from the last checkpoint. | {summary}{where}'
      )
    if not path:
      raise
    sys.exit(
      f'Unexpected {type(error).__name__}: {summary} | This is a fault of the '
      f'program, or of a library; the traceback is in {path}'
    )
  except SystemExit as end:
    if not end.code:
      _forget(folder)
    raise
  _forget(folder)


def _keep(folder: str) -> str:
  """Writes the traceback of the current error and returns its path.

  Returns '' if it cannot be written.
  """
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
  """Returns the path of error.txt; later processes add their number to it."""
  index = log_format.process_number()
  return os.path.join(folder, f'error-{index}.txt' if index else 'error.txt')
