"""Corpora of other features in one network, by a projection for each."""

import functools

import jax
import numpy as np
import pytest
from toys import utterances as toy_utterances
from toys.paths import TINY_BERT

from affect_jax import corpora as corpora_lib
from affect_jax import defaults
from affect_jax import evaluate
from affect_jax import train
from affect_jax.data import load
from affect_jax.errors import UserError
from affect_jax.evaluation import prediction_csv
from affect_jax.models import feature_spaces
from affect_jax.models import fusion
from affect_jax.models import utterance_model
from affect_jax.run import build
from affect_jax.run import feature_spaces as run_spaces
from affect_jax.run import program as program_lib
from affect_jax.run import signature
from affect_jax.run import teachers
from affect_jax.run import utterances as run_utterances
from affect_jax.training import checkpoint

pytestmark = pytest.mark.usefixtures('quick_runs', 'toy_corpus')


STILL = {'utterance.dropout': 0.0}


@pytest.fixture(scope='module')
def folder(tmp_path_factory, quick_runs):
  """For data, which are prepared once."""
  return tmp_path_factory.mktemp('spaces')


@pytest.fixture
def toy_corpus(monkeypatch):
  monkeypatch.setitem(corpora_lib.CORPORA, 'toy', toy_utterances.Toy)


def config(folder, one=None, other=None, **changes):
  """The toy, and wider ones without vision."""
  c = defaults.get_config()
  c.tasks = ('sentiment', 'sarcasm')
  c.data.data_dir = str(folder / 'data')
  c.data.corpora = {
    'one': {'corpus': 'toy', **(one or {})},
    'other': {
      'corpus': 'toy',
      **({'wider': 2, 'without': ('vision',), 'seed': 7} | (other or {})),
    },
  }
  c.utterance.fusion = 'concat'
  c.utterance.boundaries = (32,)
  c.utterance.projected_width = 6
  c.batch_size, c.num_train_steps, c.eval_every = 8, 4, 2
  c.schedule.warmup_steps = 1
  c.log_gradients = False
  c.update_from_flattened_dict(changes)
  return c


def items(split, corpus):
  wider, seed = {'one': (0, 0), 'other': (2, 7)}[corpus]
  dims = {
    m: d + wider
    for m, d in toy_utterances.DIMS.items()
    if corpus == 'one' or m != 'vision'
  }
  number = toy_utterances.COUNTS[split]
  return {
    x.id: x
    for x in toy_utterances.utterances(split, number, seed=seed, dims=dims)
  }


def test_each_row_is_projected_by_the_layer_of_its_space():
  r = np.random.default_rng(0)
  mean, std = r.normal(size=3), r.uniform(1, 2, 3)
  statistics = (tuple(mean), tuple(std))
  module = feature_spaces.Projection((('a', 3, statistics), ('b', 5, ())), 4)
  x = r.normal(size=(4, 2, 5)).astype('f4')
  number = np.array([1, 0, 0, 1], np.int32)
  variables = module.init(jax.random.key(0), x, number)
  found = np.asarray(module.apply(variables, x, number))
  params = jax.device_get(variables['params'])
  assert params['from_a']['kernel'].shape == (3, 4)
  for i, of in enumerate('baab'):
    row = (x[i, :, :3] - mean) / std if of == 'a' else x[i]
    layer = params[f'from_{of}']
    expected = row @ layer['kernel'] + layer['bias']
    np.testing.assert_allclose(found[i], expected, atol=1e-5)
  # What lies beyond the features of a row's space is not read.
  changed = x.copy()
  changed[1:3, :, 3:] = np.inf
  np.testing.assert_array_equal(
    module.apply(variables, changed, number)[1:3], found[1:3]
  )


@pytest.mark.parametrize('window', [0, 3])
def test_batches_hold_the_features_of_each_corpus(folder, window):
  c = config(folder)
  if window:
    for options in c.data.corpora.values():
      options['window'] = window
    c.utterance.context = 'lstm'
  run = build.build(c)
  dims = run.signature.inputs['dims']
  assert dims == {'text': 7, 'audio': 5, 'vision': 2}
  spaces = run.signature.inputs['spaces']
  assert spaces == {
    'text': {
      '5': {'dim': 5, 'corpora': ('one',)},
      '7': {'dim': 7, 'corpora': ('other',)},
    },
    'audio': {
      '3': {'dim': 3, 'corpora': ('one',)},
      '5': {'dim': 5, 'corpora': ('other',)},
    },
  }
  known = {x: items('train', x) for x in ('one', 'other')}
  seen = set()
  for batch in run.samples.train_batches(0, 0):
    inputs = batch['inputs']
    assert 'vision_space' not in inputs
    ids = batch['id'].reshape(-1)
    flat = {
      k: x.reshape(-1, *x.shape[batch['id'].ndim :]) for k, x in inputs.items()
    }
    for i, name in enumerate(ids):
      if not name:
        continue
      corpus = ('one', 'other')[flat['text_space'][i]]
      seen.add(corpus)
      x = known[corpus][name.decode()].sequences['text']
      steps, dim = x.shape
      np.testing.assert_array_equal(flat['text'][i, :steps, :dim], x)
      assert not flat['text'][i, :, dim:].any()
      assert flat['text_mask'][i].sum() == steps
      if corpus == 'other':
        assert not flat['vision_mask'][i].any()
  assert seen == {'one', 'other'}


