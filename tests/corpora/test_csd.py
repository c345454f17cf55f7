"""Computational sequences: the files, the labels in them, a corpus of them."""

import sys

import numpy as np
import pytest
from toys import files as toy_files

from affect_jax.corpora import csd
from affect_jax.corpora import csd_labels
from affect_jax.corpora import mosei_emotions
from affect_jax.corpora.files import csd_file

h5py = pytest.importorskip('h5py')

EMOTIONS = ('happiness', 'sadness', 'anger', 'surprise', 'disgust', 'fear')
FOLDS = """# Videos by fold.
standard_train_fold=['a', 'b', 'gone']
standard_valid_fold = ['c']
standard_test_fold=[]
"""


def spans(*pairs):
  return np.array(pairs, np.float32)


def labels(path):
  """Rows out of order in time, as in the corpus."""
  return toy_files.write_csd(
    path,
    {
      'All Labels': {
        'a': toy_files.mosei_rows(
          (4, 6, 1, 2, 0, 0, 0, 0, 0), (0, 2, -0.33, 0, 0, 0, 0, 0, 0.33)
        ),
        'b': toy_files.mosei_rows((0, 9, 0, 0, 0, 0, 0, 0, 0)),
        'c': toy_files.mosei_rows((0, 9, 3, 0, 0, 0, 0, 0, 0)),
        'other': toy_files.mosei_rows((0, 1, 1, 0, 0, 0, 0, 0, 0)),
      }
    },
  )


def test_entries_of_both_layouts(tmp_path):
  content = {'a': (np.ones((2, 3)), spans((0, 1), (1, 2)))}
  path = toy_files.write_csd(tmp_path / 'a.csd', {'COVAREP': content})
  assert csd_file.streams(path) == ['COVAREP']
  ((key, features, intervals),) = csd_file.entries(path)
  assert key == 'a'
  np.testing.assert_array_equal(features, np.ones((2, 3)))
  np.testing.assert_array_equal(intervals, [[0, 1], [1, 2]])
  packed = toy_files.write_csd(
    tmp_path / 'b.hdf5', {'COVAREP': content, 'words': {}}, data_group=False
  )
  ((key, features, _),) = csd_file.entries(packed, 'COVAREP')
  assert (key, features.shape) == ('a', (2, 3))
  with pytest.raises(ValueError, match=r'no single stream, but .*words'):
    next(csd_file.entries(packed))


def test_aligned_entries_of_a_video_are_put_together(tmp_path):
  path = toy_files.write_csd(
    tmp_path / 'a.csd',
    {
      'COVAREP': {
        f'a[{k}]': (np.full((1, 2), k), spans((k, k + 1))) for k in range(12)
      }
    },
  )
  with csd_file.opened(path) as get:
    assert get('b') is None
    features, intervals = get('a')
  np.testing.assert_array_equal(features[:, 0], range(12))
  np.testing.assert_array_equal(intervals[:, 0], range(12))


