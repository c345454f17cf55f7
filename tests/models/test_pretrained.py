"""Foreign weights: names, prefixes, other architectures, damaged files."""

import pathlib
import runpy
import shutil
import zipfile

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
from toys.paths import GOLDEN

from affect_jax.models import affect_model
from affect_jax.models import pretrained
from affect_jax.models import tensor_file

RECIPE = runpy.run_path(str(GOLDEN / 'make_resnet18.py'))


@pytest.fixture(scope='module')
def weights():
  """All 122 tensors of torchvision's resnet18().state_dict()."""
  tensors = RECIPE['weights']()
  for name in list(tensors):
    if name.endswith('running_var'):
      counter = name.replace('running_var', 'num_batches_tracked')
      tensors[counter] = np.array(7, np.int64)
  tensors['fc.weight'] = np.zeros((1000, 512), np.float32)
  tensors['fc.bias'] = np.zeros(1000, np.float32)
  return tensors


def save(path, tensors):
  safetensors.numpy.save_file(tensors, path)
  return path


def constant(stem):
  """An AffectModel's variables, every number -1."""
  model = affect_model.AffectModel(units={'expression': 8}, stem=stem)
  image = jnp.zeros((1, 32, 32, 3))
  shapes = jax.eval_shape(
    lambda: model.init(jax.random.key(0), {'image': image}, train=False)
  )
  return jax.tree.map(lambda x: np.full(x.shape, -1, x.dtype), shapes)


def merge(variables, loaded):
  return pretrained.merge(
    variables['params'], variables['batch_stats'], *loaded
  )


def test_places_by_torchvision_names(tmp_path, weights):
  path = save(tmp_path / 'w.safetensors', weights)
  params, stats, report = pretrained.load_resnet18(path)
  shortcut = params['layer2']['0']['downsample_bn']
  for ours, theirs in (
    (params['bn1']['scale'], 'bn1.weight'),
    (shortcut['bias'], 'layer2.0.downsample.1.bias'),
    (stats['layer4']['1']['bn2']['mean'], 'layer4.1.bn2.running_mean'),
    (stats['layer1']['0']['bn1']['var'], 'layer1.0.bn1.running_var'),
  ):
    np.testing.assert_array_equal(ours, weights[theirs])
  kernel = params['layer3']['0']['conv1']['kernel']
  assert kernel.shape == (3, 3, 128, 256)
  assert kernel[2, 0, 5, 9] == weights['layer3.0.conv1.weight'][9, 5, 2, 0]
  assert len(report.loaded) == len(set(report.loaded)) == 100
  assert set(report.loaded) == set(RECIPE['shapes']())
  assert len(report.ignored) == 22
  assert not report.unexpected
  text = str(report)
  assert f'100 of 122 tensors loaded from {path}' in text
  assert 'fc.bias, fc.weight, 20 x num_batches_tracked' in text


@pytest.mark.parametrize('stem', ['imagenet', 'small'])
def test_merge_into_a_model(tmp_path, weights, stem):
  path = save(tmp_path / 'w.safetensors', weights)
  variables = constant(stem)
  params, stats, report = merge(variables, pretrained.load_resnet18(path))
  result = {'params': params, 'batch_stats': stats}
  before, after = (
    jax.tree_util.tree_flatten_with_path(v)[0] for v in (variables, result)
  )
  kept = set()
  for (keys, old), (_, new) in zip(before, after, strict=True):
    assert new.shape == old.shape
    assert new.dtype == old.dtype
    assert np.all(old == -1)  # The model that came in is as it was.
    if np.all(new == -1):
      kept.add('/'.join(k.key for k in keys))
  expected = {f'params/heads/expression/{k}' for k in ('kernel', 'bias')}
  if stem == 'small':
    expected |= {
      'params/backbone/conv1/kernel',
      'params/backbone/bn1/scale',
      'params/backbone/bn1/bias',
      'batch_stats/backbone/bn1/mean',
      'batch_stats/backbone/bn1/var',
    }
  assert kept == set(report.missing) == expected
  assert len(report.loaded) == (100 if stem == 'imagenet' else 95)
  assert len(report.mismatched) == 100 - len(report.loaded)
  text = str(report)
  assert f'{len(report.loaded)} of 122 tensors loaded' in text
  assert 'params/heads/expression/kernel' in text
  if stem == 'small':
    assert 'conv1.weight ((7, 7, 3, 64) in the file, (3, 3, 3, 64)' in text


