"""MUStARD on files that the tests write, and the real ones where they are."""

import collections
import json
import pickle
import subprocess
import sys

from absl import logging
import numpy as np
import pytest
import real_data

from affect_jax.corpora import mustard

# Rows of each show: (sarcastic, not sarcastic).
SHOWS = {'FRIENDS': (4, 6), 'BBT': (10, 10), 'GOLDENGIRLS': (9, 1)}


def clips():
  found = {}
  for show, counts in SHOWS.items():
    for sarcasm, count in zip((True, False), counts, strict=True):
      for k in range(count):
        found[f'{show[0]}_{sarcasm:d}{k}'] = {
          'utterance': f'What a {k} day.',
          'speaker': 'PERSON',
          'context': ['First.', 'Then.'],
          'context_speakers': ['PERSON', 'OTHER'],
          'show': show,
          'sarcasm': sarcasm,
        }
  # Shows and labels take turns.
  names = np.random.default_rng(0).permutation(list(found)).tolist()
  return {name: found[name] for name in names}


def split(size=40, folds=5):
  order = np.random.default_rng(1).permutation(size)
  parts = np.array_split(order, folds)
  return [
    (np.concatenate([p for j, p in enumerate(parts) if j != k]), test)
    for k, test in enumerate(parts)
  ]


def write(folder, table=None, folds=None):
  (folder / 'sarcasm_data.json').write_text(
    json.dumps(clips() if table is None else table, indent=2)
  )
  with open(folder / 'split_indices.p', 'wb') as f:
    pickle.dump(split() if folds is None else folds, f, protocol=2)
  return folder


def read(folder, **options):
  listing = mustard.listing(folder, **options)
  return {s: list(stream()) for s, stream in listing.splits.items()}


def refusal(folder, **options):
  with pytest.raises(ValueError, match=r'.') as e:
    read(folder, **options)
  return str(e.value)


def counts(items):
  return collections.Counter(
    (i.speaker.partition('/')[0], i.labels['sarcasm']) for i in items
  )


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
    (reals, 'which is no row number'),
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
    ({'protocol': 'loso'}, "'loso'; known: ['folds', 'speaker_independent']"),
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
    ({'context_speakers': ['BO']}, '1 context_speakers of 2 texts'),
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
  assert "'G_00': there is no 'show'" in refusal(write(tmp_path, table))
  file = tmp_path / 'sarcasm_data.json'
  text = json.dumps(clips())
  file.write_text(text.replace('"B_11"', '"B_12"'))
  assert "'B_12' is there twice" in refusal(tmp_path)
  file.write_text(text[:-5])
  assert f'{file}: cannot be used' in refusal(tmp_path)
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
  parts = read(
    write(tmp_path, table), protocol='speaker_independent', val_share=0
  )
  [item] = [i for i in parts['test'] if i.id == 'F_10']
  assert (item.transcript, list(item.context)) == ('Don’t.', ['It’s new.'])
  assert [line for line in lines if 'mended in 2 texts' in line]


def audio(dim=5):
  rng = np.random.default_rng(2)
  return {
    name: rng.normal(size=(dim, 2 + k % 3)) for k, name in enumerate(clips())
  }


def save_audio(folder, features):
  with open(folder / 'audio.p', 'wb') as f:
    pickle.dump(features, f, protocol=2)


def test_audio_is_turned_so_that_time_comes_first(tmp_path):
  write(tmp_path)
  save_audio(tmp_path, audio() | {'further': np.ones((5, 1))})
  options = {'protocol': 'speaker_independent', 'audio_features': 'audio.p'}
  listing = mustard.listing(tmp_path, **options)
  assert listing.dims == {'audio': 5}
  assert 'audio.p' in listing.sources
  for items in read(tmp_path, **options).values():
    for item in items:
      found = item.sequences['audio']
      assert found.dtype == np.float32
      np.testing.assert_allclose(found, audio()[item.id].T, rtol=1e-6)


