"""Whole runs, as a user starts them, on a corpus of random pictures."""

import csv
import json
import os
import re
import shutil
import signal

import jax
import numpy as np
import pytest
from toys import training as toy
from toys.configs import load_config

from affect_jax import evaluate
from affect_jax import train
from affect_jax.evaluation import selection_score
from affect_jax.run import build
from affect_jax.training import checkpoint
from affect_jax.training import finite
from affect_jax.training import interrupt

TASKS = ('expression', 'action_units', 'valence_arousal')


@pytest.fixture(scope='module')
def folder(tmp_path_factory, quick_runs_on_four_devices):
  # Runs of test_main have the whole ResNet-18.
  return tmp_path_factory.mktemp('end *to? énd %20%s')


def make_config(folder, **overrides):
  path = folder / 'faces.csv'
  if not path.exists():
    toy.write_faces_csv(folder)
  c = load_config('faces_csv')
  c.data.path = str(path)
  c.data.data_dir = str(folder / 'data')
  c.image_size = 16
  c.augment = ('flip',)
  c.model.stem = 'small'
  c.expression.class_weights = ''
  c.batch_size = 8
  c.num_train_steps = 4
  c.schedule.warmup_steps = 1
  c.eval_every = 2
  c.log_every = 1
  c.update_from_flattened_dict(overrides)
  return c


@pytest.fixture(scope='module')
def finished(folder):
  workdir = folder / 'finished'
  config = make_config(folder, log_gradients=True)
  results = train.train_and_evaluate(config, str(workdir))
  return workdir, results


def read(path):
  return path.read_bytes()


def test_a_run_leaves_what_it_promises(finished, folder):
  workdir, results = finished
  assert json.loads(read(workdir / 'results.json')) == results
  assert set(results) == {'val', 'test'}
  for name in (
    'expression/macro_f1',
    'expression/f1/anger',
    'expression/confusion/anger/neutral',
    'action_units/mean_f1',
    'action_units/auc/AU12',
    'valence_arousal/mean_ccc',
    'valence_arousal/ccc/valence',
    'headline',
    'p_mtl',
  ):
    assert name in results['test'], name
  config = json.loads(read(workdir / 'config.json'))
  assert config['num_train_steps'] == 4
  assert config['data']['path'].endswith('faces.csv')
  (environment,) = json.loads(read(workdir / 'environment.json'))['starts']
  assert environment['packages']['jax'] == jax.__version__
  assert environment['devices']
  assert len(environment['data']['faces_csv']['sources']) >= 1
  lines = (workdir / 'metrics.jsonl').read_text().splitlines()
  lines = [json.loads(x) for x in lines]
  assert [x['step'] for x in lines if 'train/loss' in x] == [1, 2, 3, 4]
  assert [x['step'] for x in lines if 'val/headline' in x] == [2, 4]
  assert list(workdir.glob('events.out.tfevents*'))
  with checkpoint.build_manager(str(workdir), 2) as manager:
    assert manager.latest_step() == 4
    best = max(lines, key=lambda x: x.get('val/headline', -9))['step']
    assert manager.best_step() == best
    assert results['val']['step'] == best
  # What was saved is what was validated, whatever the next step did to it.
  validated = next(
    x for x in lines if x['step'] == best and 'val/headline' in x
  )
  for name, value in results['val'].items():
    if name != 'step' and value is not None:
      assert value == validated[f'val/{name}'], name


def test_predictions_hold_gold_and_predicted_of_every_sample(finished, folder):
  workdir, results = finished
  with open(folder / 'faces.csv') as file:
    source = [r for r in csv.DictReader(file) if r['split'] == 'test']
  with open(workdir / 'predictions' / 'test.csv') as file:
    rows = list(csv.DictReader(file))
  assert len(rows) == len(source) == 12
  assert {r['corpus'] for r in rows} == {'faces_csv'}
  by_image = {r['id'].split('/')[-1]: r for r in rows}
  for s in source:
    r = by_image[s['image']]
    assert r['gold/expression'] == s['expression']
    assert (r['gold/action_units/AU1'] == '') == (s['AU1'] == '')
    assert (r['gold/valence_arousal/valence'] == '') == (s['valence'] == '')
    if s['valence']:
      gold = float(r['gold/valence_arousal/valence'])
      assert gold == pytest.approx(float(s['valence']), abs=1e-6)
    probabilities = [
      float(r[f'predicted/expression/{e}']) for e in toy.EXPRESSIONS
    ]
    assert sum(probabilities) == pytest.approx(1, abs=1e-5)
  labelled = [r for r in rows if r['gold/expression']]
  right = [r['gold/expression'] == r['predicted/expression'] for r in labelled]
  assert results['test']['expression/accuracy'] == pytest.approx(np.mean(right))


