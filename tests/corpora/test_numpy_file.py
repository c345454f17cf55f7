"""Damaged .npy and .npz files are named, whatever numpy raises."""

import pickle

import numpy as np
import pytest

from affect_jax.corpora.files import numpy_file
from affect_jax.errors import UserError


@pytest.fixture
def npy(tmp_path):
  np.save(tmp_path / 'a.npy', np.arange(6.0).reshape(3, 2))
  return tmp_path / 'a.npy'


def test_arrays_are_read_as_they_were_saved(npy, tmp_path):
  with numpy_file.opened(npy) as array:
    np.testing.assert_array_equal(array, np.load(npy))
  np.savez(tmp_path / 'a.npz', x=np.arange(3), y=np.zeros((2, 0)))
  found = numpy_file.read_archive(tmp_path / 'a.npz')
  assert {k: v.shape for k, v in found.items()} == {'x': (3,), 'y': (2, 0)}
  with pytest.raises(UserError, match=r'a\.npy is one array'):
    numpy_file.read_archive(npy)


@pytest.mark.parametrize(
  ('damage', 'said'),
  [
    (lambda x: x[:40] + bytes(8) + x[48:], r'is no \.npy'),  # A TokenError.
    (lambda x: x[:-1], 'damaged or cut'),
    (lambda x: x + b'0', 'goes on after'),
    (lambda x: x.replace(b'(3, 2)', b'(1, 2)'), 'goes on after'),
    (lambda x: x.replace(b'(3, 2)', b'(9**9,)'), 'damaged'),
    (lambda x: b'', 'damaged or cut'),
    (lambda x: pickle.dumps([1.0]), 'damaged'),
    (lambda x: b'PK\3\4' + x, 'damaged'),
  ],
  ids=['head', 'cut', 'longer', 'fewer', 'code', 'empty', 'pickle', 'zip'],
)
def test_damage_is_named(npy, damage, said):
  npy.write_bytes(damage(npy.read_bytes()))
  with (
    pytest.raises(UserError, match=rf'a\.npy .*{said}'),
    numpy_file.opened(npy),
  ):
    pass


def test_any_flipped_byte_of_an_archive_is_named_or_harmless(tmp_path):
  path = tmp_path / 'a.npz'
  array = np.arange(6.0).reshape(3, 2)
  np.savez_compressed(path, x=array)
  whole, said = path.read_bytes(), []
  for place in range(len(whole)):
    flipped = bytearray(whole)
    flipped[place] ^= 0x55
    path.write_bytes(flipped)
    try:
      found = numpy_file.read_archive(path)
    except UserError as error:
      said.append(str(error))
    else:
      np.testing.assert_array_equal(next(iter(found.values())), array)
  assert all('a.npz' in x for x in said)
  assert len(said) > len(whole) / 2
