"""MMSA's pickles, in miniature and with every quirk."""

import hashlib

import numpy as np
import pytest
from toys import files as toy_files
from toys.mmsa import listed
from toys.mmsa import RNG
from toys.mmsa import three
from toys.mmsa import unaligned

from affect_jax.corpora import mmsa

DIMS = {'text': 4, 'audio': 2, 'vision': 3}


def test_unaligned_file(tmp_path):
  content = three()
  listing = listed(tmp_path, content)
  assert list(listing.splits) == ['train', 'val', 'test']
  assert dict(listing.dims) == DIMS
  assert listing.outputs == {
    'sentiment': ('sentiment',),
    'sentiment_class': ('negative', 'neutral', 'positive'),
  }
  found, left = toy_files.consumed(listing, 'train')
  assert not left
  # Utterances of a video are together and ascend by number, not by letter.
  assert [(u.id, u.dialogue, u.turn) for u in found.values()] == [
    ('a$_$2', 'a', 2),
    ('a$_$10', 'a', 10),
    ('b$_$0', 'b', 0),
  ]
  data = content['train']
  first = found['a$_$10']
  assert first.transcript == 'text of a$_$10'
  assert first.labels == {'sentiment': 2.4, 'sentiment_class': 'positive'}
  assert found['a$_$2'].labels['sentiment_class'] == 'neutral'
  for modality, length in (('text', 3), ('audio', 4), ('vision', 6)):
    sequence = first.sequences[modality]
    assert sequence.dtype == np.float32
    np.testing.assert_array_equal(
      sequence, data[modality][0, :length].astype(np.float32)
    )
  again, _ = toy_files.consumed(listing, 'train')
  assert list(again) == list(found)
  assert list(toy_files.consumed(listing, 'val')[0]) == ['c$_$1']
  assert list(toy_files.consumed(listing, 'test')[0]) == ['d$_$4', 'd$_$5']


def test_aligned_file_takes_lengths_from_the_mask(tmp_path):
  content = three()
  for data in content.values():
    n = len(data['id'])
    data['audio'] = RNG.normal(size=(n, 5, 2))
    data['vision'] = RNG.normal(size=(n, 5, 3))
    data['audio'][:, 3:] = data['vision'][:, 3:] = 0
    # Lengths before alignment, which some aligned files carry along.
    data['audio_lengths'] = [375] * n
  found, left = toy_files.consumed(listed(tmp_path, content), 'train')
  assert not left
  for sequence in found['b$_$0'].sequences.values():
    assert len(sequence) == 3


def test_without_lengths_and_mask_zeros_at_the_end_are_padding(tmp_path):
  content = three()
  for data in content.values():
    del data['text_bert'], data['audio_lengths'], data['vision_lengths']
    data['audio'][:, 1] = 0  # Silence inside stays.
    data['text'][:, 2:] = 0
  found, _ = toy_files.consumed(listed(tmp_path, content), 'val')
  shapes = {m: s.shape for m, s in found['c$_$1'].sequences.items()}
  assert shapes == {'text': (2, 4), 'audio': (4, 2), 'vision': (6, 3)}


def test_file_of_mmsa_fet(tmp_path):
  # Out of order, no annotations in part, a configuration beside the splits.
  content = {**three(), 'config': {'audio': {'tool': 'librosa'}}}
  content['test']['annotations'] = np.array([float('nan')] * 2)
  content['test']['regression_labels'][1] = np.nan
  del content['train']['classification_labels']
  listing = listed(tmp_path, content)
  assert list(listing.splits) == ['train', 'val', 'test']
  found, left = toy_files.consumed(listing, 'test')
  assert found['d$_$5'].labels == {
    'sentiment': -0.5,
    'sentiment_class': 'negative',
  }
  assert found['d$_$4'].labels == {}
  assert left == {'sentiment labels of NaN (not annotated)': 1}


