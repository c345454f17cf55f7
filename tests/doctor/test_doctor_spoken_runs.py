"""From a config of utterances, or the command line, to a report."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from toys import doctor as toy_doctor
from toys import utterances as toy_utterances
from toys.paths import ROOT

from affect_jax import corpora
from affect_jax import defaults
from affect_jax.doctor import visit

CONFIG = """
from affect_jax import defaults

def get_config():
  c = defaults.get_config()
  c.data.corpus = 'utterances_csv'
  c.data.path = ''
  return c
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
  monkeypatch.setitem(corpora.CORPORA, 'toy', toy_utterances.Toy)
  c = defaults.get_config()
  c.data.corpus = 'toy'
  c.data.data_dir = str(tmp_path / 'data')
  c.data.longest = 20
  return c


def test_a_prepared_corpus_is_read_as_it_was_listed(config, tmp_path):
  result = visit.visit(config, out=str(tmp_path / 'out'))
  report = result.report
  assert report['exit_code'] == 0
  assert report['counts']['samples'] == toy_utterances.COUNTS
  # All its emotions are anger, and no class is neutral.
  assert toy_doctor.kinds(result, 'warning') == {'never_in_train'}
  items = list(toy_utterances.utterances('train', 40))
  for m in ('text', 'audio', 'vision'):
    steps = [len(i.sequences[m]) for i in items if m in i.sequences]
    found = report['lengths'][m]['train']
    assert found['there'] == len(steps)
    assert (found['min'], found['max']) == (min(steps), max(steps))
    assert found['median'] == np.median(steps)
    largest = max(
      float(np.abs(i.sequences[m]).max())
      for split, count in toy_utterances.COUNTS.items()
      for i in toy_utterances.utterances(split, count)
      if m in i.sequences
    )
    extent = report['features']['toy'][m]
    assert extent['largest'] == pytest.approx(largest)
    assert extent['features'] == toy_utterances.DIMS[m]
  assert report['modalities']['train'] == {
    **dict.fromkeys(report['modalities']['train'], 0),
    'text + audio + vision': 30,
    'text + vision': 10,
  }
  labelled = [i for i in items if i.labels]
  negative = sum(i.labels['sentiment_class'] == 'negative' for i in labelled)
  classes = report['counts']['outputs']['sentiment_class']
  assert classes['negative']['train'] == {
    'labelled': len(labelled),
    'count': negative,
  }
  assert set(result.survey.dialogues) == {
    f'{split}-dialogue{i // 5}'
    for split, count in toy_utterances.COUNTS.items()
    for i in range(count)
  }
  text = (tmp_path / 'out' / 'report.txt').read_text()
  for words in ('VERDICT: PASSED', 'Steps of the sequences', 'rounded'):
    assert words in text


def test_dialogues_are_examined_as_utterances(config):
  alone = visit.visit(config).report
  with config.unlocked():
    config.data.window, config.data.eval_hop = 3, 1
  together = visit.visit(config).report
  assert together == alone
  assert config.data.window == 3


def test_cut_sequences_and_slices_and_samples(config):
  with config.unlocked():
    config.data.max_steps = 10
  config.data.splits.train, config.data.splits.val = (
    'train[:80%]',
    'train[80%:]',
  )
  result = visit.visit(config)
  assert toy_doctor.kinds(result, 'error') == {'shared_dialogues'}
  found = [f for f in result.report['findings'] if f['kind'] == 'cut_sequences']
  assert '--config.data.max_steps=20 keeps' in found[0]['advice']
  cut = [f['data'] for f in found]
  assert [d['modality'] for d in cut] == ['text', 'audio', 'vision']
  steps = [
    len(i.sequences['text'])
    for split, count in toy_utterances.COUNTS.items()
    for i in toy_utterances.utterances(split, count)
  ]
  assert cut[0]['steps'] == sum(max(0, n - 10) for n in steps)
  assert cut[0]['longest'] == 10
  few = visit.visit(config, sample=2)
  assert set(few.report['counts']['samples'].values()) == {2}


def write_csv(folder):
  """12, 4, 4 utterances; a dialogue and a recording are in two splits."""
  r = np.random.default_rng(0)
  rows = [['id', 'split', 'text', 'audio', 'dialogue', 'turn', 'sentiment']]
  for split, count in (('train', 12), ('val', 4), ('test', 4)):
    for i in range(count):
      name = f'{split}{i}'
      np.save(folder / f'{name}.npy', r.standard_normal((5 + i, 4)))
      text = f'what {split} says in sentence number {i}'
      rows.append(
        [
          name,
          split,
          text,
          f'{name}.npy',
          f'{split} {i // 4}',
          i % 4,
          i % 3 - 1,
        ]
      )
  rows[-1][4:6] = ['train 1', 9]
  (folder / 'val2.npy').write_bytes((folder / 'train5.npy').read_bytes())
  rows[-2][2] = 'What train says, in sentence number 5!'
  with open(folder / 'mine.csv', 'w', newline='') as file:
    csv.writer(file).writerows(rows)
  return folder / 'mine.csv'


def test_command_line_on_a_csv(tmp_path):
  out = tmp_path / 'out'
  (tmp_path / 'config.py').write_text(CONFIG)
  run = subprocess.run(
    [
      sys.executable,
      '-m',
      'affect_jax.doctor',
      f'--config={tmp_path / "config.py"}',
      f'--config.data.path={write_csv(tmp_path)}',
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
  assert 'VERDICT: FAILED: 2 errors, 2 warnings' in run.stdout
  report = json.loads((out / 'doctor.json').read_text())
  found = {f['kind']: f for f in report['findings']}
  assert found['shared_dialogues']['data']['dialogues'] == ['train 1']
  assert found['same_features_across_splits']['data']['split'] == 'val'
  assert found['same_transcript_across_splits']['level'] == 'warning'
  # Its sentiments are -1, 0 and 1.
  assert found['other_scale']['level'] == 'warning'
  assert report['counts']['samples'] == {'train': 12, 'val': 4, 'test': 4}
  assert report['lengths']['audio']['train']['max'] == 16
  with open(out / 'duplicates.csv', newline='') as file:
    rows = {tuple(row[:5]) for row in csv.reader(file)}
  assert rows == {
    ('kind', 'split_a', 'id_a', 'split_b', 'id_b'),
    ('features', 'train', 'train5', 'val', 'val2'),
    ('transcript', 'train', 'train5', 'test', 'test2'),
  }
  assert (out / 'report.txt').read_text() in run.stdout
