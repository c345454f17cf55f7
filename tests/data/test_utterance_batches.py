"""Batches of utterances: complete, in a known order, of like length."""

import itertools

import jax
import numpy as np
import pytest
from toys import utterances as toy_utterances

from affect_jax import tasks
from affect_jax.data import batch as batch_lib
from affect_jax.data import feature_statistics
from affect_jax.data import streams
from affect_jax.data import utterance_batches

BOUNDARIES = (4, 8, 16, 32)


@pytest.fixture(scope='module')
def corpora(tmp_path_factory):
  found = {}
  for window in (0, 3):
    folder = tmp_path_factory.mktemp('utterances')
    builder = toy_utterances.Toy(data_dir=folder, window=window)
    builder.download_and_prepare()
    found[window] = streams.Corpus('toy', builder, {'train': 'train'})
  return found


def all_tasks():
  return [
    tasks.get_task('emotion', outputs=('anger', 'neutral')),
    tasks.get_task('sentiment'),
    tasks.get_task('sentiment_class'),
    tasks.get_task('sarcasm'),
  ]


def train(corpus, first_step=0, num_steps=40, **options):
  settings = {
    'dims': utterance_batches.dims_of(
      corpus.builder, tuple(toy_utterances.DIMS)
    ),
    'batch_size': 4,
    'seed': 5,
    'first_step': first_step,
    'num_steps': num_steps,
    'boundaries': BOUNDARIES,
    'shares': {'toy': 1.0},
  }
  return list(
    utterance_batches.train_batches(
      [corpus], all_tasks(), **{**settings, **options}
    )
  )


def evaluate(corpus, split, **options):
  settings = {'dims': toy_utterances.DIMS, 'batch_size': 4}
  return list(
    utterance_batches.eval_batches(
      corpus.builder,
      split,
      all_tasks(),
      boundaries=BOUNDARIES,
      **{**settings, **options},
    )
  )


def test_lengths_are_padded_to_boundaries_or_multiples_of_the_last():
  found = [utterance_batches.padded_length(n, (16, 4)) for n in (1, 4, 5, 17)]
  assert found == [4, 4, 16, 32]


def test_every_utterance_comes_once_per_epoch(corpora):
  batches = train(corpora[0])
  assert len(batches) == 40
  for batch in batches:
    batch_lib.check_batch(batch, all_tasks())
  ids = [i for b in batches for i in b['id']]
  # Epochs follow one another without a gap; chunks of 16 batches hold 64 rows.
  counts = np.unique([i.decode() for i in ids], return_counts=True)[1]
  assert len(counts) == 40
  assert counts.min() >= 3
  assert counts.max() <= 5


def test_a_batch_holds_the_utterances_as_they_are(corpora):
  items = {i.id: i for i in toy_utterances.utterances('val', 14)}
  batches = evaluate(corpora[0], 'val')
  ids = [i.decode() for b in batches for i in b['id']]
  assert sorted(filter(None, ids)) == sorted(items)
  assert len(ids) == 16
  for batch in batches:
    batch_lib.check_batch(batch, all_tasks())
    for row, name in enumerate(batch['id']):
      item = items.get(name.decode())
      for modality in toy_utterances.DIMS:
        mask = batch['inputs'][modality + '_mask'][row]
        given = item.sequences.get(modality) if item else None
        assert mask.sum() == (0 if given is None else len(given))
        values = batch['inputs'][modality][row]
        assert not values[~mask].any()
        if given is not None:
          np.testing.assert_array_equal(values[mask], given)
      known = bool(item and item.labels)
      for task in ('emotion', 'sentiment_class'):
        assert batch['weights'][task][row] == known
      assert batch['weights']['sarcasm'][row].tolist() == [known]
      if known:
        # The task's own order: anger first.
        assert batch['labels']['emotion'][row].tolist() == [1, 0]
        positive = item.labels['sentiment'] > 0
        expected = [0, 0, 1] if positive else [1, 0, 0]
        assert batch['labels']['sentiment_class'][row].tolist() == expected


def test_a_resumed_run_sees_what_another_would_have_seen(corpora):
  whole = train(corpora[0])
  for first in (1, 15, 16, 23):
    resumed = train(corpora[0], first)
    for one, other in zip(whole[first:], resumed, strict=True):
      assert one['id'].tolist() == other['id'].tolist()
      np.testing.assert_array_equal(
        one['inputs']['text'], other['inputs']['text']
      )
  assert [b['id'].tolist() for b in train(corpora[0], seed=6)] != [
    b['id'].tolist() for b in whole
  ]


def test_rows_of_like_length_come_together(corpora):
  def padding(batches):
    lengths = [
      max(b['inputs'][m + '_mask'][i].sum() for m in toy_utterances.DIMS)
      for b in batches
      for i in range(4)
    ]
    spread = np.ptp(np.reshape(lengths, (-1, 4)), 1)
    return spread.mean()

  sorted_ones = padding(train(corpora[0], num_steps=32))
  rows = itertools.chain(
    *([x] for b in train(corpora[0], num_steps=32) for x in b['id'])
  )
  assert sorted_ones < 3
  assert len(list(rows)) == 128


def test_dialogues_have_an_axis_of_utterances(corpora):
  batches = [*evaluate(corpora[3], 'val', window=3)]
  assert batches
  for batch in batches:
    batch_lib.check_batch(batch, all_tasks())
    assert batch['id'].shape == (4, 3)
    there = batch['inputs']['utterance_mask']
    np.testing.assert_array_equal(there, batch['id'] != b'')
    assert batch['inputs']['text'].shape[:2] == (4, 3)
    assert not batch['inputs']['text_mask'][~there].any()
    assert not batch['weights']['sentiment'][~there].any()


def test_statistics_are_those_of_all_steps_of_training(corpora):
  items = list(toy_utterances.utterances('train', 40))
  for window in (0, 3):
    found = feature_statistics.statistics(
      [corpora[window]], toy_utterances.DIMS
    )
    for name in toy_utterances.DIMS:
      steps = np.concatenate(
        [i.sequences[name] for i in items if name in i.sequences]
      )
      np.testing.assert_allclose(found[name][0], steps.mean(0), rtol=1e-5)
      np.testing.assert_allclose(found[name][1], steps.std(0), rtol=1e-5)


def test_modalities_that_are_not_there(corpora):
  with pytest.raises(
    ValueError, match=r'none of config\.utterance\.modalities=\[.smell.\]'
  ):
    utterance_batches.dims_of(corpora[0].builder, ('smell',))


@pytest.mark.parametrize('window', [0, 3])
def test_rows_of_two_processes_are_those_of_one(corpora, monkeypatch, window):
  def batches():
    options = {'window': window}
    found = train(corpora[window], num_steps=20, **options)
    return [*found, *evaluate(corpora[window], 'test', **options)]

  expected = batches()
  monkeypatch.setattr(streams.jax, 'process_count', lambda: 2)
  parts = []
  for index in range(2):
    monkeypatch.setattr(streams.jax, 'process_index', lambda i=index: i)
    parts.append(batches())
  # Padded to the longest of both, so that their shapes agree.
  for whole, *own in zip(expected, *parts, strict=True):
    jax.tree.map(
      lambda x, *y: np.testing.assert_array_equal(x, np.concatenate(y)),
      whole,
      *own,
    )
