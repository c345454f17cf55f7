"""--help of a command: what it does, an example, its own flags; exit codes."""

import ast
import os
import subprocess
import sys

import ml_collections
import pytest
from toys.paths import ROOT

from affect_jax.run import config_flag
from affect_jax.run import usage

SCRIPT = """
'''Counts things.

  python -m things --config=FILE

That is all.
'''
from absl import flags
from ml_collections import config_flags
from affect_jax.run import command
CONFIG = config_flags.DEFINE_config_file('config', None, 'A file of configs/.')
flags.DEFINE_string('workdir', None, 'Folder.')
flags.DEFINE_enum('mode', 'all', ['all', 'some'], 'What to count.')
flags.DEFINE_bool('fast', False, 'Skip checks.')
flags.DEFINE_list('rules', ['a', 'b'], 'Rules.')
flags.DEFINE_integer('rows', 5, 'Rows.', lower_bound=1)
def main():
  if flags.FLAGS.fast:
    raise KeyboardInterrupt
command.run(main, required=['config', 'workdir'], prepares=False)
"""


@pytest.fixture(scope='module')
def ends(tmp_path_factory):
  """{arguments: (exit code, stdout, stderr)} of one command, run at once."""
  script = tmp_path_factory.mktemp('usage') / 'things.py'
  script.write_text(SCRIPT)
  config = f'--config={ROOT}/configs/faces_csv.py'
  given = (config, '--workdir=x')
  calls = {
    'help': ('--help',),
    'flag': (*given, '--workdri=x'),
    'missing': (config,),
    'setting': (*given, '--config.learning_rat=1'),
    'argument': (*given, 'runs/x'),
    'mode': (*given, '--mode=som'),
    'stopped': (*given, '--fast'),
  }
  # One import of everything serves all: each is a fork.
  runner = (
    'import os, sys, runpy\n'
    'import affect_jax.run.command, affect_jax.defaults\n'
    f'for name, argv in {calls!r}.items():\n'
    '  if not (pid := os.fork()):\n'
    '    for number, end in ((1, "out"), (2, "err")):\n'
    f'      path = os.path.join({str(script.parent)!r}, f"{{name}}.{{end}}")\n'
    '      os.dup2(os.open(path, os.O_CREAT | os.O_WRONLY), number)\n'
    f'    sys.argv = [{str(script)!r}, *argv]\n'
    f'    runpy.run_path({str(script)!r}, run_name="__main__")\n'
    '  print(name, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n'
  )
  done = subprocess.run(
    [sys.executable, '-c', runner],
    env={**os.environ, 'PYTHONPATH': str(ROOT)},
    capture_output=True,
    text=True,
    check=True,
    timeout=600,
  )
  codes = dict(line.split() for line in done.stdout.splitlines())
  read = lambda name, end: (script.parent / f'{name}.{end}').read_text()
  return {n: (int(codes[n]), read(n, 'out'), read(n, 'err')) for n in calls}


def test_help_says_what_it_does_with_an_example_and_its_own_flags(ends):
  code, out, err = ends['help']
  assert (code, err) == (0, '')
  assert out.startswith('Counts things.\n\n  python -m things --config=FILE\n')
  for text in (
    '  --config=FILE\n      A file of configs/. Required.\n',
    '  --workdir=TEXT\n      Folder. Required.\n',
    '  --mode=all|some\n      What to count. Default: all.\n',
    '  --fast\n      Skip checks.\n',
    '  --rules=A,B\n      Rules. Default: a,b.\n',
    '  --rows=N\n      Rows. Default: 5.\n',
    'Exit codes: 0 done',
  ):
    assert text in out, text
  assert '--logtostderr' not in out
  assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
  ('name', 'message'),
  [
    ('flag', "flag 'workdri'. Did you mean: workdir"),
    ('missing', 'Missing: --workdir=…'),
    ('setting', "mean 'learning_rate'"),
    ('argument', 'Unknown arguments: runs/x'),
    ('mode', 'som'),
  ],
)
def test_a_wrong_command_line_ends_with_two_and_one_line(ends, name, message):
  code, out, err = ends[name]
  assert (code, out) == (2, '')
  assert err.startswith('Error: ')
  assert message in err
  assert err.count('\n') == 1


def test_ctrl_c_ends_without_a_traceback(ends):
  assert ends['stopped'] == (130, '', 'Stopped by Ctrl-C.\n')


