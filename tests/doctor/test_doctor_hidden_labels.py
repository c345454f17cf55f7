"""The doctor finds labels that were saved among the features."""

import numpy as np
import pytest
from scipy import stats
from toys import doctor as toy_doctor

from affect_jax.doctor import examine
from affect_jax.doctor import hidden_labels
from affect_jax.doctor import utterances


def talk(count=120, seed=0):
  """Utterances whose labels follow no order, but features do not show it."""
  r = np.random.default_rng(seed)
  return [
    toy_doctor.utterance(
      f'train{i}',
      toy_doctor.sequences(seed + i),
      transcript=f'utterance {i} says other words than all of the others',
      dialogue=str(i),
      speaker=str(i),
      emotion=toy_doctor.SPOKEN['emotion'][r.integers(2)],
      sentiment=round(float(r.uniform(-3, 3)), 1),
      sentiment_class=toy_doctor.SENTIMENTS[r.integers(3)],
      sarcasm=int(r.integers(2)),
    )
    for i in range(count)
  ]


def found(train):
  result = examine.examine([toy_doctor.spoken_part('train', train)])
  if 'labels_in_features' not in toy_doctor.kinds(result):
    return None
  return toy_doctor.only(result, 'labels_in_features')


def class_number(record):
  return float(np.argmax(record['sentiment_class']))


def scaled_sentiment(record):
  return 50 - 7 * float(record['sentiment'][0])


def sarcasm(record):
  return float(record['sarcasm'][0])


@pytest.mark.parametrize(
  ('value', 'task'),
  [
    (class_number, 'sentiment_class'),
    (scaled_sentiment, 'sentiment'),
    (sarcasm, 'sarcasm'),
  ],
)
def test_a_column_of_labels_is_an_error_that_names_it(value, task):
  train = talk()
  for record in train:
    record['audio'][:, 2] = value(record)
  finding = found(train)
  assert finding['level'] == 'error'
  assert finding['data']['modality'] == 'audio'
  (feature,) = finding['data']['features']
  assert (feature['feature'], feature['task']) == (2, task)
  assert feature['rows'] == 120
  assert f'feature 2 (mean over steps) tells {task}' in finding['text']
  setting = '--config.data.without_features="{\'audio\': (2,)}"'
  assert setting in finding['advice']


def test_labels_in_the_first_step_alone():
  train = talk()
  for record in train:
    record['vision'][0, 1] = sarcasm(record)
    record['vision'][1:, 1] *= 100
  (feature,) = found(train)['data']['features']
  assert (feature['feature'], feature['view']) == (1, 'first step')


def test_some_wrong_labels_do_not_hide_it():
  train = talk(400)
  for i, record in enumerate(train):
    record['audio'][:, 0] = sarcasm(record) if i % 50 else 1 - sarcasm(record)
  assert found(train)['data']['features'][0]['feature'] == 0


def test_what_labels_merely_depend_on_is_no_leak():
  train = talk(400)
  r = np.random.default_rng(5)
  for record in train:
    # 9 of 10 right, and a correlation of about .9.
    right = r.random() < 0.9
    record['audio'][:, 0] = sarcasm(record) if right else 1 - sarcasm(record)
    noise = r.standard_normal() * 0.8
    record['audio'][:, 1] = record['sentiment'][0] + noise
    record['audio'][:, 2] = 0.5
  assert found(train) is None


def test_few_rows_and_rare_labels_are_not_judged():
  few = talk(hidden_labels.MIN_ROWS - 1)
  rare = talk(150)
  for i, record in enumerate(rare):
    record['sarcasm'][0] = i < hidden_labels.MIN_OTHERS - 1
  for record in few + rare:
    record['audio'][:, 0] = sarcasm(record)
  assert found(few) is None
  assert found(rare) is None
  rare[30]['sarcasm'][0] = rare[30]['audio'][0, 0] = 1
  rare[30]['audio'][:, 0] = 1
  assert found(rare) is not None


def test_chance_stays_far_from_the_limit_and_scipy_agrees():
  r = np.random.default_rng(0)
  n = hidden_labels.MIN_ROWS
  features = r.standard_normal((n, 5000))
  rare = np.repeat([0.0, 1.0], [n - 20, 20])
  value = r.standard_normal(n)
  order = np.argsort(features, axis=0)
  for label in (rare, value):
    assert hidden_labels.chatterjee(order, label).max() < 0.6
  tied = np.round(value)
  expected = [
    stats.chatterjeexi(features[:, k], tied).statistic for k in range(5)
  ]
  np.testing.assert_allclose(
    hidden_labels.chatterjee(order[:, :5], tied), expected, atol=1e-12
  )


def test_ties_tell_nothing():
  order = np.argsort(np.zeros((200, 1)), axis=0, kind='stable')
  label = np.random.default_rng(0).integers(0, 2, 200).astype(float)
  assert hidden_labels.chatterjee(order, label)[0] < 0.3
  # Rows that are stored by label are shuffled first.
  train = talk()
  for i, record in enumerate(train):
    record['sarcasm'][0] = i < 60
    record['audio'][:, 0] = 0.5
  assert found(train) is None


def test_views_leave_out_missing_modalities_and_tokens():
  audio = np.array([[1, 2], [3, np.inf]], np.float32)
  rows = [
    {'text': np.arange(3), 'audio': audio},
    {'text': np.arange(2), 'audio': audio[:0]},
    {'text': np.arange(2), 'audio': audio[:1]},
  ]
  (views,) = utterances.views(rows, {'text': 0, 'audio': 2}).items()
  name, (at, values) = views
  assert (name, at.tolist()) == ('audio', [0, 2])
  assert values.tolist() == [[[2, 0], [1, 2]], [[1, 2], [1, 2]]]
