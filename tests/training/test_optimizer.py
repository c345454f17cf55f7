"""Optimisers by name, multipliers by path, decay of kernels only."""

from flax import traverse_util
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from affect_jax.training import optimizer

PARAMS = {
  'backbone': {
    'conv1': {'kernel': jnp.ones((2, 3))},
    'layer1': {'0': {'kernel': jnp.ones((2, 3))}},
    'layer10': {'kernel': jnp.ones((2, 3))},
  },
  'heads': {'x': {'kernel': jnp.ones((3, 2)), 'bias': jnp.ones(2)}},
}


def update(tx, grads=None):
  grads = jax.tree.map(jnp.ones_like, PARAMS) if grads is None else grads
  return tx.update(grads, tx.init(PARAMS), PARAMS)[0]


def build(name='sgd', **options):
  options = {'options': {}, **options}
  return optimizer.build(name, optax.constant_schedule(0.1), **options)


def test_multipliers_of_the_longest_prefix_and_frozen_parts():
  tx = build(multipliers={'backbone': 0.5, 'backbone/layer1': 0.1})
  u = update(tx)
  np.testing.assert_allclose(u['backbone']['conv1']['kernel'], -0.05)
  np.testing.assert_allclose(u['backbone']['layer1']['0']['kernel'], -0.01)
  # layer10 is not a part of layer1.
  np.testing.assert_allclose(u['backbone']['layer10']['kernel'], -0.05)
  np.testing.assert_allclose(u['heads']['x']['bias'], -0.1)
  u = update(build('adamw', frozen=('backbone',), weight_decay=0.1))
  assert np.all(u['backbone']['conv1']['kernel'] == 0)
  assert np.all(u['heads']['x']['kernel'] != 0)


def test_what_is_frozen_has_no_moments_and_no_norm():
  tx = build('adamw', frozen=('backbone',), multipliers={'heads': 0.5})
  state = tx.init(PARAMS)
  trained = sum(x.size for x in jax.tree.leaves(PARAMS['heads']))
  moments = [x.size for x in jax.tree.leaves(state) if x.ndim]
  assert sum(moments) == 2 * trained
  # Huge gradients of what is frozen do not clip those of the rest.
  grads = jax.tree.map(jnp.ones_like, PARAMS)
  grads['backbone'] = jax.tree.map(lambda x: 1e6 * x, grads['backbone'])
  u = update(build(frozen=('backbone',), clip_norm=100.0), grads)
  np.testing.assert_allclose(u['heads']['x']['bias'], -0.1)


def test_a_prefix_that_matches_nothing_is_refused():
  with pytest.raises(ValueError, match='backbone/layer9'):
    update(build(frozen=('backbone/layer9',)))


ZEROS = jax.tree.map(jnp.zeros_like, PARAMS)
# Those whose decay is the learning rate times its strength times the kernel.
DECOUPLED = ('adamaxw', 'adamw', 'adan', 'lion', 'nadamw')


@pytest.mark.parametrize('name', optimizer.OPTIMIZERS)
def test_a_gradient_of_zero_moves_nothing_without_decay(name):
  u = update(build(name, weight_decay=0.0), ZEROS)
  # The moments of optax.yogi begin at 1e-6, not at 0.
  most = 3e-5 if name == 'yogi' else 0
  assert all(np.abs(x).max() <= most for x in jax.tree.leaves(u))


@pytest.mark.parametrize('name', optimizer.OPTIMIZERS)
def test_decay_is_of_kernels_only(name):
  u = update(build(name, weight_decay=0.5), ZEROS)
  assert np.abs(u['heads']['x']['bias']).max() <= (name == 'yogi') * 3e-5
  kernel = u['backbone']['conv1']['kernel']
  assert np.all(kernel < 0)
  if name in DECOUPLED or name in ('muon', 'sgd'):
    np.testing.assert_allclose(kernel, -0.1 * 0.5, rtol=1e-5)
  more = update(build(name, weight_decay=5.0), ZEROS)
  if name in DECOUPLED:
    np.testing.assert_allclose(
      more['heads']['x']['kernel'], 10 * u['heads']['x']['kernel'], rtol=1e-5
    )


def test_the_decay_of_an_optimiser_is_one_setting():
  for option in ('weight_decay', 'mask', 'weight_decay_mask'):
    with pytest.raises(ValueError, match=r'set config\.weight_decay'):
      build('lion', options={option: 0.0})
  with pytest.raises(ValueError, match=r'optimizer\.weight_decay_rate'):
    build('adafactor', options={'weight_decay_rate': 0.1})


def test_clipping_bounds_the_global_norm():
  u = update(build(clip_norm=2.0))
  np.testing.assert_allclose(optax.tree.norm(u), 0.2, rtol=1e-6)