def test_an_unknown_setting_of_an_experiment_ends_with_two(monkeypatch, capsys):
  settings = ml_collections.ConfigDict({'seeds': (0, 1)})
  monkeypatch.setattr(sys, 'argv', ['run.py', '--config.seeds=(1,)'])
  assert config_flag.checked('config', settings) is settings
  monkeypatch.setattr(sys, 'argv', ['run.py', '--config.seed=1'])
  with pytest.raises(SystemExit, match='2'):
    config_flag.checked('config', settings)
  assert "did you mean 'seeds'?" in capsys.readouterr().err


def test_what_asks_for_help():
  assert usage.asked(['x', '--config=y', '--help'])
  assert not usage.asked(['--help', '--config=y'])


def programs():
  for folder in ('affect_jax', 'experiments'):
    for path in sorted((ROOT / folder).rglob('*.py')):
      if "__name__ == '__main__'" in path.read_text():
        yield path


# What takes seconds to import.
SLOW = ('tensorflow', 'jax', 'flax', 'orbax', 'clu')


def modules():
  """Every command with flags, as `python -m` names it."""
  for path in programs():
    if (
      path.parts[len(ROOT.parts)] == 'affect_jax' and path.stem != 'build_asset'
    ):
      name = '.'.join(path.relative_to(ROOT).with_suffix('').parts)
      yield name.removesuffix('.__main__')


@pytest.fixture(scope='module')
def slow(tmp_path_factory):
  """{(module, arguments): (exit code, what of SLOW it has imported)}."""
  config = f'--config={ROOT}/configs/quickstart.py'
  calls = [(name, ('--help',)) for name in modules()]
  calls += [
    ('affect_jax.main', (config, '--workdri=x')),
    ('affect_jax.main', (config, '--config.seed=1', '--config.data', '-1')),
    ('affect_jax.predict', ('--workdir=x',)),
  ]
  # One import of what is quick serves all: each is a fork.
  runner = (
    'import os, runpy, sys\n'
    'import affect_jax.run.command, affect_jax.run.config_flag, numpy\n'
    f'for number, (module, argv) in enumerate({calls!r}):\n'
    '  if not (pid := os.fork()):\n'
    '    out, sys.stdout = sys.stdout, sys.stderr\n'
    '    sys.argv = [module, *argv]\n'
    '    try:\n'
    '      runpy.run_module(module, run_name="__main__", alter_sys=True)\n'
    '    except SystemExit as end:\n'
    f'      slow = [name for name in {SLOW!r} if name in sys.modules]\n'
    '      print(number, end.code, *slow, file=out)\n'
    '      out.flush()\n'
    '    os._exit(0)\n'
    '  os.waitpid(pid, 0)\n'
  )
  done = subprocess.run(
    [sys.executable, '-c', runner],
    cwd=tmp_path_factory.mktemp('slow'),
    env={**os.environ, 'PYTHONPATH': str(ROOT)},
    capture_output=True,
    text=True,
    check=True,
    timeout=600,
  )
  found = {}
  for line in done.stdout.splitlines():
    number, code, *names = line.split()
    found[calls[int(number)]] = (code, names)
  return found


@pytest.mark.parametrize('name', list(modules()))
def test_help_waits_for_no_slow_library(slow, name):
  assert slow[name, ('--help',)] == ('0', [])


def test_a_wrong_command_line_waits_for_no_slow_library(slow):
  wrong = {call: said for call, said in slow.items() if '--help' not in call[1]}
  assert len(wrong) == 3
  assert set(map(str, wrong.values())) == {"('2', [])"}


def said_by(path):
  """What --help of a program says first."""
  if (beside := path.with_name('__init__.py')).exists():
    for file in (path, beside):
      about = ast.get_docstring(ast.parse(file.read_text())) or ''
      if 'python -m' in about:
        return about
  return ast.get_docstring(ast.parse(path.read_text())) or ''


@pytest.mark.parametrize(
  'path', list(programs()), ids=lambda path: str(path.relative_to(ROOT))
)
def test_every_program_has_an_example(path):
  about = said_by(path)
  name = str(path.relative_to(ROOT))
  if path.parts[len(ROOT.parts)] == 'affect_jax':
    name = name.removesuffix('.py').removesuffix('/__main__')
    name = f'-m {name.replace("/", ".")}'
  # A backslash at its end is kept, and so is the indent.
  example = [x for x in about.splitlines() if x.startswith(f'  python {name}')]
  assert example
  assert max(map(len, about.splitlines())) <= 80
