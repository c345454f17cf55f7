"""Files and folders are written whole or not at all."""

import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

from affect_jax import whole_file

ROOT = pathlib.Path(__file__).parents[1]


def interrupted(writing, file_of):
  with writing as partial:
    file_of(partial).write_text('half')
    raise KeyboardInterrupt


def test_an_error_leaves_the_old_content_and_nothing_beside_it(tmp_path):
  path = tmp_path / 'a [x] ü.csv'
  whole_file.write_text(path, 'äöü\n')
  assert path.read_bytes() == 'äöü\n'.encode()
  with pytest.raises(KeyboardInterrupt):
    interrupted(whole_file.writing(path), lambda partial: partial)
  assert path.read_text(encoding='utf-8') == 'äöü\n'
  assert os.listdir(tmp_path) == [path.name]


def test_a_killed_writer_leaves_the_old_content(tmp_path):
  path = tmp_path / 'a.txt'
  path.write_text('old')
  code = (
    'import os, sys\n'
    'from affect_jax import whole_file\n'
    'with whole_file.writing(sys.argv[1]) as partial:\n'
    "  partial.write_text('new')\n"
    '  os.kill(os.getpid(), 9)\n'
  )
  done = subprocess.run([sys.executable, '-c', code, path], cwd=ROOT)
  assert done.returncode == -signal.SIGKILL
  assert path.read_text() == 'old'
  whole_file.write_text(path, 'newer')
  assert os.listdir(tmp_path) == ['a.txt']
  assert path.read_text() == 'newer'


def test_a_folder_is_whole_or_absent(tmp_path):
  path = tmp_path / 'deep' / 'folder'
  with pytest.raises(KeyboardInterrupt):
    interrupted(whole_file.writing_folder(path), lambda folder: folder / 'a')
  assert os.listdir(path.parent) == []
  with whole_file.writing_folder(path) as partial:
    (partial / 'b').mkdir()
    (partial / 'b' / 'c').write_text('c')
  assert (path / 'b' / 'c').read_text() == 'c'
  with (
    pytest.raises(FileExistsError, match='exists; give another name'),
    whole_file.writing_folder(path),
  ):
    pass
  assert os.listdir(path.parent) == ['folder']


def test_a_folder_grows_over_several_attempts(tmp_path):
  path = tmp_path / 'folder'
  growing = whole_file.growing_folder(path)
  growing.mkdir()
  (growing / 'a').write_text('a')
  # The next attempt.
  assert (whole_file.growing_folder(path) / 'a').exists()
  whole_file.finish_folder(path)
  assert os.listdir(tmp_path) == ['folder']
  growing.mkdir()
  with pytest.raises(OSError, match='not empty'):
    whole_file.finish_folder(path)
  assert (path / 'a').read_text() == 'a'


def test_nobody_renames_by_hand():
  by_hand = re.compile(r"os\.(replace|rename)\(|\.partial['-]|\.tmp['.]")
  for folder in ('affect_jax', 'experiments'):
    for path in (ROOT / folder).rglob('*.py'):
      if path.name != 'whole_file.py':
        assert not by_hand.search(path.read_text()), path