def test_schedules_are_filled_in_and_overridden():
  make = optimizer.build_schedule
  cosine = make('warmup_cosine_decay_schedule', 0.5, 100, warmup_steps=10)
  np.testing.assert_allclose(
    [cosine(0), cosine(10), cosine(100)], [0, 0.5, 0], atol=1e-7
  )
  assert make('constant_schedule', 0.5, 100)(77) == 0.5
  # The default config has a warm-up, which a flag cannot take away.
  assert make('constant_schedule', 0.5, 100, warmup_steps=50)(77) == 0.5
  linear = make('linear_schedule', 0.5, 100, end_value=0.1)
  np.testing.assert_allclose([linear(0), linear(100)], [0.5, 0.1])
  with pytest.raises(ValueError, match='cosine_decay_schedule'):
    make('cosine', 0.5, 100)
  with pytest.raises(ValueError, match='warm'):
    make('constant_schedule', 0.5, 100, warm=3)


def test_unknown_optimisers_and_options_are_refused():
  # fromage shrinks all weights; lbfgs wants to call the loss.
  for name in ('sdg', 'clip', 'linear_schedule', 'fromage', 'lbfgs'):
    with pytest.raises(ValueError, match=f"'{name}'"):
      build(name)
  with pytest.raises(ValueError, match='momentun'):
    build('sgd', options={'momentun': 0.9})


def test_muon_moves_every_direction_of_a_convolution_alike():
  rng = np.random.default_rng(0)
  params = {
    'backbone': {
      'conv': {'kernel': jnp.zeros((3, 3, 8, 16))},
      'bn': {'scale': jnp.ones(16)},
    },
    'heads': {'x': {'kernel': jnp.ones((16, 2))}},
  }
  grads = jax.tree.map(lambda p: jnp.asarray(rng.normal(size=p.shape)), params)
  tx = build('muon', options={'others_share': 0.5, 'ns_steps': 30})
  u = tx.update(grads, tx.init(params), params)[0]
  matrix = np.reshape(u['backbone']['conv']['kernel'], (72, 16))
  # The polar factor of the gradient, but for the iteration's own looseness
  # (its coefficients send singular values to about .7 to 1.2).
  values = np.linalg.svd(matrix, compute_uv=False) / 0.1
  assert values.min() > 0.6
  assert values.max() < 1.3
  gradient = np.reshape(grads['backbone']['conv']['kernel'], (72, 16))
  left, _, right = np.linalg.svd(gradient, full_matrices=False)
  cosine = np.sum(-matrix * (left @ right)) / (np.linalg.norm(matrix) * 4)
  assert cosine > 0.97
  # Adam's first step has one size, for all that is no inner layer: its
  # learning rate times (1 + .9 / 1.9) by Nesterov.
  for value in (u['backbone']['bn']['scale'], u['heads']['x']['kernel']):
    np.testing.assert_allclose(np.abs(value), 0.05 * (1 + 0.9 / 1.9), rtol=1e-4)


def test_attention_and_stacks_of_layers_have_biases_and_scales():
  names = ('query/bias', 'norm/scale', 'query/kernel', 'mlp/kernel')
  shapes = ((2, 3), (5, 6), (6, 2, 3), (5, 6, 7))
  layers = {n: jnp.ones(s) for n, s in zip(names, shapes, strict=True)}
  params = {'layers': traverse_util.unflatten_dict(layers, sep='/')}
  zeros = jax.tree.map(jnp.zeros_like, params)
  for name in ('adamw', 'sgd', 'muon'):
    tx = build(name, weight_decay=0.5)
    u = tx.update(zeros, tx.init(params), params)[0]['layers']
    u = traverse_util.flatten_dict(u, sep='/')
    for key in names[:2]:
      assert not np.any(u[key]), (name, key)
    if name != 'muon':
      assert all(np.all(u[key] < 0) for key in names[2:])
  # As one matrix, a stack of layers would be made orthogonal.
  gradient = jax.tree.map(lambda p: jnp.arange(p.size) * p.ravel(), params)
  gradient = jax.tree.map(lambda g, p: g.reshape(p.shape), gradient, params)
  tx = build('muon', options={'others_share': 1.0})
  for u in jax.tree.leaves(tx.update(gradient, tx.init(params), params)[0]):
    # Adam's, by Nesterov.
    wanted = 0.1 * (1 + 0.9 / 1.9)
    np.testing.assert_allclose(np.abs(u.ravel()[1:]), wanted, rtol=1e-3)


def test_muon_decays_inner_kernels_only():
  params = {'backbone': {'kernel': jnp.ones((3, 3, 2, 2)), 'b': jnp.ones(2)}}
  params['heads'] = {'x': {'kernel': jnp.ones((2, 2))}}
  zeros = jax.tree.map(jnp.zeros_like, params)
  tx = build('muon', weight_decay=0.5)
  u = tx.update(zeros, tx.init(params), params)[0]
  np.testing.assert_allclose(u['backbone']['kernel'], -0.05, rtol=1e-5)
  assert np.all(u['backbone']['b'] == 0)
  assert np.all(u['heads']['x']['kernel'] == 0)
