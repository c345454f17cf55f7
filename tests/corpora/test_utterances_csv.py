"""A user's own CSV of utterances: what is understood, and what is refused."""

import os
import sys
import types

from absl import logging
import numpy as np
import pytest
from toys import files as toy_files

from affect_jax.corpora import utterances_csv
from affect_jax.corpora.builders import face_listing
from affect_jax.errors import UserError


def voice(seed=0, steps=3, dim=4):
  return np.random.default_rng(seed).normal(size=(steps, dim))


@pytest.fixture
def folder(tmp_path):
  np.save(tmp_path / 'a.npy', voice(0))
  np.save(tmp_path / 'b.npy', voice(1, steps=5).astype(np.float32))
  np.save(tmp_path / 'face.npy', voice(2, dim=7))
  return tmp_path


def write(folder, header, *rows):
  text = '\n'.join([header, *rows]) + '\n'
  (folder / 'mine.csv').write_text(text, encoding='utf-8')
  return folder / 'mine.csv'


def read(path, split='train', **options):
  items = list(utterances_csv.listing(path, **options).splits[split]())
  return [i for i in items if not isinstance(i, face_listing.LeftOut)]


def left_out(path, split='train'):
  items = utterances_csv.listing(path).splits[split]()
  return {
    i.reason: i.count for i in items if isinstance(i, face_listing.LeftOut)
  }


def refusal(path, **options):
  """The message with which a CSV is refused, at once or while it streams."""

  def read_all():
    for stream in utterances_csv.listing(path, **options).splits.values():
      list(stream())

  with pytest.raises(ValueError, match=r'mine\.csv') as e:
    read_all()
  return str(e.value)


def test_a_row_is_an_utterance(folder):
  path = write(
    folder,
    'id,split,text,audio,vision,dialogue,turn,speaker,sentiment,sarcasm',
    'u1,train,"Well, rain.",a.npy,face.npy,walk,4,Ann,-1.5,1',
    'u2,val,,b.npy,,,,,3,',
  )
  listing = utterances_csv.listing(path)
  assert listing.dims == {'audio': 4, 'vision': 7}
  assert listing.outputs == {
    'sentiment': ('sentiment',),
    'sarcasm': ('sarcasm',),
  }
  assert set(listing.splits) == {'train', 'val'}
  [first] = read(path)
  assert (first.id, first.transcript) == ('u1', 'Well, rain.')
  assert (first.dialogue, first.turn, first.speaker) == ('walk', 4, 'Ann')
  assert first.labels == {'sentiment': -1.5, 'sarcasm': 1}
  assert first.sequences['audio'].dtype == np.float32
  np.testing.assert_allclose(first.sequences['audio'], voice(0), rtol=1e-6)
  assert first.sequences['vision'].shape == (3, 7)
  [second] = read(path, 'val')
  assert set(second.sequences) == {'audio'}
  assert second.sequences['audio'].shape == (5, 4)
  assert second.labels == {'sentiment': 3}
  assert (second.transcript, second.dialogue, second.turn) == ('', '', 0)


def test_one_emotion_each_is_yes_to_it_and_no_to_the_others(folder):
  path = write(
    folder,
    'id,split,text,emotion,sentiment_class',
    'a,train,Hm.,Joy,positive',
    'b,train,Hm.,sad,Negative',
    'c,train,Hm.,,neutral',
    'd,test,Hm.,neutral,',
  )
  outputs = utterances_csv.listing(path).outputs
  assert outputs['emotion'] == ('neutral', 'happiness', 'sadness')
  assert outputs['sentiment_class'] == ('negative', 'neutral', 'positive')
  labels = {i.id: i.labels for i in read(path)}
  assert labels == {
    'a': {
      'neutral': 0,
      'happiness': 1,
      'sadness': 0,
      'sentiment_class': 'positive',
    },
    'b': {
      'neutral': 0,
      'happiness': 0,
      'sadness': 1,
      'sentiment_class': 'negative',
    },
    'c': {'sentiment_class': 'neutral'},
  }


