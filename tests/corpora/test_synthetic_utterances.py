import hashlib
import itertools
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from affect_jax.corpora import synthetic_utterances
from affect_jax.corpora.builders import utterance_listing
from affect_jax.synthetic import utterance_affect
from affect_jax.synthetic import utterances

FEW = {'emotion': 60, 'sentiment': 40, 'sarcasm': 20}
SMALL = {'num_train': FEW, 'num_val': FEW, 'num_test': FEW}

DIGEST = """
import hashlib
from affect_jax.synthetic import utterances
digest = hashlib.sha256()
for turn in utterances.stream(3, 'sarcasm', 'val', 50):
  for x in turn.sequences.values():
    digest.update(x.tobytes())
  digest.update(repr([turn.transcript, turn.speaker, turn.sentiment]).encode())
print(digest.hexdigest())
"""


def read(split='train', **options):
  found = synthetic_utterances.listing(**{**SMALL, **options})
  return list(found.splits[split]())


def same(a, b):
  assert (a.id, a.labels, a.transcript) == (b.id, b.labels, b.transcript)
  assert a.sequences.keys() == b.sequences.keys()
  for modality in a.sequences:
    np.testing.assert_array_equal(a.sequences[modality], b.sequences[modality])


def test_the_contract():
  listing = synthetic_utterances.listing(**SMALL)
  assert isinstance(listing, utterance_listing.Listing)
  assert list(listing.splits) == ['train', 'val', 'test']
  assert set(listing.dims) == set(utterance_listing.MODALITIES)
  assert all(isinstance(v, str) for v in listing.sources.values())
  seen = set()
  for split in listing.splits:
    for item in listing.splits[split]():
      assert item.id not in seen
      seen.add(item.id)
      for modality, dim in listing.dims.items():
        x = item.sequences[modality]
        assert x.dtype == np.float32
        assert x.shape[0] > 0
        assert x.shape[1] == dim
        assert np.all(np.isfinite(x))
      assert len(item.transcript.split()) == len(item.sequences['text'])
      assert item.sequences['vision'].min() >= 0
      assert item.sequences['vision'].max() <= 1
  assert len(seen) == 3 * 120


def test_each_part_labels_its_own_task():
  for split in ('train', 'val', 'test'):
    for item in read(split):
      part = item.id.partition('/')[0]
      emotions = set(utterance_affect.EMOTIONS)
      expected = emotions if part == 'emotion' else {part}
      assert set(item.labels) == expected
      if part == 'emotion':
        assert sorted(item.labels.values()) == [0] * 6 + [1]


def test_sizes_and_outputs():
  counts = {part: 0 for part in FEW}
  for item in read():
    counts[item.id.partition('/')[0]] += 1
  assert counts == FEW
  one = synthetic_utterances.listing(parts=('sarcasm',), num_val={'sarcasm': 0})
  assert list(one.splits) == ['train', 'test']
  assert dict(one.outputs) == {'sarcasm': ('sarcasm',)}
  both = synthetic_utterances.listing(parts='sarcasm', all_labels=True)
  assert list(both.outputs) == ['emotion', 'sentiment', 'sarcasm']
  assert sum(1 for _ in both.splits['train']()) == 450


def test_all_labels_add_labels_and_change_nothing_else():
  for split in ('train', 'test'):
    for a, b in zip(read(split), read(split, all_labels=True), strict=True):
      assert set(b.labels) == {
        *utterance_affect.EMOTIONS,
        'sentiment',
        'sarcasm',
      }
      assert {k: b.labels[k] for k in a.labels} == a.labels
      same(a, type(a)(**{**fields(b), 'labels': a.labels}))


def fields(item):
  return {name: getattr(item, name) for name in item.__slots__}


def test_the_same_seed_gives_the_same():
  for a, b in zip(read(seed=5), read(seed=5), strict=True):
    same(a, b)
  other = read(seed=6)
  assert all(
    a.transcript != b.transcript for a, b in zip(read(), other, strict=True)
  )


def test_another_process_gives_the_same():
  def digest(seed):
    root = pathlib.Path(__file__).parents[2]
    environment = {**os.environ, 'PYTHONHASHSEED': seed}
    environment['PYTHONPATH'] = str(root)
    return subprocess.run(
      [sys.executable, '-c', DIGEST],
      env=environment,
      capture_output=True,
      text=True,
      check=True,
    ).stdout

  assert digest('1') == digest('2')
  found = hashlib.sha256()
  for turn in utterances.stream(3, 'sarcasm', 'val', 50):
    for x in turn.sequences.values():
      found.update(x.tobytes())
    told = [turn.transcript, turn.speaker, turn.sentiment]
    found.update(repr(told).encode())
  assert found.hexdigest() == digest('1').strip()


def test_an_utterance_does_not_depend_on_how_many_there_are():
  few = read(num_train={'emotion': 7}, parts='emotion')
  many = read(num_train={'emotion': 30}, parts='emotion')
  assert len(few) == 7
  for a, b in zip(few, many, strict=False):
    same(a, b)


def test_speakers_are_in_one_split_of_one_part():
  where = {}
  for split in ('train', 'val', 'test'):
    for item in read(split):
      where.setdefault(item.speaker, set()).add((item.id.split('/')[0], split))
  assert all(len(places) == 1 for places in where.values())
  assert len(where) > 9


