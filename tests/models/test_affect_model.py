"""The image model: shapes, normalization, heads, dropout."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from affect_jax.models import affect_model
from affect_jax.models import resnet

pytestmark = pytest.mark.usefixtures('quick_runs')
UNITS = {'valence_arousal': 2, 'expression': 8, 'action_units': 12}
IMAGE = np.random.default_rng(0).uniform(size=(3, 32, 32, 3)).astype('f4')


def fill(entries, leaf):
  """Like an initial value, from numpy: compiling the random ones is slow."""
  name = entries[-1].key
  if name == 'kernel':
    rng = np.random.default_rng(leaf.shape)
    values = rng.normal(size=leaf.shape) * (2 / np.prod(leaf.shape[:3])) ** 0.5
    return jnp.asarray(values, leaf.dtype)
  return jnp.full(leaf.shape, float(name in ('scale', 'var')), leaf.dtype)


def build(**options):
  """A model with initial heads, and an encoder by `fill`."""
  model = affect_model.AffectModel(
    **{'units': UNITS, 'stem': 'small', **options}
  )

  def init(key):
    return model.init(key, {'image': jnp.asarray(IMAGE)}, train=False)

  variables = jax.tree_util.tree_map_with_path(
    fill, jax.eval_shape(init, jax.random.key(0))
  )
  # Only what is returned gets compiled.
  heads = jax.jit(lambda key: init(key)['params']['heads'])(jax.random.key(0))
  variables['params'] = {**variables['params'], 'heads': heads}
  return model, variables


@pytest.fixture(scope='module')
def built(quick_runs):
  return build()


def apply(model, variables, image, train=False, **kwargs):
  inputs = {'image': jnp.asarray(image)}
  return model.apply(variables, inputs, train=train, **kwargs)


def test_outputs_by_task(built):
  outputs, _ = apply(*built, IMAGE, True, mutable=['batch_stats'])
  assert {k: v.shape for k, v in outputs.items()} == {
    k: (3, n) for k, n in UNITS.items()
  }
  assert all(v.dtype == jnp.float32 for v in outputs.values())
  # Small yet not constant, or a correlation has no gradient.
  spread = np.ptp(outputs['valence_arousal'], axis=0)
  assert np.all(spread > 0)
  assert np.all(np.abs(outputs['expression']) < 2)


def test_variables_by_part(built):
  _, variables = built
  assert set(variables) == {'params', 'batch_stats'}
  assert set(variables['params']) == {'backbone', 'heads'}
  assert set(variables['batch_stats']) == {'backbone'}
  heads = variables['params']['heads']
  assert {k: v['kernel'].shape for k, v in heads.items()} == {
    k: (resnet.WIDTHS[-1], n) for k, n in UNITS.items()
  }
  assert all(not np.any(v['bias']) for v in heads.values())


def test_is_normalization_then_resnet_then_linear(built):
  model, variables = built
  mean = np.array([0.485, 0.456, 0.406], np.float32)
  std = np.array([0.229, 0.224, 0.225], np.float32)
  features = resnet.ResNet18(stem='small').apply(
    {k: variables[k]['backbone'] for k in variables},
    jnp.asarray((IMAGE - mean) / std),
    train=False,
  )
  head = variables['params']['heads']['action_units']
  expected = np.asarray(features) @ np.asarray(head['kernel'])
  outputs = apply(model, variables, IMAGE)
  np.testing.assert_allclose(outputs['action_units'], expected, atol=1e-4)


def test_tasks_do_not_touch_each_other(built):
  _, variables = built
  _, alone = build(units=(('expression', 8),))
  jax.tree.map(
    np.testing.assert_array_equal,
    alone['params']['heads']['expression'],
    variables['params']['heads']['expression'],
  )


def test_bfloat16_heads_stay_float32(built):
  _, variables = built
  model, low = build(dtype=jnp.bfloat16)
  outputs = apply(model, variables, IMAGE)
  assert all(x.dtype == jnp.float32 for x in jax.tree.leaves((low, outputs)))


def test_dropout_only_in_training(built):
  _, variables = built
  model, _ = build(dropout=0.5)

  def train(key):
    rngs = {'dropout': jax.random.key(key)}
    mutable = ['batch_stats']
    return apply(model, variables, IMAGE, True, rngs=rngs, mutable=mutable)[0]

  one, again, other = (train(k)['expression'] for k in (1, 1, 2))
  np.testing.assert_array_equal(one, again)
  assert np.any(one != other)
  np.testing.assert_array_equal(
    apply(model, variables, IMAGE)['expression'],
    apply(*built, IMAGE)['expression'],
  )


def test_training_step_updates_statistics_with_finite_gradients(built):
  model, variables = built

  @jax.jit
  def loss(params):
    outputs, state = model.apply(
      {**variables, 'params': params},
      {'image': jnp.asarray(IMAGE)},
      train=True,
      mutable=['batch_stats'],
    )
    return sum(jnp.sum(x**2) for x in outputs.values()), state

  grads, state = jax.grad(loss, has_aux=True)(variables['params'])
  for grad in jax.tree.leaves(grads):
    assert np.all(np.isfinite(grad))
  assert np.any(grads['backbone']['conv1']['kernel'])
  for old, new in zip(
    jax.tree.leaves(variables['batch_stats']),
    jax.tree.leaves(state['batch_stats']),
    strict=True,
  ):
    assert np.any(old != new)


def test_is_a_static_argument():
  pairs = tuple(UNITS.items())
  one, other = (affect_model.AffectModel(units=u) for u in (UNITS, pairs))
  assert one == other
  assert hash(one) == hash(other)


@pytest.mark.parametrize(
  ('options', 'inputs', 'message'),
  [
    ({'units': ()}, {'image': IMAGE}, 'no task'),
    ({}, {'video': IMAGE}, r"no 'image', only \['video'\]"),
    ({}, {'image': (IMAGE * 255).astype(np.uint8)}, 'not uint8'),
  ],
)
def test_errors(options, inputs, message):
  model = affect_model.AffectModel(**{'units': UNITS, **options})
  with pytest.raises(ValueError, match=message):
    model.init(jax.random.key(0), inputs, train=False)
