"""The doctor counts labels, and says which are missing."""

import dataclasses

import numpy as np
from toys import doctor as toy_doctor

from affect_jax.doctor import counts
from affect_jax.doctor import examine
from affect_jax.doctor import survey


def test_counts_by_hand():
  train = [
    toy_doctor.sample(
      'a', toy_doctor.face(0), expression='neutral', units={'AU1': 1, 'AU12': 1}
    ),
    toy_doctor.sample(
      'b', toy_doctor.face(1), expression='neutral', units={'AU1': 0}
    ),
    toy_doctor.sample(
      'c', toy_doctor.face(2), expression='happiness', va=(0.5, -0.5)
    ),
    toy_doctor.sample(
      'd', toy_doctor.face(3), units={'AU1': 1, 'AU12': 0}, va=(-0.5, None)
    ),
    toy_doctor.sample('e', toy_doctor.face(4)),
  ]
  read = survey.read([toy_doctor.part('train', train)])
  found = counts.tables(read)
  assert found['samples'] == {'train': 5}
  assert found['tasks'] == {
    'expression': {'train': 3},
    'action_units': {'train': 3},
    'valence_arousal': {'train': 2},
  }
  assert found['outputs']['expression'] == {
    'neutral': {'train': {'labelled': 3, 'count': 2}},
    'happiness': {'train': {'labelled': 3, 'count': 1}},
  }
  assert found['outputs']['action_units'] == {
    'AU1': {'train': {'labelled': 3, 'count': 2}},
    'AU12': {'train': {'labelled': 2, 'count': 1}},
  }
  valence = found['outputs']['valence_arousal']['valence']['train']
  assert valence == {
    'labelled': 2,
    'mean': 0.0,
    'std': 0.5,
    'min': -0.5,
    'max': 0.5,
  }
  assert found['combinations']['train'] == {
    'expression + action_units': 2,
    'expression + valence_arousal': 1,
    'action_units + valence_arousal': 1,
    'none': 1,
  }
  assert found['together']['train'] == {
    'neutral': {'AU1': 0.5, 'AU12': 1.0},
    'happiness': {'AU1': None, 'AU12': None},
    'AU1': {'AU1': 1.0, 'AU12': 0.5},
    'AU12': {'AU1': 1.0, 'AU12': 1.0},
  }
  (note,) = counts.neutral_with_units(read)
  assert note.data == {'samples': 1, 'of': 2, 'ids': ['train a']}
  assert counts.missing(read, found, found['outputs']) == []


def test_what_training_never_sees():
  train = [
    toy_doctor.sample(
      'a', toy_doctor.face(0), expression='neutral', units={'AU1': 1}
    )
  ]
  test = [
    toy_doctor.sample(
      'b',
      toy_doctor.face(1),
      expression='happiness',
      units={'AU12': 1},
      va=(0, 0),
    )
  ]
  result = examine.examine(
    [toy_doctor.part('train', train), toy_doctor.part('test', test)]
  )
  assert toy_doctor.only(result, 'unlabelled_task')['data'] == {
    'task': 'valence_arousal'
  }
  never = [
    f['data']
    for f in result.report['findings']
    if f['kind'] == 'never_in_train'
  ]
  assert never == [
    {'task': 'expression', 'outputs': ['happiness']},
    {'task': 'action_units', 'outputs': ['AU12']},
  ]


def test_two_corpora_have_columns_by_name():
  """The second one has a class more, which stands behind the other tasks."""
  more = toy_doctor.sample('x', toy_doctor.face(9), expression='neutral')
  more['expression'] = np.array([0, 0, 1], np.float32)
  second = dataclasses.replace(
    toy_doctor.part('train', [more], corpus='second'),
    outputs={'expression': (*toy_doctor.CLASSES, 'fear')},
  )
  read = survey.read(
    [toy_doctor.part('train', toy_doctor.many('train', 4, 0)), second]
  )
  found = counts.tables(read)['outputs']['expression']
  assert [x['train']['count'] for x in found.values()] == [2, 2, 1]
  assert list(found) == [*toy_doctor.CLASSES, 'fear']
  assert read.id(4) == 'second:x'
