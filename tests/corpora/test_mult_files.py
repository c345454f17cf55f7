"""Pickles of MulT and MultiBench, in miniature and with every quirk."""

import numpy as np
import pytest
from toys import feature_files
from toys import files as toy_files

from affect_jax.corpora import mult

RNG = np.random.default_rng(0)
features = feature_files.mult_features
part = feature_files.mult_part
sentiments = feature_files.sentiments
EMOTIONS = ('happiness', 'sadness', 'anger', 'surprise', 'disgust', 'fear')


def three(train, valid, test):
  return {'train': train, 'valid': valid, 'test': test}


def mosi():
  """Ids of MulT's MOSI: bytes, (video, start, end)."""
  return three(
    part(
      sentiments(2.4, -3, 0),
      np.array(
        [(b'a', b'9.5', b'11'), (b'b', b'0', b'1'), (b'a', b'1.5', b'3')]
      ),
    ),
    part(sentiments(1), np.array([(b'c', b'0', b'2')])),
    part(sentiments(-1), np.array([(b'd', b'0', b'2')])),
  )


def listed(tmp_path, content, dataset, **options):
  path = toy_files.write_pickle(tmp_path / 'x.pkl', content)
  return mult.listing(path, dataset, **options)


def test_mosi_of_mult(tmp_path):
  content = mosi()
  content['train']['audio'][0, 3] = -np.inf
  listing = listed(tmp_path, content, 'mosi')
  assert list(listing.splits) == ['train', 'val', 'test']
  assert dict(listing.dims) == {'text': 4, 'audio': 2, 'vision': 3}
  assert set(listing.outputs) == {'sentiment', 'sentiment_class'}
  found, left = toy_files.consumed(listing, 'train')
  assert left == {'audio values of -inf (read as 0)': 2}
  # In order of time, which is not that of the letters.
  assert [(u.id, u.dialogue, u.turn) for u in found.values()] == [
    ('a|1.5|3', 'a', 0),
    ('a|9.5|11', 'a', 1),
    ('b|0|1', 'b', 0),
  ]
  first = found['a|9.5|11']
  assert first.labels == {'sentiment': 2.4, 'sentiment_class': 'positive'}
  assert first.transcript == ''
  for modality, sequence in first.sequences.items():
    expected = content['train'][modality][0, 2:].astype(np.float32)
    expected[expected == -np.inf] = 0
    assert sequence.dtype == np.float32
    np.testing.assert_array_equal(sequence, expected)


def test_padding_of_each_modality_where_they_are_not_aligned(tmp_path):
  content = mosi()
  data = content['train']
  data['vision'] = RNG.normal(size=(3, 8, 3))
  data['vision'][:, 5:] = 0  # Behind, unlike the others.
  data['vision'][1, 2] = 0  # Inside: stays.
  data['audio'][2] = 0
  found, left = toy_files.consumed(listed(tmp_path, content, 'mosi'), 'train')
  shapes = {
    name: {m: len(s) for m, s in u.sequences.items()}
    for name, u in found.items()
  }
  assert shapes == {
    'a|1.5|3': {'text': 3, 'vision': 5},
    'a|9.5|11': {'text': 3, 'audio': 3, 'vision': 5},
    'b|0|1': {'text': 3, 'audio': 3, 'vision': 5},
  }
  assert left == {'audio sequences of length 0 (missing)': 1}
  np.testing.assert_array_equal(
    found['b|0|1'].sequences['vision'],
    data['vision'][1, :5].astype(np.float32),
  )


def test_aligned_modalities_are_cut_like_the_text(tmp_path):
  content = mosi()
  data = content['train']
  data['vision'][1, :4] = 0  # No face in the first two words.
  data['audio'][1, :2] = 1  # Before the text begins.
  found, left = toy_files.consumed(listed(tmp_path, content, 'mosi'), 'train')
  assert not left
  for modality, sequence in found['b|0|1'].sequences.items():
    np.testing.assert_array_equal(
      sequence, data[modality][1, 2:].astype(np.float32)
    )


