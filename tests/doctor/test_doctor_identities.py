"""Names in two splits that differ only in spelling."""

import pytest
from toys import doctor as toy_doctor

from affect_jax.doctor import examine


def checked(first, second, key='speaker'):
  return examine.examine(
    [
      toy_doctor.spoken_part(
        'train', toy_doctor.talk('a', 4, 0, **{key: first})
      ),
      toy_doctor.spoken_part(
        'val', toy_doctor.talk('b', 4, 9, **{key: second})
      ),
    ]
  )


@pytest.mark.parametrize(
  ('first', 'second', 'similar'),
  [
    ('aB1x', 'Ab1x', True),  # Ids of videos, or one of them mistyped.
    ('José', 'Jose', True),
    ('s_01', 's-1', True),
    ('ann k.', 'Ann K', True),
    ('1_12', '11_2', False),
    ('10', '1', False),
    ('!', '?', False),
    ('Ann', 'Anna', False),
    ('Ann', 'ANN', False),  # The same: shared_speakers.
    ('7', '7.0', False),
  ],
)
@pytest.mark.parametrize('key', ['speaker', 'dialogue'])
def test_names_that_only_spelling_tells_apart(first, second, similar, key):
  result = checked(first, second, key)
  assert (f'similar_{key}s' in toy_doctor.kinds(result)) == similar
  if similar:
    found = toy_doctor.only(result, f'similar_{key}s')
    assert found['level'] == 'warning'
    assert found['data']['names'] == [f"'{first}' (train) ~ '{second}' (val)"]


def test_similar_names_of_one_split_share_nothing():
  train = toy_doctor.talk('a', 4, 0, speaker='aB1x')
  train += toy_doctor.talk('c', 4, 30, speaker='Ab1x')
  result = examine.examine(
    [
      toy_doctor.spoken_part('train', train),
      toy_doctor.spoken_part('val', toy_doctor.talk('b', 4, 9)),
    ]
  )
  assert 'similar_speakers' not in toy_doctor.kinds(result)