def test_columns_of_emotions_are_several_at_once(folder):
  path = write(
    folder,
    'id,split,text,happy,Anger,frustrated',
    'a,train,Hm.,1,0.25,',
    'b,train,Hm.,,,0',
  )
  outputs = utterances_csv.listing(path).outputs
  assert outputs == {'emotion': ('happiness', 'anger', 'frustration')}
  a, b = read(path)
  assert a.labels == {'happiness': 1, 'anger': 0.25}
  assert b.labels == {'frustration': 0}


def test_dialogues_come_whole_and_in_order_of_turn(folder):
  path = write(
    folder,
    'id,split,text,dialogue,turn,sarcasm',
    'a2,train,Hm.,a,20,1',
    'b1,train,Hm.,b,1,1',
    'x,train,Hm.,,,1',
    'a1,train,Hm.,a,3,1',
    'b0,train,Hm.,b,0,1',
  )
  found = [(i.id, i.turn) for i in read(path)]
  assert found == [('a1', 3), ('a2', 20), ('b0', 0), ('b1', 1), ('x', 0)]


def test_without_turns_the_order_of_the_rows_counts(folder):
  path = write(
    folder,
    'id,split,text,dialogue,sarcasm',
    'z,train,Hm.,a,1',
    'y,train,Hm.,b,1',
    'x,train,Hm.,a,1',
    'w,train,Hm.,,1',
    'v,train,Hm.,,1',
  )
  found = [(i.id, i.turn) for i in read(path)]
  assert found == [('z', 0), ('x', 1), ('y', 0), ('w', 0), ('v', 0)]


def test_rows_without_labels_stay_as_context_of_a_dialogue_only(folder):
  path = write(
    folder,
    'id,split,text,dialogue,sarcasm',
    'a,train,Hm.,d,',
    'b,train,Hm.,d,1',
    'c,train,Hm.,,',
    'd,train,Hm.,e,',
    'e,val,Hm.,,',
    'f,val,Hm.,,0',
  )
  assert [i.id for i in read(path)] == ['a', 'b']
  assert read(path)[0].labels == {}
  assert left_out(path) == {'rows without any label': 2}
  assert left_out(path, 'val') == {'rows without any label': 1}
  kept = read(path, unlabelled='keep')
  assert {i.id: bool(i.labels) for i in kept} == {
    'a': False,
    'b': True,
    'c': False,
    'd': False,
  }
  one, other = (
    utterances_csv.listing(path, unlabelled=x).sources for x in ('skip', 'keep')
  )
  assert one != other  # Prepared apart, and the default as it was.
  assert 'unlabelled' not in one
  with pytest.raises(ValueError, match="'no'; known: skip, keep"):
    utterances_csv.listing(path, unlabelled='no')


def test_repeated_rows_are_counted_and_different_ones_refused(folder):
  header = 'id,split,text,sarcasm'
  path = write(folder, header, *['a,train,Hm.,1'] * 3, 'b,train,Hm.,1')
  assert [i.id for i in read(path)] == ['a', 'b']
  assert left_out(path) == {'repeated rows': 2}
  path = write(folder, header, 'a,train,Hm.,1', '', 'a,val,Hm.,1')
  assert ":4: id 'a' is already in line 2" in refusal(path)


HEADER = 'id,split,text,audio,vision,dialogue,turn,emotion,sentiment,sarcasm'


