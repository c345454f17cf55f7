"""Pickles that load, and hold something else than arrays: the file is named."""

import numpy as np
import pytest
from toys import feature_files
from toys import files as toy_files
from toys import mmsa as toy_mmsa
from toys import mustard as toy_mustard

from affect_jax.corpora import misa
from affect_jax.corpora import mmsa
from affect_jax.corpora import mult
from affect_jax.errors import UserError


def read(listing):
  for stream in listing.splits.values():
    for _ in stream():
      pass


# Of numbers, texts, lists and arrays that damage leaves.
OTHERS = (
  3,
  None,
  'abc',
  ['a', 'b', 'c'],
  [[1], [2, 3], [4]],
  {},
  np.zeros((5, 0)),
)


@pytest.mark.parametrize('key', ['id', 'regression_labels', 'audio', 'text'])
def test_mmsa(tmp_path, key):
  for other in OTHERS:
    content = toy_mmsa.three()
    content['test'][key] = other
    path = toy_files.write_pickle(tmp_path / 'x.pkl', content)
    with pytest.raises(UserError, match=r'x\.pkl'):
      read(mmsa.listing(path))


@pytest.mark.parametrize('key', ['labels', 'audio'])
def test_mult(tmp_path, key):
  part = feature_files.mult_part
  for other in OTHERS:
    content = {
      split: part(feature_files.sentiments(1, -2))
      for split in ('train', 'valid', 'test')
    }
    content['test'][key] = other
    path = toy_files.write_pickle(tmp_path / 'x.pkl', content)
    with pytest.raises(UserError, match=r'x\.pkl'):
      read(mult.listing(path, 'mosi'))


def test_misa(tmp_path):
  for place in (0, 1):
    for other in OTHERS[place:]:  # 3 is a sentiment.
      rows = feature_files.misa_examples('mag')
      rows[1] = (*rows[1][:place], other, *rows[1][place + 1 :])
      content = {split: rows for split in ('train', 'dev', 'test')}
      path = toy_files.write_pickle(tmp_path / 'x.pkl', content)
      with pytest.raises(UserError, match=r'x\.pkl'):
        read(misa.listing(path))


def test_folds_of_unequal_lists(tmp_path):
  toy_mustard.write(tmp_path, folds=[([[1], [2, 3], [4]], [0])])
  assert 'split_indices.p has folds' in toy_mustard.refusal(tmp_path)
