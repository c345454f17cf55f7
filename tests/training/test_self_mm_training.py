"""Self-MM in a run: labels move after an epoch, and resume bit by bit."""

import functools

import jax
import numpy as np
import pytest
from toys import utterances as toy_utterances

from affect_jax import corpora as corpora_lib
from affect_jax import defaults
from affect_jax import tasks
from affect_jax.data import streams
from affect_jax.data import utterance_batches
from affect_jax.run import build
from affect_jax.training import checkpoint
from affect_jax.training import initialize
from affect_jax.training import train_state
from affect_jax.training import train_step

STEPS = 12  # 40 utterances, 8 in a batch: 2.4 epochs.
UTTERANCES = list(toy_utterances.utterances('train', 40))
MODALITIES = ('text', 'audio')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  with pytest.MonkeyPatch.context() as patch:
    patch.setitem(corpora_lib.CORPORA, 'toy', toy_utterances.Toy)
    yield tmp_path_factory.mktemp('self_mm')


def config(folder, **settings):
  c = defaults.get_config()
  c.tasks = ('sentiment',)
  c.data.corpus = 'toy'
  c.data.data_dir = str(folder / 'data')
  c.utterance.fusion = 'self_mm'
  c.utterance.self_mm.fused_width = 16
  c.utterance.modalities = MODALITIES
  c.utterance.modality_dropout = 0.1
  c.utterance.boundaries = (32,)  # One program to compile.
  c.batch_size = 8
  c.num_train_steps = STEPS
  c.schedule.warmup_steps = 1
  c.ema_decay = 0.9
  c.update(settings)
  return c


@pytest.fixture(scope='module')
def trained(folder):
  """The run, its compiled step, its batches, {steps: state} on the way."""
  c = config(folder)
  run = build.build(c)
  step = train_step.make_train_step(
    run.model,
    run.tasks,
    run.tx,
    loss_weights=c.loss_weights,
    auxiliary_losses=run.samples.auxiliary_losses,
    ema_decay=c.ema_decay,
  )
  # As `parallel` does, on four devices; but compiled in less time.
  assert run.parallel.num_devices == 4
  step = jax.jit(step, out_shardings=run.parallel.replicated)
  create = functools.partial(
    train_state.create, run.eval_model, run.tx, with_ema=True
  )
  state = jax.jit(create)(run.samples.dummy_inputs, jax.random.key(0))
  batches = list(run.samples.train_batches(0, 0))
  states = {0: jax.device_get(state)}
  states |= train(run, step, states[0], 0, batches)
  return c, run, step, batches, states


def train(run, step, state, first, batches):
  """{steps: state} after each update from `first` on."""
  state = run.parallel.put_state(state)
  states = {}
  for i, batch in enumerate(batches, first + 1):
    arrays = {k: v for k, v in batch.items() if k != 'id'}
    arrays = run.parallel.put_batch(arrays)
    state, logs = step(state, arrays, jax.random.key(1))
    assert np.isfinite(logs['loss'])
    states[i] = jax.device_get(state)
  return states


def bank_of(state):
  return state.model_state['self_mm']['backbone']['fusion']['bank']


def places(run):
  """{id: place}: the order of the prepared records, not of the source."""
  dataset, _ = streams.records_of(run.corpora[0].builder, 'train')
  ids = [r['id'].decode() for r in dataset.as_numpy_iterator()]
  return {name: i for i, name in enumerate(ids)}


def test_batches_say_which_samples_they_hold(trained):
  _, run, _, batches, _ = trained
  place = places(run)
  items = {u.id: u for u in UTTERANCES}
  for batch in batches:
    rows, labels = (batch['inputs'][f'train_{k}'] for k in ('row', 'label'))
    assert (rows.dtype, labels.dtype) == (np.int32, np.float32)
    for name, row, label in zip(batch['id'], rows, labels, strict=True):
      known = items[name.decode()].labels
      assert row == (place[name.decode()] if known else -1)
      assert label == np.float32(known.get('sentiment', 0))
  (batch, *_) = run.samples.eval_batches(run.corpora[0].builder, 'val')
  assert 'train_row' not in batch['inputs']


def test_corpora_follow_one_another_and_classes_keep_their_places(trained):
  _, run, *_ = trained
  (corpus,) = run.corpora
  place = places(run)
  two = [
    corpus,
    streams.Corpus('val', corpus.builder, {'val': 'val'}),
    streams.Corpus('more', corpus.builder, {'train': 'train[:20]'}),
  ]
  assert streams.train_size(two) == 60
  emotion = tasks.get_task('emotion', outputs=('anger', 'neutral'))
  for balance in ('', 'emotion'):
    found = streams.train_streams(
      two, [emotion], {'toy': 0.5, 'more': 0.5}, balance, numbered=True
    )
    numbers = []
    for stream in found:
      for row in stream.read(stream.items).as_numpy_iterator():
        numbers.append(row['row'])
        assert row['row'] % 40 == place[row['id'].decode()]
    assert sorted(numbers) == list(range(60))


