"""Audio, vision and text features of MUStARD, as others published them."""

import collections
import json
import pickle
import sys

import numpy as np
import pytest
from toys.mustard import clips
from toys.mustard import read
from toys.mustard import refusal
from toys.mustard import write

from affect_jax.corpora import mustard
from affect_jax.corpora.builders import face_listing


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


def test_audio_values_that_are_not_finite_are_0_and_counted(tmp_path):
  write(tmp_path)
  features = audio()
  first, second, third, silent = list(clips())[:4]
  features[silent][:] = 0
  features[first][1, :2] = -np.inf
  features[second][0, 0] = -np.inf
  features[third][2, 1] = np.nan
  save_audio(tmp_path, features)
  listing = mustard.listing(
    tmp_path, protocol='speaker_independent', audio_features='audio.p'
  )
  found, told = {}, collections.Counter()
  for stream in listing.splits.values():
    for item in stream():
      if isinstance(item, face_listing.LeftOut):
        told[item.reason] += item.count
      else:
        found[item.id] = item.sequences.get('audio')
  assert found.pop(silent) is None
  for name in found:
    array = audio()[name]
    expected = np.where(np.isfinite(features[name]), array, 0).T
    np.testing.assert_allclose(found[name], expected, rtol=1e-6)
  assert not found[first][:2, 1].any()
  assert told == {
    'audio values of -inf (read as 0)': 3,
    'audio values of NaN or inf (read as 0)': 1,
    'audio sequences that are all zero (missing)': 1,
  }


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
  # The addresses of the arrays, after the header, lead nowhere.
  whole = bytearray(file.read_bytes())
  whole[256:2048] = b'\xff' * 1792
  file.write_bytes(whole)
  assert 'damaged' in refusal(tmp_path, **options)
  file.write_bytes(b'no HDF5')
  assert 'is not an HDF5 file' in refusal(tmp_path, **options)


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