def test_evaluate_rebuilds_results_to_the_last_digit(finished, folder):
  workdir, _ = finished
  names = ('results.json', 'predictions/val.csv', 'predictions/test.csv')
  before = [read(workdir / n) for n in names]
  (workdir / 'results.json').unlink()
  shutil.rmtree(workdir / 'predictions')
  evaluate.evaluate_best(make_config(folder), str(workdir))
  assert [read(workdir / n) for n in names] == before


def test_a_finished_run_only_prints_its_table(
  finished, folder, capsys, monkeypatch
):
  workdir, results = finished
  monkeypatch.setattr(build, 'build', None)  # Nothing is built any more.
  again = train.train_and_evaluate(make_config(folder), str(workdir))
  assert again == results
  printed = capsys.readouterr().out
  assert 'valence_arousal/mean_ccc' in printed
  assert str(workdir / 'results.json') in printed.replace('\n', '')


def stop_after(monkeypatch, step):
  """As if SIGTERM came during `step`."""
  seen = []

  class Signals(list):
    def __bool__(self):
      seen.append(1)
      return len(seen) >= step

    def __getitem__(self, i):
      return signal.SIGTERM

  import contextlib

  @contextlib.contextmanager
  def catch():
    yield Signals()

  monkeypatch.setattr(interrupt, 'catch', catch)


def test_a_resumed_run_is_bit_equal(finished, folder, monkeypatch):
  """Stopped after each of its steps, in the last one's validation."""
  whole, _ = finished
  workdir = folder / 'resumed'
  config = make_config(folder, log_gradients=True)
  for step in (1, 2, 3, 4):
    with monkeypatch.context() as patch:
      stop_after(patch, 2 if step == 4 else 1)
      with pytest.raises(interrupt.Interrupted, match=f'step {step} is saved'):
        train.train_and_evaluate(config, str(workdir))
    assert not (workdir / 'results.json').exists()
  train.train_and_evaluate(config, str(workdir))
  for name in (
    'results.json',
    'metrics.jsonl',
    'predictions/val.csv',
    'predictions/test.csv',
  ):
    assert read(workdir / name) == read(whole / name), name


def test_an_undefined_selection_score_is_said(finished, folder, monkeypatch):
  workdir = folder / 'undefined'
  shutil.copytree(finished[0], workdir)
  config = make_config(folder)
  config.selection = {'expression/macro_f1': 1.0}
  results = evaluate.evaluate_best(config, str(workdir), splits=('val',))
  assert (
    results['val']['selection'] == results['val']['expression/macro_f1'] > 0
  )
  monkeypatch.setattr(selection_score, 'score', lambda *_: None)
  results = evaluate.evaluate_best(config, str(workdir), splits=('val',))
  assert results['val']['headline'] > 0
  # It does not choose in place of what was asked for.
  assert selection_score.of_results(results) is None


def test_another_config_in_the_folder_is_refused(finished, folder):
  workdir, _ = finished
  config = make_config(folder, learning_rate=0.5)
  with pytest.raises(ValueError, match=r'config.learning_rate: .* 0.5 now'):
    train.train_and_evaluate(config, str(workdir))


