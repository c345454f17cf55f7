"""Shares of corpora and classes in a batch, and draws that can be resumed."""

import collections
import dataclasses
import logging

import jax
import numpy as np
import pytest
import tensorflow as tf
from toys import training as toy

from affect_jax.data import face_batches
from affect_jax.data import merge
from affect_jax.data import record_places
from affect_jax.data import sampling
from affect_jax.data import streams

SIZES = {'small': 100, 'large': 10_000}


@pytest.mark.parametrize(
  ('how', 'options', 'expected'),
  [
    ('proportional', {}, 100 / 10_100),
    ('uniform', {}, 0.5),
    ('temperature', {'temperature': 2.0}, 10 / 110),
    ('temperature', {'temperature': 1.0}, 100 / 10_100),
    ('shares', {'fixed': {'small': 3, 'large': 1}}, 0.75),
  ],
)
def test_shares_of_corpora(how, options, expected):
  found = sampling.shares(SIZES, how, **options)
  assert list(found) == list(SIZES)
  assert found['small'] == pytest.approx(expected)
  assert sum(found.values()) == pytest.approx(1)


@pytest.mark.parametrize(
  ('how', 'options', 'message'),
  [
    ('random', {}, r"'random'; known: proportional"),
    ('temperature', {'temperature': 0.5}, 'below 1'),
    ('shares', {}, 'needs a positive share'),
    ('shares', {'fixed': {'small': 1}}, 'needs a positive share'),
    ('shares', {'fixed': {'small': 1, 'large': 0}}, 'needs a positive share'),
  ],
)
def test_impossible_shares_are_refused(how, options, message):
  with pytest.raises(ValueError, match=message):
    sampling.shares(SIZES, how, **options)


def test_draws_keep_shares_and_can_be_counted_and_resumed(monkeypatch):
  monkeypatch.setattr(sampling, 'BLOCK', 1000)
  weights = [0.2, 0.5, 0.3]
  first = list(sampling.draws(7, 0, weights).take(5500).as_numpy_iterator())
  # 3 standard deviations of a share of 5500 draws are .02.
  shares = np.bincount(first) / 5500
  np.testing.assert_allclose(shares, weights, atol=0.02)
  later = sampling.draws(7, 2345, weights).take(500).as_numpy_iterator()
  assert list(later) == first[2345:2845]
  counts = sampling.drawn(7, 2345, weights)
  np.testing.assert_array_equal(counts, np.bincount(first[:2345]))
  assert sampling.drawn(7, 0, weights).tolist() == [0, 0, 0]
  # Blocks differ, and so do seeds.
  assert first[:1000] != first[1000:2000]
  assert first[:99] != list(
    sampling.draws(8, 0, weights).take(99).as_numpy_iterator()
  )


@pytest.fixture(scope='module')
def corpora(tmp_path_factory):
  found = []
  for name, count, seed in (('a', 12, 0), ('b', 30, 1)):
    folder = tmp_path_factory.mktemp(name)
    path = toy.write_faces_csv(folder, (count, 4, 4), pixels=8, seed=seed)
    builder = streams.build_corpus(
      'faces_csv', str(folder / 'data'), path=str(path)
    )
    found.append(streams.Corpus(name, builder, {'train': 'train'}))
  return found


def batches(corpora, shares, first_step=0, num_steps=50, **options):
  return list(
    face_batches.train_batches(
      corpora,
      toy.all_tasks(),
      batch_size=8,
      seed=1,
      first_step=first_step,
      num_steps=num_steps,
      image_size=8,
      augmentations=[('flip', {})],
      shares=shares,
      **options,
    )
  )


def test_two_corpora_in_one_batch_and_on_after_a_stop(corpora):
  shares = {'a': 0.75, 'b': 0.25}
  whole = batches(corpora, shares)
  # Both have pictures of these names: their pixels tell them apart.
  seen = collections.Counter(
    x.tobytes() for b in whole for x in np.sort(b['inputs']['image'], 2)
  )
  assert len(seen) == 12 + 30
  counts = sorted(seen.values())
  # 400 rows, 300 of them from the 12 pictures of a: 25 epochs, 3 of b.
  assert counts[0] >= 2
  assert counts[-12] >= 20
  assert 260 < sum(counts[-12:]) < 340
  for a, b in zip(whole[20:], batches(corpora, shares, 20), strict=True):
    np.testing.assert_array_equal(a['id'], b['id'])
    np.testing.assert_array_equal(a['inputs']['image'], b['inputs']['image'])


