"""ResNet-18 against PyTorch's numbers (golden/make_resnet18.py wrote them)."""

import runpy

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy
from toys.paths import GOLDEN

from affect_jax.models import pretrained
from affect_jax.models import resnet

RECIPE = runpy.run_path(str(GOLDEN / 'make_resnet18.py'))


@pytest.fixture(scope='module')
def expected():
  return np.load(GOLDEN / 'resnet18_features.npz')


@pytest.fixture(scope='module')
def variables(tmp_path_factory):
  """The recipe's weights through a file and the importer."""
  path = tmp_path_factory.mktemp('weights') / 'resnet18.safetensors'
  safetensors.numpy.save_file(RECIPE['weights'](), path)
  params, stats, _ = pretrained.load_resnet18(path)
  return {'params': params, 'batch_stats': stats}


def nhwc(images):
  return jnp.asarray(images.transpose(0, 2, 3, 1))


def test_recipe_is_the_one_that_pytorch_ran(expected):
  assert RECIPE['checksum'](RECIPE['weights']()) == str(expected['checksum'])


@pytest.mark.parametrize('size', [224, 64, 75])
def test_features_equal_pytorch(expected, variables, size):
  features = resnet.ResNet18().apply(
    variables, nhwc(RECIPE['images'](size)), train=False
  )
  reference = expected[f'features_{size}']
  assert features.shape == (2, 512)
  assert features.dtype == jnp.float32
  error = np.abs(features - reference).max()
  print(f'{size} px: max abs error {error:.1e} of {reference.max():.1f}')
  assert error < 1e-4


def test_training_equals_pytorch(expected, variables):
  image = nhwc(RECIPE['images'](64, 4))
  probe = jnp.asarray(RECIPE['probe']())

  @jax.jit
  def run(params):
    features, state = resnet.ResNet18().apply(
      {**variables, 'params': params},
      image,
      train=True,
      mutable=['batch_stats'],
    )
    return jnp.sum(features * probe), (features, state['batch_stats'])

  grads, (features, stats) = jax.grad(run, has_aux=True)(variables['params'])
  np.testing.assert_allclose(features, expected['train_features'], atol=1e-4)
  for name, grad in (
    ('conv1.weight', grads['conv1']['kernel'].transpose(3, 2, 0, 1)),
    ('bn1.weight', grads['bn1']['scale']),
    (
      'layer3.0.downsample.0.weight',
      grads['layer3']['0']['downsample_conv']['kernel'].transpose(3, 2, 0, 1),
    ),
  ):
    reference = expected[f'grad_{name}']
    error = np.abs(grad[:16] - reference).max() / np.abs(reference).max()
    print(f'gradient of {name}: max error {error:.1e} of the largest')
    assert error < 1e-3
  np.testing.assert_allclose(
    stats['bn1']['mean'], expected['bn1.running_mean'], atol=1e-5
  )
  # PyTorch averages the unbiased variance, Flax the biased one.
  n = 4 * 32 * 32
  old = RECIPE['weights']()['bn1.running_var']
  biased = (expected['bn1.running_var'] - 0.9 * old) * (n - 1) / n
  np.testing.assert_allclose(stats['bn1']['var'], 0.9 * old + biased, rtol=1e-5)


@pytest.mark.parametrize('shape', [(2, 8, 8, 3), (1, 7, 9, 2), (1, 1, 2, 1)])
def test_max_pool_equals_flax(shape):
  rng = np.random.default_rng(0)
  x = jnp.asarray(rng.normal(size=shape) - 3, jnp.float32)

  def flax_pool(x):
    return nn.max_pool(x, (3, 3), (2, 2), ((1, 1), (1, 1)))

  pooled = flax_pool(x)
  probe = jnp.asarray(rng.normal(size=pooled.shape), jnp.float32)
  np.testing.assert_array_equal(resnet.max_pool_3x3(x), pooled)
  ours, theirs = (
    jax.grad(lambda x, f=f: jnp.sum(f(x) * probe))(x)
    for f in (resnet.max_pool_3x3, flax_pool)
  )
  np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize('stem', resnet.STEMS)
def test_names_and_sizes(stem):
  model = resnet.ResNet18(stem=stem)
  shapes = jax.eval_shape(
    lambda: model.init(
      jax.random.key(0), jnp.zeros((1, 48, 48, 3)), train=False
    )
  )
  parts = [p for stage in resnet.STAGES for p in stage]
  assert sorted(shapes['params']) == sorted(parts)
  assert sorted(shapes['batch_stats']) == sorted(set(parts) - {'conv1'})
  sizes = [x.size for x in jax.tree.leaves(shapes['params'])]
  # torchvision's 11689512 without fc (512 * 1000 + 1000).
  stem_size = 64 * 3 * (49 if stem == 'imagenet' else 9)
  assert sum(sizes) == 11689512 - 513000 - 64 * 3 * 49 + stem_size