@pytest.mark.parametrize(
  'prefix', ['module.', 'backbone.', 'module.encoder.', 'anything.0.']
)
def test_prefix(tmp_path, weights, prefix):
  tensors = {prefix + k: v for k, v in weights.items()}
  tensors['projector.weight'] = np.zeros((2, 2), np.float32)
  path = save(tmp_path / 'w.safetensors', tensors)
  params, stats, report = pretrained.load_resnet18(path)
  np.testing.assert_array_equal(params['bn1']['scale'], weights['bn1.weight'])
  assert set(report.loaded) == {prefix + k for k in RECIPE['shapes']()}
  assert report.unexpected == ('projector.weight',)
  _, _, merged = merge(constant('imagenet'), (params, stats, report))
  assert len(merged.loaded) == 100
  assert 'unexpected: projector.weight' in str(merged)


def test_several_networks(tmp_path, weights):
  tensors = {'q.' + k: v for k, v in weights.items()}
  tensors |= {'k.' + k: np.asarray(v + 1) for k, v in weights.items()}
  path = save(tmp_path / 'moco.safetensors', tensors)
  with pytest.raises(ValueError, match=r"moco.*prefixes \['k\.', 'q\.'\]"):
    pretrained.load_resnet18(path)
  params, _, report = pretrained.load_resnet18(path, prefix='k.')
  np.testing.assert_array_equal(params['bn1']['bias'], weights['bn1.bias'] + 1)
  assert len(report.unexpected) == 122


@pytest.mark.parametrize('dtype', [np.float16, ml_dtypes.bfloat16, np.float64])
def test_other_precisions_become_float32(tmp_path, weights, dtype):
  if dtype is ml_dtypes.bfloat16:
    import safetensors.flax as writer

    cast = {k: jnp.asarray(v, dtype) for k, v in weights.items()}
  else:
    writer = safetensors.numpy
    cast = {k: v.astype(dtype) for k, v in weights.items()}
  path = tmp_path / 'w.safetensors'
  writer.save_file(cast, path)
  params, _, _ = pretrained.load_resnet18(path)
  scale = params['bn1']['scale']
  assert scale.dtype == np.float32
  np.testing.assert_array_equal(
    scale, weights['bn1.weight'].astype(dtype).astype(np.float32)
  )


def resnet50(weights):
  tensors = dict(weights)
  for stage, blocks in enumerate((3, 4, 6, 3), 1):
    for block in range(blocks):
      name = f'layer{stage}.{block}.conv3.weight'
      tensors[name] = np.zeros((4, 1, 1, 1), np.float32)
  return tensors


def without(weights, name):
  return {k: v for k, v in weights.items() if k != name}


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    (resnet50, r'ResNet-50; layer1\.0\.conv3\.weight is unknown'),
    (
      lambda w: {**w, 'layer1.2.conv1.weight': np.zeros(1, np.float32)},
      r'a network with \(3, 2, 2, 2\) blocks',
    ),
    (
      lambda w: {**w, 'layer1.0.se.fc1.weight': np.zeros(1, np.float32)},
      r'a variant; layer1\.0\.se\.fc1\.weight is unknown',
    ),
    (
      lambda w: {**w, 'conv1.bias': np.zeros(64, np.float32)},
      r'conv1\.bias is unknown',
    ),
    (
      lambda w: without(w, 'layer4.1.bn2.running_var'),
      r'layer4\.1\.bn2\.running_var is missing',
    ),
    (
      lambda w: {**w, 'bn1.bias': np.zeros(32, np.float32)},
      r'bn1\.bias has shape \(32,\), not \(64,\)',
    ),
    (
      lambda w: {**w, 'bn1.bias': np.full(64, np.nan, np.float32)},
      r'bn1\.bias is not finite',
    ),
    (
      lambda w: {'blocks.0.attn.qkv.weight': w['conv1.weight']},
      r"no ResNet with .* names .*'blocks\.0\.attn",
    ),
  ],
)
def test_another_network_is_an_error(tmp_path, weights, change, message):
  path = save(tmp_path / 'other.safetensors', change(weights))
  with pytest.raises(ValueError, match=rf'other\.safetensors: .*{message}'):
    pretrained.load_resnet18(path)


