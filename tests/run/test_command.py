"""How commands begin and end: settings that exist, errors in one line."""

import errno
import os
import subprocess
import sys

import jax.numpy as jnp
import pytest
from toys.paths import ROOT

from affect_jax import defaults
from affect_jax import errors
from affect_jax.run import command
from affect_jax.run import config_flag
from affect_jax.run import folder as run_folder


def end(folder, error):
  """What a command that ends with this error says."""
  with pytest.raises(SystemExit) as ended, command.in_one_line(str(folder)):
    raise error
  return ended.value.code


@pytest.mark.parametrize(
  'kind', [errors.UserError, errors.MissingExtra, errors.Diverged]
)
def test_what_a_user_can_mend_is_one_line_and_leaves_no_traceback(
  tmp_path, kind
):
  assert end(tmp_path, kind('batch_size is 3.')) == 'Error: batch_size is 3.'
  assert not list(tmp_path.iterdir())


def test_an_error_of_a_library_leaves_its_traceback(tmp_path):
  with (
    pytest.raises(SystemExit) as ended,
    command.in_one_line(str(tmp_path)),
  ):
    jnp.zeros((2, 3)) @ jnp.zeros((4, 5))
  path = tmp_path / 'error.txt'
  assert str(path) in ended.value.code
  assert '\n' not in ended.value.code
  assert 'Unexpected TypeError' in ended.value.code
  assert 'Traceback' in path.read_text()
  assert 'test_command.py' in path.read_text()
  # The next time it goes well.
  with command.in_one_line(str(tmp_path)):
    pass
  assert not path.exists()


def test_files_that_cannot_be_read_are_said_and_traced(tmp_path):
  said = end(tmp_path, FileNotFoundError('no faces.csv'))
  path = tmp_path / 'error.txt'
  assert said == f'FileNotFoundError: no faces.csv (traceback: {path})'
  assert 'Traceback' in path.read_text()


def test_a_full_disk_is_said_whatever_error_a_library_makes_of_it(tmp_path):
  tensorstore = ValueError(
    'RESOURCE_EXHAUSTED: Error writing "a/0" in database at local file '
    '"/disk/run/checkpoints/1/": Failed writing: '
    '"/disk/run/checkpoints/1/d/a": Failed to write 65 bytes to '
    'file 4: No space left on device '
    "[os_error_code='28']"
  )
  said = end(tmp_path, tensorstore)
  assert said.startswith(
    'Error: no space is left on the disk of /disk/run/checkpoints/1/d/a. Free'
  )
  wrapped = RuntimeError('Cannot save.')
  wrapped.__cause__ = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
  assert end(tmp_path, wrapped).startswith(
    'Error: no space is left on the disk.'
  )
  assert not list(tmp_path.iterdir())
  # An accelerator is no disk.
  memory = ValueError('RESOURCE_EXHAUSTED: Out of memory')
  assert end(tmp_path, memory).startswith('Unexpected ValueError')


def test_without_a_folder_a_traceback_is_printed_as_usual(tmp_path):
  for folder in ('', tmp_path / 'absent'):
    with (
      pytest.raises(ValueError, match='a fault'),
      command.in_one_line(str(folder)),
    ):
      raise ValueError('a fault')
    assert end(folder, OSError('a disk')) == 'OSError: a disk'
  assert not list(tmp_path.iterdir())


def config_of(**data):
  config = defaults.get_config()
  for key, value in data.items():
    config.data[key] = value
  config.lock()
  return config


@pytest.mark.parametrize(
  ('setting', 'message'),
  [
    ('optimzer.name', "'optimzer' of config .*'optimizer'.*; known: .*seed"),
    ('foo.bar', "setting 'foo' of config"),
    ('model.stems', r"'stems' of config\.model .*mean 'stem'"),
    # Of the reader, and not in the config.
    ('data.ignore_colums', r"of config\.data .*mean 'ignore_columns'"),
    ('data.protocol', r"'protocol' of config\.data.*; known: .*path"),
  ],
)
def test_a_setting_that_is_not_there_names_the_nearest(setting, message):
  config = config_of(corpus='faces_csv', path='')
  with pytest.raises(errors.UserError, match=message):
    config_flag.admit(config, {setting: '1'})


def test_options_of_a_reader_are_settings_without_being_in_the_config():
  config = config_of(corpus='faces_csv', path='')
  given = ['x', '--config.data.ignore_columns=age', '--noconfig.eval_subsets']
  changes = config_flag.changes(given, 'config')
  assert changes == {'data.ignore_columns': 'age', 'eval_subsets': None}
  config_flag.admit(config, changes)
  assert config.data.ignore_columns == ()
  # Of another corpus, which the command line names.
  other = {'data.corpus': 'mmsa', 'data.label_range': '3'}
  config_flag.admit(config, other)
  assert config.data.label_range == 0.0
  several = config_of(corpora={'a': {'corpus': 'emotionet', 'path': 'x'}})
  config_flag.admit(several, {'data.corpora.a.table': 't.csv'})
  several.data.corpora.a.table = 't.csv'


def test_a_run_that_is_not_there_names_the_nearest(tmp_path):
  for name in ('faces', 'voices'):
    run_folder.claim(str(tmp_path / name), defaults.get_config())
  with pytest.raises(errors.UserError, match=r"mean 'faces'.*faces, voices"):
    run_folder.require(str(tmp_path / 'fcaes'))
  assert not (tmp_path / 'fcaes').exists()
  run_folder.require(str(tmp_path / 'faces'))


def test_a_command_that_computes_nothing_takes_no_device():
  code = (
    'from affect_jax.run import command\n'
    'command.prepare()\n'
    'from jax._src import xla_bridge\n'
    'print(xla_bridge.backends_are_initialized())'
  )
  out = subprocess.run(
    [sys.executable, '-c', code],
    env={**os.environ, 'PYTHONPATH': str(ROOT)},
    capture_output=True,
    text=True,
    check=True,
  ).stdout
  assert out.strip() == 'False'


@pytest.mark.parametrize(
  ('lines', 'expected'),
  [
    ("c.optimzer.name = 'adam'", 'c.optimzer.name = .*mean "optimizer"'),
    ("c['task']['loss'] = 1", 'KeyError: .*task'),
    ("c.batch_size = 'many'", 'TypeError: .*batch_size'),
  ],
)
def test_a_line_of_a_config_file_that_fails_is_named(tmp_path, lines, expected):
  path = tmp_path / 'mine.py'
  path.write_text(
    'from affect_jax import defaults\n'
    'def get_config():\n'
    '  c = defaults.get_config()\n'
    f'  {lines}\n'
    '  return c\n'
  )
  with pytest.raises(errors.UserError, match=r'mine\.py:4: ' + '.*' + expected):
    config_flag._Parser('config').parse(str(path))
