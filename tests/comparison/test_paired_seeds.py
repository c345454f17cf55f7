"""Gains over seeds, against scipy on the same numbers."""

import json

import numpy as np
from scipy import stats

from affect_jax.comparison import paired_seeds

BEFORE = [0.50, 0.54, 0.47, 0.52]
AFTER = [0.55, 0.56, 0.51, 0.50]


def write(root, arm, values, split='test/toy'):
  for seed, value in enumerate(values):
    folder = root / arm / f'seed_{seed}'
    folder.mkdir(parents=True)
    scores = {split: {'emotion/f1': value}, 'val/toy': {'emotion/f1': 0.0}}
    (folder / 'results.json').write_text(json.dumps(scores))


def test_gains_are_paired_and_their_intervals_are_students(tmp_path):
  write(tmp_path, 'a', BEFORE, split='test')
  write(tmp_path, 'b', AFTER)
  scores = paired_seeds.read(
    tmp_path, {'a': 'toy', 'b': 'toy', 'c': 'toy'}, range(5)
  )
  assert list(scores) == ['a', 'b']
  row = paired_seeds.gain(scores, 'toy/emotion/f1', 'a', 'b')
  test = stats.ttest_rel(AFTER, BEFORE)
  interval = test.confidence_interval(0.95)
  np.testing.assert_allclose(
    [row['gain'], row['low'], row['high'], row['p'], row['seeds']],
    [np.subtract(AFTER, BEFORE).mean(), *interval, test.pvalue, 4],
  )
  np.testing.assert_allclose(row['ratio'], np.std(AFTER) / np.std(BEFORE))
  assert paired_seeds.gain(scores, 'toy/emotion/f1', 'a', 'c') is None


def test_a_gain_that_all_seeds_share_is_sure(tmp_path):
  write(tmp_path, 'a', [0.5, 0.75])
  write(tmp_path, 'b', [0.75, 1.0])
  arms = dict.fromkeys('ab', 'toy')
  scores = paired_seeds.read(tmp_path, arms, range(2))
  row = paired_seeds.gain(scores, 'toy/emotion/f1', 'a', 'b')
  assert (row['low'], row['high'], row['p']) == (0.25, 0.25, 0)
  # As rounding has it.
  scores['b']['toy/emotion/f1'][0] += 1e-16
  assert paired_seeds.gain(scores, 'toy/emotion/f1', 'a', 'b')['p'] == 0
  assert paired_seeds.gain(scores, 'toy/emotion/f1', 'a', 'a')['p'] == 1


def test_seeds_that_one_arm_lacks_do_not_count(tmp_path):
  write(tmp_path, 'a', BEFORE)
  write(tmp_path, 'b', [None, *AFTER[1:]])
  arms = {'a': 'toy', 'b': 'toy'}
  scores = paired_seeds.read(tmp_path, arms, range(4))
  one, other = paired_seeds.shared(scores, 'toy/emotion/f1', ('a', 'b'))
  np.testing.assert_array_equal(one, BEFORE[1:])
  np.testing.assert_array_equal(other, AFTER[1:])
  rows = [paired_seeds.gain(scores, 'toy/emotion/f1', 'a', 'b')] * 2
  rows = [dict(r) for r in rows]
  paired_seeds.add_holm(rows)
  assert rows[0]['holm'] == min(1, 2 * rows[0]['p'])
