"""The doctor finds what was planted, and nothing else."""

import numpy as np
from PIL import Image
import pytest
from toys import doctor as toy_doctor

from affect_jax.doctor import examine
from affect_jax.doctor import findings
from affect_jax.doctor import pictures


def test_clean_data_passes_without_findings():
  parts = [
    toy_doctor.part(
      'train',
      toy_doctor.many(
        'train', 12, 0, subject='a', units={'AU1': 1, 'AU12': 0}, va=(0.1, 0.2)
      )
      + [
        toy_doctor.sample(
          'more', toy_doctor.face(900), subject='a', units={'AU12': 1}
        )
      ],
    ),
    toy_doctor.part(
      'test',
      toy_doctor.many(
        'test', 6, 100, subject='b', units={'AU1': 1, 'AU12': 0}, va=(0, 0)
      )
      + [
        toy_doctor.sample(
          'rest', toy_doctor.face(950), subject='b', units={'AU12': 1}
        )
      ],
    ),
  ]
  result = examine.examine(parts)
  assert result.report['verdict'] == 'PASSED'
  assert result.report['exit_code'] == 0
  assert toy_doctor.kinds(result) == set()


def test_exact_duplicates_across_splits_in_another_encoding():
  train, test = toy_doctor.many('train', 8, 0), toy_doctor.many('test', 8, 100)
  # A BMP has the pixels of a PNG, and other bytes.
  test[3]['image'] = toy_doctor.encode(toy_doctor.face(2), 'BMP')
  test[5]['image'] = train[2]['image']
  train[7]['image'] = train[6]['image']
  result = examine.examine(
    [toy_doctor.part('train', train), toy_doctor.part('test', test)]
  )
  assert result.report['exit_code'] == 1
  found = toy_doctor.only(result, 'exact_across_splits')
  assert found['level'] == 'error'
  assert found['data'] == {
    'split': 'test',
    'pictures': 2,
    'in': {'train': 2},
  }
  assert toy_doctor.only(result, 'exact_within_splits')['data'] == {
    'pictures': {'train': 1, 'test': 1}
  }
  pairs = {
    (result.survey.id(a), result.survey.id(b))
    for a, b in result.groups['exact'].pairs()
  }
  assert pairs == {
    ('train2', 'test3'),
    ('train2', 'test5'),
    ('train6', 'train7'),
  }


@pytest.mark.parametrize(
  ('change', 'is_near'),
  [
    (
      lambda x: toy_doctor.encode(
        np.clip(x * 1.15 + 8, 0, 255).astype(np.uint8)
      ),
      True,
    ),
    (lambda x: toy_doctor.encode(x, 'JPEG', quality=75), True),
    (
      lambda x: toy_doctor.encode(
        np.asarray(Image.fromarray(x).resize((96, 96), 3))
      ),
      True,
    ),
    (lambda x: toy_doctor.encode(x[:, ::-1]), False),
    (lambda x: toy_doctor.encode(np.roll(x, 8, 1)), False),
    (lambda x: toy_doctor.encode(255 - x), False),
  ],
)
def test_near_duplicates(change, is_near):
  train, test = (
    toy_doctor.many('train', 30, 0),
    toy_doctor.many('test', 10, 100),
  )
  test[4]['image'] = change(toy_doctor.face(17))
  parts = [toy_doctor.part('train', train), toy_doctor.part('test', test)]
  result = examine.examine(parts)
  assert 'exact_across_splits' not in toy_doctor.kinds(result)
  assert ('near_across_splits' in toy_doctor.kinds(result)) == is_near
  assert result.report['exit_code'] == 0
  if is_near:
    assert toy_doctor.only(result, 'near_across_splits')['data']['in'] == {
      'train': 1
    }
    pairs = [
      [result.survey.id(row) for row in pair] for pair in result.near.pairs
    ]
    assert pairs == [['train17', 'test4']]
    strict = examine.examine(parts, strict=True)
    assert strict.report['exit_code'] == 1


def test_own_cut_of_a_split_is_a_warning_and_test_an_error():
  train, val, test = (
    toy_doctor.many('train', 4, 0),
    toy_doctor.many('val', 4, 50),
    toy_doctor.many('test', 4, 100),
  )
  val[0]['image'] = train[0]['image']
  parts = [
    toy_doctor.part('train', train, 'train[:50%]'),
    toy_doctor.part('val', val, 'train[50%:]'),
    toy_doctor.part('test', test, 'val'),
  ]
  assert toy_doctor.only(examine.examine(parts), 'exact_across_splits')[
    'level'
  ] == ('warning')
  strict = examine.examine(parts, strict=True)
  assert toy_doctor.only(strict, 'exact_across_splits')['level'] == 'error'
  # Without a test split, val is what is reported.
  alone = examine.examine(parts[:2])
  assert toy_doctor.only(alone, 'exact_across_splits')['level'] == 'error'
  test[1]['image'] = train[1]['image']
  result = examine.examine(parts, remedies={'toy': '--take_them_out'})
  assert result.report['exit_code'] == 1
  advice = {
    f['data']['split']: f['advice']
    for f in result.report['findings']
    if f['kind'] == 'exact_across_splits'
  }
  assert '--take_them_out' in advice['test']
  assert '--take_them_out' not in advice['val']


def test_overlapping_slices():
  rows = toy_doctor.many('train', 9, 0)
  result = examine.examine(
    [
      toy_doctor.part('train', rows[:6], 'train[:6]'),
      toy_doctor.part('val', rows[4:], 'train[4:]'),
    ]
  )
  assert toy_doctor.only(result, 'shared_samples')['data'] == {
    'split': 'val',
    'in': 'train',
    'samples': 2,
  }
  assert result.report['exit_code'] == 1
  assert 'exact_across_splits' not in toy_doctor.kinds(result)
  twice = examine.examine(
    [
      toy_doctor.part('train', rows[:4]),
      toy_doctor.part('val', rows[4:]),
      toy_doctor.part('test', rows[4:]),
    ]
  )
  assert toy_doctor.only(twice, 'shared_samples')['level'] == 'warning'
  assert twice.report['exit_code'] == 0