def test_broken_files(tmp_path):
  path = tmp_path / 'a.csd'
  with pytest.raises(FileNotFoundError, match=r'a\.csd'):
    csd_file.streams(path)
  path.write_bytes(b'<html>404</html>')
  with pytest.raises(ValueError, match=r'a\.csd is not an HDF5 file'):
    csd_file.streams(path)
  whole = toy_files.write_csd(
    path, {'s': {'v': (np.ones((99, 9)), np.zeros((99, 2)))}}
  ).read_bytes()
  path.write_bytes(whole[: len(whole) // 2])
  with pytest.raises(ValueError, match=r'a\.csd.*damaged'):
    list(csd_file.entries(path))
  toy_files.write_csd(path, {'s': {'v': (np.ones((3, 2)), spans((0, 1)))}})
  with pytest.raises(ValueError, match=r'a\.csd: v .*\(3, 2\).*\(1, 2\)'):
    list(csd_file.entries(path))
  with h5py.File(path, 'w') as file:
    file.create_group('s/data/v')['features'] = np.ones((1, 2))
  with pytest.raises(ValueError, match=r'v has no features and intervals'):
    list(csd_file.entries(path))


def test_without_h5py(tmp_path, monkeypatch):
  monkeypatch.setitem(sys.modules, 'h5py', None)
  with pytest.raises(ImportError, match=r"pip install 'affect_jax\[csd\]'"):
    csd_file.streams(tmp_path / 'a.csd')


def test_emotions_by_video_in_order_of_time(tmp_path):
  videos = mosei_emotions.read(labels(tmp_path / 'labels.csd'))
  assert set(videos) == {'a', 'b', 'c', 'other'}
  assert [(s.index, s.start) for s in videos['a']] == [(1, 0), (0, 4)]
  assert [s.sentiment for s in videos['a']] == pytest.approx([-0.33, 1])
  assert videos['a'][0].present == (False,) * 5 + (True,)
  assert videos['a'][1].present == (True,) + (False,) * 5


def test_file_without_the_labels_says_what_is_there(tmp_path):
  path = toy_files.write_csd(
    tmp_path / 'a.csd', {'COVAREP': {}, 'glove_vectors': {}}
  )
  with pytest.raises(
    ValueError, match=r"no stream 'All Labels', but .*COVAREP.*glove_vectors"
  ):
    mosei_emotions.read(path)


@pytest.mark.parametrize(
  'row',
  [
    (0, 1, 3.5, 0, 0, 0, 0, 0, 0),
    (0, 1, 0, 0, -1, 0, 0, 0, 0),
    (0, 1, 0, 0, 0, 0, np.nan, 0, 0),
    (0, 1, 0, 0, 0, 0),
  ],
)
def test_labels_out_of_range(tmp_path, row):
  path = toy_files.write_csd(
    tmp_path / 'a.csd', {'All Labels': {'v': toy_files.mosei_rows(row)}}
  )
  with pytest.raises(ValueError, match=r'a\.csd: .*v, row 0: \['):
    mosei_emotions.read(path)
  with pytest.raises(ValueError, match=r'a\.csd: v, row 0: \['):
    csd_labels.read(path)


def corpus(tmp_path, **options):
  folds = tmp_path / 'cmu_mosei_std_folds.py'
  folds.write_text(FOLDS)
  audio = toy_files.write_csd(
    tmp_path / 'audio.csd',
    {
      'COVAREP': {
        # The middles are .5, 1.5, ..., 5.5.
        'a': (
          np.arange(1, 13).reshape(6, 2),
          spans(*[(i, i + 1) for i in range(6)]),
        ),
        'c': (np.full((2, 2), -np.inf), spans((0, 1), (1, 2))),
      }
    },
  )
  words = toy_files.write_csd(
    tmp_path / 'words.csd',
    {
      'words': {
        'a': (
          np.array([[b'so'], [b'sp'], [b'well'], [b'later']]),
          spans((0, 0.5), (0.5, 1), (1, 1.5), (4, 5)),
        ),
        'c': (np.array([[b'sp']]), spans((0, 1))),
      }
    },
  )
  return csd.listing(
    labels(tmp_path / 'labels.csd'), folds, audio=audio, words=words, **options
  )


def test_corpus_of_segments(tmp_path):
  listing = corpus(tmp_path)
  assert dict(listing.dims) == {'audio': 2}
  assert listing.outputs == {
    'sentiment': ('sentiment',),
    'sentiment_class': ('negative', 'neutral', 'positive'),
    'emotion': EMOTIONS,
  }
  assert len(listing.sources) == 5  # Four files, and how rows are read.
  found, left = toy_files.consumed(listing, 'train')
  assert [(u.id, u.dialogue, u.turn) for u in found.values()] == [
    ('a[1]', 'a', 0),
    ('a[0]', 'a', 1),
  ]
  early, late = found.values()
  assert early.transcript == 'so well'
  assert late.transcript == 'later'
  np.testing.assert_array_equal(early.sequences['audio'], [[1, 2], [3, 4]])
  np.testing.assert_array_equal(late.sequences['audio'], [[9, 10], [11, 12]])
  assert early.labels['sentiment'] == pytest.approx(-0.33)
  assert early.labels['sentiment_class'] == 'negative'
  assert [early.labels[n] for n in EMOTIONS] == [0, 0, 0, 0, 0, 1]
  assert left == {
    'segments of videos in no fold': 1,
    'videos without labels': 1,
    'utterances without any modality': 1,
    'audio sequences of length 0 (missing)': 1,
  }
  names = toy_files.named(listing, 'train')
  assert names['utterances without any modality'] == ['b[0]']
  assert names['audio sequences of length 0 (missing)'] == ['b[0]']
  found, left = toy_files.consumed(listing, 'val')
  assert not found
  assert left['audio values of -inf (read as 0)'] == 4
  assert toy_files.consumed(listing, 'test') == ({}, {})


def test_corpus_with_sentiment_only(tmp_path):
  folds = tmp_path / 'folds.py'
  folds.write_text(FOLDS)
  path = toy_files.write_csd(
    tmp_path / 'labels.csd',
    {'Opinion Segment Labels': {'c': (np.array([[2.5]]), spans((0, 2)))}},
  )
  audio = toy_files.write_csd(
    tmp_path / 'a.csd', {'s': {'c': (np.ones((1, 4)), spans((0, 1)))}}
  )
  listing = csd.listing(path, folds, vision=audio)
  assert set(listing.outputs) == {'sentiment', 'sentiment_class'}
  found, _ = toy_files.consumed(listing, 'val')
  assert found['c[0]'].labels == {
    'sentiment': 2.5,
    'sentiment_class': 'positive',
  }
  assert found['c[0]'].sequences['vision'].shape == (1, 4)
  with pytest.raises(
    ValueError, match='at least one of words, vectors, audio and vision'
  ):
    csd.listing(path, folds)


def test_listing_of_a_file_without_labels(tmp_path):
  """Even if its numbers would do."""
  folds = tmp_path / 'folds.py'
  folds.write_text(FOLDS)
  content = {'c': (np.array([[0.5]]), spans((0, 2)))}
  path = toy_files.write_csd(tmp_path / 'pitch.csd', {'COVAREP': content})
  with pytest.raises(
    ValueError, match=r"pitch\.csd has no stream of labels, only \['COVAREP'"
  ):
    csd.listing(path, folds, audio=path)
  toy_files.write_csd(path, {'x': content, 'y': content})
  with pytest.raises(ValueError, match=r"pitch\.csd has .*but \['x', 'y'\]"):
    csd.listing(path, folds, audio=path)
  toy_files.write_csd(path, {'opinion_labels': content})
  assert set(csd.listing(path, folds, audio=path).outputs) == {
    'sentiment',
    'sentiment_class',
  }


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('standard_train_fold = [', 'is not a list of folds'),
    ('standard_train_fold = print(1)', 'is not a list of folds'),
    ('standard_train_fold = []', "has no .*'standard_valid_fold'"),
    (
      FOLDS.replace("['c']", "['c', 'b']"),
      r"1 videos .*: 'b' in \['standard_train_fold', 'standard_valid_fold'\]",
    ),
    (
      FOLDS.replace("'gone'", "'a'").replace('[]', "['b']"),
      r"2 videos .*: 'a' in \['standard_train_fold', 'standard_train_fold'\]; "
      r"'b' in \['standard_train_fold', 'standard_test_fold'\]\.",
    ),
  ],
)
def test_file_without_folds(tmp_path, text, message):
  path = tmp_path / 'folds.py'
  path.write_text(text)
  with pytest.raises(ValueError, match=rf'folds\.py.*{message}'):
    csd.read_folds(path)


def test_folds_by_other_names_of_splits(tmp_path):
  path = tmp_path / 'folds.py'
  path.write_text("train_folds=['a']\nstandard_dev_fold=['b']\ntest_fold=[]\n")
  assert csd.read_folds(path) == {'train': ('a',), 'val': ('b',), 'test': ()}
