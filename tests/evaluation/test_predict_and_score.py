"""Evaluation: exact over splits, gold labels only, however it is batched."""

import csv
import math

import jax
import numpy as np
import optax
import pytest
from sklearn import metrics as sk
from toys import training as toy

from affect_jax.evaluation import gaps
from affect_jax.evaluation import predict as predict_lib
from affect_jax.evaluation import prediction_csv
from affect_jax.evaluation import score
from affect_jax.training import parallel
from affect_jax.training import train_state


def rows(size, weak=False):
  """Predictions of a toy model for `size` samples, 8 at a time."""
  tasks = toy.all_tasks()
  spread = parallel.build('jit', jax.devices()[:4])
  model = toy.model(tasks)
  data = toy.batch(24)
  data['id'] = np.array([f's{i}'.encode() for i in range(24)], object)
  if weak:
    data['weights'] = jax.tree.map(lambda w: w * 0.99, data['weights'])
  state = toy.state(model, optax.sgd(0.1), data)
  variables = jax.device_put(
    train_state.eval_variables(state), spread.replicated
  )
  predict = predict_lib.make_predict(model, tasks, spread)

  def batches():
    for start in range(0, 24, size):
      batch = jax.tree.map(lambda x: x[start : start + size].copy(), data)
      if start + size >= 24:  # The last rows are padding.
        batch['id'][-4:] = b''
        for w in batch['weights'].values():
          w[-4:] = 0
      yield batch

  return tasks, predict_lib.predict_split(predict, variables, batches(), spread)


def test_scores_do_not_depend_on_batches_and_skip_padding():
  tasks, a = rows(8)
  _, b = rows(24)
  assert list(a['id']) == [f's{i}' for i in range(20)]
  scores, other = (score.score(tasks, r, {}) for r in (a, b))
  assert scores.keys() == other.keys()
  for key in scores:
    # Predictions are float32, and a correlation may be nearly 0.
    # A correlation near 0 keeps few digits of float32 predictions.
    np.testing.assert_allclose(scores[key], other[key], rtol=1e-6, atol=1e-6)


def test_scores_are_those_of_an_oracle_on_gold_rows():
  tasks, r = rows(8)
  scores = score.score(tasks, r, {})
  gold = r['weights']['expression'] == 1
  truth = r['labels']['expression'][gold].argmax(-1)
  guess = r['predictions']['expression'][gold].argmax(-1)
  macro = sk.f1_score(
    truth, guess, labels=[0, 1, 2], average='macro', zero_division=0
  )
  assert scores['expression/macro_f1'] == pytest.approx(macro)
  names = ('expression/macro_f1', 'action_units/mean_f1')
  headlines = [scores[n] for n in (*names, 'valence_arousal/mean_ccc')]
  assert scores['headline'] == pytest.approx(np.mean(headlines))
  assert scores['p_mtl'] == pytest.approx(np.sum(headlines))
  assert scores['expression/num_gold'] == gold.sum()


def test_weak_labels_are_never_evaluated():
  tasks, r = rows(8, weak=True)
  scores = score.score(tasks, r, {})
  assert math.isnan(scores['expression/macro_f1'])
  assert math.isnan(scores['headline'])
  assert scores['action_units/num_gold'] == 0


def test_thresholds_change_tuned_metrics_only():
  tasks, r = rows(8)
  thresholds = score.tune(tasks, r)
  assert set(thresholds['action_units']) == {'AU1', 'AU12'}
  plain = score.score(tasks, r, {})
  tuned = score.score(tasks, r, thresholds)
  assert plain.keys() < tuned.keys()
  assert {k: tuned[k] for k in plain} == pytest.approx(plain, nan_ok=True)


def test_headline_and_tuned_scores_stand_on_what_validation_judges():
  tasks, val = rows(8)
  _, test = rows(8)
  val['weights']['valence_arousal'] = np.zeros((20, 2))
  val['labels']['action_units'] = val['labels']['action_units'] * [1, 0]
  val['labels']['expression'] = np.eye(3)[[0, 1] * 10].astype(np.float32)
  judged = gaps.judged(tasks, val)
  assert judged == ['expression', 'action_units']
  assert [gaps.absent(t, val) for t in tasks] == [['anger'], ['AU12'], []]
  thresholds = score.tune(tasks, val)
  assert thresholds['action_units']['AU1'] is not None
  assert thresholds['action_units']['AU12'] is None
  for split in (val, test):
    scores = score.score(tasks, split, thresholds, judged)
    two = [scores['expression/macro_f1'], scores['action_units/mean_f1']]
    assert scores['headline'] == pytest.approx(np.mean(two))
    assert math.isnan(scores['action_units/tuned_f1/AU12'])
    tuned = scores['action_units/tuned_f1/AU1']
    assert scores['action_units/tuned_mean_f1'] == tuned
  # Of the task that validation lacks, test has its score nevertheless.
  assert not math.isnan(scores['valence_arousal/mean_ccc'])
  val['labels']['action_units'] = np.zeros((20, 2))
  assert score.tune(tasks, val) == {}
  assert not any('tuned' in k for k in score.score(tasks, test, {}, judged))
  assert any('tuned' in k for k in score.names(tasks))


def test_tables_read_back_what_was_predicted(tmp_path):
  tasks, r = rows(8)
  path = str(tmp_path / 'predictions' / 'val.csv')
  prediction_csv.write(path, tasks, {'toy': r})
  with open(path) as file:
    lines = list(csv.DictReader(file))
  assert len(lines) == 20
  for i, line in enumerate(lines):
    value = np.float32(line['predicted/valence_arousal/arousal'])
    assert value == r['predictions']['valence_arousal'][i, 1]
    given = r['weights']['action_units'][i, 0] == 1
    assert bool(line['gold/action_units/AU1']) == given


def test_what_is_read_back_scores_the_same(tmp_path):
  tasks, r = rows(8)
  path = str(tmp_path / 'predictions' / 'val.csv')
  prediction_csv.write(path, tasks, {'toy': r})
  with open(path) as file:
    assert 'cluster' not in file.readline()
  found = prediction_csv.read(path, tasks)['toy']
  assert list(found['id']) == list(r['id'])
  assert list(found['cluster']) == [''] * 20
  thresholds = score.tune(tasks, r)
  assert score.tune(tasks, found) == thresholds
  expected = score.score(tasks, r, thresholds)
  assert score.score(tasks, found, thresholds) == pytest.approx(
    expected, nan_ok=True
  )
  # Some of its tasks, and clusters where some are known.
  r['cluster'] = ['dia0', *[''] * 19]
  prediction_csv.write(path, tasks, {'toy': r})
  found = prediction_csv.read(path, tasks[1:])['toy']
  assert list(found['cluster']) == r['cluster']
  np.testing.assert_array_equal(
    found['predictions']['action_units'], r['predictions']['action_units']
  )