def test_bad_audio_is_named(tmp_path):
  write(tmp_path)
  name = list(clips())[7]
  options = {'val_share': 0, 'audio_features': 'audio.p'}
  for bad, message in (
    (np.ones((4, 3)), 'has 4 features per step, not 5'),
    (np.ones(5), 'has the shape (5,)'),
    (np.ones((5, 0)), 'has the shape (0, 5)'),
    (np.full((5, 2), np.nan), 'has nan in row 0, column 0; 10 of its'),
    (np.array([['1', '2']]), 'not an array of numbers'),
  ):
    save_audio(tmp_path, audio() | {name: bad})
    found = refusal(tmp_path, **options)
    assert f"{tmp_path / 'audio.p'}: '{name}'" in found
    assert message in found
  features = audio()
  del features[name]
  save_audio(tmp_path, features)
  assert f"nothing for '{name}'" in refusal(tmp_path, **options)
  save_audio(tmp_path, [1])
  assert 'not a dict of arrays' in refusal(tmp_path, **options)
  (tmp_path / 'audio.p').unlink()
  with pytest.raises(FileNotFoundError, match='audio features of MUStARD'):
    mustard.listing(tmp_path, **options)


def test_vision_is_read_by_id(tmp_path):
  h5py = pytest.importorskip('h5py')
  rng = np.random.default_rng(3)
  frames = {
    name: rng.normal(size=(1 + k % 4, 6)).astype(np.float32)
    for k, name in enumerate(clips())
  }
  file = tmp_path / 'features' / 'resnet_pool5.hdf5'
  file.parent.mkdir()
  with h5py.File(file, 'w') as f:
    for name, value in frames.items():
      f[name] = value
  write(tmp_path)
  options = {'vision_features': 'features/resnet_pool5.hdf5'}
  assert mustard.listing(tmp_path, **options).dims == {'vision': 6}
  for items in read(tmp_path, **options).values():
    for item in items:
      np.testing.assert_array_equal(item.sequences['vision'], frames[item.id])
  with h5py.File(file, 'a') as f:
    del f['B_15']
  assert "nothing for 'B_15'" in refusal(tmp_path, **options)
  file.write_bytes(b'no HDF5')
  assert 'is no HDF5 file' in refusal(tmp_path, **options)


def test_without_h5py_the_error_says_what_to_install(tmp_path, monkeypatch):
  monkeypatch.setitem(sys.modules, 'h5py', None)
  write(tmp_path)
  (tmp_path / 'v.hdf5').touch()
  with pytest.raises(ImportError, match=r'affect_jax\[csd\]'):
    mustard.listing(tmp_path, vision_features='v.hdf5')


def bert_line(k):
  """One line: 2 or 3 pieces of 2 layers; the mean of a piece is k + piece."""
  pieces = [
    {
      'token': 'x',
      'layers': [
        {'index': -1, 'values': [k + p - 1.0] * 4},
        {'index': -2, 'values': [k + p + 1.0] * 4},
      ],
    }
    for p in range(2 + k % 2)
  ]
  return json.dumps({'linex_index': k, 'features': pieces})


def test_text_is_the_mean_layer_of_each_piece_in_the_order_of_rows(tmp_path):
  write(tmp_path)
  lines = [bert_line(k) for k in range(40)]
  file = tmp_path / 'bert-output.jsonl'
  file.write_text('\n'.join(lines) + '\n')
  options = {'text_features': str(file), 'protocol': 'speaker_independent'}
  assert mustard.listing(tmp_path, **options).dims == {'text': 4}
  row = {name: k for k, name in enumerate(clips())}
  parts = read(tmp_path, **options)
  assert sum(len(items) for items in parts.values()) == 40
  for items in parts.values():
    for item in items:
      k = row[item.id]
      pieces = np.arange(2 + k % 2) + k
      np.testing.assert_array_equal(
        item.sequences['text'], np.repeat(pieces[:, None], 4, axis=1)
      )
  file.write_text('\n'.join(lines[:39]) + '\n')
  assert '39 lines; the table has 40 rows' in refusal(tmp_path, **options)
  lines[11] = '{}'
  file.write_text('\n'.join(lines) + '\n')
  assert f'{file}:12: ' in refusal(tmp_path, **options)


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