def test_dialogues_are_whole_and_in_order():
  for _, group in itertools.groupby(read(), lambda item: item.dialogue):
    turns = list(group)
    assert [t.turn for t in turns] == list(range(len(turns)))
    assert len(turns) <= 12
    assert len({t.speaker for t in turns}) == min(2, len(turns))
  lengths = [
    len(list(group))
    for _, group in itertools.groupby(read(), lambda item: item.dialogue)
  ]
  # Only the last of a part may be cut off.
  assert sum(n < 4 for n in lengths) <= 3
  alone = read(turns=(1, 1))
  assert all((t.dialogue, t.turn) == ('', 0) for t in alone)


def test_shares_of_missing_modalities():
  missing = {'text': 0.1, 'audio': 0.3, 'vision': 0.5}
  items = read(parts='emotion', num_train={'emotion': 1500}, missing=missing)
  has = {m: np.array([m in i.sequences for i in items]) for m in missing}
  # Text stays where all would go: .1 x .3 x .5 of the utterances.
  expected = {'text': 0.1 - 0.015, 'audio': 0.3, 'vision': 0.5}
  for modality, share in expected.items():
    assert np.mean(~has[modality]) == pytest.approx(share, abs=0.04)
  lost = np.mean(~has['audio'] & ~has['vision'])
  assert lost == pytest.approx(0.15, abs=0.04)
  assert all(i.sequences for i in items)
  assert all(bool(i.transcript) == ('text' in i.sequences) for i in items)
  whole = read('test', missing=missing)
  assert all(len(i.sequences) == 3 for i in whole)
  part = read('test', missing=missing, missing_in_eval=True)
  assert any(len(i.sequences) < 3 for i in part)


def test_missing_takes_away_and_changes_nothing_else():
  for a, b in zip(read(), read(missing={'audio': 1.0}), strict=True):
    assert set(b.sequences) == {'text', 'vision'}
    assert a.labels == b.labels
    np.testing.assert_array_equal(a.sequences['text'], b.sequences['text'])


def test_label_noise_is_in_train_only_and_of_the_share_asked_for():
  options = {'all_labels': True, 'num_train': dict.fromkeys(FEW, 400)}
  clean = read(label_noise=0.0, **options)
  noisy = read(label_noise=0.2, **options)
  wrong = {
    'emotion': lambda a, b: any(
      a[e] != b[e] for e in utterance_affect.EMOTIONS
    ),
    'sentiment': lambda a, b: a['sentiment'] != b['sentiment'],
    'sarcasm': lambda a, b: a['sarcasm'] != b['sarcasm'],
  }
  for task, differs in wrong.items():
    pairs = zip(clean, noisy, strict=True)
    share = np.mean([differs(a.labels, b.labels) for a, b in pairs])
    assert share == pytest.approx(0.2, abs=0.04), task
  assert all(abs(i.labels['sentiment']) <= 3 for i in noisy)
  for a, b in zip(
    read('test', label_noise=0.0), read('test', label_noise=1.0), strict=True
  ):
    same(a, b)


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'parts': ()}, 'parts is'),
    ({'parts': ('emotion', 'humour')}, 'humour.*one or more of emotion'),
    ({'parts': ('emotion', 'emotion')}, 'parts is'),
    ({'num_train': {'humour': 3}}, "'humour' of num_train; known: emotion"),
    ({'num_train': {'emotion': 0}}, r"num_train\['emotion'\] is 0"),
    ({'num_val': {'emotion': -1}}, r"num_val\['emotion'\] is -1"),
    ({'num_test': {'emotion': 1.5}}, r"num_test\['emotion'\] is 1.5"),
    ({'missing': {'smell': 0.1}}, 'smell.*known: text, audio, vision'),
    ({'missing': {'text': 1.1}}, r"missing\['text'\] is 1.1; a share"),
    ({'sarcasm_share': {'emotion': -1}}, r"sarcasm_share\['emotion'\] is -1"),
    ({'label_noise': 2}, 'label_noise is 2; a share must be in'),
    ({'drift': 1.0}, 'drift is 1.0'),
    ({'turns': (3, 2)}, r'turns is \(3, 2\)'),
    ({'turns': (0, 2)}, r'turns is \(0, 2\)'),
    ({'seed': -1}, 'seed is -1'),
  ],
)
def test_bad_options(options, message):
  with pytest.raises(ValueError, match=message):
    synthetic_utterances.listing(**options)


def test_every_option_changes_the_sources():
  options = [
    {},
    {'parts': ('emotion',)},
    {'num_train': {'emotion': 3}},
    {'num_val': {'emotion': 3}},
    {'num_test': {'emotion': 3}},
    {'all_labels': True},
    {'sarcasm_share': {'emotion': 0.3}},
    {'drift': 0.1},
    {'turns': (2, 3)},
    {'label_noise': 0.3},
    {'missing': {'text': 0.1}},
    {'missing_in_eval': True},
    {'seed': 1},
  ]
  found = {
    tuple(synthetic_utterances.listing(**o).sources.items()) for o in options
  }
  assert len(found) == len(options)