@pytest.mark.parametrize('textless', ['drop', 'keep'])
def test_utterances_without_text(tmp_path, textless):
  content = mosi()
  content['train']['text'][1] = 0
  listing = listed(tmp_path, content, 'mosi', textless=textless)
  found, left = toy_files.consumed(listing, 'train')
  if textless == 'drop':
    assert 'b|0|1' not in found
    assert left == {'utterances without text': 1}
  else:
    assert set(found['b|0|1'].sequences) == {'audio', 'vision'}
    assert left == {'text sequences that are all zero (missing)': 1}
  assert toy_files.named(listing, 'train') == {r: ['b|0|1'] for r in left}


def test_seven_columns_of_mosei(tmp_path):
  rows = [
    [[1.5, 2, 0, 0, 0.33, 0, 0]],
    [[-3, 0, 1, 1, 0, 0, 3]],
  ]
  content = three(
    part(rows, ['v[1]', 'v[0]']),
    part(rows[:1], ['w[2]']),
    part(rows, ['x[0]', 'y']),
  )
  listing = listed(tmp_path, content, 'mosei')
  assert listing.outputs['emotion'] == EMOTIONS
  found, _ = toy_files.consumed(listing, 'train')
  assert [(u.id, u.dialogue, u.turn) for u in found.values()] == [
    ('v[0]', 'v', 0),
    ('v[1]', 'v', 1),
  ]
  labels = found['v[1]'].labels
  assert labels['sentiment'] == 1.5
  assert [labels[n] for n in EMOTIONS] == [1, 0, 0, 1, 0, 0]
  assert [found['v[0]'].labels[n] for n in EMOTIONS] == [0, 1, 1, 0, 0, 1]
  found, _ = toy_files.consumed(listing, 'test')
  assert (found['y'].dialogue, found['y'].turn) == ('', 0)


def test_emotions_of_mosei_are_joined_by_interval(tmp_path):
  pytest.importorskip('h5py')
  csd = toy_files.write_csd(
    tmp_path / 'labels.csd',
    {
      'All Labels': {
        'a': toy_files.mosei_rows(
          (9.5, 11, 2.4, 0, 0, 1, 0, 0, 0),
          (5, 6, 2.4, 1, 1, 1, 1, 1, 1),
          (1.5, 3, 0, 0, 0, 0, 0, 0, 1),
        ),
        'b': toy_files.mosei_rows((0, 1, 3, 1, 0, 0, 0, 0, 0)),
        'c': toy_files.mosei_rows((0, 2, 1, 1, 0, 0, 0, 0, 0)),
        'd': toy_files.mosei_rows((7, 9, -1, 1, 0, 0, 0, 0, 0)),
      }
    },
  )
  listing = listed(tmp_path, mosi(), 'mosei', csd_labels=csd)
  found, left = toy_files.consumed(listing, 'train')
  emotions = {
    name: [u.labels.get(n) for n in EMOTIONS] for name, u in found.items()
  }
  assert emotions == {
    'a|1.5|3': [0, 0, 0, 0, 0, 1],
    'a|9.5|11': [0, 0, 1, 0, 0, 0],
    'b|0|1': [None] * 6,
  }
  assert left == {
    'utterances with another sentiment in the emotion file': 1,
    'rows of the emotion file without an utterance': 3,
  }
  _, left = toy_files.consumed(listing, 'test')
  assert left == {'utterances without a row in the emotion file': 1}
  with pytest.raises(ValueError, match='csd_labels is for files of mosei'):
    listed(tmp_path, mosi(), 'mosi', csd_labels=csd)


def test_numbers_in_ids_are_rows_of_the_labels(tmp_path):
  pytest.importorskip('h5py')
  csd = toy_files.write_csd(
    tmp_path / 'labels.csd',
    {
      'All Labels': {
        # Row 0 comes later than row 1, and says the same sentiment.
        'v': toy_files.mosei_rows(
          (5, 6, 1, 1, 0, 0, 0, 0, 0), (1, 2, 1, 0, 1, 0, 0, 0, 0)
        )
      }
    },
  )
  content = three(
    part(sentiments(1, 1), ['v[0]', 'v[1]']),
    part(sentiments(), []),
    part(sentiments(), []),
  )
  listing = listed(tmp_path, content, 'mosei', csd_labels=csd)
  found, left = toy_files.consumed(listing, 'train')
  assert not left
  assert found['v[0]'].labels['happiness'] == 1
  assert found['v[1]'].labels['sadness'] == 1


