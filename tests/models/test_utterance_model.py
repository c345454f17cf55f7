"""Utterances end to end: padding, missing modalities, dialogues, a run."""

import functools
import itertools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import utterances as toy_utterances
from toys.configs import load_config

from affect_jax import corpora as corpora_lib
from affect_jax import defaults
from affect_jax import train
from affect_jax.evaluation import modality_subsets
from affect_jax.models import fusion
from affect_jax.models import utterance_model
from affect_jax.run import build

pytestmark = pytest.mark.usefixtures('quick_runs')


def inputs(length, seed=0, rows=3):
  r = np.random.default_rng(seed)
  found = {}
  for name, dim in toy_utterances.DIMS.items():
    x = np.zeros((rows, length, dim), np.float32)
    x[:, :6] = r.normal(size=(rows, 6, dim))
    found[name] = x
    found[name + '_mask'] = np.tile(np.arange(length) < 6, (rows, 1))
  return found


def model(fusion_name='lf_dnn', **options):
  c = defaults.get_config().utterance.to_dict()
  c |= {'fusion': fusion_name, **options}
  statistics = {
    name: (np.full(dim, 0.5), np.full(dim, 2.0))
    for name, dim in toy_utterances.DIMS.items()
  }
  settings = utterance_model.settings(c, toy_utterances.DIMS, statistics)
  net = utterance_model.UtteranceModel((('sentiment', 1),), **settings)
  return (
    jax.jit(functools.partial(f, train=False)) for f in (net.init, net.apply)
  )


@pytest.mark.parametrize('name', ['lf_dnn', 'gated'])
def test_padding_and_what_lies_under_it_change_nothing(name):
  init, apply = model(name)
  short = inputs(8)
  variables = init(jax.random.key(0), short)
  one = apply(variables, short)['sentiment']
  # Every fusion has a test of its own; this one is of what stands before it.
  for length, value in itertools.product((50, 500), (0.0, 1e6)):
    long = inputs(length)
    for modality in toy_utterances.DIMS:
      mask = long[modality + '_mask'][..., np.newaxis]
      long[modality] = np.where(mask, long[modality], np.float32(value))
    other = apply(variables, long)['sentiment']
    np.testing.assert_allclose(one, other, atol=2e-5)


def test_steps_of_a_mask_move_to_the_front_in_order():
  x = jnp.arange(8.0).reshape(2, 4, 1)
  mask = jnp.array([[False, True, False, True], [False] * 4])
  moved, front = utterance_model._to_front(x, mask)
  np.testing.assert_array_equal(moved[0, :2, 0], [1, 3])
  expected = [[True, True, False, False], [False] * 4]
  np.testing.assert_array_equal(front, expected)


def test_a_missing_modality_is_seen_as_its_token():
  init, apply = model()
  whole = inputs(8)
  variables = init(jax.random.key(0), whole)
  (batch,) = modality_subsets.keep(
    [{'id': np.full(len(whole['text']), b'x', object), 'inputs': whole}],
    tuple(toy_utterances.DIMS),
    ('text',),
  )
  assert not batch['inputs']['audio_mask'].any()
  one = apply(variables, batch['inputs'])['sentiment']
  changed = {**batch['inputs'], 'audio': batch['inputs']['audio'] + 7}
  other = apply(variables, changed)['sentiment']
  np.testing.assert_array_equal(one, other)
  assert not np.allclose(one, apply(variables, whole)['sentiment'])


def test_subsets_are_all_and_the_whole_comes_last():
  found = modality_subsets.names(('text', 'audio', 'vision'))
  assert len(found) == 7
  assert found[0] == ('text',)
  assert found[-1] == ('text', 'audio', 'vision')


@pytest.mark.parametrize('context', ['', 'lstm', 'gru', 'transformer'])
def test_dialogues_read_only_utterances_that_are_there(context):
  init, apply = model(context=context)
  r = np.random.default_rng(0)
  lead = (2, 4)
  batch = {}
  for name, dim in toy_utterances.DIMS.items():
    batch[name] = r.normal(size=(*lead, 5, dim)).astype('f4')
    batch[name + '_mask'] = np.ones((*lead, 5), bool)
  there = np.array([[1, 1, 0, 0], [1, 1, 1, 1]], bool)
  for name in toy_utterances.DIMS:
    batch[name + '_mask'] &= there[..., np.newaxis]
  batch['utterance_mask'] = there
  variables = init(jax.random.key(0), batch)
  one = apply(variables, batch)['sentiment']
  assert one.shape == (2, 4, 1)
  changed = {**batch, 'text': batch['text'].copy()}
  changed['text'][0, 2:] = 9
  other = apply(variables, changed)['sentiment']
  np.testing.assert_array_equal(one[there], other[there])
  changed['text'][1, 0] = 9
  other = apply(variables, changed)['sentiment']
  # With context, an utterance changes what is said of another one.
  assert np.allclose(one[1, 3], other[1, 3]) == (not context)