@pytest.mark.parametrize('name', ['dev', 'val', 'Validation'])
def test_other_names_of_splits(tmp_path, name):
  content = three()
  content[name] = content.pop('valid')
  listing = listed(tmp_path, content)
  assert list(listing.splits) == ['train', 'val', 'test']
  assert list(toy_files.consumed(listing, 'val')[0]) == ['c$_$1']
  content['valid'] = content[name]
  with pytest.raises(ValueError, match='both mean the split val'):
    listed(tmp_path, content)


def test_words_for_missing_are_no_transcripts_and_no_ids(tmp_path):
  content = three()
  data = content['train']
  data['raw_text'] = ['words', None, float('nan')]
  data['annotations'][0] = 'None'
  data['id'][2] = None
  content['test']['raw_text'] = np.array(['nan', 'none of it'])
  listing = listed(tmp_path, content)
  found, left = toy_files.consumed(listing, 'train')
  assert {k: u.transcript for k, u in found.items()} == {
    'a$_$10': 'words',
    'b$_$0': '',
    'train/00002': '',
  }
  assert found['train/00002'].dialogue == ''
  assert found['a$_$10'].labels['sentiment_class'] == 'positive'
  assert left == {
    'transcripts without words (missing)': 2,
    'rows without an id (named by their place)': 1,
  }
  found, left = toy_files.consumed(listing, 'test')
  assert sorted(u.transcript for u in found.values()) == ['', 'none of it']
  assert left == {'transcripts without words (missing)': 1}


def test_features_that_are_not_finite_are_counted(tmp_path):
  content = three()
  data = content['train']
  data['audio'][0, :2] = -np.inf
  data['vision'][0] = np.nan
  data['vision'][1, 0, 0] = np.nan
  data['vision'][2] = 0
  data['audio_lengths'][1] = 0
  data['audio'][1] = 0
  listing = listed(tmp_path, content)
  found, left = toy_files.consumed(listing, 'train')
  names = toy_files.named(listing, 'train')
  assert set(names) == set(left)
  assert names['vision sequences that are all NaN (missing)'] == ['a$_$10']
  assert names['audio sequences of length 0 (missing)'] == ['b$_$0']
  assert left == {
    'audio values of -inf (read as 0)': 4,
    'audio sequences of length 0 (missing)': 1,
    'vision sequences that are all NaN (missing)': 1,
    'vision sequences that are all zero (missing)': 1,
    'vision values of NaN or inf (read as 0)': 1,
  }
  assert set(found['a$_$10'].sequences) == {'text', 'audio'}
  audio = found['a$_$10'].sequences['audio']
  np.testing.assert_array_equal(audio[:2], 0)
  np.testing.assert_allclose(audio[2:], data['audio'][0, 2:4], rtol=1e-6)
  assert set(found['b$_$0'].sequences) == {'text', 'vision'}
  assert found['b$_$0'].sequences['vision'][0, 0] == 0


def test_lengths_that_do_not_fit_the_arrays(tmp_path):
  content = three()
  content['train']['audio_lengths'][0] = 9
  content['train']['vision_lengths'][1] = 2
  found, left = toy_files.consumed(listed(tmp_path, content), 'train')
  assert found['a$_$10'].sequences['audio'].shape == (7, 2)
  assert found['b$_$0'].sequences['vision'].shape == (2, 3)
  assert left == {
    'audio_lengths beyond the array (cut)': 1,
    'vision sequences that go on after their length (cut)': 1,
  }
  content['train']['audio_lengths'][0] = -1
  with pytest.raises(ValueError, match=r'x\.pkl: train, row 0: audio_lengths'):
    toy_files.consumed(listed(tmp_path, content), 'train')


def test_files_without_some_of_the_modalities(tmp_path):
  content = three()
  for data in content.values():
    del data['text'], data['text_bert'], data['raw_text']
  listing = listed(tmp_path, content)
  assert dict(listing.dims) == {'audio': 2, 'vision': 3}
  found, left = toy_files.consumed(listing, 'val')
  assert not left
  assert set(found['c$_$1'].sequences) == {'audio', 'vision'}
  assert found['c$_$1'].transcript == ''


