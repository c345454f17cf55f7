"""Several corpora in one run: outputs by name, scores of each apart."""

import csv
import json
import re

import numpy as np
import pytest
from toys import training as toy
from toys.configs import load_config

from affect_jax import evaluate
from affect_jax import train
from affect_jax.run import build
from affect_jax.run import settled


def make_config(folder, **overrides):
  c = load_config('faces_csv')
  # Not locked: a config that describes several corpora has these keys.
  c.data = {
    'corpus': '',
    'data_dir': str(folder / 'data'),
    'splits': {'train': 'train', 'val': 'val', 'test': 'test'},
    'corpora': {},
    'sampling': 'uniform',
    'temperature': 2.0,
    'shares': {},
    'balance': '',
    'shuffle_megabytes': 64.0,
  }
  c.data.corpora = {
    name: {
      'corpus': 'faces_csv',
      'path': str(folder / name / 'faces.csv'),
      'splits': splits,
    }
    for name, splits in (('first', {}), ('second', {'test': ''}))
  }
  c.image_size = 16
  c.augment = ('flip',)
  c.model.stem = 'small'
  c.batch_size = 8
  c.num_train_steps = 4
  c.schedule.warmup_steps = 1
  c.eval_every = 2
  c.update_from_flattened_dict(overrides)
  return c


@pytest.fixture(scope='module')
def folder(tmp_path_factory, quick_runs):
  found = tmp_path_factory.mktemp('several')
  toy.write_faces_csv(found / 'first')
  path = toy.write_faces_csv(found / 'second', (16, 9, 4), seed=1)
  # Other units, in another order.
  text = path.read_text().replace('AU1,AU12', 'AU12,AU4', 1)
  path.write_text(text)
  return found


def test_scores_predictions_and_data_are_those_of_each_corpus(folder):
  workdir = folder / 'run'
  config = make_config(folder)
  results = train.train_and_evaluate(config, str(workdir))
  assert set(results) == {'val', 'val/first', 'val/second', 'test/first'}
  assert 'action_units/f1/AU4' in results['val/second']
  # The first corpus does not know AU4, nor the second AU1.
  assert results['val/first']['action_units/f1/AU4'] is None
  assert results['val/second']['action_units/f1/AU1'] is None
  assert results['val/first']['action_units/num_gold'] > 0
  with open(workdir / 'predictions' / 'val.csv') as file:
    rows = list(csv.DictReader(file))
  corpora = [row['corpus'] for row in rows]
  assert corpora == ['first'] * 12 + ['second'] * 9
  lines = [
    json.loads(x) for x in (workdir / 'metrics.jsonl').read_text().splitlines()
  ]
  assert any('val/second/valence_arousal/mean_ccc' in x for x in lines)
  environment = json.loads((workdir / 'environment.json').read_text())
  assert set(environment['starts'][0]['data']) == {'first', 'second'}
  before = (workdir / 'results.json').read_bytes()
  assert evaluate.evaluate_best(config, str(workdir)) == results
  assert (workdir / 'results.json').read_bytes() == before


def test_the_selection_score_chooses_and_is_stated(folder, caplog):
  selection = {
    'second/valence_arousal/mean_ccc': -2.0,
    'expression/accuracy': 0.5,
  }
  c = make_config(folder, eval_every=1)
  c.selection = selection
  c = settled.changed(c, {'seed': 3})  # Copies hold a ConfigDict in its place.
  with caplog.at_level('INFO', logger='absl'):
    results = train.train_and_evaluate(c, str(folder / 'selected'))
  said = 'selection score .*-2 second/valence_arousal/mean_ccc'
  # Older ml_collections sort the keys of a copy.
  assert re.search(said, caplog.text)
  assert '0.5 expression/accuracy' in caplog.text
  text = (folder / 'selected' / 'metrics.jsonl').read_text()
  found = {}
  for line in map(json.loads, text.splitlines()):
    found.setdefault(line['step'], {}).update(line)
  expected = {}
  for step, values in found.items():
    accuracy = [
      values[f'val/{x}/expression/accuracy'] for x in ('first', 'second')
    ]
    worst = values['val/second/valence_arousal/mean_ccc']
    expected[step] = -2 * worst + 0.5 * sum(accuracy) / 2
    assert values['val/selection'] == pytest.approx(expected[step])
  best = max(expected, key=expected.get)
  assert results['val'] == {
    'step': best,
    'selection': pytest.approx(expected[best]),
  }
  assert results['test/first']['step'] == best


def test_outputs_are_the_union_and_counts_the_sum(folder):
  run = build.build(make_config(folder))
  units = next(t for t in run.tasks if t.name == 'action_units')
  assert units.outputs == ('AU1', 'AU12', 'AU4')
  labelled = run.counts['action_units']['labelled']
  assert labelled[1] > labelled[0]
  assert labelled[1] > labelled[2]
  assert run.shares == {'first': 0.5, 'second': 0.5}


@pytest.mark.parametrize(
  ('overrides', 'message'),
  [
    ({'data.corpus': 'faces_csv'}, 'give one of the two'),
    ({'data.sampling': 'often'}, "'often'; known: proportional"),
    ({'data.corpora.first.splits': {'train': '', 'dev': 'val'}}, "has 'dev'"),
    ({'data.sampling': 'shares'}, 'needs a positive share for each'),
    ({'selection': {'frist': 1.0}}, "did you mean 'first'"),
    ({'selection': {'second/action_units/f1/AU1': 1.0}}, 'not label'),
  ],
)
def test_impossible_mixtures_are_refused(folder, overrides, message):
  with pytest.raises(ValueError, match=message):
    build.build(make_config(folder, **overrides))


def test_classes_are_balanced_on_the_way(tmp_path):
  for name in ('first', 'second'):
    path = toy.write_faces_csv(tmp_path / name)
    head, kept, *rows = path.read_text().splitlines(keepends=True)
    rows = [row.replace('anger', 'happiness') for row in rows]
    rows[4] = rows[4].replace(',train,happiness,', ',train,anger,')
    path.write_text(''.join([head, kept, *rows]))

  def drawn(balance):
    overrides = {'data.balance': balance, 'expression.class_weights': ''}
    c = make_config(tmp_path, num_train_steps=100, image_size=8, **overrides)
    counts = 0
    for batch in build.build(c).samples.train_batches(0, 0):
      weights = batch['weights']['expression'][:, np.newaxis]
      counts += np.sum(batch['labels']['expression'] * weights, axis=0)
    return counts / np.sum(counts)

  assert np.min(drawn('')) < 0.1
  np.testing.assert_allclose(drawn('expression'), 1 / 3, atol=0.05)
