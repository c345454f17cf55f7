"""Range and scale of each modality, and splits on another one."""

import numpy as np
import pytest
from toys import doctor as toy_doctor

from affect_jax.doctor import examine
from affect_jax.doctor import report


def spoken(train, val):
  return examine.examine(
    [
      toy_doctor.spoken_part('train', train),
      toy_doctor.spoken_part('val', val),
    ]
  )


def talks():
  return toy_doctor.talk('train', 12, 0), toy_doctor.talk('val', 12, 500)


def test_values_by_hand():
  train, val = talks()
  result = spoken(train, val)
  for records, split in ((train, 'train'), (val, 'val')):
    for name in toy_doctor.DIMS:
      x = np.concatenate([r[name] for r in records]).astype(np.float64)
      found = result.report['values']['toy'][name][split]
      assert found == pytest.approx(
        {'min': x.min(), 'max': x.max(), 'mean': x.mean(), 'std': x.std()}
      )
  assert not toy_doctor.kinds(result)
  text = report.text(result.report)
  assert 'Values of each modality' in text


@pytest.mark.parametrize(
  ('change', 'spread', 'shift'),
  [
    (lambda x: x * 100, 100, None),
    (lambda x: x / 30, 1 / 30, 0),
    (lambda x: x + 40, 1, 40),
    (lambda x: x * 0 + 1, 0, 1),
  ],
)
def test_a_split_on_another_scale(change, spread, shift):
  train, val = talks()
  for record in val:
    record['audio'] = change(record['audio']).astype(np.float32)
  result = spoken(train, val)
  found = toy_doctor.only(result, 'other_scale_of_features')
  assert found['level'] == 'warning'
  assert found['data']['modality'] == 'audio'
  assert found['data']['split'] == 'val'
  assert found['data']['spread'] == pytest.approx(spread, rel=0.3)
  if shift is not None:  # Chance means become large, too.
    assert found['data']['shift'] == pytest.approx(shift, abs=1)
  assert '--config.utterance.standardize' in found['advice']


def test_few_sequences_and_one_outlier_are_no_other_scale():
  train, val = talks()
  for record in val[:8]:
    record['audio'] *= 100
  assert 'other_scale_of_features' not in toy_doctor.kinds(
    spoken(train, val[:8])
  )
  train, val = talks()
  val[0]['audio'][0, 1] = 1000  # Of one feature of three.
  assert 'other_scale_of_features' not in toy_doctor.kinds(spoken(train, val))


@pytest.mark.parametrize(
  ('change', 'differs'),
  [
    (lambda x: x, False),
    (lambda x: x * 0.6 + 20, False),
    (lambda x: x // 16, True),
    (lambda x: x // 4 + 190, True),
  ],
)
def test_pictures_on_another_scale(change, differs):
  train = toy_doctor.many('train', 12, 0)
  val = [
    toy_doctor.sample(
      f'v{i}',
      change(toy_doctor.face(100 + i)).astype(np.uint8),
      expression=toy_doctor.CLASSES[i % 2],
    )
    for i in range(12)
  ]
  result = examine.examine(
    [toy_doctor.part('train', train), toy_doctor.part('val', val)]
  )
  assert ('other_scale_of_pictures' in toy_doctor.kinds(result)) == differs
  values = result.report['values']['toy']['image']
  assert set(values) == {'train', 'val'}
  assert 0 <= values['train']['min'] < values['train']['mean']