def test_labels_of_sims_are_scaled(tmp_path):
  content = three()
  for data in content.values():
    data['regression_labels'] /= 3
    data['regression_labels_T'] = data['regression_labels'] * 0
  with pytest.raises(ValueError, match=r'x\.pkl.*label_range=1'):
    listed(tmp_path, content)
  found, _ = toy_files.consumed(
    listed(tmp_path, content, label_range=1), 'train'
  )
  values = {u.id: u.labels['sentiment'] for u in found.values()}
  assert values == pytest.approx({'a$_$10': 2.4, 'a$_$2': 0, 'b$_$0': -3})
  found, _ = toy_files.consumed(
    listed(tmp_path, content, label_range=3), 'train'
  )
  assert found['a$_$10'].labels['sentiment'] == pytest.approx(0.8)


def test_annotations_win_over_the_sign(tmp_path):
  content = three()
  content['train']['annotations'][0] = 'Neutral'
  found, left = toy_files.consumed(listed(tmp_path, content), 'train')
  assert found['a$_$10'].labels['sentiment_class'] == 'neutral'
  assert left == {'annotations against the sign of the sentiment (kept)': 1}
  content['train']['annotations'][0] = 'M'
  with pytest.raises(ValueError, match=r"x\.pkl.*\n.*train, row 0.*'m'"):
    toy_files.consumed(listed(tmp_path, content), 'train')


def test_labels_out_of_range(tmp_path):
  content = three()
  content['test']['regression_labels'][1] = 3.5
  with pytest.raises(
    ValueError, match=r'x\.pkl.*\n.*test, row 1 \(d\$_\$4\).*3\.5 is not in'
  ):
    listed(tmp_path, content)
  with pytest.raises(ValueError, match=r'2\.4 is not in \[-1, 1\]'):
    listed(tmp_path, three(), label_range=1)


def test_arrays_of_unequal_numbers(tmp_path):
  content = three()
  content['valid']['audio'] = np.zeros((4, 7, 2))
  with pytest.raises(ValueError, match=r'x\.pkl: val .*unequal.*id 1.*audio 4'):
    listed(tmp_path, content)


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    (lambda c: c['train'].pop('id'), r'train has no id, only'),
    (lambda c: c['test'].pop('vision'), r'vision differs between splits'),
    (
      lambda c: c['test'].update(text=np.zeros((2, 5, 9))),
      r'text differs between splits',
    ),
    (
      lambda c: c['test'].update(audio=np.zeros((2, 7))),
      r'test audio has the shape \(2, 7\)',
    ),
    (
      lambda c: c['test'].update(regression_labels=np.zeros((2, 2))),
      r'regression_labels has the shape \(2, 2\)',
    ),
    (
      lambda c: c['test'].update(regression_labels=['good', 'bad']),
      r'regression_labels are not numbers',
    ),
    (lambda c: c.update(train=[1, 2]), r'train is a list'),
    (lambda c: [c.pop(s) for s in list(c)], r'none of the splits'),
  ],
)
def test_other_mistakes_of_form(tmp_path, change, message):
  content = three()
  change(content)
  with pytest.raises(ValueError, match=r'x\.pkl.* ' + message):
    listed(tmp_path, content)


def test_ids_that_occur_again_or_name_no_video(tmp_path):
  content = three()
  content['train'] = unaligned(['a$_$1', 'a$_$1', 'alone'], [1, 2, 3])
  found, left = toy_files.consumed(listed(tmp_path, content), 'train')
  assert list(found) == ['a$_$1', 'a$_$1#2', 'alone']
  assert left == {'repeated ids (a number was added)': 1}
  assert (found['alone'].dialogue, found['alone'].turn) == ('', 0)