def test_features_are_standardised_by_the_training_data_of_their_space(
  folder,
):
  arrays = build.build(config(folder)).signature.arrays
  for space, corpus in (('text/5', 'one'), ('audio/5', 'other')):
    modality = space.split('/')[0]
    steps = np.concatenate(
      [
        x.sequences[modality]
        for x in items('train', corpus).values()
        if modality in x.sequences
      ]
    )
    mean, std = (arrays[f'{space}/{k}'] for k in ('mean', 'std'))
    np.testing.assert_allclose(mean, steps.mean(0), rtol=1e-4)
    np.testing.assert_allclose(std, steps.std(0), rtol=1e-4)
  assert arrays['vision/mean'].shape == (2,)


def test_each_batch_has_rows_of_every_corpus_if_asked(folder):
  def shares(mixed):
    c = config(folder, one={'longest': 3}, num_train_steps=32)
    c.data.sampling = 'shares'
    c.data.shares = {'one': 0.25, 'other': 0.75}
    c.utterance.mixed_batches = mixed
    batches = list(build.build(c).samples.train_batches(0, 0))
    later = next(build.build(c).samples.train_batches(0, 5))
    np.testing.assert_array_equal(later['id'], batches[5]['id'])
    ids = sorted(x for b in batches for x in b['id'])
    return [(b['inputs']['text_space'] == 0).mean() for b in batches], ids

  apart, ids = shares(mixed=False)
  assert max(apart) > 0.75
  mixed, same_ids = shares(mixed=True)
  assert ids == same_ids
  assert np.mean(mixed) == pytest.approx(np.mean(apart))
  # Of 8 rows, one to three.
  assert min(mixed) > 0
  assert max(mixed) < 0.5


def test_a_run_stops_resumes_evaluates_and_teaches(
  folder, tmp_path, monkeypatch
):
  c = config(folder, **{'utterance.modality_dropout': 0.3})
  workdir = str(tmp_path / 'whole')
  whole = train.train_and_evaluate(c, workdir)
  for corpus in ('one', 'other'):
    assert whole[f'test/{corpus}']['sentiment/num_gold'] == 8
  assert evaluate.evaluate_best(c, workdir) == whole

  class Stop(Exception):
    pass

  save = checkpoint.save

  def stop(manager, step, *args, **kwargs):
    save(manager, step, *args, **kwargs)
    if step == 2:
      manager.wait_until_finished()
      raise Stop

  with monkeypatch.context() as patch:
    patch.setattr(checkpoint, 'save', stop)
    with pytest.raises(Stop):
      train.train_and_evaluate(c, str(tmp_path / 'parts'))
  assert train.train_and_evaluate(c, str(tmp_path / 'parts')) == whole

  # A teacher reads a corpus by the projection of its features.
  (teacher,) = teachers.load([workdir])
  rows = prediction_csv.read(
    f'{workdir}/predictions/test.csv', teacher.trained.tasks
  )
  for corpus in load.build(c):
    found = teachers.predict(teacher, corpus, 'test', 4)
    np.testing.assert_allclose(
      found['predictions']['sentiment'],
      rows[corpus.name]['predictions']['sentiment'],
      atol=1e-4,
    )
  # By another name, too, if only one space is as wide.
  alone = config(folder)
  alone.data.corpora = {'third': alone.data.corpora['other'].to_dict()}
  (third,) = load.build(alone)
  again = teachers.predict(teacher, third, 'test', 4)['predictions']
  expected = found['predictions']['sentiment']
  np.testing.assert_array_equal(again['sentiment'], expected)
  alone.data.corpora = {'third': {'corpus': 'toy', 'wider': 1}}
  (third,) = load.build(alone)
  with pytest.raises(
    UserError, match=r'third has 6 features of text.*5 of one'
  ):
    teachers.predict(teacher, third, 'test', 4)


def updates(c, devices, number=1):
  """Parameters of `number` runs after two updates."""
  with pytest.MonkeyPatch.context() as patch:
    own = jax.devices()[:devices]
    for name in ('devices', 'local_devices'):
      patch.setattr(jax, name, lambda *_, of=own: of)
    run = build.build(c)
  program = program_lib.compile_program(c, run, number)
  lanes = program.lanes
  state = lanes.put_states([program.init(jax.random.key(0))] * number)
  rng = lanes.put_keys([jax.random.key(1)] * number)
  for _, batch in zip(range(2), run.samples.train_batches(0, 0), strict=False):
    arrays = {k: v for k, v in batch.items() if k != 'id'}
    state, _ = program.step(state, lanes.put_batches([arrays] * number), rng)
  return jax.device_get([s.params for s in lanes.get_states(state)])


