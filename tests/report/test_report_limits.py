"""What a run cannot do is said as far as its folder tells, and truly."""

import numpy as np
import pytest
from toys import reported

pytest.importorskip('matplotlib', reason="needs the extra 'report'")

from affect_jax.report import folders
from affect_jax.report import limits


def test_limits_are_those_that_the_folder_shows(tmp_path):
  folder = reported.write(tmp_path / 'a', noise=0.2)
  said = '\n'.join(limits.of_run(folders.read([folder])[0], 'test'))
  for words in (
    'It is one training',
    'faces is invented or rendered',
    'weak labels',
    'changed and not committed',
    'only 64 samples of test',
  ):
    assert words in said
  assert 'no validation' not in said
  assert 'recognises no sample' not in said


def test_a_class_that_is_never_recognised_is_a_limit(tmp_path):
  one = folders.read([reported.write(tmp_path / 'a')])[0]
  of = one.first.splits['test']['faces']['expression']
  of.predicted[:, 2] = 0
  said = limits.of_run(one, 'test')
  assert 'expression on faces: it recognises no sample of anger.' in said


def test_outputs_without_gold_or_positives_are_not_called_poor(tmp_path):
  one = folders.read([reported.write(tmp_path / 'a')])[0]
  of = one.first.splits['test']['faces']['action_units']
  of.gold[:, 0], of.gold[:, 1] = np.nan, 0
  said = limits.of_run(one, 'test')
  where = 'action_units on faces:'
  assert f'{where} test has no gold of AU1.' in said
  assert f'{where} test has no sample in which AU12 is present.' in said
  assert 'no better than' not in ' '.join(said)
  # One that is always missed is.
  of.gold[:, 1], of.predicted[:, 1] = 1, 0
  said = ' '.join(limits.of_run(one, 'test'))
  assert f'{where} AU12 is found no better than by saying' in said
