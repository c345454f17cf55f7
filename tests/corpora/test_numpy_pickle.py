"""The reader of pickled arrays: every kind, every protocol, no code."""

import collections
import datetime
import fractions
import os
import pickle
import struct
import tracemalloc

import numpy as np
import pytest

from affect_jax.corpora.files import numpy_pickle
from affect_jax.errors import UserError

CONTENT = {
  'train': {
    'floats': np.arange(24, dtype=np.float32).reshape(2, 3, 4) / 7,
    'doubles': np.linspace(-1, 1, 300).reshape(100, 3),
    'integers': np.arange(-3, 3),
    'bits': np.array([[True, False, True]]),
    'half': np.array([1, 0.5], np.float16),
    'complex': np.array([1 + 2j]),
    'strings': np.array(['ein', 'Gruß', '']),
    'bytes': np.array([b'video', b'1.5']),
    'objects': np.array(['a', None, 2, {'b': np.arange(3)}], object),
    'ragged': np.array([np.zeros(2), np.ones(3)], object),
    'fortran': np.asfortranarray(np.arange(400.0).reshape(20, 20)),
    'swapped': np.arange(5, dtype='>f8'),
    'nothing': np.zeros((0, 3)),
    'one': np.array(2.5),
  },
  'scalars': [
    np.float32(1.5),
    np.int64(-7),
    np.str_('text'),
    np.str_(''),
    np.bytes_(b'x'),
    np.bool_(True),
  ],
  'plain': (1, 2.5, None, True, 'é', b'\xff', b'', bytearray(b'z'), 3 + 1j),
  'sets': [{1, 2}, frozenset([3])],
  'ordered': collections.OrderedDict([('b', 1), ('a', np.arange(2))]),
}


def assert_same(found, expected):
  if isinstance(expected, np.ndarray):
    assert type(found) is np.ndarray
    # numpy itself reads numbers of the other byte order into its own.
    assert found.dtype.newbyteorder('=') == expected.dtype.newbyteorder('=')
    assert found.shape == expected.shape
    if expected.dtype.hasobject:
      for a, b in zip(found.flat, expected.flat, strict=True):
        assert_same(a, b)
    else:
      np.testing.assert_array_equal(found, expected)
  elif isinstance(expected, dict):
    assert list(found) == list(expected)
    for key in expected:
      assert_same(found[key], expected[key])
  elif isinstance(expected, list | tuple):
    assert type(found) is type(expected)
    for a, b in zip(found, expected, strict=True):
      assert_same(a, b)
  else:
    assert type(found) is type(expected)
    assert found == expected


@pytest.mark.parametrize('protocol', range(6))
def test_every_kind_of_array_and_container(tmp_path, protocol):
  path = tmp_path / 'a.pkl'
  path.write_bytes(pickle.dumps(CONTENT, protocol))
  assert_same(numpy_pickle.load(path), CONTENT)


@pytest.mark.parametrize('protocol', [2, 3])
def test_arrays_of_numpy_1(tmp_path, protocol):
  data = pickle.dumps(CONTENT['train'], protocol)
  assert b'cnumpy._core.multiarray\n' in data
  data = data.replace(b'cnumpy._core.multiarray\n', b'cnumpy.core.multiarray\n')
  path = tmp_path / 'a.pkl'
  path.write_bytes(data)
  assert_same(numpy_pickle.load(path), CONTENT['train'])


def python_2(values, code=b'f8', flags=b'K\x00'):
  """Protocol 2 as Python 2 writes {'x': array}: bytes are strings there."""
  data = struct.pack(f'<{len(values)}d', *values)
  return (
    b'\x80\x02}q\x00U\x01xq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02'
    b'cnumpy\nndarray\nq\x03K\x00\x85U\x01b\x87Rq\x04(K\x01K'
    + bytes([len(values)])
    + b'\x85cnumpy\ndtype\nq\x05U\x02'
    + code
    + b'K\x00K\x01\x87Rq\x06(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff'
    + flags
    + b'tb\x89U'
    + bytes([len(data)])
    + data
    + b'tbs.'
  )


@pytest.mark.parametrize('encoding', ['utf-8', 'latin1', 'bytes'])
def test_arrays_of_python_2(tmp_path, encoding):
  values = [1.5, -2.25, 1e300]
  path = tmp_path / 'a.pkl'
  path.write_bytes(python_2(values))
  (key, array), *rest = numpy_pickle.load(path, encoding).items()
  assert not rest
  assert key == (b'x' if encoding == 'bytes' else 'x')
  assert array.dtype == np.float64
  np.testing.assert_array_equal(array, values)


def test_text_of_python_2(tmp_path):
  path = tmp_path / 'a.pkl'
  path.write_bytes(b"S'Gr\\xc3\\xbc\\xc3\\x9fe'\n.")
  assert numpy_pickle.load(path, 'utf-8') == 'Grüße'
  assert numpy_pickle.load(path, 'bytes') == 'Grüße'.encode()


@pytest.mark.parametrize('protocol', range(6))
def test_text_of_python_2_is_told_from_bytes_and_arrays(tmp_path, protocol):
  path = tmp_path / 'a.pkl'
  words = np.array([b'\xc3\xbc', 'ü', None], object)
  content = {
    'bytes': b'\xc3\xbc',
    ('ü', 1): {b'\xff', 'x'},
    'words': words,
    'array': np.arange(300, dtype='>f4'),
  }
  path.write_bytes(pickle.dumps(content, protocol))
  loaded = numpy_pickle.load(path)
  assert list(loaded) == list(content)
  for key in ('bytes', ('ü', 1)):
    assert loaded[key] == content[key]
    assert type(loaded[key]) is type(content[key])
  assert loaded['words'].tolist() == words.tolist()
  np.testing.assert_array_equal(loaded['array'], content['array'])


