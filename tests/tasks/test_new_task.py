"""A task is one file and one line: `toys.engagement` and its name."""

import csv

import numpy as np
import pytest
from toys import engagement
from toys import faces_csv
from toys.configs import load_config

from affect_jax import contact_sheet
from affect_jax import defaults
from affect_jax import tasks
from affect_jax import train
from affect_jax.corpora.builders import faces_table
from affect_jax.corpora.builders import records
from affect_jax.corpora.builders import utterances_table
from affect_jax.data import load
from affect_jax.doctor import visit

SPLITS = {'train': 12, 'val': 4, 'test': 4}

pytestmark = pytest.mark.usefixtures('quick_runs')


@pytest.fixture(autouse=True)
def line(monkeypatch):
  monkeypatch.setitem(tasks.TASKS, 'engagement', engagement)


def rows():
  """(id, split, engagement or ''): every fifth has none."""
  for split, count in SPLITS.items():
    for i in range(count):
      yield f'{split}{i}', split, '' if i % 5 == 4 else i / count


def faces(folder):
  lines = []
  for i, (name, split, value) in enumerate(rows()):
    faces_csv.save(folder / f'{name}.png', i)
    lines.append(f'{name}.png,{split},{value},joy')
  header = 'image,split,engagement,expression'
  c = load_config('faces_csv')
  c.data.path = str(faces_csv.write(folder, *lines, header=header))
  c.image_size = 16
  c.augment = ()
  c.eval_views = 'whole'
  c.ema_decay = 0.0
  c.model.stem = 'small'
  return c


def utterances(folder):
  r = np.random.default_rng(0)
  with open(folder / 'mine.csv', 'w', newline='') as file:
    table = csv.writer(file)
    table.writerow(['id', 'split', 'audio', 'engagement', 'sarcasm'])
    for name, split, value in rows():
      np.save(folder / f'{name}.npy', r.normal(size=(3, 2)))
      table.writerow([name, split, f'{name}.npy', value, 1])
  c = defaults.get_config()
  c.data.corpus = 'utterances_csv'
  c.data.path = str(folder / 'mine.csv')
  c.utterance.fusion = 'concat'
  c.utterance.boundaries = (4,)
  return c


@pytest.mark.parametrize('make', [faces, utterances])
def test_it_trains_from_a_csv_and_is_examined(make, tmp_path):
  c = make(tmp_path)
  c.tasks = ('engagement',)
  c.loss_weights.engagement = 2.0
  c.engagement.scale = 0.5
  c.data.data_dir = str(tmp_path / 'data')
  c.batch_size, c.num_train_steps, c.eval_every = 8, 2, 2
  c.log_gradients = False
  c.schedule.warmup_steps = 1
  results = train.train_and_evaluate(c, str(tmp_path / 'run'))
  for split in ('val', 'test'):
    assert -1 <= results[split]['engagement/ccc'] <= 1
    assert results[split]['engagement/num_gold'] == 4
  builder = load.build(c)[0].builder
  assert records.metadata(builder)['outputs']['engagement'] == ['engagement']

  report = visit.visit(c, out='').report
  assert report['exit_code'] == 0
  found = report['counts']['outputs']['engagement']['engagement']['train']
  # 0, 1, 2, 3, 5, 6, 7, 8, 10, 11 of 12.
  assert found['labelled'] == 10
  assert found['max'] == pytest.approx(11 / 12, abs=1e-3)


def test_its_labels_have_a_range(tmp_path):
  faces(tmp_path)
  path = tmp_path / 'faces.csv'
  path.write_text(path.read_text().replace('test1.png,test,0.25', 'a,test,1.5'))
  with pytest.raises(ValueError, match=r"engagement '1\.5' is not in \[0, 1\]"):
    faces_table.read(path)
  utterances(tmp_path)
  path = tmp_path / 'mine.csv'
  path.write_text(path.read_text().replace('test1.npy,0.25', 'test1.npy,-1'))
  with pytest.raises(ValueError, match=r"engagement '-1' is not in \[0, 1\]"):
    utterances_table.read(path)


def test_its_bar_grows_from_the_left_of_a_contact_sheet():
  def ink(value, weight=1.0):
    record = {
      'image': np.zeros((8, 8, 3), np.uint8),
      'engagement': np.array([value], np.float32),
      'engagement_weights': np.array([weight], np.float32),
    }
    outputs = {'engagement': ('engagement',)}
    pixels = np.asarray(contact_sheet.draw([record], outputs, 1))
    is_ink = (pixels == (0x1F, 0x29, 0x37)).all(-1)
    return is_ink.sum()

  assert ink(0.0) < ink(0.3) < ink(0.9)
  assert ink(0.9, weight=0.0) < ink(0.0)
