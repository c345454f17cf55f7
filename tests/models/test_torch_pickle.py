"""The reader of torch.save's files, on files that PyTorch wrote."""

import argparse
import os
import pathlib
import pickle
import zipfile

import numpy as np
import pytest
from toys.paths import GOLDEN

from affect_jax.errors import UserError
from affect_jax.models import torch_pickle


def write(path, data, **storages):
  """A zip file of torch.save's layout around any pickle."""
  with zipfile.ZipFile(path, 'w') as archive:
    archive.writestr('archive/data.pkl', data)
    archive.writestr('archive/byteorder', storages.pop('byteorder', 'little'))
    for key, values in storages.items():
      archive.writestr(f'archive/data/{key}', values)
  return path


def tensor_pickle(offset, shape, strides, size=6):
  """torch.save's opcodes for one float tensor, protocol 0 and by hand."""

  def numbers(values):
    return '(' + ''.join(f'I{v}\n' for v in values) + 't'

  return (
    'ctorch._utils\n_rebuild_tensor_v2\n'
    f"((S'storage'\nctorch\nFloatStorage\nS'a'\nS'cpu'\nI{size}\ntQ"
    f'I{offset}\n{numbers(shape)}{numbers(strides)}I00\nNtR.'
  ).encode()


def test_every_kind_of_tensor():
  saved = torch_pickle.load(GOLDEN / 'tensors.pth')
  expected = np.load(GOLDEN / 'tensors.npz')
  assert set(saved) == {'epoch', 'state_dict', 'module'}
  assert saved['epoch'] == 3
  tensors = saved['state_dict']
  assert set(tensors) == set(expected)
  for name, reference in expected.items():
    values = tensors[name]
    assert values.shape == reference.shape, name
    if name == 'bfloat16':
      assert values.dtype.name == 'bfloat16'
      values = values.astype(np.float32)
    assert values.dtype == reference.dtype, name
    np.testing.assert_array_equal(values, reference)
  # A module's state dict has attributes of its own, and keeps its order.
  assert list(saved['module']) == [
    'weight',
    'bias',
    'running_mean',
    'running_var',
    'num_batches_tracked',
  ]
  np.testing.assert_array_equal(saved['module']['running_var'], [1, 1])


def test_tensor_by_hand(tmp_path):
  data = np.arange(6, dtype='<f4').tobytes()
  path = write(tmp_path / 'a.pth', tensor_pickle(1, (2, 2), (1, 3)), a=data)
  np.testing.assert_array_equal(torch_pickle.load(path), [[1, 4], [2, 5]])


@pytest.mark.parametrize(
  ('offset', 'shape', 'strides'),
  [
    (0, (7,), (1,)),
    (5, (2,), (1,)),
    (7, (1,), (1,)),
    (-1, (2,), (1,)),
    (5, (2,), (-4,)),
    (0, (2, 2), (1,)),
    (0, (10**9,), (0,)),
    (0, (2, 2), (1, 10**12)),
  ],
)
def test_no_memory_beyond_the_storage(tmp_path, offset, shape, strides):
  data = np.arange(6, dtype='<f4').tobytes()
  pickled = tensor_pickle(offset, shape, strides)
  path = write(tmp_path / 'a.pth', pickled, a=data)
  with pytest.raises(UserError, match=r'a\.pth.*(does not fit|damaged)'):
    torch_pickle.load(path)


class Attack:
  """Creates a file when it is unpickled."""

  def __init__(self, function, *arguments):
    self.call = function, arguments

  def __reduce__(self):
    return self.call


def test_refuses_to_run_code(tmp_path):
  victim = tmp_path / 'victim'
  for attack, name in (
    (Attack(os.system, f'touch {victim}'), f'{os.name}.system'),
    (Attack(eval, f'open({str(victim)!r}, "w")'), '__builtin__.eval'),
    (Attack(pathlib.Path.touch, victim), '__builtin__.getattr'),
  ):
    data = pickle.dumps({'conv1.weight': attack}, protocol=2)
    path = write(tmp_path / 'evil.pth', data)
    with pytest.raises(UserError, match=rf'evil\.pth: refused to load {name}'):
      torch_pickle.load(path)
    assert not victim.exists()
    # The same bytes are an attack on those who unpickle them.
    pickle.loads(data)
    assert victim.exists()
    victim.unlink()


@pytest.mark.parametrize(
  'name', ['torch._utils._rebuild_tensor', 'torch.nn.Linear', 'torch.load']
)
def test_refuses_other_names_of_torch(tmp_path, name):
  module, _, attribute = name.rpartition('.')
  data = f'c{module}\n{attribute}\n.'.encode()
  path = write(tmp_path / 'whole.pth', data)
  with pytest.raises(UserError, match=rf'whole\.pth: refused to load {name}'):
    torch_pickle.load(path)


def test_what_training_scripts_save_beside_weights_is_dropped(tmp_path):
  beside = {
    'epoch': 3,
    'args': argparse.Namespace(lr=0.1),
    'best': [np.float64(0.5), np.float32(1)],
  }
  for protocol in (2, 4):
    path = write(tmp_path / 'last.ckpt', pickle.dumps(beside, protocol))
    found = torch_pickle.load(path)
    assert found['epoch'] == 3
    assert not hasattr(found['args'], 'lr')
    assert not isinstance(found['best'][0], float)


@pytest.mark.parametrize('share', [0.02, 0.3, 0.6, 0.95, 0.999])
def test_truncated(tmp_path, share):
  data = (GOLDEN / 'tensors.pth').read_bytes()
  path = tmp_path / 'cut.pth'
  path.write_bytes(data[: int(share * len(data))])
  with pytest.raises(UserError, match=r'cut\.pth: damaged or truncated'):
    torch_pickle.load(path)


def test_flipped_byte(tmp_path):
  data = bytearray((GOLDEN / 'tensors.pth').read_bytes())
  storage = np.arange(24, dtype='f4') / np.float32(7)
  data[bytes(data).index(storage.tobytes()) + 9] ^= 1
  path = tmp_path / 'flipped.pth'
  path.write_bytes(data)
  with pytest.raises(UserError, match=r'flipped\.pth: damaged'):
    torch_pickle.load(path)


def test_short_storage(tmp_path):
  path = write(tmp_path / 'a.pth', tensor_pickle(0, (6,), (1,)), a=b'1234')
  with pytest.raises(UserError, match=r'a\.pth: storage a has 4 bytes'):
    torch_pickle.load(path)


def test_other_files(tmp_path):
  with pytest.raises(UserError, match=r'legacy\.pth.*convert'):
    torch_pickle.load(GOLDEN / 'legacy.pth')
  path = write(tmp_path / 'big.pth', b'N.', byteorder='big')
  with pytest.raises(UserError, match=r"big\.pth: byte order b'big'"):
    torch_pickle.load(path)
  path = tmp_path / 'photos.pth'
  with zipfile.ZipFile(path, 'w') as archive:
    archive.writestr('photos/1.jpg', b'')
  with pytest.raises(UserError, match=r'photos\.pth: a zip file, but not'):
    torch_pickle.load(path)
  with pytest.raises(FileNotFoundError, match=r'none\.pth'):
    torch_pickle.load(tmp_path / 'none.pth')
