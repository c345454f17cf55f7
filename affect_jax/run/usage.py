"""What `--help` of a command says: what it does, an example, its own flags."""

from collections.abc import Collection, Sequence
import re
import sys
import textwrap
from typing import Any

from absl import flags

ASKED = ('--help', '-help', '-h', '-?', '--helpshort', '-helpshort')
# How the end of a command reads in a shell; the guide to training has it, too.
EXIT_CODES = """\
Exit codes: 0 done, 1 an error that the last line names, 2 the command line is
wrong, 130 or 143 stopped by Ctrl-C or SIGTERM; then the same command goes on.
"""
WIDTH = 80
_KINDS = {'string': 'TEXT', 'int': 'N', 'float': 'X'}


def asked(argv: Sequence[str]) -> bool:
  """Returns whether the arguments ask for help."""
  return any(argument in ASKED for argument in argv[1:])


def text(about: str, required: Collection[str] = ()) -> str:
  """Returns the help of the program that runs.

  Args:
    about: What it does, with an example; a docstring.
    required: Names of flags that must be given.
  """
  own = flags.FLAGS.get_key_flags_for_module(sys.argv[0])
  lines = [_of(flag, flag.name in required) for flag in own]
  override = (
    'Any setting of the config can be changed: --config.SETTING=VALUE.\n\n'
    if 'config' in required
    else ''
  )
  return (
    f'{about.strip()}\n\nFlags:\n{"".join(lines)}\n{override}'
    f'{EXIT_CODES}--helpfull lists the flags of libraries, too.'
  )


def _of(flag: Any, required: bool) -> str:
  """Returns the lines of a flag: its name, its help, and its default."""
  if flag.boolean:
    name = f'--[no]{flag.name}' if flag.value else f'--{flag.name}'
  elif values := getattr(flag.parser, 'enum_values', None):
    known = [str(value) for value in list(values) if value]
    name = f'--{flag.name}={"|".join(known)}'
  elif isinstance(flag, flags.MultiFlag):
    name = f'--{flag.name} TEXT [TEXT …]'
  elif flag.name == 'config':
    name = '--config=FILE' if required else '--config.SETTING=VALUE'
  else:
    name = f'--{flag.name}={_KINDS.get(flag.flag_type(), "A,B")}'
  # absl puts the values of an enum before its help, and this after it.
  said = re.sub(r'^<[\w|]+>: |;\s+repeat this option.*', '', flag.help or '')
  if flag.name == 'config' and not required:
    said = f'SETTING is one of {", ".join(flag.default or ())}.'
  if required:
    said += ' Required.'
  elif not flag.boolean and flag.name != 'config' and _is_value(flag.default):
    default = flag.default
    if isinstance(default, (list, tuple)):
      default = ','.join(map(str, default))
    said += f' Default: {default}.'
  return f'  {name}\n' + textwrap.indent(
    textwrap.fill(' '.join(said.split()), WIDTH - 6) + '\n', ' ' * 6
  )


def _is_value(default: Any) -> bool:
  return default is not None and default not in ('', [], ())