def fill(entries, leaf):
  """Like an initial value, from numpy: compiling the random ones is slow."""
  name = entries[-1].key
  if name == 'kernel':
    rng = np.random.default_rng(leaf.shape)
    values = rng.normal(size=leaf.shape) * (2 / np.prod(leaf.shape[:3])) ** 0.5
    return jnp.asarray(values, leaf.dtype)
  return jnp.full(leaf.shape, float(name in ('scale', 'var')), leaf.dtype)


def build(**options):
  model = resnet.ResNet18(stem='small', **options)
  image = jnp.asarray(np.random.default_rng(1).normal(size=(4, 32, 32, 3)))
  shapes = jax.eval_shape(
    lambda: model.init(jax.random.key(0), image, train=False)
  )
  return model, jax.tree_util.tree_map_with_path(fill, shapes), image


def initialize(choose, **options):
  """One part of the initial parameters; nothing else is compiled."""
  model = resnet.ResNet18(stem='small', **options)
  image = jnp.zeros((1, 32, 32, 3))
  return jax.jit(
    lambda key: choose(model.init(key, image, train=False)['params'])
  )(jax.random.key(0))


@pytest.fixture
def narrow(monkeypatch):
  """For what does not depend on the width: wide ones take long, unoptimised."""
  monkeypatch.setattr(resnet, 'WIDTHS', (4, 6, 8, 10))


@pytest.mark.parametrize('frozen', [0, 1, 3, 5])
@pytest.mark.usefixtures('narrow')
def test_frozen_stages_keep_their_statistics(frozen):
  model, variables, image = build(frozen_stages=frozen)
  _, state = model.apply(variables, image, train=True, mutable=['batch_stats'])
  for i, parts in enumerate(resnet.STAGES):
    for part in set(parts) - {'conv1'}:
      for old, new in zip(
        jax.tree.leaves(variables['batch_stats'][part]),
        jax.tree.leaves(state['batch_stats'][part]),
        strict=True,
      ):
        assert np.array_equal(old, new) == (i < frozen), part


def test_initial_kernels_are_kaiming_fan_out():
  kernel = initialize(lambda p: p['layer3']['0']['conv1']['kernel'])
  np.testing.assert_allclose(np.std(kernel), (2 / (9 * 256)) ** 0.5, rtol=0.01)
  np.testing.assert_allclose(np.mean(kernel), 0, atol=1e-3)


@pytest.mark.parametrize('zero', [False, True])
def test_zero_init_residual_starts_blocks_as_identity(zero):
  one, two = initialize(
    lambda p: [p['layer2']['1'][k]['scale'] for k in ('bn1', 'bn2')],
    zero_init_residual=zero,
  )
  assert np.all(one == 1)
  assert np.all(two == (not zero))


@pytest.mark.usefixtures('narrow')
def test_bfloat16_keeps_float32_parameters_statistics_and_features():
  model, variables, image = build(dtype=jnp.bfloat16)
  reference = resnet.ResNet18(stem='small')

  (features, state), (exact, _) = (
    m.apply(variables, image, train=True, mutable=['batch_stats'])
    for m in (model, reference)
  )
  for x in jax.tree.leaves((variables, state, features)):
    assert x.dtype == jnp.float32
  assert 0 < np.abs(features - exact).max() < 0.2


@pytest.mark.usefixtures('narrow')
def test_axis_name_makes_statistics_global():
  model, variables, image = build(axis_name='batch')
  reference = resnet.ResNet18(stem='small')
  _, expected = reference.apply(
    variables, image, train=True, mutable=['batch_stats']
  )
  _, state = jax.vmap(
    lambda x: model.apply(variables, x, train=True, mutable=['batch_stats']),
    axis_name='batch',
  )(image.reshape(2, 2, 32, 32, 3))
  for ours, theirs in zip(
    jax.tree.leaves(state), jax.tree.leaves(expected), strict=True
  ):
    np.testing.assert_allclose(ours[0], theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
  ('options', 'shape', 'message'),
  [
    ({'stem': 'tiny'}, (1, 32, 32, 3), "'tiny'.*imagenet"),
    ({'frozen_stages': 6}, (1, 32, 32, 3), r'must be in 0\.\.5, not 6'),
    ({}, (1, 3, 32, 32), r'\[B, H, W, 3\]'),
  ],
)
def test_errors(options, shape, message):
  with pytest.raises(ValueError, match=message):
    resnet.ResNet18(**options).init(
      jax.random.key(0), jnp.zeros(shape), train=False
    )
