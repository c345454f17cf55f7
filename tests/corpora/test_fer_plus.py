"""FER+: votes of ten people become labels of FER2013."""

import numpy as np
import pytest
from toys.fer2013 import load
from toys.fer2013 import picture
from toys.fer2013 import prepared
from toys.fer2013 import small
from toys.fer2013 import write_fer

from affect_jax.corpora import fer_plus


# FER+: neutral happiness surprise sadness anger disgust fear contempt
#       unknown NF
@pytest.mark.parametrize(
  ('votes', 'published', 'plain'),
  [
    # A single vote is an outlier.
    ([9, 1, 0, 0, 0, 0, 0, 0, 0, 0], {0: 1.0}, {0: 0.9, 1: 0.1}),
    (
      [3, 1, 1, 1, 1, 1, 1, 1, 0, 0],
      {0: 1.0},
      {0: 0.3, **dict.fromkeys(range(1, 8), 0.1)},
    ),
    # 5 + 3 of 10 are more than 75 %: the third is not taken.
    (
      [5, 3, 2, 0, 0, 0, 0, 0, 0, 0],
      {0: 5 / 8, 1: 3 / 8},
      {0: 0.5, 1: 0.3, 2: 0.2},
    ),
    # 5 of 10 are not: the tied next two are both taken.
    (
      [4, 3, 3, 0, 0, 0, 0, 0, 0, 0],
      {0: 0.4, 1: 0.3, 2: 0.3},
      {0: 0.4, 1: 0.3, 2: 0.3},
    ),
    # Half unknown: dropped.
    ([2, 3, 0, 0, 0, 0, 0, 0, 5, 0], None, None),
    # Not a face.
    ([0, 0, 0, 0, 0, 0, 0, 0, 0, 10], None, None),
    # Five expressions of two votes each: more than three tie.
    ([2, 2, 2, 2, 2, 0, 0, 0, 0, 0], None, {k: 0.2 for k in range(5)}),
    # Nobody agrees with anybody.
    ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], None, {k: 0.125 for k in range(8)}),
    # Unknown has its turn second and ends it, its votes are not counted.
    ([0, 0, 0, 0, 0, 0, 6, 0, 4, 0], {6: 1.0}, {6: 1.0}),
  ],
)  # fmt: skip
def test_votes_become_distributions(votes, published, plain):
  for rule, expected in (('published', published), ('votes', plain)):
    found = fer_plus.distribution(np.array(votes), rule)
    if expected is None:
      assert found is None
    else:
      want = np.zeros(8)
      want[list(expected)] = list(expected.values())
      np.testing.assert_allclose(found, want, atol=1e-6)


def write_votes(path, rows, header=None):
  header = header or (
    'Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,'
    'contempt,unknown,NF'
  )
  path.write_text('\n'.join([header, *rows]) + '\n')
  return path


VOTES = [
  'Training,fer0.png,0,0,0,0,8,0,0,2,0,0',
  'Training,,0,0,0,0,0,0,0,0,0,10',
  'Training,fer2.png,0,0,0,0,0,0,0,0,10,0',
  *(f'Training,fer{k}.png,10,0,0,0,0,0,0,0,0,0' for k in range(3, 7)),
  'PublicTest,fer7.png,0,10,0,0,0,0,0,0,0,0',
  'PublicTest,fer8.png,0,10,0,0,0,0,0,0,0,0',
]


def test_fer_plus_gives_soft_labels_and_counts_what_it_drops(tmp_path):
  # Votes for a part that fer2013.csv does not have are passed over.
  rest = ['PrivateTest,fer9.png,0,10,0,0,0,0,0,0,0,0']
  builder = prepared(
    tmp_path,
    small(tmp_path / 'fer.csv'),
    fer_plus=write_votes(tmp_path / 'plus.csv', VOTES + rest),
  )
  names = builder.info.metadata['outputs']['expression']
  rows = load(builder, 'train')
  assert sorted(rows) == [f'Training_{k:05d}' for k in (0, 3, 4, 5, 6)]
  label = dict(zip(names, rows['Training_00000']['expression'], strict=True))
  assert label['anger'] == 1  # 8 of 10 are enough: contempt is not taken
  label = dict(zip(names, rows['Training_00004']['expression'], strict=True))
  assert label['neutral'] == 1
  assert set(builder.info.splits) == {'train', 'val'}
  assert builder.info.metadata['skipped'] == {
    fer_plus.UNNAMED: 1,
    fer_plus.UNDECIDED: 1,
  }
  assert 'fer2013new.csv' in builder.info.metadata['sources']


@pytest.mark.parametrize(
  ('rows', 'message'),
  [
    (VOTES[:-1], '8 rows, but fer2013.csv has 9'),
    (VOTES + VOTES[-1:], '10 rows, but fer2013.csv has 9'),
    (VOTES[::-1], "plus.csv:2: Usage is 'PublicTest', but 'Training'"),
    ([VOTES[0].replace('8', 'x')] + VOTES[1:], "plus.csv:2: anger 'x'"),
    ([VOTES[0] + ',1'] + VOTES[1:], 'plus.csv:2: 13 cells, not 12'),
  ],
)
def test_fer_plus_of_another_table_is_an_error(tmp_path, rows, message):
  with pytest.raises(ValueError, match=r'rows|cannot be used') as e:
    prepared(
      tmp_path,
      small(tmp_path / 'fer.csv'),
      fer_plus=write_votes(tmp_path / 'plus.csv', rows),
    )
  assert message in str(e.value)


def test_fer_plus_in_another_order_is_an_error(tmp_path):
  order = np.random.default_rng(0).permutation(210)
  emotion = np.arange(210) % 7
  columns = [4, 5, 6, 1, 3, 2, 0]  # of the votes, for emotions 0-6
  votes = []
  for k in emotion:
    cells = ['0'] * 10
    cells[columns[k]] = '10'
    votes.append(f'Training,a.png,{",".join(cells)}')
  plus = write_votes(tmp_path / 'plus.csv', votes)
  same = [picture(0)] * 210
  right = write_fer(
    tmp_path / 'right.csv',
    [(k, p, 'Training') for k, p in zip(emotion, same, strict=True)],
  )
  prepared(tmp_path, right, fer_plus=plus)
  wrong = write_fer(
    tmp_path / 'wrong.csv',
    [(k, p, 'Training') for k, p in zip(emotion[order], same, strict=True)],
  )
  with pytest.raises(ValueError, match='not in the original order'):
    prepared(tmp_path, wrong, fer_plus=plus)
