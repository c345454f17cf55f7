"""Gold of one sample in two corpora; and tasks that nothing labels."""

import pathlib

import numpy as np
import pytest
from toys import voices

from affect_jax.errors import UserError
from affect_jax.run import build
from affect_jax.weak import table

SPLITS = {'train': ['a', 'b', 'c', 'd'], 'val': ['e'], 'test': ['f']}


def two_corpora(folder, *, change=None, window=0):
  """One CSV, and another with the same ids, of which one may differ.

  Windows are of one dialogue per split: b is the second turn of its own.
  """
  path = voices.write(folder, 'one', SPLITS, 'sentiment')
  lines = path.read_text().splitlines()
  if change is not None:
    i = next(i for i, line in enumerate(lines) if line.startswith('b,'))
    cells = lines[i].split(',')
    lines[i] = ','.join([*cells[:-1], change])
  other = folder / 'other.csv'
  other.write_text('\n'.join(lines) + '\n')
  for file in (path, other) if window else ():
    head, *rows = file.read_text().splitlines()
    rows = [f'{row},{row.split(",")[1]}' for row in rows]
    file.write_text('\n'.join([f'{head},dialogue', *rows]) + '\n')
  c = voices.config(path, folder, 'sentiment', batch_size=4)
  c.data.corpus = ''
  c.data.corpora = {
    name: {'corpus': 'utterances_csv', 'path': str(p), 'window': window}
    for name, p in (('one', path), ('other', other))
  }
  del c.data.path
  if window:
    c.utterance.context = 'lstm'
  return c


@pytest.mark.parametrize('window', [0, 4])
def test_two_golds_of_a_sample_are_refused(tmp_path, window):
  c = two_corpora(tmp_path, change='-2.75', window=window)
  message = r"one and other .*sentiment for 1 of their 4 .*'b' is .*-2\.75"
  with pytest.raises(UserError, match=message):
    build.build(c)
  c.data.gold_share = {'other/sentiment': 0.0}
  build.build(c)  # Hidden gold contradicts nothing.


@pytest.mark.parametrize('change', [None, ''])
def test_equal_gold_and_gaps_are_no_conflict(tmp_path, change):
  run = build.build(two_corpora(tmp_path, change=change))
  assert len(run.corpora) == 2


def test_a_task_whose_weak_labels_all_weigh_0_is_refused(tmp_path):
  path = voices.write(tmp_path, 'one', SPLITS, 'sentiment')
  labels = np.array([[0.2], [0.9]], np.float32)
  weak = tmp_path / 'weak.parquet'
  table.write(
    pathlib.Path(weak),
    [
      table.WeakLabels(
        task='sarcasm',
        kind='presence',
        outputs=('sarcasm',),
        ids=np.array(['a', 'b'], object),
        labels=labels,
        confidence=np.maximum(labels, 1 - labels),
      )
    ],
  )
  changes = {'data.weak_labels': (str(weak),), 'batch_size': 4}
  c = voices.config(path, tmp_path, 'sentiment', 'sarcasm', **changes)
  assert [t.name for t in build.build(c).tasks] == ['sentiment', 'sarcasm']
  c.weak.by_task = {'sarcasm': {'weight': 0.0}}
  with pytest.raises(UserError, match='no label of sarcasm'):
    build.build(c)
