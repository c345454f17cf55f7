"""Starts and ends every command.

A command starts with flags that exist, with TensorFlow kept off the
accelerators and with a readable log. It ends with exit code 0, or with one line
that says what is wrong:

  1          an error: of a setting, a file, the data, or of the program
  2          the command line is wrong: unknown or missing flags or settings
  130, 143   stopped by Ctrl-C or SIGTERM
"""

from collections.abc import Callable, Iterator, Sequence
import contextlib
import copy
import itertools
import os
import re
import shlex
import signal
import sys
import traceback
from typing import Any, NoReturn

from absl import app
from absl import flags
from absl import logging

from affect_jax import errors
from affect_jax import user_path
from affect_jax import whole_file
from affect_jax.run import allocator
from affect_jax.run import log_format
from affect_jax.run import usage
from affect_jax.run import what_happened
from affect_jax.training import status_line

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
  about: str = '',
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
    about: What --help says of the command; otherwise its module's docstring.
  """
  if usage.asked(sys.argv):
    about = about or sys.modules['__main__'].__doc__ or ''
    print(usage.text(about, required))
    sys.exit(0)

  def run_main(argv: list[str]) -> None:
    if len(argv) > 1 and not more:
      _misused(f'Unknown arguments: {" ".join(argv[1:])}.')
    with around(), in_one_line(folder()):
      join()
      if prepares:
        prepare()
      else:
        log_format.set_up()
      sys.exit(main(argv[1:]) if more else main())

  def parse(argv: Sequence[str]) -> list[str]:
    try:
      # First without the config, which takes seconds to load.
      _check_without_config(argv, required)
      return flags.FLAGS(argv)
    except flags.Error as error:
      # absl wraps what a parser raises, and shows the whole value again.
      is_ours = isinstance(error.__context__, errors.UserError)
      _misused(str(error.__context__ if is_ours else error))

  if 'config' in flags.FLAGS:
    # Late: not all commands have a config.
    from affect_jax.run import config_flag

    config_flag.check_settings('config')
  app.run(run_main, flags_parser=parse)


def _check_without_config(argv: Sequence[str], required: Sequence[str]) -> None:
  """Checks all flags but --config.SETTING, and that those required are given.

  Raises:
    flags.Error: A flag is unknown, or its value is wrong.
  """
  known = copy.deepcopy(flags.FLAGS)
  if 'config' in known:
    delattr(known, 'config')
    flags.DEFINE_string('config', None, 'A file.', flag_values=known)
  argv = flags.FLAGS.read_flags_from_files(argv, force_gnu=False)
  is_setting = re.compile(r'--?(no)?config\.').match
  is_negative = re.compile(r'-[\d.]').match
  known(
    [
      argument
      for before, argument in itertools.pairwise(['', *argv])
      # --config.SETTING VALUE is allowed, too.
      if not is_setting(argument)
      and not (is_setting(before) and is_negative(argument))
    ]
  )
  if missing := [name for name in required if known[name].value is None]:
    _misused(f'Missing: {", ".join(f"--{name}=…" for name in missing)}.')


def _misused(message: str) -> NoReturn:
  """Ends the program because its command line is wrong."""
  print(f'Error: {message} (--help says more.)', file=sys.stderr)
  sys.exit(2)


def prepare() -> None:
  """Sets up a readable log, memory, JAX and TensorFlow.

  JAX keeps what it compiles, and TensorFlow stays off the accelerators.
  """
  log_format.set_up()
  allocator.keep_freed()
  import tensorflow as tf

  from affect_jax.run import compiled

  compiled.keep()

  # TensorFlow only reads data, and would take the accelerators' memory.
  for kind in ('GPU', 'TPU'):
    tf.config.set_visible_devices([], kind)


@contextlib.contextmanager
def in_one_line(folder: str = '') -> Iterator[None]:
  """Ends the program on an error, with one line; see the exit codes above.

  Args:
    folder: Its error.txt keeps the traceback of an OSError, and of errors that
      users cannot mend; without this folder the latter are printed in full. A
      run that ends well removes error.txt.
  """
  folder = str(user_path.expand(folder)) if folder else ''
  try:
    with contextlib.ExitStack() as stack:
      stack.callback(status_line.clear)
      yield
  except app.UsageError as error:
    _misused(str(error))
  except KeyboardInterrupt:
    jax = sys.modules.get('jax')
    if jax and jax.distributed.is_initialized():
      raise  # The other processes must hear of it.
    print('Stopped by Ctrl-C.', file=sys.stderr)
    sys.exit(128 + signal.SIGINT)
  except (errors.UserError, errors.MissingExtra, errors.Diverged) as error:
    logging.debug('%s', error, exc_info=True)
    sys.exit(f'Error: {error}')
  except Exception as error:
    if explained := what_happened.to(error):
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
