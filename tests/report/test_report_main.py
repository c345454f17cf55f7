"""The command: its errors in one line, and how little it imports."""

import os
import subprocess
import sys

import pytest
from toys import reported
from toys.paths import ROOT

from affect_jax.evaluation import seed_summary
from affect_jax.evaluation import table
from affect_jax.report import __main__ as command

pytest.importorskip('matplotlib', reason="needs the extra 'report'")
pytest.importorskip('jinja2', reason="needs the extra 'report'")


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  return reported.write(tmp_path_factory.mktemp('runs') / 'a')


def test_a_page_of_one_run_needs_no_jax(folder, tmp_path):
  output = tmp_path / 'new' / 'page.html'
  script = (
    'import sys\n'
    'from affect_jax.report.__main__ import main\n'
    f'main([{folder!r}, "--output", {str(output)!r}])\n'
    'print([x for x in ("jax", "tensorflow", "flax") if x in sys.modules])\n'
  )
  done = subprocess.run(
    [sys.executable, '-c', script],
    env={**os.environ, 'PYTHONPATH': str(ROOT)},
    capture_output=True,
    text=True,
    check=True,
  )
  first, last = done.stdout.splitlines()
  assert first == (
    f'Wrote {output}, and its figures and tables in {output.parent}/page_files.'
  )
  assert last == '[]'
  assert output.exists()


def error_of(*argv):
  with pytest.raises(SystemExit) as caught:
    command.main([str(x) for x in argv])
  return str(caught.value.code)


def test_errors_are_one_line(folder, tmp_path):
  nothing = tmp_path / 'nothing'
  assert error_of(nothing) == f'Error: {nothing}: no such folder.'
  assert 'is no run' in error_of(tmp_path)
  assert error_of(folder, '--output', 'x.pdf').endswith('must end with .html.')
  assert 'no such folder' in error_of(folder, '--pictures', nothing)
  (tmp_path / 'x_files').write_text('')
  said = error_of(folder, '--output', tmp_path / 'x.html')
  assert said.endswith('x_files is none.')
  assert not (tmp_path / 'x.html').exists()
  for line in (said, error_of(nothing)):
    assert '\n' not in line


def test_without_its_libraries_a_line_says_what_to_install(folder, monkeypatch):
  monkeypatch.setitem(sys.modules, 'matplotlib', None)
  assert error_of(folder) == (
    "Error: The report needs libraries: pip install 'affect_jax[report]'."
  )


@pytest.mark.parametrize('draws', ['99', '-1', 'many'])
def test_draws_are_many_or_none(folder, draws, capsys):
  error_of(folder, f'--draws={draws}')
  assert 'no number from 100' in capsys.readouterr().err


def test_training_names_the_command_when_it_ends(folder, tmp_path, capsys):
  table.show({'test': {'headline': 0.5}}, folder)
  summary = seed_summary.summarise({0: {'test': {'headline': 0.5}}})
  seed_summary.show(summary, folder)
  line = f'  python -m affect_jax.report {folder} --output {folder}/report.html'
  assert capsys.readouterr().out.count(line) == 2
  # The folder of scores before the end is no run.
  table.show({'test': {'headline': 0.5}}, str(tmp_path))
  assert 'affect_jax.report' not in capsys.readouterr().out
