"""From a config, or the command line, to a report."""

import csv
import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
from PIL import Image
import pytest
from toys import doctor as toy_doctor
from toys import training as toy
from toys.paths import ROOT

from affect_jax.doctor import visit


def load_config(name):
  path = ROOT / 'configs' / f'{name}.py'
  spec = importlib.util.spec_from_file_location(name, path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module.get_config()


@pytest.fixture
def faces(tmp_path):
  """24, 12, 12 pictures of faces.csv, with leaks."""
  path = toy.write_faces_csv(tmp_path / 'faces')
  folder = path.parent
  with open(folder / 'val1.png', 'wb') as f:
    f.write((folder / 'train0.png').read_bytes())
  with Image.open(folder / 'train3.png') as picture:
    picture.save(folder / 'test2.png', compress_level=0)
    brighter = np.clip(np.asarray(picture) * 0.9 + 12, 0, 255)
    Image.fromarray(brighter.astype(np.uint8)).save(folder / 'test4.png')
  with open(path, newline='') as f:
    rows = list(csv.reader(f))
  rows[0].append('subject')
  for i, row in enumerate(rows[1:]):
    row.append('eve' if row[0] in ('train5.png', 'val6.png') else f's{i}')
  with open(path, 'w', newline='') as f:
    csv.writer(f).writerows(rows)
  return path


def test_command_line_on_a_csv(faces, tmp_path):
  out = tmp_path / 'out'
  run = subprocess.run(
    [
      sys.executable,
      '-m',
      'affect_jax.doctor',
      '--config=configs/faces_csv.py',
      f'--config.data.path={faces}',
      f'--config.data.data_dir={tmp_path / "data"}',
      f'--out={out}',
    ],
    cwd=ROOT,
    env=os.environ,
    capture_output=True,
    text=True,
    check=False,
  )
  assert run.returncode == 1, run.stderr
  assert 'VERDICT: FAILED: 3 errors' in run.stdout
  report = json.loads((out / 'doctor.json').read_text())
  assert report['exit_code'] == 1
  errors = [f for f in report['findings'] if f['level'] == 'error']
  assert [f['kind'] for f in errors] == [
    'exact_across_splits',
    'exact_across_splits',
    'shared_subjects',
  ]
  assert errors[2]['data']['subjects'] == ['eve']
  assert report['counts']['samples'] == {'train': 24, 'val': 12, 'test': 12}
  assert report['picture_sizes'] == {'32x32': 48}
  with open(out / 'duplicates.csv', newline='') as f:
    rows = list(csv.reader(f))
  # The table's 24 rows of train begin in line 2.
  assert ('train0.png', 'faces.csv:2', 'faces.csv:27') in {
    (row[2], *row[7:]) for row in rows
  }
  assert {tuple(row[:5]) for row in rows} == {
    ('kind', 'split_a', 'id_a', 'split_b', 'id_b'),
    ('exact', 'train', 'train0.png', 'val', 'val1.png'),
    ('exact', 'train', 'train3.png', 'test', 'test2.png'),
    ('near', 'train', 'train3.png', 'test', 'test4.png'),
  }
  text = (out / 'report.txt').read_text()
  assert text in run.stdout
  assert 'eve' in text


def write_fer2013(path):
  r = np.random.default_rng(0)
  train = r.integers(0, 256, (30, 48 * 48))
  public = r.integers(0, 256, (10, 48 * 48))
  public[:3] = train[[4, 9, 29]]
  lines = ['emotion,pixels,Usage']
  for usage, rows in (('Training', train), ('PublicTest', public)):
    for i, row in enumerate(rows):
      lines.append(f'{i % 7},{" ".join(map(str, row))},{usage}')
  path.write_text('\n'.join(lines) + '\n')
  return str(path)


def test_fer2013_says_how_to_leave_its_duplicates_out(tmp_path, capsys):
  c = load_config('fer2013')
  c.data.path = write_fer2013(tmp_path / 'fer2013.csv')
  c.data.data_dir = str(tmp_path / 'data')
  c.data.splits.train, c.data.splits.val = 'train[:90%]', 'train[90%:]'
  c.data.exclude_duplicates = False
  result = visit.visit(c)
  assert result.report['exit_code'] == 1
  found = toy_doctor.only(result, 'exact_across_splits')
  # Whichever part of Training they are in.
  assert found['data']['pictures'] == 3
  assert found['data']['split'] == 'test'
  assert '--config.data.exclude_duplicates' in found['advice']
  assert '--config.data.exclude_duplicates' in capsys.readouterr().out
  c.data.exclude_duplicates = True
  clean = visit.visit(c, out=str(tmp_path / 'out'))
  assert clean.report['exit_code'] == 0
  assert 'exact_across_splits' not in toy_doctor.kinds(clean)
  assert toy_doctor.only(clean, 'left_out')['data']['reasons']
  few = visit.visit(c, sample=2)
  assert set(few.report['counts']['samples'].values()) == {2}


def test_a_run_without_some_splits(tmp_path):
  c = load_config('faces_csv')
  c.data.path = str(toy.write_faces_csv(tmp_path / 'faces'))
  c.data.data_dir = str(tmp_path / 'data')
  c.data.splits.val = c.data.splits.test = ''
  result = visit.visit(c)
  assert list(result.report['counts']['samples']) == ['train']
  assert result.report['exit_code'] == 0
