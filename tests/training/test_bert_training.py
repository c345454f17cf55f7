"""BERT in training: what is frozen, recomputed or dropped."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys.paths import TINY_BERT

from affect_jax.models import bert
from affect_jax.models import hugging_face


@pytest.fixture(scope='module')
def tiny():
  """(options, params, references) of the tiny BERT."""
  options, params = hugging_face.load(TINY_BERT)
  return options, params, dict(np.load(TINY_BERT / 'states.npz'))


def gradient(options, params, golden):
  model = bert.Bert(**(options | {'dropout': 0.0, 'attention_dropout': 0.0}))

  def loss(params):
    out = model.apply(
      {'params': params},
      jnp.asarray(golden['ids']),
      jnp.asarray(golden['mask']),
      train=True,
    )
    return jnp.sum(out**3)

  return jax.jit(jax.grad(loss))(params)


@pytest.fixture(scope='module')
def plain(tiny):
  """The gradient of a BERT of one layer."""
  options, params, golden = tiny
  return gradient(options | {'layers': 1}, params, golden)


def moved(gradient):
  return {name for name in gradient if np.any(_flat(gradient[name]))}


TABLES = {'word', 'position', 'token_type', 'norm'}


def test_nothing_is_frozen(plain):
  assert moved(plain) == TABLES | {'layer0'}


@pytest.mark.parametrize(
  ('layers', 'stages', 'expected'),
  [(1, 1, {'layer0'}), (1, 2, set()), (2, 2, {'layer1'})],
)
def test_frozen_stages_have_no_gradient(tiny, layers, stages, expected):
  options, params, golden = tiny
  options = options | {'layers': layers, 'frozen_stages': stages}
  assert moved(gradient(options, params, golden)) == expected
  every = TABLES | {f'layer{i}' for i in range(layers)}
  assert every - set(bert.stages(stages, options)) == expected


def _flat(tree):
  return np.concatenate([np.ravel(x) for x in jax.tree.leaves(tree)])


def test_remat_gives_the_same_gradient(tiny, plain):
  options, params, golden = tiny
  options = options | {'layers': 1, 'remat': True}
  again = gradient(options, params, golden)
  scale = np.abs(_flat(plain)).max()
  np.testing.assert_allclose(_flat(again), _flat(plain), atol=1e-5 * scale)


def test_dropout_in_training_only(tiny):
  options, params, golden = tiny
  ids, mask = jnp.asarray(golden['ids']), jnp.asarray(golden['mask'])

  def run(*seeds, **more):
    model = bert.Bert(**(options | more | {'layers': 1}))

    @jax.jit
    def states(seed):
      # Its random numbers are compiled in a fraction of the time.
      key = jax.random.key(seed, impl='rbg')
      return model.apply(
        {'params': params},
        ids,
        mask,
        train=True,
        rngs={'dropout': key},
        method='states',
      )

    return [np.stack(states(seed)) for seed in seeds]

  model = bert.Bert(**options)
  evaluated = np.stack(
    jax.jit(
      lambda: model.apply(
        {'params': params}, ids, mask, train=False, method='states'
      )
    )()
  )
  one, other = run(0, 1)
  for stage in range(2):
    assert np.abs(one[stage] - other[stage]).max() > 0.1
  # Dropout of the attention's weights alone is there too.
  (attention,) = run(0, dropout=0.0)
  np.testing.assert_allclose(attention[0], evaluated[0], atol=1e-5)
  assert np.abs(attention[1] - evaluated[1]).max() > 0.01
  # None in what is frozen.
  (upper,) = run(0, frozen_stages=1)
  np.testing.assert_allclose(upper[0], evaluated[0], atol=1e-5)
  assert np.abs(upper[1] - evaluated[1]).max() > 0.1
  (nothing,) = run(0, frozen_stages=2)
  np.testing.assert_allclose(nothing, evaluated[:2], atol=1e-5)


def test_a_row_without_tokens_has_a_finite_gradient(tiny):
  options, params, golden = tiny
  ids, mask = jnp.asarray(golden['ids']), golden['mask'].copy()
  mask[3] = False
  model = bert.Bert(**(options | {'layers': 1}))

  def loss(params):
    out = model.apply({'params': params}, ids, jnp.asarray(mask), train=False)
    return jnp.sum(bert.mean_pool(out, jnp.asarray(mask)) ** 2)

  for gradient in jax.tree.leaves(jax.jit(jax.grad(loss))(params)):
    assert np.all(np.isfinite(gradient))