def test_published_files_are_known_by_their_checksum(tmp_path, monkeypatch):
  content = three()
  path = toy_files.write_pickle(tmp_path / 'x.pkl', content)
  digest = hashlib.sha256(path.read_bytes()).hexdigest()
  known = {digest: ('SIMS/x.pkl', 3.0, (4, 2, 3))}
  monkeypatch.setattr(mmsa, 'PUBLISHED', known)
  monkeypatch.setattr(mmsa, '_survey', None)  # It need not be read twice.
  listing = mmsa.listing(path)
  assert dict(listing.dims) == DIMS
  assert listing.sources['x.pkl'] == digest
  assert len(toy_files.consumed(listing, 'train')[0]) == 3
  with pytest.raises(
    ValueError, match=r'is the published SIMS/x\.pkl, whose label_range'
  ):
    mmsa.listing(path, label_range=1)


def test_published_checksums_are_those_of_the_readme():
  """Of thuiar/MMSA, as it was read on its own for this test."""
  assert {d: (name, *rest) for d, (name, *rest) in mmsa.PUBLISHED.items()} == {
    '78e0f8b5ef8ff71558e7307848fc1fa929ecb078203f565ab22b9daab2e02524': (
      *('MOSI/Processed/unaligned_50.pkl', 3.0, (768, 5, 20)),
    ),
    'd3994fd25681f9c7ad6e9c6596a6fe9b4beb85ff7d478ba978b124139002e5f9': (
      *('MOSI/Processed/aligned_50.pkl', 3.0, (768, 5, 20)),
    ),
    'ad8b23d50557045e7d47959ce6c5b955d8d983f2979c7d9b7b9226f6dd6fec1f': (
      *('MOSEI/Processed/unaligned_50.pkl', 3.0, (768, 74, 35)),
    ),
    '45eccfb748a87c80ecab9bfac29582e7b1466bf6605ff29d3b338a75120bf791': (
      *('MOSEI/Processed/aligned_50.pkl', 3.0, (768, 74, 35)),
    ),
    'c9e20c13ec0454d98bb9c1e520e490c75146bfa2dfeeea78d84de047dbdd442f': (
      *('SIMS/Processed/unaligned_39.pkl', 1.0, (768, 33, 709)),
    ),
  }


@pytest.mark.parametrize(
  ('name', 'level', 'told'),
  [
    ('MOSEI/Processed/aligned_50.pkl', 'WARNING', ['45eccfb7']),
    ('unaligned_39.pkl', 'WARNING', ['c9e20c13']),
    # MOSI's or MOSEI's.
    ('aligned_50.pkl', 'WARNING', ['45eccfb7', 'd3994fd2']),
    ('mine.pkl', 'INFO', []),
  ],
)
def test_a_file_that_is_only_named_like_a_published_one(
  tmp_path, caplog, name, level, told
):
  path = tmp_path / name
  path.parent.mkdir(parents=True, exist_ok=True)
  toy_files.write_pickle(path, three())
  digest = hashlib.sha256(path.read_bytes()).hexdigest()
  with caplog.at_level('INFO', logger='absl'):
    assert dict(mmsa.listing(path).dims) == DIMS
  (record,) = (r for r in caplog.records if str(path) in r.getMessage())
  assert record.levelname == level
  message = record.getMessage()
  assert sorted(d[:8] for d in mmsa.PUBLISHED if d in message) == told
  assert (digest in message) == (level == 'WARNING')


def test_options_change_the_corpus(tmp_path):
  content = three()
  listings = [listed(tmp_path, content) for _ in range(2)]
  assert listings[0].sources == listings[1].sources
  for data in content.values():
    data['regression_labels'] /= 3
  one, other = (listed(tmp_path, content, label_range=high) for high in (1, 3))
  assert one.sources != other.sources != listings[0].sources
  with pytest.raises(ValueError, match=r'label_range.*5'):
    listed(tmp_path, content, label_range=5)
  with pytest.raises(FileNotFoundError, match=r'no\.pkl.*MMSA'):
    mmsa.listing(tmp_path / 'no.pkl')