def test_labels_move_after_the_first_epoch_and_not_before(trained):
  _, run, *_, states = trained
  place = places(run)
  labels = {place[u.id]: u.labels.get('sentiment') for u in UTTERANCES}
  without = [i for i, y in labels.items() if y is None]
  silent = [place[u.id] for u in UTTERANCES if 'audio' not in u.sequences]
  for step, state in states.items():
    bank = bank_of(state)
    assert bank['batches'] == step
    for name in ('fusion', *MODALITIES):
      known = np.flatnonzero(bank['known'][name])
      assert not set(known) & set(without)
      gold = np.array([labels[i] for i in known], np.float32)
      gaps = np.abs(bank['labels'][name][known] - gold)
      if name == 'fusion' or step <= 5:
        assert not np.any(gaps), (name, step)
      if step == STEPS and name != 'fusion':
        assert (gaps > 0.05).mean() > 0.3, name
        assert np.abs(bank['labels'][name]).max() <= 3
    assert not bank['known']['audio'][silent].any()
  assert bank['known']['fusion'].sum() > 25


def test_heads_of_modalities_learn_once_their_labels_are_others(trained):
  *_, states = trained
  one, epoch, last = (
    states[i].params['backbone']['fusion']['text_output']['bias']
    for i in (0, 5, STEPS)
  )
  np.testing.assert_array_equal(one, epoch)
  assert np.any(last != epoch)


def test_a_resumed_run_is_the_same_to_the_bit(trained, tmp_path):
  c, run, step, _, states = trained
  with checkpoint.build_manager(str(tmp_path), 1) as manager:
    checkpoint.save(manager, 7, run.parallel.put_state(states[7]), force=True)
    manager.wait_until_finished()
    state, _ = checkpoint.restore(manager, 7, build.abstract_state(run, c))
  resumed = train(run, step, state, 7, run.samples.train_batches(0, 7))
  jax.tree.map(np.testing.assert_array_equal, resumed[STEPS], states[STEPS])


def test_evaluation_and_other_runs_do_without_the_bank(trained):
  _, run, *_, states = trained
  state = states[STEPS]
  variables = train_state.eval_variables(state)
  (batch, *_) = run.samples.eval_batches(run.corpora[0].builder, 'val')
  apply = functools.partial(run.eval_model.apply, train=False)
  for known in (variables, {'params': variables['params']}):
    out = jax.eval_shape(apply, known, batch['inputs'])
    assert out['sentiment'].shape == (8, 1)
  own = {'params': states[0].params, **states[0].model_state}
  theirs = {'params': state.params, **state.model_state}
  joined, report = initialize.overlay(own, theirs, 'all')
  assert 'self_mm/backbone/fusion/bank/known/text' in report
  assert not any(np.any(x) for x in jax.tree.leaves(joined['self_mm']))
  jax.tree.map(
    np.testing.assert_array_equal, joined['params'], theirs['params']
  )


def test_places_of_a_batch_that_is_not_full():
  batch = {
    'inputs': {},
    'labels': {'sentiment': np.array([[1.0], [2.0], [0.0]], np.float32)},
    'weights': {'sentiment': np.array([[1.0], [0.5], [0.0]], np.float32)},
  }
  rows = [{'row': 5}, {'row': 6}]
  found = utterance_batches.with_places(batch, rows, 'sentiment')['inputs']
  assert found['train_row'].tolist() == [5, -1, -1]
  assert found['train_label'].tolist() == [1, 0, 0]


@pytest.mark.parametrize(
  ('settings', 'message'),
  [
    (
      {'tasks': ('sarcasm',)},
      r"'sentiment': add it to config.tasks, now \['sarcasm'\]",
    ),
    ({'data': {'window': 3}}, r'config\.data\.window must be 0, not 3'),
    ({'parallel': 'pmap'}, r'config\.parallel=jit'),
    ({'accumulate': 2}, r'config\.accumulate must be 1, not 2'),
  ],
)
def test_settings_that_it_cannot_do(folder, settings, message):
  c = config(folder)
  if 'data' in settings:
    c.data.window = settings.pop('data')['window']
  c.update(settings)
  with pytest.raises(ValueError, match=message):
    build.build(c)