@pytest.mark.parametrize(
  ('row', 'message'),
  [
    (',train,Hm.,,,,,joy,,', 'id is empty'),
    ('a,eval,Hm.,,,,,joy,,', "split 'eval' is not one of train, val, test"),
    ('nan,train,Hm.,,,,,joy,,', 'id is empty'),
    ('a,train,Hm.,,,,,blue,,', "Unknown emotion 'blue'; known: "),
    ('a,train,Hm.,,,,,,3.1,', "sentiment '3.1' is not in [-3, 3]"),
    ('a,train,Hm.,,,,,,inf,', "sentiment 'inf' is not in [-3, 3]"),
    ('a,train,Hm.,,,,,,0_1,', "sentiment '0_1' is not a number"),
    ('a,train,Hm.,,,d,1_0,,,1', "turn '1_0' is not a whole number"),
    ('a,train,Hm.,,,,,,good,', "sentiment 'good' is not a number"),
    ('a,train,Hm.,,,,,,,-1', "sarcasm '-1' is not in [0, 1]"),
    ('a,train,Hm.,no.npy,,,,,,1', "audio 'no.npy': no such file"),
    ('a,train,Hm.,no.mp3,,,,,,1', "audio 'no.mp3': no such file"),
    ('a,train,Hm.,a.m4a,,,,,,1', "audio 'a.m4a': not a file of features or a"),
    ('a,train,Hm.,,face.wav,,,,,1', "vision 'face.wav': not a file of feat"),
    ('a,train,Hm.,x\\a.npy,,,,,,1', 'use / and not \\ in paths'),
    ('a,train,Hm.,,,d,-1,,,1', "turn '-1' is not a whole number"),
    ('a,train,Hm.,,,d,1.5,,,1', "turn '1.5' is not a whole number"),
    ('a,train,Hm.,,,d,9999999999,,,1', "turn '9999999999' is not"),
    ('a,train,Hm.,,,,1,,,1', "turn is '1', but dialogue is empty"),
    ('a,train,Hm.,,,,,,1', '9 cells, not 10'),
  ],
)
def test_a_bad_row_is_named_by_line_and_value(folder, row, message):
  message = f'mine.csv:3: {message}' if '\\' not in row else message
  found = refusal(write(folder, HEADER, 'z,train,Hm.,,,,,,1,', row))
  assert message in found


def test_all_bad_rows_are_reported_at_once(folder):
  rows = [f'a{k},train,Hm.,,,,,,{k},' for k in range(10)]
  found = refusal(write(folder, HEADER, *rows))
  assert found.count('is not in [-3, 3]') == 6


@pytest.mark.parametrize(
  ('rows', 'message'),
  [
    (['a,train,Hm.,,,d,1,,,1', 'b,train,Hm.,,,d,1,,,1'], ':3: turn 1 of'),
    (['a,train,Hm.,,,d,1,,,1', 'b,train,Hm.,,,d,,,,1'], ':3: turn is empty'),
  ],
)
def test_turns_of_a_dialogue_are_all_there_and_differ(folder, rows, message):
  found = refusal(write(folder, HEADER, *rows))
  assert message in found
  assert "dialogue 'd'" in found


@pytest.mark.parametrize(
  ('array', 'message'),
  [
    (np.ones(4), 'has the shape (4,), not (steps, features)'),
    (np.ones((0, 4)), 'has the shape (0, 4)'),
    (np.ones((2, 3, 4)), 'has the shape (2, 3, 4)'),
    (np.ones((1, 1, 3, 4)), 'has the shape (1, 1, 3, 4)'),
    (np.ones((1, 3, 5)), 'has 5 features per step, not 4'),
    (np.ones((2, 5)), 'has 5 features per step, not 4'),
    (np.array([[1, 2, np.nan, 4]]), 'has nan in row 0, column 2'),
    (np.full((1, 4), 1e300), 'has 1e+300 in row 0, column 0, which is beyond'),
    (np.array([['x'] * 4]), 'is <U1, not an array of numbers'),
    (np.array([[None] * 4]), 'is no .npy or .npz file of numbers'),
    (b'nothing', 'is no .npy or .npz file of numbers'),
    (b'', 'is no .npy or .npz file of numbers'),
  ],
)
def test_a_bad_feature_file_is_named(folder, array, message):
  if isinstance(array, bytes):
    (folder / 'bad.npy').write_bytes(array)
  else:
    np.save(folder / 'bad.npy', array)
  path = write(
    folder,
    'id,split,audio,sarcasm',
    'a,train,a.npy,1',
    'b,val,b.npy,1',
    'c,val,bad.npy,1',
  )
  found = refusal(path)
  assert f"mine.csv:4: audio 'bad.npy' {message}" in found
  assert 'the first one is in line 2' in found
  # It says so as well where there is nothing to compare it with.
  path = write(folder, 'id,split,audio,sarcasm', 'c,train,bad.npy,1')
  if 'per step' not in message:
    assert f"mine.csv:2: audio 'bad.npy' {message}" in refusal(path)