@pytest.fixture(scope='module')
def on_one_device(folder):
  with pytest.MonkeyPatch.context() as patch:
    patch.setitem(corpora_lib.CORPORA, 'toy', toy_utterances.Toy)
    (params,) = updates(config(folder, **STILL), 1)
  assert 'project_text' in params['backbone']
  return params


@pytest.mark.parametrize(
  ('devices', 'number', 'changes'),
  [
    (4, 1, {}),
    (4, 1, {'parallel': 'pmap'}),
    (1, 1, {'accumulate': 2}),
    (1, 2, {}),
  ],
)
def test_an_update_is_the_same_on_any_devices(
  folder, on_one_device, devices, number, changes
):
  for params in updates(config(folder, **STILL, **changes), devices, number):
    jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, atol=2e-5),
      params,
      on_one_device,
    )


@pytest.mark.parametrize('name', fusion.FUSIONS)
def test_every_fusion_reads_what_is_projected(name):
  options = defaults.get_config().utterance.to_dict()
  options['fusion'] = name
  options['projected_width'] = {'text': 6, 'audio': 4, 'vision': 9}
  if name == 'self_mm':
    options[name]['rows'] = 8
  dims = {'text': 7, 'audio': 5, 'vision': 2}
  spaces = {'text': {'5': 5, '7': 7}, 'audio': {'3': 3, '5': 5}}
  settings = utterance_model.settings(options, dims, {}, {}, spaces)
  model = utterance_model.UtteranceModel((('sentiment', 1),), **settings)
  inputs = run_utterances.dummy_inputs(dims, 8, 0, (), [*spaces])
  init = functools.partial(model.init, train=False)
  params = jax.eval_shape(init, jax.random.key(0), inputs)['params']['backbone']
  assert params['project_text']['from_7']['kernel'].shape == (7, 6)
  assert params['project_audio']['from_3']['kernel'].shape == (3, 4)
  assert 'project_vision' not in params
  assert params['absent']['token_vision'].shape == (2,)


def test_as_many_features_are_one_space_unless_named_apart(folder):
  same = {'wider': 0}
  run = build.build(config(folder, other=same))
  assert run.signature.inputs['spaces'] == {}
  assert 'projected_width' not in run.signature.model['utterance']
  batch = next(run.samples.train_batches(0, 0))
  assert not [k for k in batch['inputs'] if k.endswith('_space')]
  c = config(folder, other=same)
  c.utterance.feature_spaces = {'audio': {'other': 'covarep'}}
  run = build.build(c)
  assert run.signature.inputs['spaces'] == {
    'audio': {
      '3': {'dim': 3, 'corpora': ('one',)},
      'covarep': {'dim': 3, 'corpora': ('other',)},
    }
  }
  # A run that has begun means these features.
  with pytest.raises(UserError, match='feature spaces'):
    build.build(config(folder, other=same), run.signature)
  # Which one a teacher cannot tell.
  c.data.corpora = {'third': {'corpus': 'toy'}}
  (third,) = load.build(c)
  with pytest.raises(UserError, match='several fit'):
    run_spaces.numbers_of_other(run.signature.inputs['spaces'], third, {})


def test_a_signature_from_before_has_one_space(folder, tmp_path):
  run = build.build(config(folder, other={'wider': 0}))
  signature.write(str(tmp_path), run.signature)
  read = signature.read(str(tmp_path))
  inputs = {k: v for k, v in read.inputs.items() if k != 'spaces'}
  old = signature.dataclasses.replace(read, inputs=inputs)
  assert signature.build_model(old) == run.eval_model
  again = build.build(config(folder, other={'wider': 0}), old)
  next(again.samples.train_batches(0, 0))


@pytest.mark.parametrize(
  ('spaces', 'other', 'message'),
  [
    ({'txt': {}}, {}, "modality 'txt'.*did you mean 'text'"),
    ({'text': {'on': 'x'}}, {}, "corpus 'on'.*did you mean 'one'"),
    ({'text': {'one': 'a/b'}}, {}, "without '/'"),
    ({'text': {'one': 'x', 'other': 'x'}}, {}, 'give them different names'),
    (
      {},
      {'text': 'tokens', 'text_model': str(TINY_BERT), 'max_tokens': 24},
      'no layer reads both',
    ),
    ({}, {'splits': {'train': ''}}, 'would stay random'),
  ],
)
def test_what_cannot_meet_is_refused(folder, spaces, other, message):
  c = config(folder, other=other)
  c.utterance.feature_spaces = spaces
  with pytest.raises(UserError, match=message):
    build.build(c)