def test_strings_of_python_2_in_containers(tmp_path):
  path = tmp_path / 'a.pkl'
  # {'caf\xc3\xa9': ('\xc3\xbc', ['\xff'])} of protocol 2: short byte strings.
  path.write_bytes(b'\x80\x02}U\x05caf\xc3\xa9U\x02\xc3\xbc]U\x01\xffa\x86s.')
  assert numpy_pickle.load(path) == {'café': ('ü', ['ÿ'])}
  latin = numpy_pickle.load(path, 'latin1')
  assert latin == {'cafÃ©': ('Ã¼', ['ÿ'])}


def test_objects_cannot_be_forged_from_bytes(tmp_path):
  # Addresses of objects, if numpy believed the dtype's flags.
  path = tmp_path / 'a.pkl'
  path.write_bytes(python_2([1.0, 2.0], code=b'O8'))
  with pytest.raises(UserError, match=r'a\.pkl'):
    numpy_pickle.load(path)


@pytest.mark.parametrize('protocol', [4, 5])
def test_large_arrays_are_not_copied(tmp_path, protocol):
  size = 8_000_000
  path = tmp_path / 'a.pkl'
  content = [np.ones(size // 8), np.ones((2, size // 8), np.float32)]
  path.write_bytes(pickle.dumps(content, protocol))
  del content
  tracemalloc.start()
  found = numpy_pickle.load(path)
  peak = tracemalloc.get_traced_memory()[1]
  tracemalloc.stop()
  assert all(array.sum() in (1e6, 2e6) for array in found)
  assert peak < 1.1 * 2 * size


class Calls:
  """A pickle of it calls a function when it is read."""

  def __init__(self, function, *arguments):
    self.call = function, arguments

  def __reduce__(self):
    return self.call


@pytest.mark.parametrize(
  ('value', 'name'),
  [
    (Calls(os.mkdir, 'made'), r'posix\.mkdir'),
    (Calls(eval, '1 + 1'), r'builtins\.eval'),
    (Calls(getattr, 'x', 'upper'), r'builtins\.getattr'),
    (fractions.Fraction(1, 2), r'fractions\.Fraction'),
    (datetime.date(2020, 1, 1), r'datetime\.date'),
    (np.random.default_rng(0), r'numpy\.random'),
    (np.ma.masked_array([1]), r'numpy\.ma'),
    (np.rec.array([(1, 2)]), r'recarray'),
  ],
)
@pytest.mark.parametrize('protocol', [0, 2, 4])
def test_other_names_are_refused(tmp_path, monkeypatch, value, name, protocol):
  monkeypatch.chdir(tmp_path)
  path = tmp_path / 'a.pkl'
  path.write_bytes(pickle.dumps({'train': [np.zeros(3), value]}, protocol))
  with pytest.raises(UserError, match=rf'a\.pkl: refused to load .*{name}'):
    numpy_pickle.load(path)
  assert not (tmp_path / 'made').exists()


def test_tensors_are_refused_with_advice(tmp_path):
  path = tmp_path / 'a.pkl'
  path.write_bytes(b'\x80\x02ctorch._utils\n_rebuild_tensor_v2\n.')
  with pytest.raises(UserError, match=r'_rebuild_tensor_v2.*\.numpy\(\)'):
    numpy_pickle.load(path)


@pytest.mark.parametrize(
  ('value', 'what'),
  [
    (np.zeros(2, [('a', 'f4'), ('b', 'i4')]), "kind 'V8'"),
    (np.array(['2020-01-01'], 'M8[D]'), "kind 'M8'"),
  ],
)
def test_records_and_dates_are_not_read(tmp_path, value, what):
  path = tmp_path / 'a.pkl'
  path.write_bytes(pickle.dumps(value))
  with pytest.raises(UserError, match=rf'a\.pkl: arrays of the {what}'):
    numpy_pickle.load(path)


@pytest.mark.parametrize('protocol', [0, 2, 4, 5])
def test_truncated_files(tmp_path, protocol):
  data = pickle.dumps(CONTENT, protocol)
  path = tmp_path / 'a.pkl'
  for size in [*range(0, 40), *range(40, len(data) - 1, len(data) // 50)]:
    path.write_bytes(data[:size])
    with pytest.raises(UserError, match=r'a\.pkl.*damaged or truncated'):
      numpy_pickle.load(path)


@pytest.mark.parametrize(
  'data',
  [
    b'<!DOCTYPE html><html></html>',
    b'version https://git-lfs.github.com/spec/v1\n',
    b'c__builtin__\nbytes\n(I1000000000000\ntR.',
    b'c_codecs\nencode\n(Vx\nVrot13\ntR.',
    # An array whose shape and data disagree.
    python_2([1.0, 2.0]).replace(b'(K\x01K\x02', b'(K\x01K\x7f'),
  ],
)
def test_what_is_no_pickle_of_arrays(tmp_path, data):
  path = tmp_path / 'a.pkl'
  path.write_bytes(data)
  with pytest.raises(UserError, match=r'a\.pkl'):
    numpy_pickle.load(path)


def test_missing_file(tmp_path):
  with pytest.raises(FileNotFoundError):
    numpy_pickle.load(tmp_path / 'a.pkl')