@pytest.fixture
def toy_corpus(monkeypatch):
  monkeypatch.setitem(corpora_lib.CORPORA, 'toy', toy_utterances.Toy)


def config(folder, **data):
  c = defaults.get_config()
  c.tasks = ('emotion', 'sentiment', 'sarcasm')
  c.data.corpus = 'toy'
  c.data.data_dir = str(folder / 'data')
  for key, value in data.items():
    c.data[key] = value
  # Little to compile; configs/ train the other fusions.
  c.utterance.fusion = 'concat'
  c.utterance.boundaries = (32,)
  c.utterance.lstm.hidden = 8
  c.batch_size = 8
  c.num_train_steps = 4
  c.eval_every = 2
  c.schedule.warmup_steps = 1
  c.log_gradients = False
  return c


@pytest.mark.parametrize('window', [0, 3])
def test_a_run(toy_corpus, tmp_path, window):
  c = config(tmp_path, window=window)
  if window:
    c.utterance.context = 'lstm'
  c.eval_subsets = True
  results = train.train_and_evaluate(c, str(tmp_path / 'run'))
  assert results['test']['sentiment/num_gold'] == 8
  assert results['test']['emotion/num_gold'] == 8
  grid = json.loads((tmp_path / 'run' / 'subsets.json').read_text())
  assert len(grid['test']) == 7
  whole = grid['test']['text+audio+vision']
  assert whole['sentiment/mae'] == results['test']['sentiment/mae']


def test_a_resumed_run_is_the_same_run(toy_corpus, tmp_path):
  whole = train.train_and_evaluate(
    config(tmp_path), str(tmp_path / 'whöle *?%20')
  )
  c = config(tmp_path)
  folder = tmp_path / 'parts *? %s'

  class Stop(Exception):
    pass

  from affect_jax.training import checkpoint

  save = checkpoint.save

  def stop(manager, step, *args, **kwargs):
    save(manager, step, *args, **kwargs)
    if step == 2:
      manager.wait_until_finished()
      raise Stop

  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(checkpoint, 'save', stop)
    with pytest.raises(Stop):
      train.train_and_evaluate(c, str(folder))
  assert train.train_and_evaluate(c, str(folder)) == whole


def test_settings_that_do_not_fit_are_refused(toy_corpus, tmp_path):
  c = config(tmp_path)
  c.utterance.context = 'lstm'
  with pytest.raises(ValueError, match=r'needs dialogues: give config\.data'):
    build.build(c)
  c = config(tmp_path)
  c.mixing.kind = 'mixup'
  with pytest.raises(ValueError, match='for pictures'):
    build.build(c)


def test_options_of_every_fusion_and_context_exist():
  c = defaults.get_config().utterance
  for name in fusion.FUSIONS:
    assert fusion.get_fusion(name, **c[name].to_dict()) is not None
  assert load_config('quickstart_multimodal').utterance.fusion in fusion.FUSIONS


def test_misa_learns_nothing_of_tokens_from_its_own_losses():
  c = defaults.get_config().utterance.to_dict() | {'fusion': 'misa'}
  c['misa'] |= {'encoder': 'mean', 'width': 4, 'mlp_width': 4}
  settings = utterance_model.settings(c, toy_utterances.DIMS, {})
  net = utterance_model.UtteranceModel((('sentiment', 1),), **settings)
  batch = inputs(8)
  batch['vision_mask'][1] = False
  _, sown = net.init_with_output(jax.random.key(0), batch, train=False)
  apply = functools.partial(net.apply, train=False, mutable=['auxiliary_rows'])
  _, sown = jax.jit(apply)({'params': sown['params']}, batch)
  rows = sown['auxiliary_rows']['backbone']['fusion']['rows']
  assert rows['vision']['present'].tolist() == [True, False, True]
  assert rows['text']['present'].all()