def test_archives_of_one_array_and_batches_of_one_utterance(folder):
  np.savez(folder / 'x.npz', wav2vec=voice(3)[None])
  np.savez_compressed(folder / 'y.npz', voice(4))
  np.save(folder / 'z.npy', voice(5)[None])
  rows = [f'{n},train,{n},1' for n in ('x.npz', 'y.npz', 'z.npy')]
  items = read(write(folder, 'id,split,audio,sarcasm', *rows))
  for item, seed in zip(items, (3, 4, 5), strict=True):
    np.testing.assert_allclose(item.sequences['audio'], voice(seed), rtol=1e-6)


def test_archives_of_several_arrays_and_damaged_ones_are_refused(folder):
  np.savez(folder / 'x.npz', a=np.ones((2, 4)), b=np.ones(2))
  path = write(folder, 'id,split,audio,sarcasm', 'c,train,x.npz,1')
  assert "audio 'x.npz' is an .npz archive of 2 arrays (a, b)" in refusal(path)
  np.savez(folder / 'x.npz', np.ones((90, 9)))
  whole = (folder / 'x.npz').read_bytes()
  for data in (whole[:90], whole[:300] + b'\0' * 9 + whole[309:], b'PK\3\4'):
    (folder / 'x.npz').write_bytes(data)
    assert "audio 'x.npz' is no .npy or .npz file of numbers" in refusal(path)


def test_recordings_go_through_wav_features(folder, monkeypatch):
  read_files = []

  def features(path, counts=None):
    read_files.append(path)
    return np.full((2, 3), 0.5, np.float32)

  fake = types.ModuleType('wav_features')
  fake.features = features
  fake.names = lambda: ('one', 'two', 'three')
  monkeypatch.setitem(
    sys.modules, 'affect_jax.corpora.features.wav_features', fake
  )
  monkeypatch.setattr(
    'affect_jax.corpora.features.wav_features', fake, raising=False
  )
  (folder / 'talk.WAV').touch()
  path = write(folder, 'id,split,audio,sarcasm', 'a,train,talk.WAV,1')
  listing = utterances_csv.listing(path)
  assert listing.dims == {'audio': 3}
  assert not read_files
  [item] = listing.splits['train']()
  assert read_files == [folder / 'talk.WAV']
  np.testing.assert_array_equal(item.sequences['audio'], np.full((2, 3), 0.5))
  # Features of another kind beside them are noticed.
  path = write(
    folder, 'id,split,audio,sarcasm', 'a,train,a.npy,1', 'b,train,talk.WAV,1'
  )
  assert 'has 3 features per step, not 4' in refusal(path)


@pytest.mark.parametrize(
  ('header', 'message'),
  [
    ('id,split,txt', "unknown column 'txt' (did you mean 'text'?)"),
    ('id,split,text,mood', "unknown column 'mood'; known: id, split, text"),
    ('id,split;text', "unknown column 'split;text'"),
    ('id,text', "no column 'split'"),
    ('split,text', "no column 'id'"),
    ('id,split,text,joy,happy', 'column happiness appears twice'),
    ('id,split,text,emotion,joy', 'either the column emotion'),
  ],
)
def test_a_bad_header_names_the_choices(folder, header, message):
  found = refusal(write(folder, header, 'a,train,Hm.'))
  assert 'mine.csv:1: ' in found
  assert message in found


