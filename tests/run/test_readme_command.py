"""README's command on a user's CSV, with all that the config leaves open."""

import logging

import numpy as np
from PIL import Image
import pytest
from toys.configs import load_config

from affect_jax import train

ROWS = """\
image,split,expression
a.png,train,happy
b.png,train,sad
c.png,val,happy
d.png,test,fear
"""


@pytest.mark.usefixtures('quick_runs')
def test_a_class_that_only_test_has_is_missed_and_said(tmp_path, caplog):
  (tmp_path / 'faces.csv').write_text(ROWS)
  r = np.random.default_rng(0)
  for name in 'abcd':
    pixels = r.integers(0, 256, (24, 20, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / f'{name}.png')
  c = load_config('faces_csv')
  assert c.drop_unlabelled_tasks
  assert c.expression.class_weights == 'balanced'
  c.data.path, c.data.data_dir = str(tmp_path / 'faces.csv'), str(tmp_path)
  c.num_epochs, c.image_size = 5.0, 16
  c.batch_size, c.eval_views = 4, 'whole'
  with caplog.at_level(logging.INFO, logger='absl'):
    results = train.train_and_evaluate(c, str(tmp_path / 'run'))
  said = caplog.text
  assert 'config.num_train_steps: 3, which is 5 epochs of 2 training' in said
  # Corpora are built twice, to count their rows first, and described once.
  for line in (
    'faces_csv: train 2, val 1, test 1; left out: nothing',
    'faces_csv: 4 pictures are not square',
    'train: faces_csv[train], 2 samples',
  ):
    assert said.count(line) == 1, line
  for task in ('action_units', 'valence_arousal'):
    assert f'Task {task} is left out: the training split has no label' in said
  assert 'expression: no training sample of fear' in said
  assert 'val has no sample of expression fear, sadness' in said
  assert 'alike: the mean of expression/macro_f1' in said
  # Fear counts as one of three classes.
  f1 = [v for k, v in results['test'].items() if k.startswith('expression/f1/')]
  assert len(f1) == 3
  assert results['test']['expression/macro_f1'] == pytest.approx(sum(f1) / 3)
  assert results['test']['expression/num_gold'] == 1
  assert results['val']['step'] == 3
  assert results['val']['headline'] == results['val']['expression/macro_f1']
  # The same command once more.
  assert train.train_and_evaluate(c, str(tmp_path / 'run')) == results
