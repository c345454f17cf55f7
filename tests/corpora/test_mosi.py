"""CMU-MOSI on arrays that the tests make, and the real ones where they are."""

import collections

import numpy as np
import pytest
from toys import real_data
from toys.mosi import arrays
from toys.mosi import write

from affect_jax.corpora import mosi


def read(listing):
  return {split: list(stream()) for split, stream in listing.splits.items()}


def refusal(path, **options):
  with pytest.raises(ValueError, match=r'.') as e:
    mosi.listing(path, **options)
  return str(e.value)


def test_features_are_sequences_of_one_step_and_come_as_they_are(tmp_path):
  data = arrays()
  listing = mosi.listing(write(tmp_path, data))
  assert listing.dims == {'text': 4, 'audio': 5, 'vision': 6}
  row = {name: k for k, name in enumerate(data['id'].tolist())}
  items = [i for items in read(listing).values() for i in items]
  assert sorted(i.id for i in items) == sorted(row)
  for item in items:
    k = row[item.id]
    for ours, theirs in (('text', 'text'), ('vision', 'visual')):
      assert item.sequences[ours].dtype == np.float32
      np.testing.assert_array_equal(
        item.sequences[ours], data[theirs][k : k + 1]
      )
    np.testing.assert_array_equal(item.sequences['audio'][0], data['audio'][k])
    assert item.dialogue == data['video'][k]
    assert item.turn == data['segment'][k]
    assert item.transcript == data['transcript'][k]


@pytest.mark.parametrize(
  ('sentiment', 'name'),
  [(-3, 'negative'), (-0.2, 'negative'), (0, 'neutral'), (0.2, 'positive')],
)
def test_the_class_is_the_sign_of_the_sentiment(tmp_path, sentiment, name):
  values = np.full(30, sentiment, np.float32)
  listing = mosi.listing(write(tmp_path, sentiment=values))
  assert set(listing.outputs) == {'sentiment', 'sentiment_class'}
  for item in read(listing)['train']:
    assert item.labels['sentiment'] == pytest.approx(sentiment)
    assert item.labels['sentiment_class'] == name


def test_videos_are_whole_and_in_order(tmp_path):
  parts = read(mosi.listing(write(tmp_path)))
  assert all(parts.values())
  for items in parts.values():
    places = [(i.dialogue, i.turn) for i in items]
    assert places == sorted(places)


def test_val_is_whole_videos_of_train_whatever_the_order_of_rows(tmp_path):
  data = arrays()
  listing = mosi.listing(write(tmp_path, data), val_share=0.25)
  parts = read(listing)
  videos = {s: {i.dialogue for i in items} for s, items in parts.items()}
  assert videos['test'] == {'v8', 'v9'}
  assert len(videos['val']) == 2
  assert not videos['val'] & (videos['train'] | videos['test'])
  assert len(videos['train']) == 6
  turned = {name: array[::-1] for name, array in data.items()}
  again = read(mosi.listing(write(tmp_path, turned), val_share=0.25))
  for split, items in parts.items():
    assert [i.id for i in again[split]] == [i.id for i in items]
  assert 'val' not in read(mosi.listing(write(tmp_path), val_share=0))


def test_features_with_the_standard_split_are_an_error(tmp_path):
  path = write(tmp_path)
  for modalities in (('audio',), ('text', 'vision')):
    message = refusal(path, split='standard', modalities=modalities)
    assert 'learned from labels of its test videos' in message
    assert 'modalities=()' in message
  assert 'standard' in refusal(path, split='standard')


def test_transcripts_may_use_the_standard_split(tmp_path):
  listing = mosi.listing(write(tmp_path), split='standard', modalities=())
  parts = read(listing)
  assert {s: len(items) for s, items in parts.items()} == {
    'train': 21,
    'val': 3,
    'test': 6,
  }
  assert listing.dims == {}
  assert all(i.sequences == {} and i.transcript for i in parts['train'])