def test_iemocap_of_four_binary_emotions(tmp_path):
  absent, present = [1, 0], [0, 1]
  rows = [
    [present, absent, absent, absent],
    [absent, present, absent, present],
    [absent, absent, present, absent],
  ]
  content = three(part(rows), part(rows[:1]), part(rows[:2]))
  listing = listed(tmp_path, content, 'iemocap')
  names = ('neutral', 'happiness', 'sadness', 'anger')
  assert listing.outputs == {'emotion': names}
  found, _ = toy_files.consumed(listing, 'train')
  labels = {u.id: [u.labels[n] for n in names] for u in found.values()}
  assert labels == {
    'train/00000': [1, 0, 0, 0],
    'train/00001': [0, 1, 0, 1],
    'train/00002': [0, 0, 1, 0],
  }
  assert all(u.dialogue == '' for u in found.values())
  assert list(toy_files.consumed(listing, 'val')[0]) == ['val/00000']


@pytest.mark.parametrize(
  ('dataset', 'task'), [('sarcasm', 'sarcasm'), ('humor', 'emotion')]
)
def test_sarcasm_and_humor(tmp_path, dataset, task):
  content = three(
    part(sentiments(1, 0, -1), [['1_60'], ['1_70'], ['2_1']]),
    part(sentiments(1), np.array([[7]])),
    part(sentiments(0), [12]),
  )
  listing = listed(tmp_path, content, dataset)
  assert listing.outputs == {task: (dataset,)}
  found, _ = toy_files.consumed(listing, 'train')
  labels = {u.id: u.labels for u in found.values()}
  assert labels == {
    '1_60': {dataset: 1},
    '1_70': {dataset: 0},
    '2_1': {dataset: 0},
  }
  assert list(toy_files.consumed(listing, 'val')[0]) == ['7']
  assert list(toy_files.consumed(listing, 'test')[0]) == ['12']


@pytest.mark.parametrize(
  ('dataset', 'labels', 'message'),
  [
    ('mosi', sentiments(1, 4), r'test, row 1: \[4\.0\] is not a label of mosi'),
    ('mosi', sentiments(1, np.nan), r'test, row 1: \[nan\]'),
    ('mosi', np.zeros((2, 1, 7)), r'shape \(2, 1, 7\); mosi has 1'),
    ('mosei', np.full((2, 1, 7), 3.5), r'test, row 0: \[3\.5, '),
    ('iemocap', np.zeros((2, 4, 2)), r'row 0: .* is not a label of iemocap'),
    ('iemocap', np.zeros((2, 4)), r'shape \(2, 4\); iemocap has 8'),
    (
      'sarcasm',
      sentiments(1, 0.5),
      r'row 1: \[0\.5\] is not a label of sarcasm',
    ),
    ('humor', [['yes'], ['no']], r'labels are not numbers'),
  ],
)
def test_labels_of_another_dataset(tmp_path, dataset, labels, message):
  content = {'test': part(sentiments(1, 1))}
  content['test']['labels'] = labels
  with pytest.raises(ValueError, match=r'(?s)x\.pkl.*' + message):
    listed(tmp_path, content, dataset)


def test_mistakes_of_form_and_options(tmp_path):
  content = mosi()
  content['train']['audio'] = np.zeros((2, 5, 2))
  with pytest.raises(
    ValueError, match=r'x\.pkl: train .*unequal.*labels 3.*audio 2'
  ):
    listed(tmp_path, content, 'mosi')
  content = mosi()
  del content['valid']['text'], content['valid']['labels']
  with pytest.raises(ValueError, match='val has no labels and no text, only'):
    listed(tmp_path, content, 'mosi')
  with pytest.raises(ValueError, match=r"'meld'.*mosi.*humor"):
    listed(tmp_path, mosi(), 'meld')
  with pytest.raises(ValueError, match='textless'):
    listed(tmp_path, mosi(), 'mosi', textless='maybe')
  with pytest.raises(FileNotFoundError):
    mult.listing(tmp_path / 'no.pkl', 'mosi')