def test_other_columns_are_named_to_be_ignored(folder):
  path = write(folder, 'id,split,text,note,sarcasm', 'a,train,Hm.,new,1')
  [item] = read(path, ignore_columns=['note'])
  assert item.labels == {'sarcasm': 1}
  message = refusal(path, ignore_columns=['note', 'notes'])
  assert 'config.data.ignore_columns names notes' in message


def test_train_must_have_labels(folder):
  header = 'id,split,text,sarcasm'
  message = 'no row of split train has a label'
  assert message in refusal(write(folder, header, 'a,val,Hm.,1'))
  assert message in refusal(write(folder, header, 'a,train,Hm.,'))
  assert 'no rows below' in refusal(write(folder, header))
  with pytest.raises(FileNotFoundError, match='a CSV of utterances'):
    utterances_csv.listing(folder / 'nothing.csv')


def test_a_dialogue_in_two_splits_is_warned_of(folder, monkeypatch):
  lines = []
  monkeypatch.setattr(logging, 'warning', lambda m, *a: lines.append(m % a))
  header = 'id,split,text,dialogue,sarcasm'
  rows = ['a,train,Hm.,d,1', 'b,val,Hm.,d,1', 'c,val,Hm.,e,1', 'd,test,Hm.,,1']
  path = write(folder, header, *rows)
  listing = utterances_csv.listing(path)
  [line] = lines
  assert '1 dialogues are in more than one split (d)' in line
  assert listing.sources['dialogues_in_two_splits'] == '1'
  assert [i.id for i in read(path, 'val')] == ['b', 'c']
  lines.clear()
  utterances_csv.listing(write(folder, header, rows[0], *rows[2:]))
  assert not lines


def test_what_is_prepared_depends_on_the_files(folder):
  path = write(folder, 'id,split,audio,sarcasm', 'a,train,a.npy,1')
  first = utterances_csv.listing(path).sources
  assert utterances_csv.listing(path).sources == first
  os.utime(folder / 'a.npy', ns=(1, 1))
  second = utterances_csv.listing(path).sources
  assert second != first
  write(folder, 'id,split,audio,sarcasm', 'a,train,a.npy,0')
  assert utterances_csv.listing(path).sources != second


def test_a_listing_streams_the_same_again(folder):
  path = write(
    folder,
    'id,split,audio,dialogue,sarcasm',
    'a,train,a.npy,d,1',
    'b,train,b.npy,d,',
  )
  stream = utterances_csv.listing(path).splits['train']
  for x, y in zip(stream(), stream(), strict=True):
    assert (x.id, x.turn, x.labels) == (y.id, y.turn, y.labels)
    np.testing.assert_array_equal(x.sequences['audio'], y.sequences['audio'])


def test_zeros_are_missing_and_what_overflows_is_named(tmp_path):
  np.save(tmp_path / 'zero.npy', np.zeros((3, 2)))
  np.save(tmp_path / 'one.npy', np.ones((3, 2)))
  path = tmp_path / 'utterances.csv'
  path.write_text(
    'id,split,text,audio,sarcasm\n'
    'a,train,hello,one.npy,1\nb,train,hello,zero.npy,1\n'
  )
  found, left = toy_files.consumed(utterances_csv.listing(path), 'train')
  assert set(found['a'].sequences) == {'audio'}
  assert not found['b'].sequences
  assert left['audio sequences that are all zero (missing)'] == 1
  np.save(tmp_path / 'zero.npy', np.full((3, 2), 1e39))
  with pytest.raises(UserError, match=r'has 1e\+39 .*beyond .* float32'):
    toy_files.consumed(utterances_csv.listing(path), 'train')
