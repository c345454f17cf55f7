"""MUStARD on files that the tests write, and the real ones where they are."""

import collections
import json
import subprocess
import sys

from absl import logging
import numpy as np
import pytest
from toys import real_data
from toys.mustard import clips
from toys.mustard import counts
from toys.mustard import read
from toys.mustard import refusal
from toys.mustard import split
from toys.mustard import write

from affect_jax.corpora import mustard
from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.files import mojibake


def test_an_utterance_has_words_context_speaker_and_label(tmp_path):
  table = {
    'a_1': {
      'utterance': 'Great, rain.',
      'speaker': 'ANN',
      'context': ['Look outside.', 'Is it wet?'],
      'context_speakers': ['BO', 'BO'],
      'show': 'FRIENDS',
      'sarcasm': True,
    },
    'b_2': {
      'utterance': 'It is noon.',
      'speaker': 'BO',
      'context': [],
      'context_speakers': [],
      'show': 'BBT',
      'sarcasm': False,
    },
  }
  parts = read(
    write(tmp_path, table), protocol='speaker_independent', val_share=0
  )
  [item] = parts['test']
  assert (item.id, item.speaker) == ('a_1', 'FRIENDS/ANN')
  assert item.transcript == 'Great, rain.'
  assert list(item.context) == ['Look outside.', 'Is it wet?']
  assert list(item.context_speakers) == ['BO', 'BO']
  assert item.labels == {'sarcasm': 1}
  assert (item.dialogue, item.sequences) == ('', {})
  [item] = parts['train']
  assert item.labels == {'sarcasm': 0}
  assert list(item.context) == []


@pytest.mark.parametrize('fold', range(5))
def test_a_fold_is_that_of_the_file(tmp_path, fold):
  parts = read(write(tmp_path), fold=fold)
  names = np.array(list(clips()))
  train, test = split()[fold]
  ids = {s: {i.id for i in items} for s, items in parts.items()}
  assert ids['test'] == set(names[test])
  assert ids['train'] | ids['val'] == set(names[train])
  assert not ids['train'] & ids['val']


def test_an_npz_of_the_folds_is_the_same(tmp_path):
  write(tmp_path)
  arrays = {}
  for k, (train, test) in enumerate(split()):
    arrays |= {f'train{k}': train, f'test{k}': test}
  np.savez(tmp_path / 'five.npz', **arrays)
  assert read(tmp_path, fold=3, folds='five.npz') == read(tmp_path, fold=3)
  np.savez(tmp_path / 'five.npz', train0=arrays['train0'])
  assert 'not train0, test0, train1' in refusal(tmp_path, folds='five.npz')


def test_speaker_independent_tests_on_friends_and_needs_no_folds(tmp_path):
  (write(tmp_path) / 'split_indices.p').unlink()
  parts = read(tmp_path, protocol='speaker_independent')
  assert counts(parts['test']) == {('FRIENDS', 1): 4, ('FRIENDS', 0): 6}
  known = counts(parts['train']) + counts(parts['val'])
  assert {show for show, _ in known} == {'BBT', 'GOLDENGIRLS'}
  assert sum(known.values()) == 30
  table = {k: v for k, v in clips().items() if v['show'] != 'FRIENDS'}
  write(tmp_path, table)
  message = refusal(tmp_path, protocol='speaker_independent')
  assert "['BBT', 'GOLDENGIRLS']" in message


def test_val_has_the_same_share_of_each_show_and_label(tmp_path):
  write(tmp_path)
  parts = read(tmp_path, protocol='speaker_independent', val_share=0.2)
  assert counts(parts['val']) == {
    ('BBT', 1): 2,
    ('BBT', 0): 2,
    ('GOLDENGIRLS', 1): 2,  # 1.8
  }
  none = read(tmp_path, protocol='speaker_independent', val_share=0)
  assert set(none) == {'train', 'test'}


def test_val_depends_on_ids_and_not_on_the_order_of_rows(tmp_path):
  options = {'protocol': 'speaker_independent', 'val_share': 0.3}
  first = {i.id for i in read(write(tmp_path), **options)['val']}
  turned = dict(reversed(clips().items()))
  again = {i.id for i in read(write(tmp_path, turned), **options)['val']}
  assert first == again


def test_options_and_files_change_the_sources(tmp_path):
  write(tmp_path)
  found = [
    mustard.listing(tmp_path),
    mustard.listing(tmp_path, fold=1),
    mustard.listing(tmp_path, val_share=0.2),
    mustard.listing(tmp_path, protocol='speaker_independent'),
    mustard.listing(write(tmp_path, folds=split()[::-1])),
  ]
  assert len({tuple(sorted(x.sources.items())) for x in found}) == 5


def overlapping():
  folds = split()
  train, test = folds[2]
  return [*folds[:2], (np.append(train, test[0]), test), *folds[3:]]


def short():
  return [(train[:-1], test) for train, test in split()]


def beyond():
  return [(np.append(train, 40), test) for train, test in split()]


def negative():
  return [(train, np.append(test, -1)) for train, test in split()]


def doubled():
  return [(train, np.append(test, test[0])) for train, test in split()]


def reals():
  return [(train + 0.5, test) for train, test in split()]