def test_only_the_modalities_asked_for_are_read(tmp_path):
  data = arrays()
  del data['visual'], data['text']
  listing = mosi.listing(write(tmp_path, data), modalities=['audio'])
  assert listing.dims == {'audio': 5}
  assert set(read(listing)['train'][0].sequences) == {'audio'}
  assert "no array 'visual'" in refusal(
    tmp_path / 'mosi.npz', modalities=['vision']
  )


def test_options_change_the_sources(tmp_path):
  path = write(tmp_path)
  found = [
    mosi.listing(path),
    mosi.listing(path, val_share=0.2),
    mosi.listing(path, modalities=['text']),
    mosi.listing(path, modalities=()),
    mosi.listing(path, split='standard', modalities=()),
  ]
  assert len({tuple(sorted(x.sources.items())) for x in found}) == 5


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'split': 'official'}, "'official'; known: bclstm, standard"),
    ({'modalities': ['visual']}, "'visual'; known: "),
    ({'val_share': 1.0}, 'val_share must be in [0, 1), not 1.0'),
  ],
)
def test_unknown_options_name_the_choices(tmp_path, options, message):
  assert message in refusal(write(tmp_path), **options)


def changed(name, place, value):
  data = arrays()
  array = data[name].astype(object)
  array[place] = value
  return {name: array.astype(data[name].dtype)}


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    (
      {'sentiment': np.full(30, 3.5, np.float32)},
      'row 0: sentiment 3.5 is not',
    ),
    (changed('sentiment', 4, np.nan), 'row 4: sentiment nan is not in [-3, 3]'),
    (changed('text', (7, 2), np.inf), 'text: has inf in row 7, column 2'),
    (
      {'text': np.ones((29, 4), np.float32)},
      'text is float32 of shape (29, 4)',
    ),
    ({'audio': np.ones(30, np.float32)}, 'audio is float32 of shape (30,)'),
    (
      {'split_bclstm': np.array(['train', 'dev'] * 15)},
      "'dev' is not one of train",
    ),
    ({'id': np.array(['same'] * 30)}, "row 1: id 'same' is already in 0"),
    ({'segment': np.zeros(30, int)}, 'video and segment'),
    ({'sentiment': np.array([None] * 30)}, 'allow_pickle=False'),
  ],
)
def test_bad_arrays_are_named(tmp_path, changes, message):
  path = write(tmp_path, **changes)
  found = refusal(path)
  assert str(path) in found
  assert message in found


def test_a_video_in_two_parts_is_an_error(tmp_path):
  data = arrays()
  row = data['id'].tolist().index('v3_1')
  data['split_bclstm'][row] = 'test'
  found = refusal(write(tmp_path, data))
  assert "video 'v3' is in" in found
  assert 'of split_bclstm' in found


def test_other_files_are_refused(tmp_path):
  np.save(tmp_path / 'mosi.npy', np.ones(3))
  assert 'is not an .npz archive' in refusal(tmp_path / 'mosi.npy')
  with pytest.raises(FileNotFoundError, match=r'an \.npz of CMU-MOSI'):
    mosi.listing(tmp_path / 'nothing.npz')


def test_the_real_file():
  path = real_data.path('mosi/mosi.npz')
  listing = mosi.listing(path)
  parts = read(listing)
  assert listing.dims == {'text': 100, 'audio': 73, 'vision': 100}
  assert len(parts['train']) + len(parts['val']) == 1447
  assert len(parts['test']) == 752
  videos = {s: {i.dialogue for i in items} for s, items in parts.items()}
  assert {s: len(v) for s, v in videos.items()} == (
    {'train': 56, 'val': 6, 'test': 31}
  )
  items = [i for part in parts.values() for i in part]
  classes = collections.Counter(i.labels['sentiment_class'] for i in items)
  assert classes['neutral'] == 96
  standard = read(mosi.listing(path, split='standard', modalities=()))
  assert {s: len(i) for s, i in standard.items()} == (
    {'train': 1284, 'val': 229, 'test': 686}
  )
  # Why features are refused there.
  learned = videos['train'] | videos['val']
  assert len({i.dialogue for i in standard['test']} & learned) == 24
