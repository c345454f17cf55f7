"""Labels that fit their range and are on another scale."""

import logging

import numpy as np
import pytest
from toys import faces_csv as toy

from affect_jax.corpora import utterances_csv
from affect_jax.corpora.builders import label_scales
from affect_jax.errors import UserError

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
  ('name', 'low', 'high', 'values', 'scale'),
  [
    ('sentiment', -3, 3, RNG.uniform(-1, 1, 50), (-1, 1)),
    ('sentiment', -3, 3, RNG.integers(1, 4, 50), (1, 3)),
    ('sentiment', -3, 3, RNG.uniform(0, 1, 50), (0, 1)),
    ('sentiment', -3, 3, RNG.integers(0, 3, 50), (0, 2)),
    ('valence', -1, 1, RNG.uniform(0, 1, 50), (0, 1)),
    # As they should be; and in the number of bits that the doctor keeps.
    ('sentiment', -3, 3, RNG.uniform(-2, 2, 50), None),
    ('valence', -1, 1, RNG.uniform(-0.3, 0.3, 50), None),
    ('sentiment', -3, 3, np.float16(RNG.uniform(-1, 1, 50)), (-1, 1)),
    # Too few; not annotated; no scale of two signs.
    ('valence', -1, 1, RNG.uniform(0, 1, 9), None),
    ('valence', -1, 1, np.full(50, np.nan), None),
    ('AU1', 0, 1, RNG.uniform(0, 1, 50), None),
  ],
)
def test_suspicions(name, low, high, values, scale):
  odd = label_scales.suspect(name, low, high, values)
  assert (odd and (odd.low, odd.high)) == scale
  if odd:
    assert name in odd.text


def test_advice_is_an_option_of_the_corpus():
  odd = label_scales.Suspicion('', -1, 1)
  of = lambda *options: label_scales.advice('sentiment', odd, options)
  assert "config.data.scales={'sentiment': (-1, 1)}" in of('path', 'scales')
  assert 'config.data.label_range=1 ' in of('label_range')
  assert 'convert the file' in of('path')


def labels_of(path, **options):
  listing = utterances_csv.listing(path, **options)
  rows = listing.splits['train']()
  return [row.labels['sentiment'] for row in rows if hasattr(row, 'labels')]


def test_a_scale_that_is_set_is_converted(tmp_path):
  path = tmp_path / 'mine.csv'
  path.write_text(
    'id,split,text,sentiment\na,train,hi,1\nb,train,hi,2\nc,train,hi,2.5\n'
  )
  assert labels_of(path) == [1, 2, 2.5]
  np.testing.assert_allclose(
    labels_of(path, scales={'sentiment': (1, 3)}), [-3, 0, 1.5]
  )
  before, after = (
    utterances_csv.listing(path, **options).sources
    for options in ({}, {'scales': {'sentiment': (1, 3)}})
  )
  assert before != after
  path.write_text(path.read_text() + 'd,train,hi,7\n')
  with pytest.raises(UserError, match=r"mine\.csv:5: .*'7' is not in \[1, 3\]"):
    labels_of(path, scales={'sentiment': (1, 3)})
  for scales in ({'sentimant': (1, 3)}, {'sentiment': (3, 1)}):
    with pytest.raises(UserError, match=r'config\.data\.scales'):
      labels_of(path, scales=scales)


def test_faces_on_another_scale_are_said(tmp_path, caplog):
  rows = []
  for k in range(20):
    toy.save(tmp_path / f'{k}.png', k)
    rows.append(f'{k}.png,train,{k / 19}')
  toy.write(tmp_path, *rows, header='image,split,valence')
  with caplog.at_level(logging.WARNING):
    toy.build(tmp_path)
  assert "config.data.scales={'valence': (0, 1)}" in caplog.text
  caplog.clear()
  with caplog.at_level(logging.WARNING):
    toy.build(tmp_path, scales={'valence': (0, 1)})
  assert 'scales' not in caplog.text
