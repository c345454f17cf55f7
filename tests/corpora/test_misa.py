"""The lists of words of MISA and MAG-BERT, in miniature."""

import numpy as np
import pytest
from toys import feature_files
from toys import files as toy_files

from affect_jax.corpora import misa

examples = feature_files.misa_examples


def write(tmp_path, kind, content):
  if kind == 'mag':
    return toy_files.write_pickle(tmp_path / 'mosi.pkl', content)
  for split, rows in content.items():
    toy_files.write_pickle(tmp_path / f'{split}.pkl', rows)
  return tmp_path


@pytest.mark.parametrize('kind', ['misa', 'mag'])
def test_both_layouts(tmp_path, kind):
  content = {s: examples(kind) for s in ('train', 'dev', 'test')}
  content['dev'][2][0][2][0, 1] = -np.inf
  content['test'] = content['test'][:1]
  listing = misa.listing(write(tmp_path, kind, content))
  assert list(listing.splits) == ['train', 'val', 'test']
  assert dict(listing.dims) == {'audio': 2, 'vision': 3}
  assert len(listing.sources) == (4 if kind == 'misa' else 2)
  found, left = toy_files.consumed(listing, 'train')
  assert not left
  assert [(u.id, u.dialogue, u.turn) for u in found.values()] == [
    ('a[2]', 'a', 2),
    ('a[10]', 'a', 10),
    ('b[0]', 'b', 0),
  ]
  first = found['a[10]']
  assert first.transcript == 'not now'
  assert first.labels['sentiment'] == pytest.approx(-1.4)
  assert first.labels['sentiment_class'] == 'negative'
  _, vision, audio, *_ = content['train'][0][0]
  np.testing.assert_array_equal(first.sequences['audio'], audio)
  np.testing.assert_array_equal(
    first.sequences['vision'], vision.astype(np.float32)
  )
  found, left = toy_files.consumed(listing, 'val')
  assert left == {'audio values of -inf (read as 0)': 1}
  assert toy_files.named(listing, 'val') == {r: ['b[0]'] for r in left}
  assert found['b[0]'].sequences['audio'][0, 1] == 0
  assert list(toy_files.consumed(listing, 'test')[0]) == ['a[10]']


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    (lambda rows: rows.append(((1, 2), 0.0, 'c[0]')), r'row 3 is not \(\('),
    (
      lambda rows: rows.append((rows[0][0], 4.0, 'c[0]')),
      r'row 3: \[4\.0\] is not a sentiment',
    ),
    (
      lambda rows: rows.append(
        ((['x'], np.ones((1, 9)), np.ones((1, 2))), 1.0, 'c[0]')
      ),
      r'row 3: vision has the shape \(1, 9\), not \[T, 3\]',
    ),
  ],
)
def test_rows_of_another_form(tmp_path, change, message):
  content = {s: examples('mag') for s in ('train', 'dev', 'test')}
  change(content['train'])
  path = write(tmp_path, 'mag', content)
  with pytest.raises(ValueError, match=r'mosi\.pkl: train, ' + message):
    misa.listing(path)


def test_files_of_another_form(tmp_path):
  with pytest.raises(FileNotFoundError, match=r'no train\.pkl'):
    misa.listing(tmp_path)
  with pytest.raises(FileNotFoundError, match='MAG-BERT'):
    misa.listing(tmp_path / 'mosi.pkl')
  # The other mosi.pkl that is about: arrays by kind of feature.
  path = write(tmp_path, 'mag', {'train': {'facet': 1}, 'dev': [], 'test': []})
  with pytest.raises(ValueError, match=r'train is a dict, not a list'):
    misa.listing(path)
  path = write(tmp_path, 'mag', {'facet': []})
  with pytest.raises(ValueError, match=r'no dict with a split among its keys'):
    misa.listing(path)


@pytest.mark.parametrize('kind', ['misa', 'mag'])
def test_other_names_of_splits_and_words_that_are_none(tmp_path, kind):
  content = {s: examples(kind) for s in ('training', 'Valid')}
  place = {'misa': 3, 'mag': 0}[kind]
  parts, label, segment = content['training'][0]
  words = [None, 'null']
  parts = tuple(words if i == place else p for i, p in enumerate(parts))
  content['training'][0] = parts, label, segment
  content['training'][2] = (*content['training'][2][:2], None)
  listing = misa.listing(write(tmp_path, kind, content))
  assert list(listing.splits) == ['train', 'val']
  found, left = toy_files.consumed(listing, 'train')
  # 'null' may be a word of a sentence; None is none.
  assert found['a[10]'].transcript == 'null'
  assert left == {'rows without an id (named by their place)': 1}
  assert 'train/00002' in found