@pytest.mark.parametrize(
  ('folds', 'message'),
  [
    (overlapping, f'fold 2: row {split()[2][1][0]} in train and in test'),
    (short, f'fold 0: row {split()[0][0][-1]} in neither part, of the 40'),
    (beyond, 'fold 0: train has row 40 beyond the table, which has 40 rows'),
    (negative, 'fold 0: test has row -1 beyond the table'),
    (doubled, f'fold 0: test has row {split()[0][1][0]} twice'),
    (reals, 'which is not a row number'),
    (lambda: [split()[0]] * 2, 'in the test part of an earlier fold'),
    (lambda: [(np.arange(40), np.arange(0))], 'fold 0: test is empty'),
    (lambda: {'train': [1]}, 'not a list of pairs (train, test)'),
  ],
)
def test_folds_that_do_not_fit_are_refused(tmp_path, folds, message):
  write(tmp_path, folds=folds())
  found = refusal(tmp_path)
  assert str(tmp_path / 'split_indices.p') in found
  assert message in found


def test_a_pickle_cannot_run_code(tmp_path):
  class Trap:
    def __reduce__(self):
      return subprocess.call, ([sys.executable, '-c', ''],)

  write(tmp_path, folds=[Trap()])
  assert 'refused' in refusal(tmp_path)


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'protocol': 'loso'}, "'loso'; known: folds, speaker_independent"),
    ({'fold': 5}, 'fold must be from 0 to 4, not 5'),
    ({'fold': -1}, 'fold must be from 0 to 4, not -1'),
    ({'val_share': -0.1}, 'val_share must be in [0, 1), not -0.1'),
  ],
)
def test_unknown_options_name_the_choices(tmp_path, options, message):
  assert message in refusal(write(tmp_path), **options)


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    ({'sarcasm': 'yes'}, "sarcasm 'yes' is not a bool"),
    ({'utterance': ' '}, 'utterance is empty'),
    ({'context': 'First.'}, "context 'First.' is not a list"),
    ({'context': ['First.', None]}, 'context None is not a str'),
    ({'context_speakers': ['BO']}, '1 context_speakers for 2 texts'),
    ({'show': None}, 'show None is not a str'),
  ],
)
def test_bad_clips_are_named(tmp_path, change, message):
  table = clips()
  table['B_13'] |= change
  message = f"'B_13': {message}"
  assert message in refusal(write(tmp_path, table))


def test_other_tables_are_refused(tmp_path):
  table = clips()
  del table['G_00']['show']
  assert "'G_00': no 'show'" in refusal(write(tmp_path, table))
  file = tmp_path / 'sarcasm_data.json'
  text = json.dumps(clips())
  file.write_text(text.replace('"B_11"', '"B_12"'))
  assert "'B_12' appears twice" in refusal(tmp_path)
  file.write_text(text[:-5])
  assert f'{file} cannot be used' in refusal(tmp_path)
  file.write_text('[]')
  assert 'not a table' in refusal(tmp_path)
  file.unlink()
  with pytest.raises(FileNotFoundError, match='the table of MUStARD'):
    mustard.listing(tmp_path)


def test_broken_apostrophes_are_mended_and_logged(tmp_path, monkeypatch):
  lines = []
  monkeypatch.setattr(logging, 'info', lambda m, *a: lines.append(m % a))
  table = clips()
  table['F_10'] |= {
    'utterance': 'DonÕt.',
    'context': ['ItÕs new.'],
    'context_speakers': ['BO'],
  }
  parts = mustard.listing(
    write(tmp_path, table), protocol='speaker_independent', val_share=0
  ).splits
  items = list(parts['test']())
  [item] = [i for i in items if getattr(i, 'id', '') == 'F_10']
  assert face_listing.LeftOut(mojibake.MENDED, 'F_10', 2) in items
  assert (item.transcript, list(item.context)) == ('Don’t.', ['It’s new.'])
  assert [line for line in lines if 'characters in 2 texts' in line]


def test_the_real_folds():
  folder = real_data.path('mustard')
  tested = collections.Counter()
  for fold, sarcastic in enumerate((74, 71, 63, 76, 61)):
    parts = read(folder, folds='mustard_5fold.npz', fold=fold)
    sizes = {s: len(items) for s, items in parts.items()}
    assert sizes['train'] + sizes['val'] == 552
    assert sizes['test'] == 138
    assert 50 <= sizes['val'] <= 60
    labels = [i.labels['sarcasm'] for i in parts['test']]
    assert sum(labels) == sarcastic
    ids = [i.id for items in parts.values() for i in items]
    assert len(set(ids)) == 690
    tested.update(i.id for i in parts['test'])
  assert len(tested) == 690
  assert set(tested.values()) == {1}


def test_the_real_speaker_independent_split():
  folder = real_data.path('mustard')
  parts = read(folder, protocol='speaker_independent')
  assert counts(parts['test']) == {('FRIENDS', 1): 152, ('FRIENDS', 0): 204}
  assert counts(parts['train']) + counts(parts['val']) == {
    ('BBT', 1): 140,
    ('BBT', 0): 140,
    ('GOLDENGIRLS', 1): 39,
    ('GOLDENGIRLS', 0): 1,
    ('SARCASMOHOLICS', 1): 14,
  }
  assert counts(parts['val']) == {
    ('BBT', 1): 14,
    ('BBT', 0): 14,
    ('GOLDENGIRLS', 1): 4,
    ('SARCASMOHOLICS', 1): 1,
  }
  items = [i for part in parts.values() for i in part]
  assert all(i.transcript and i.context for i in items)