def test_shared_subjects_are_those_of_one_corpus():
  def parts(corpus):
    return [
      toy_doctor.part('train', toy_doctor.many('train', 4, 0, subject='ann')),
      toy_doctor.part(
        'test',
        toy_doctor.many('test', 3, 50, subject='ann')
        + toy_doctor.many('other', 2, 80, subject='bo'),
        corpus=corpus,
      ),
    ]

  result = examine.examine(parts('toy'))
  found = toy_doctor.only(result, 'shared_subjects')
  assert found['data'] == {
    'splits': ['train', 'test'],
    'subjects': ['ann'],
    'count': 1,
    'samples': 3,
  }
  assert result.report['exit_code'] == 1
  assert 'shared_subjects' not in toy_doctor.kinds(
    examine.examine(parts('another'))
  )


def test_damage():
  nan = toy_doctor.sample('nan', toy_doctor.face(71), va=(0.1, 0.1))
  nan['valence_arousal'][1] = np.nan
  hidden = toy_doctor.sample(
    'hidden', toy_doctor.face(72), expression='neutral'
  )
  hidden['action_units'][0] = 7.0  # Not annotated.
  far = toy_doctor.sample('far', toy_doctor.face(73), va=(1.5, 0.0))
  halves = toy_doctor.sample(
    'halves', toy_doctor.face(74), expression='neutral'
  )
  halves['expression'] *= 0.5
  train = [
    *toy_doctor.many('train', 4, 0),
    toy_doctor.sample('broken', b'\x89PNG nothing', expression='neutral'),
    toy_doctor.sample(
      'cut', toy_doctor.encode(toy_doctor.face(70))[:200], expression='neutral'
    ),
    toy_doctor.sample(
      'black', np.zeros((32, 32, 3), np.uint8), expression='neutral'
    ),
    toy_doctor.sample(
      'dim', np.full((32, 32), 9, np.uint8), expression='happiness'
    ),
    nan,
    hidden,
    far,
    halves,
  ]
  result = examine.examine([toy_doctor.part('train', train)])
  assert result.report['exit_code'] == 1
  assert toy_doctor.only(result, 'unreadable_pictures')['data'] == {
    'pictures': {'train': 2},
    'ids': ['train broken', 'train cut'],
  }
  assert toy_doctor.only(result, 'constant_pictures')['level'] == 'warning'
  assert toy_doctor.only(result, 'constant_pictures')['data']['ids'] == [
    'train black',
    'train dim',
  ]
  assert toy_doctor.only(result, 'grey_pictures')['data'] == {'pictures': 2}
  bad = toy_doctor.only(result, 'bad_labels')
  assert bad['level'] == 'error'
  assert bad['data']['samples'] == 3
  for words in (
    'train nan: valence_arousal arousal: label nan is not in [-1, 1]',
    'train far: valence_arousal valence: label 1.5',
    'train halves: expression: shares sum to 0.5',
  ):
    assert any(words in e for e in bad['data']['examples'])
  # Not looked at further.
  assert 'exact_within_splits' not in toy_doctor.kinds(result)


def test_contradictions():
  same = toy_doctor.face(0)
  train = [
    toy_doctor.sample('a', same, expression='neutral'),
    toy_doctor.sample('b', same, expression='happiness'),
    toy_doctor.sample('c', same, units={'AU1': 1}),
    toy_doctor.sample('d', toy_doctor.face(1), units={'AU1': 1}, va=(0.3, 0.0)),
    toy_doctor.sample('e', toy_doctor.face(1), units={'AU1': 0}, va=(0.2, 0.0)),
    toy_doctor.sample(
      'f', toy_doctor.face(2), expression='neutral', units={'AU1': 1}
    ),
    toy_doctor.sample(
      'g', toy_doctor.face(2), expression='neutral', units={'AU12': 0}
    ),
  ]
  result = examine.examine([toy_doctor.part('train', train)])
  assert toy_doctor.only(result, 'contradictions')['data'] == {
    'sets': 2,
    'pictures': 5,
    'tasks': {'expression': 1, 'action_units': 1},
  }
  assert result.report['exit_code'] == 0


def test_every_level_of_the_verdict():
  f = lambda level: findings.Finding(level, 'kind', 'text')
  assert findings.verdict([f('note')]) == 'PASSED'
  assert findings.verdict([f('warning')]) == 'PASSED, with 1 warning'
  both = [f('warning'), f('error'), f('warning')]
  assert findings.verdict(both) == 'FAILED: 1 error, 2 warnings'
  assert findings.worst_first(both)[0].level == 'error'


def test_a_look_is_of_the_decoded_picture():
  grey = np.arange(0, 240, dtype=np.uint8).reshape(12, 20)
  a = pictures.look(toy_doctor.encode(grey))
  b = pictures.look(toy_doctor.encode(np.repeat(grey[..., None], 3, 2)))
  assert a is not None
  assert b is not None
  assert a.digest == b.digest
  assert a.grey
  assert a.size == (12, 20)
  # The same bytes in another shape are another picture.
  c = pictures.look(toy_doctor.encode(grey.reshape(20, 12)))
  assert c is not None
  assert c.digest != a.digest
  assert a.gradient.all()  # Brighter from left to right.


def test_near_distance_out_of_range():
  with pytest.raises(ValueError, match='near_distance is 9'):
    examine.examine([], near_distance=9)
