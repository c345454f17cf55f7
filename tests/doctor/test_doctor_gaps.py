"""The doctor says what validation and test cannot judge."""

import numpy as np
import pytest
from toys import doctor as toy_doctor

from affect_jax import defaults
from affect_jax.doctor import examine
from affect_jax.doctor import visit


def gaps_of(result):
  return {
    (f['data']['split'], f['data']['task']): f
    for f in result.report['findings']
    if f['kind'].startswith('gap_of_')
  }


@pytest.fixture
def splits():
  """Val lacks the class happiness, the unit AU12 and all of arousal."""
  train = [
    toy_doctor.sample(
      f't{i}',
      toy_doctor.face(i),
      expression=toy_doctor.CLASSES[i % 2],
      units={'AU1': i % 2, 'AU12': 1},
      va=(0.5, 0.5),
    )
    for i in range(4)
  ]
  val = [
    toy_doctor.sample(
      f'v{i}',
      toy_doctor.face(50 + i),
      expression='neutral',
      units={'AU1': 1, 'AU12': 0},
      va=(0.5, None),
    )
    for i in range(3)
  ]
  test = toy_doctor.many('test', 3, 90, units={'AU1': 1, 'AU12': 1})
  return {'train': train, 'val': val, 'test': test}


def examined(splits, corpus='toy', **options):
  return examine.examine(
    [toy_doctor.part(k, v, corpus=corpus) for k, v in splits.items()], **options
  )


def test_val_and_test_lack_what_train_has(splits):
  found = gaps_of(examined(splits, tuned=('action_units',)))
  assert {k: f['data']['outputs'] for k, f in found.items()} == {
    ('val', 'expression'): ['happiness'],
    ('val', 'action_units'): ['AU12'],
    ('val', 'valence_arousal'): ['arousal'],
    ('test', 'valence_arousal'): [],
  }
  assert {f['level'] for f in found.values()} == {'warning'}
  units = found['val', 'action_units']
  assert 'no threshold of it is tuned' in units['text']
  assert "--config.data.splits.val='train[90%:]'" in units['advice']
  assert 'its F1 is 0' in found['val', 'expression']['text']
  value = found['val', 'valence_arousal']['text']
  assert value.startswith('val has no label of valence_arousal arousal')
  assert 'F1' not in value
  assert (
    'test has no label of valence_arousal'
    in (found['test', 'valence_arousal']['text'])
  )
  assert (
    '--config.data.splits.test' in (found['test', 'valence_arousal']['advice'])
  )


def test_only_what_a_run_learns_matters(splits):
  tasks = {'expression': ('neutral',), 'action_units': ()}
  found = gaps_of(examined(splits, tasks=tasks))
  assert set(found) == {('val', 'action_units')}
  nothing = {'sarcasm': ()}
  assert len(gaps_of(examined(splits, tasks=nothing))) == 4


def test_each_corpus_is_compared_with_itself(splits):
  other = {
    'train': toy_doctor.many('a', 4, 200),
    'val': toy_doctor.many('b', 4, 300),
  }
  parts = [
    toy_doctor.part(k, v, corpus=name)
    for name, part in (('one', splits), ('two', other))
    for k, v in part.items()
  ]
  found = gaps_of(examine.examine(parts))
  assert {k for k, _ in found} == {'val/one', 'test/one'}
  advice = found['val/one', 'expression']['advice']
  assert '--config.data.corpora.one.splits.val' in advice


def test_what_only_val_has_is_said_of_train(splits):
  for record in splits['train']:
    record['expression'] = np.array([1, 0], np.float32)
    record['action_units_weights'][:] = 0
  splits['val'][0]['expression'] = np.array([0, 1], np.float32)
  result = examined(splits)
  assert (
    'no positive sample of happiness (val has 1, test has 1)'
    in (toy_doctor.only(result, 'never_in_train')['text'])
  )
  assert (
    'no label of action_units (val has 3, test has 3)'
    in (toy_doctor.only(result, 'unlabelled_task')['text'])
  )


def test_tasks_with_thresholds_follow_the_config():
  config = defaults.get_config()
  config.tasks = ('action_units', 'emotion', 'sarcasm', 'sentiment_class')
  assert visit.tuned(config) == ['action_units']
  config.emotion.kind = 'multilabel'
  assert visit.tuned(config) == ['action_units', 'emotion']


def test_of_a_few_samples_nobody_knows_what_the_others_have(splits):
  assert gaps_of(examined(splits))
  few = examined(splits, sample=3)
  kinds = {f['kind'] for f in few.report['findings']}
  assert not kinds & set(examine.OF_ALL_SAMPLES)
  assert gaps_of(examined(splits, sample=5))  # All were read.