def test_classes_come_equally_often_where_labelled(corpora):
  rows = batches(corpora[1:], {'b': 1.0}, num_steps=150, balance='expression')
  known = np.concatenate([b['weights']['expression'] for b in rows])
  classes = np.concatenate([b['labels']['expression'] for b in rows])
  plain = batches(corpora[1:], {'b': 1.0}, num_steps=30)
  natural = np.concatenate([b['weights']['expression'] for b in plain])
  # Unlabelled rows keep their share: 240 plain rows are 8 whole epochs.
  assert known.mean() == pytest.approx(natural.mean(), abs=0.05)
  np.testing.assert_allclose(classes[known > 0].mean(0), [1 / 3] * 3, atol=0.06)
  later = batches(corpora[1:], {'b': 1.0}, 90, 150, balance='expression')
  for a, b in zip(rows[90:], later, strict=True):
    np.testing.assert_array_equal(a['id'], b['id'])


@pytest.mark.parametrize('split', ['train', 'train[20%:90%]'])
def test_classes_are_read_apart_in_their_stored_order(corpora, split):
  (corpus,) = corpora[1:]
  corpus = dataclasses.replace(corpus, splits={'train': split})
  tasks = toy.all_tasks()
  named = lambda balance: streams.train_streams(
    [corpus], tasks, {'b': 1.0}, balance, numbered=True
  )
  rows_of = lambda s: list(s.read(s.items).as_numpy_iterator())
  (plain,) = (rows_of(s) for s in named(''))
  expression = next(t for t in tasks if t.name == 'expression')
  classes = [
    np.argmax(r['labels']['expression']) if r['weights']['expression'] else 3
    for r in plain
  ]
  names = [f'b/{name}' for name in (*expression.outputs, 'unlabelled')]
  by_class = {s.name: rows_of(s) for s in named('expression')}
  assert list(by_class) == names
  for i, name in enumerate(names):
    expected = [r for r, c in zip(plain, classes, strict=True) if c == i]
    jax.tree.map(np.testing.assert_array_equal, by_class[name], expected)


def test_balancing_reads_what_it_draws_once(corpora, monkeypatch):
  reads = []
  read = record_places._read
  monkeypatch.setattr(
    record_places, '_read', lambda p, i: reads.append(i) or read(p, i)
  )
  passes = []
  (corpus,) = corpora[1:]
  as_dataset = corpus.builder.as_dataset
  monkeypatch.setattr(
    corpus.builder,
    'as_dataset',
    lambda *a, **k: passes.append(k['split']) or as_dataset(*a, **k),
  )
  stream = merge.rows(
    streams.train_streams([corpus], toy.all_tasks(), {'b': 1.0}, 'expression'),
    1,
    0,
    1.0,
  )
  assert len(list(stream.take(600).as_numpy_iterator())) == 600
  assert passes == ['train']
  # Each of four classes is read ahead, by a few times READ records.
  assert 600 <= len(reads) < 600 + 4 * 8 * record_places.READ


def test_memory_for_shuffling_is_bounded_and_said(caplog):
  streams_of = lambda *sizes: [
    merge.Stream(f's{i}', tf.data.Dataset.range(n), n, 1000.0, 0.5)
    for i, n in enumerate(sizes)
  ]
  held = merge.shuffled_at_once
  assert held(streams_of(10**6), 2000.0) == {'s0': merge.SHUFFLE_ROWS}
  assert held(streams_of(10**6), 3.0) == {'s0': 3000}
  assert held(streams_of(2000, 500), 2.0) == {'s0': 1000, 's1': 500}
  assert held(streams_of(5), 1e-9) == {'s0': 1}
  with caplog.at_level(logging.INFO):
    held(streams_of(2000, 500), 2.0)
  assert '1000 of 2000 rows are shuffled at a time, 1 MB' in caplog.text
  assert 's1: shuffled whole, 500 rows.' in caplog.text


def test_a_small_buffer_loses_no_row_and_goes_on(corpora):
  options = {'shuffle_megabytes': 0.001, 'num_steps': 30}
  rows = batches(corpora[1:], {'b': 1.0}, **options)
  seen = collections.Counter(x for b in rows for x in b['id'])
  # 240 rows are 8 epochs of 30.
  assert set(seen.values()) == {8}
  later = batches(corpora[1:], {'b': 1.0}, first_step=17, **options)
  for a, b in zip(rows[17:], later, strict=True):
    np.testing.assert_array_equal(a['id'], b['id'])


def test_only_tasks_with_classes_can_be_balanced(corpora):
  with pytest.raises(ValueError, match=r"'action_units' is no task.*expressi"):
    batches(corpora[1:], {'b': 1.0}, balance='action_units')
