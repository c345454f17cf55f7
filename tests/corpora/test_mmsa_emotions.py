"""Emotions of MOSEI, joined to MMSA's utterances."""

import pytest
from toys import files as toy_files
from toys.mmsa import listed
from toys.mmsa import three
from toys.mmsa import unaligned


def mosei(tmp_path, rows, **options):
  csd = toy_files.write_csd(tmp_path / 'labels.csd', {'All Labels': rows})
  return listed(tmp_path, three(), csd_labels=csd, **options)


def test_emotions_of_mosei_are_joined_in_order_of_time(tmp_path):
  pytest.importorskip('h5py')
  # Clips of a are 2 and 10; the rows are not in order of time. The first row
  # of b has another sentiment and belongs to no utterance.
  listing = mosei(
    tmp_path,
    {
      'a': toy_files.mosei_rows(
        (30, 35, 2.4, 2, 0, 0, 0.66, 0, 0), (10, 15, 0, 0, 1, 0, 0, 0, 0.33)
      ),
      'b': toy_files.mosei_rows(
        (1, 2, 0.5, 1, 1, 1, 1, 1, 1), (3, 4, -3, 0, 0, 3, 0, 2, 0)
      ),
      'c': toy_files.mosei_rows((0, 1, 1, 0, 0, 0, 0, 0, 0)),
      'd': toy_files.mosei_rows((0, 1, 1.5, 1, 0, 0, 0, 0, 0)),
      'z': toy_files.mosei_rows((0, 1, 1, 0, 0, 0, 0, 0, 1)),
    },
  )
  names = ('happiness', 'sadness', 'anger', 'surprise', 'disgust', 'fear')
  assert listing.outputs['emotion'] == names
  found, left = toy_files.consumed(listing, 'train')
  emotions = {name: [u.labels[n] for n in names] for name, u in found.items()}
  assert emotions == {
    'a$_$2': [0, 1, 0, 0, 0, 1],
    'a$_$10': [1, 0, 0, 1, 0, 0],
    'b$_$0': [0, 0, 1, 0, 1, 0],
  }
  # That of b, that of d (two utterances, one row: not told apart) and z.
  assert left == {'rows of the emotion file without an utterance': 3}
  found, left = toy_files.consumed(listing, 'val')
  assert [found['c$_$1'].labels[n] for n in names] == [0] * 6
  assert not left
  found, left = toy_files.consumed(listing, 'test')
  assert not any(n in u.labels for u in found.values() for n in names)
  assert left == {'utterances without a row in the emotion file': 2}


def test_emotions_that_are_not_certain_are_not_joined(tmp_path):
  pytest.importorskip('h5py')
  content = three()
  content['train'] = unaligned(
    ['a$_$3', 'a$_$5', 'b$_$1', 'e$_$0'], [1, 0, 1, 2]
  )
  csd = toy_files.write_csd(
    tmp_path / 'labels.csd',
    {
      'All Labels': {
        # Both of the first rows may be clip 3; the third is clip 5.
        'a': toy_files.mosei_rows(
          (0, 1, 1, 1, 0, 0, 0, 0, 0),
          (1, 2, 1, 0, 1, 0, 0, 0, 0),
          (2, 3, 0, 0, 0, 1, 0, 0, 0),
        ),
        # Two rows fit, with the same emotions.
        'b': toy_files.mosei_rows(
          (0, 1, 1, 1, 0, 0, 0, 0, 0), (1, 2, 1, 2, 0, 0, 0, 0, 0)
        ),
        'c': toy_files.mosei_rows((0, 1, 1, 0, 0, 0, 0, 0, 0)),
        'd': toy_files.mosei_rows(
          (0, 1, 1.5, 1, 0, 0, 0, 0, 0), (1, 2, -0.5, 1, 0, 0, 0, 0, 0)
        ),
        'e': toy_files.mosei_rows((0, 1, -2, 1, 0, 0, 0, 0, 0)),
      }
    },
  )
  listing = listed(tmp_path, content, csd_labels=csd)
  found, left = toy_files.consumed(listing, 'train')
  assert 'anger' not in found['a$_$3'].labels
  assert found['a$_$5'].labels['anger'] == 1
  assert found['b$_$1'].labels['happiness'] == 1
  assert 'anger' not in found['e$_$0'].labels
  assert left == {
    'utterances that fit rows of different emotions': 1,
    'utterances with another sentiment in the emotion file': 1,
    # One of the first two of a, one of b, that of e.
    'rows of the emotion file without an utterance': 3,
  }


def test_labels_of_other_videos_are_an_error(tmp_path):
  pytest.importorskip('h5py')
  row = toy_files.mosei_rows((0, 1, 1, 0, 0, 0, 0, 0, 0))
  listing = mosei(tmp_path, {'other': row, 'c': row})
  with pytest.raises(
    ValueError, match=r"labels\.csd fits only 1 of 6.*'a\$_\$10'.*'c'"
  ):
    toy_files.consumed(listing, 'train')