def test_merge_needs_the_encoder(tmp_path, weights):
  loaded = pretrained.load_resnet18(save(tmp_path / 'w.safetensors', weights))
  with pytest.raises(ValueError, match=r"no 'backbone', only \['vit'\]"):
    pretrained.merge({'vit': {}}, {'vit': {}}, *loaded)
  smaller = constant('imagenet')
  del smaller['params']['backbone']['layer4']['1']
  with pytest.raises(ValueError, match=r'no tensors for .*layer4\.1\.bn1'):
    merge(smaller, loaded)


@pytest.mark.parametrize('share', [0.0001, 0.5, 0.9999])
def test_truncated_safetensors(tmp_path, weights, share):
  path = save(tmp_path / 'cut.safetensors', weights)
  data = path.read_bytes()
  path.write_bytes(data[: int(share * len(data))])
  with pytest.raises(ValueError, match=r'cut\.safetensors: damaged or trunc'):
    pretrained.load_resnet18(path)


@pytest.mark.parametrize(
  'name', ['model_best.pth.tar', 'last.ckpt', 'TENSORS.PTH', 'weights']
)
def test_weights_are_known_by_their_content(tmp_path, name):
  path = pathlib.Path(shutil.copy(GOLDEN / 'tensors.pth', tmp_path / name))
  assert set(tensor_file.read(path)) == set(np.load(GOLDEN / 'tensors.npz'))
  tensors = {'a': np.arange(3, dtype=np.float32)}
  safetensors.numpy.save_file(tensors, path)
  np.testing.assert_array_equal(tensor_file.read(path)['a'], tensors['a'])


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    (b'\x89HDF\r\n\x1a\n', r'is a HDF5 file, as Keras .*\.pth\.tar'),
    (b'version https://git-lfs.github.com/spec/v1\n', r'is a Git-LFS pointer'),
    (b'\n<!DOCTYPE html><html>', r'is a web page .*; weights are read from'),
    (b'hello', r'is of an unknown kind; weights are read'),
    (b'', r'is an empty file'),
  ],
)
def test_files_that_are_no_weights(tmp_path, content, message):
  path = tmp_path / 'weights.pth'
  path.write_bytes(content)
  with pytest.raises(ValueError, match=rf'weights\.pth {message}'):
    pretrained.load_resnet18(path)
  if b'git-lfs' in content:
    path = path.rename(tmp_path / 'model.safetensors')
    with pytest.raises(ValueError, match=rf'model\.safetensors {message}'):
      pretrained.load_resnet18(path)


def test_state_dict_under_a_wrapper():
  tensors = tensor_file.read(GOLDEN / 'tensors.pth')
  assert set(tensors) == set(np.load(GOLDEN / 'tensors.npz'))


def test_file_without_tensors(tmp_path):
  path = tmp_path / 'epoch.pth'
  with zipfile.ZipFile(path, 'w') as archive:
    archive.writestr('a/data.pkl', b'}U\x05epochK\x03s.')
  with pytest.raises(ValueError, match=r"epoch\.pth: no tensors .*\['epoch'\]"):
    tensor_file.read(path)


def test_state_dict_of_pytorch(tmp_path, weights):
  """The whole way from torch.save, where PyTorch is installed."""
  torch = pytest.importorskip('torch')
  path = tmp_path / 'checkpoint.pth'
  state = {'module.' + k: torch.from_numpy(v) for k, v in weights.items()}
  torch.save({'best_acc': torch.tensor(0.5), 'state_dict': state}, path)
  params, stats, report = pretrained.load_resnet18(path)
  assert len(report.loaded) == 100
  other = save(tmp_path / 'w.safetensors', weights)
  jax.tree.map(
    np.testing.assert_array_equal,
    (params, stats),
    pretrained.load_resnet18(other)[:2],
  )