def test_a_checkpoint_cut_in_half_is_named(finished, folder):
  workdir = folder / 'cut'
  shutil.copytree(finished[0], workdir)
  (workdir / 'results.json').unlink()
  # Arrays of the process, and the tree over those of all processes.
  for file in workdir.glob('checkpoints/*/state/**/d/*'):
    os.truncate(file, file.stat().st_size // 2)
  with pytest.raises(
    ValueError, match=r'checkpoints/4 cannot be read.*damaged'
  ):
    train.train_and_evaluate(make_config(folder), str(workdir))


def test_a_loss_that_is_not_finite_stops_the_run(folder):
  workdir = folder / 'diverged'
  config = make_config(folder, learning_rate=1e30, clip_norm=0.0)
  config.num_train_steps, config.eval_every = 6, 6
  config.optimizer = {'name': 'sgd'}
  with pytest.raises(FloatingPointError) as error:
    train.train_and_evaluate(config, str(workdir))
  message = str(error.value)
  assert re.search(r'Step [2345]: ', message)
  assert 'expression' in message
  assert message.count('.png') == config.batch_size
  assert not list((workdir / 'checkpoints').glob('[0-9]*'))


def test_a_finite_step_waits_for_two_numbers_only():
  logs = {'loss': 1.0, 'grad_norm': 2.0, 'loss/expression': None}
  finite.check(7, [np.array([b'a.png'])], logs)
  logs |= {'grad_norm': np.inf, 'loss/expression': 0.0}
  with pytest.raises(FloatingPointError, match=r'Step 7: grad_norm .*a\.png'):
    finite.check(7, [np.array([b'a.png'])], logs)


def test_frozen_stages_stay_as_they_are(finished, folder):
  config = make_config(folder, num_train_steps=2)
  config.model.frozen_stages = 2
  config.init.checkpoint_workdir = str(finished[0])
  workdir = folder / 'frozen'
  train.train_and_evaluate(config, str(workdir))
  before, _ = checkpoint.read_variables(str(finished[0]))
  after, _ = checkpoint.read_variables(str(workdir))
  for kind in ('params', 'batch_stats'):
    old, new = before[kind]['backbone'], after[kind]['backbone']
    for part in ('bn1', 'layer1'):
      jax.tree.map(np.testing.assert_array_equal, old[part], new[part])
    same = jax.tree.map(np.array_equal, old['layer2'], new['layer2'])
    assert not any(jax.tree.leaves(same))


def test_one_task_without_the_others(folder, monkeypatch):
  steps = {'num_train_steps': 4, 'eval_every': 4, 'log_every': 4}
  config = make_config(folder, **steps)
  config.tasks = ('expression',)
  array = type(jax.numpy.zeros(()))
  value, check, fetched = array._value, finite.check, []

  def fetch(self):
    fetched.append(self.shape)
    return value.fget(self)

  def check_and_note(*args):
    check(*args)
    fetched.append('checked')

  monkeypatch.setattr(array, '_value', property(fetch))
  monkeypatch.setattr(finite, 'check', check_and_note)
  results = train.train_and_evaluate(config, str(folder / 'uni'))
  # Between logs an update waits for two numbers of the one before: no more.
  start = fetched.index('checked') + 1
  assert fetched[start : start + 6] == [(), (), 'checked'] * 2
  assert {k.split('/')[0] for k in results['test']} == {
    'expression',
    'headline',
    'step',
  }


def test_a_task_without_labels_is_named_or_dropped(folder, tmp_path):
  text = (folder / 'faces.csv').read_text().splitlines()
  cells = [line.split(',') for line in text]
  keep = [i for i, c in enumerate(cells[0]) if not c.startswith('AU')]
  kept = [[row[i] for i in keep] for row in cells]
  # Rows that had nothing but an AU go.
  kept = [row for row in kept if any(row[2:])]
  for name in folder.glob('*.png'):
    shutil.copy(name, tmp_path)
  (tmp_path / 'faces.csv').write_text('\n'.join(map(','.join, kept)) + '\n')
  config = make_config(tmp_path)
  config.drop_unlabelled_tasks = False  # As flags do that name tasks.
  with pytest.raises(ValueError, match='no label of action_units'):
    build.build(config)
  config.drop_unlabelled_tasks = True
  run = build.build(config)
  assert [t.name for t in run.tasks] == ['expression', 'valence_arousal']


def test_another_runs_backbone_is_taken_over(finished, folder):
  from affect_jax.training import initialize

  config = make_config(folder)
  run = build.build(config)
  config.seed = 5
  fresh = build.make_init(run, config)(jax.random.key(config.seed))
  other, _ = checkpoint.read_variables(str(finished[0]))
  for parts in ('backbone', 'all'):
    state = initialize.from_elsewhere(
      fresh, checkpoint_workdir=str(finished[0]), parts=parts
    )
    np.testing.assert_array_equal(
      state.params['backbone']['conv1']['kernel'],
      other['params']['backbone']['conv1']['kernel'],
    )
    head = lambda s: s['heads']['expression']['kernel']
    same = np.array_equal(head(state.params), head(other['params']))
    assert same == (parts == 'all')
    np.testing.assert_array_equal(
      state.ema['params']['backbone']['conv1']['kernel'],
      state.params['backbone']['conv1']['kernel'],
    )
  with pytest.raises(FileNotFoundError, match='nowhere'):
    initialize.from_elsewhere(fresh, checkpoint_workdir=str(folder / 'nowhere'))
  with pytest.raises(ValueError, match='half'):
    initialize.from_elsewhere(fresh, parts='half')


def test_every_task_is_in_the_loss_of_the_default(folder):
  assert set(make_config(folder).tasks) == set(TASKS)
