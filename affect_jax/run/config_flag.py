"""Checks that flags --config.SETTING=VALUE name settings that exist.

A config file need not name every option of its corpus' reader: an option that a
flag gives is added, with the type it has in the reader.
"""

from collections.abc import Collection, Mapping, Sequence
import inspect
import os
import re
import sys
import traceback
from typing import Any

from absl import flags
import ml_collections
from ml_collections import config_dict
from ml_collections.config_flags import config_flags
from ml_collections.config_flags import config_path

from affect_jax import by_name
from affect_jax import corpora
from affect_jax.errors import UserError


def check_settings(name: str) -> None:
  """Makes a flag of a config file report unknown settings.

  A flag whose config is no file stays as it is.
  """
  flag = flags.FLAGS[name]
  if isinstance(flag.parser, config_flags.ConfigFileFlagParser):
    flag.parser = _Parser(name)


def checked(
  name: str, settings: ml_collections.ConfigDict
) -> ml_collections.ConfigDict:
  """Returns settings that stand in no file, those of experiments, for a flag.

  An unknown setting on the command line ends the program with exit code 2.
  """
  try:
    admit(settings, changes(sys.argv, name))
  except UserError as error:
    print(f'Error: {error} (--help says more.)', file=sys.stderr)
    sys.exit(2)
  return settings


class _Parser(config_flags.ConfigFileFlagParser):
  """Loads a config file, and checks the settings that flags change."""

  def parse(self, path: str) -> Any:
    file = path.partition(':')[0]
    if not os.path.isfile(file):
      folder = os.path.dirname(file) or '.'
      others = os.listdir(folder) if os.path.isdir(folder) else []
      near = by_name.nearest(os.path.basename(file), others)
      raise UserError(f'--config={path}: there is no file {file}{near}.')
    try:
      config: Any = super().parse(path)
    except Exception as error:
      if of_line := _of_line(error, file):
        raise of_line from error
      raise
    given = changes(sys.argv, self.name)
    admit(config, given)
    give_way(config, given)
    return config


def _of_line(error: BaseException | None, file: str) -> UserError | None:
  """Returns an error that names the line of a config file that failed.

  Most often the line names a setting that does not exist, or gives it a value
  of another type. Returns None if no line of the file failed.
  """
  while error:
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
      if os.path.realpath(frame.filename) == os.path.realpath(file):
        said: Any = error
        while isinstance(said, BaseException):
          said = said.args[0] if said.args else ''
        said = ' '.join(str(said).split())
        return UserError(
          f'{file}:{frame.lineno}: {frame.line}: {type(error).__name__}: {said}'
        )
    # ml_collections wraps some errors.
    error = error.__cause__ or error.__context__
  return None


def changes(argv: Sequence[str], name: str) -> dict[str, str | None]:
  """Returns {setting: value} of all --name.SETTING=VALUE.

  The value is None if the argument has no '='.
  """
  values = {}
  for argument in argv:
    if match := re.match(rf'--?(?:no)?{name}\.([^=]+)(?:=(.*))?$', argument):
      values[match[1]] = match[2]
  return values


def give_way(config: ml_collections.ConfigDict, given: Collection[str]) -> None:
  """Turns off what a config file sets only for want of what flags give.

  Tasks that a flag names must have labels, and a flag for the number of steps
  decides instead of epochs, unless a flag says otherwise.

  Args:
    config: The config as its file has it.
    given: The settings that flags change, see `changes`.
  """
  names = {str(config_path.split(setting)[0]) for setting in given}
  if 'tasks' in names and 'drop_unlabelled_tasks' not in names:
    config.drop_unlabelled_tasks = False
  if 'num_train_steps' in names and 'num_epochs' not in names:
    config.num_epochs = 0.0


def admit(
  config: ml_collections.ConfigDict, settings: Mapping[str, str | None]
) -> None:
  """Adds to a config the reader's options that `settings` names.

  Args:
    config: The config as its file has it.
    settings: The settings that flags change, see `changes`.

  Raises:
    UserError: A setting does not exist; the message suggests the nearest.
  """
  for setting in settings:
    node, seen = config, ['config']
    for key in config_path.split(setting):
      if not isinstance(node, ml_collections.ConfigDict):
        break  # An item of a tuple, say, which ml_collections checks.
      if key not in node:
        options = _options(config, seen[1:], settings)
        known = [*node, *(o for o in options if o not in node)]
        if key not in options:
          raise by_name.unknown('setting', key, known, of='.'.join(seen))
        with config.unlocked():
          node[key] = _value(options[key])
      node = node[key]
      seen.append(str(key))


def _options(
  config: ml_collections.ConfigDict,
  path: Sequence[str],
  settings: Mapping[str, str | None],
) -> Mapping[str, inspect.Parameter]:
  """Returns the options of the reader that `path` configures; {} if none."""
  if path == ['data']:
    corpus = settings.get('data.corpus') or config.data.corpus
  elif len(path) == 3 and path[:2] == ['data', 'corpora']:
    corpus = config.data.corpora[path[2]].get('corpus', path[2])
  else:
    return {}
  return corpora.options(corpus) if corpus in corpora.CORPORA else {}


def _value(option: inspect.Parameter) -> Any:
  """Returns the default of an option, as a value that a flag can change."""
  if option.default is option.empty:
    return ''
  if option.default is not None:
    return option.default
  types = str(option.annotation)
  if 'Mapping' in types and 'Sequence' in types:
    # Its keys are the user's: given whole, as "{'valence': (-5,)}".
    return config_dict.placeholder(object)
  if 'Mapping' in types:
    return config_dict.ConfigDict()
  return config_dict.placeholder(tuple if 'Sequence' in types else str)
