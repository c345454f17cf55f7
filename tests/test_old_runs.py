"""Folders of runs from before the folders of the package still serve."""

import csv
import json
import math
import zipfile

import jax
import numpy as np
import pytest
from toys import old_runs
from toys.paths import GOLDEN

from affect_jax import evaluate
from affect_jax import train
from affect_jax.models import resnet


@pytest.fixture
def runs(tmp_path_factory, quick_runs, monkeypatch):
  """The folders of runs, in the working directory that their paths are of."""
  folder = tmp_path_factory.mktemp('old_runs')
  monkeypatch.chdir(folder)
  monkeypatch.setattr(resnet, 'WIDTHS', old_runs.WIDTHS)
  old_runs.write_data()
  with zipfile.ZipFile(GOLDEN / 'old_runs.zip') as file:
    file.extractall(folder)
  return folder


def read_predictions(path):
  with open(path) as file:
    return list(csv.DictReader(file))


def assert_close(results, others):
  """The same names, and values that rounding may have changed."""
  assert results.keys() == others.keys()
  for split, scores in results.items():
    assert scores.keys() == others[split].keys()
    for name, value in scores.items():
      other = others[split][name]
      assert (value is None) == (other is None), name
      if value is not None:
        assert math.isclose(value, other, rel_tol=1e-3, abs_tol=1e-5), name


def assert_predicts_the_same(workdir, other):
  for split in ('val', 'test'):
    path = f'predictions/{split}.csv'
    rows, others = (
      read_predictions(workdir / path),
      read_predictions(other / path),
    )
    assert len(rows) == len(others) > 0
    for row, expected in zip(rows, others, strict=True):
      # Newer versions add a column.
      assert row.keys() - expected.keys() <= {'cluster'}
      for name in expected:
        cell = row[name]
        if name.count('/') == 2 and cell:
          np.testing.assert_allclose(
            float(cell), float(expected[name]), rtol=1e-3, atol=1e-5
          )
        else:
          assert cell == expected[name], name


@pytest.mark.parametrize('name', old_runs.NAMES)
def test_old_folders_resume_and_are_evaluated(runs, name):
  assert jax.device_count() == 4  # As there were when they were made.
  config = old_runs.config(name)
  finished, stopped = runs / f'{name}_finished', runs / f'{name}_stopped'
  expected = json.loads((finished / 'results.json').read_text())

  assert_close(train.train_and_evaluate(config, str(stopped)), expected)
  assert_predicts_the_same(stopped, finished)
  lines = (stopped / 'metrics.jsonl').read_text().splitlines()
  steps = [json.loads(x)['step'] for x in lines if 'train/loss' in x]
  assert steps == [1, 2, 3, 4]

  # Finished is finished; evaluated again it comes to the same.
  assert train.train_and_evaluate(config, str(finished)) == expected
  evaluate.evaluate_best(config, str(finished))
  results = json.loads((finished / 'results.json').read_text())
  assert_close(results, expected)
