"""MISA's losses in numpy, which rows count in them, and when."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from affect_jax.models import fusion
from affect_jax.models.fusion import misa
from affect_jax.models.fusion import misa_losses

DIMS = {'text': 4, 'audio': 3, 'vision': 2}
ALL = np.ones(6, bool)
SOME = np.array([1, 0, 1, 1, 0, 1], bool)


def vectors(seed, rows=6, width=5):
  return np.random.default_rng(seed).uniform(size=(rows, width))


def cmd(x, y, moments=5):
  """Zellinger et al., 2017, for values in [0, 1]."""
  total = np.linalg.norm(x.mean(0) - y.mean(0))
  for k in range(2, moments + 1):
    central = [((v - v.mean(0)) ** k).mean(0) for v in (x, y)]
    total += np.linalg.norm(central[0] - central[1])
  return total


def overlap(x, y):
  unit = []
  for v in (x, y):
    v = v - v.mean(0)
    unit.append(v / (np.linalg.norm(v, axis=1, keepdims=True) + 1e-6))
  return np.mean((unit[0].T @ unit[1]) ** 2)


def squared_error(x, y):
  return np.mean((x - y) ** 2)


LOSSES = {'cmd': cmd, 'overlap': overlap, 'squared_error': squared_error}


@pytest.mark.parametrize('name', LOSSES)
def test_losses_are_numpys_over_rows_that_count(name):
  loss, expected = getattr(misa_losses, name), LOSSES[name]
  x, y = vectors(0), vectors(1)
  np.testing.assert_allclose(loss(x, y, ALL), expected(x, y), rtol=1e-4)
  some = expected(x[SOME], y[SOME])
  dirty = np.where(SOME[:, None], x, np.nan)
  np.testing.assert_allclose(loss(dirty, y, SOME), some, rtol=1e-4)


@pytest.mark.parametrize('name', LOSSES)
def test_losses_of_nothing_and_of_equals_have_gradients(name):
  loss = getattr(misa_losses, name)
  x, y = (jnp.asarray(vectors(i), jnp.float32) for i in (0, 1))
  value, gradient = jax.value_and_grad(loss)(x, y, ~ALL)
  assert value == 0
  assert not np.any(gradient)
  for a in (x, jnp.zeros_like(x)):
    assert np.isfinite(jax.grad(loss)(a, a, ALL)).all()
  assert misa_losses.cmd(x, x, ALL) == 0


def test_cmd_by_hand():
  # Means 1/2 and 1/4; variances 1/4 and 3/16; third moments 0 and 3/32.
  x = np.array([[0.0], [1.0], [0.0], [1.0]])
  y = np.array([[0.0], [1.0], [0.0], [0.0]])
  rows = np.ones(4, bool)
  found = misa_losses.cmd(x, y, rows, moments=3)
  np.testing.assert_allclose(found, 1 / 4 + 1 / 16 + 3 / 32, rtol=1e-5)


def test_lengths_are_constants_to_the_gradient():
  x, y = (jnp.asarray(vectors(i), jnp.float32) for i in (0, 1))
  x -= x.mean(0, keepdims=True)
  lengths = jnp.linalg.norm(x, axis=1, keepdims=True) + 1e-6
  unit = y - y.mean(0, keepdims=True)
  unit /= jnp.linalg.norm(unit, axis=1, keepdims=True)

  def other(x):
    x = (x - x.mean(0, keepdims=True)) / lengths
    return jnp.mean((x.T @ unit) ** 2)

  found = jax.grad(misa_losses.overlap)(x, y, ALL)
  np.testing.assert_allclose(found, jax.grad(other)(x), rtol=1e-3, atol=1e-6)


def batch(rows=6):
  rng = np.random.default_rng(0)
  sequences = {
    k: rng.normal(size=(rows, 4, d)).astype(np.float32) for k, d in DIMS.items()
  }
  masks = {k: np.ones((rows, 4), bool) for k in DIMS}
  masks['audio'][4] = False
  return sequences, masks


@functools.cache
def model(**options):
  module = fusion.get_fusion(
    'misa', encoder='mean', width=8, mlp_width=9, **options
  )
  init = jax.jit(functools.partial(module.init, train=False))
  variables = init(jax.random.key(0), *batch())
  apply = functools.partial(
    module.apply,
    train=False,
    mutable=['auxiliary_rows', 'intermediates'],
    capture_intermediates=lambda m, _: (
      (m.name or '').split('_')[0] in ('share', 'private', 'norm', 'rebuild')
    ),
  )
  return module, variables, jax.jit(apply)


def losses_of(module, state):
  return module.auxiliary_losses(state['auxiliary_rows']['rows'])


def test_losses_are_those_of_its_vectors():
  module, variables, apply = model()
  _, state = apply(variables, *batch())
  seen = {
    k: [np.asarray(x, np.float64) for x in v['__call__']]
    for k, v in state['intermediates'].items()
  }
  sigmoid = lambda x: 1 / (1 + np.exp(-x))
  shared = dict(zip(DIMS, map(sigmoid, seen['share']), strict=True))
  private = {k: sigmoid(seen[f'private_{k}'][0]) for k in DIMS}
  rows = {k: np.ones(6, bool) for k in DIMS}
  rows['audio'] = np.arange(6) != 4
  pairs = itertools.combinations(DIMS, 2)
  both = {(a, b): rows[a] & rows[b] for a, b in pairs}
  expected = {
    'similarity': np.mean(
      [cmd(shared[a][r], shared[b][r]) for (a, b), r in both.items()]
    ),
    'difference': 0.3
    * (
      sum(overlap(private[k][rows[k]], shared[k][rows[k]]) for k in DIMS)
      + sum(overlap(private[a][r], private[b][r]) for (a, b), r in both.items())
    ),
    'reconstruction': np.mean(
      [
        squared_error(seen[f'rebuild_{k}'][0][r], seen[f'norm_{k}'][0][r])
        for k, r in rows.items()
      ]
    ),
  }
  found = losses_of(module, state)
  assert set(found) == set(expected)
  for name, value in expected.items():
    assert found[name].shape == ()
    assert found[name].dtype == np.float32
    np.testing.assert_allclose(found[name], value, rtol=1e-3, err_msg=name)


def test_weights_are_in_the_losses():
  module, variables, apply = model()
  other, *_ = model(similarity_weight=2.0, reconstruction_weight=0.5)
  state = apply(variables, *batch())[1]
  one, two = losses_of(module, state), losses_of(other, state)
  np.testing.assert_allclose(two['similarity'], 2 * one['similarity'])
  np.testing.assert_allclose(two['difference'], one['difference'])
  np.testing.assert_allclose(two['reconstruction'], one['reconstruction'] / 2)


def test_rows_that_fill_up_a_batch_do_not_count():
  module, variables, apply = model()
  sequences, masks = batch()
  pad = lambda x: np.pad(x, [(0, 3)] + [(0, 0)] * (x.ndim - 1))
  out, state = apply(variables, sequences, masks)
  longer = [{k: pad(x) for k, x in of.items()} for of in (sequences, masks)]
  out2, state2 = apply(variables, *longer)
  np.testing.assert_allclose(out, out2[:6], atol=1e-5)
  longer = losses_of(module, state2)
  for name, value in losses_of(module, state).items():
    np.testing.assert_allclose(value, longer[name], rtol=1e-4, err_msg=name)
  nothing = {k: np.zeros_like(m) for k, m in masks.items()}

  def total(variables):
    out, state = apply(variables, sequences, nothing)
    losses = jax.tree.leaves(losses_of(module, state))
    return sum(losses) + 0 * out.sum(), losses

  gradient, losses = jax.grad(total, has_aux=True)(variables)
  assert losses == [0, 0, 0]
  assert not any(np.any(g) for g in jax.tree.leaves(gradient))


def test_tokens_of_missing_modalities_do_not_count():
  module, variables, apply = model()
  sequences, masks = batch()
  seen = {k: np.ones(6, bool) for k in DIMS} | {'vision': SOME}
  out, state = apply(variables, sequences, masks, seen=seen)
  assert out.shape == (6, 24)
  changed = dict(sequences, vision=sequences['vision'].copy())
  changed['vision'][~SOME] = 7
  _, other = apply(variables, changed, masks, seen=seen)
  whole = losses_of(module, apply(variables, sequences, masks)[1])
  found = losses_of(module, state)
  for name, value in losses_of(module, other).items():
    np.testing.assert_allclose(found[name], value, rtol=1e-4, err_msg=name)
    assert abs(found[name] - whole[name]) > 1e-6, name


def test_losses_are_made_only_if_somebody_asks():
  module, variables, _ = model()
  assert set(variables) == {'params'}
  assert {f'rebuild_{k}' for k in DIMS} < set(variables['params'])
  out = module.apply(variables, *batch(), train=False)
  assert out.shape == (6, 24)
  _, state = module.apply(variables, *batch(), train=False, mutable=['other'])
  assert not state


def test_a_missing_modality_is_read_by_none():
  module, variables, _ = model()
  sequences, masks = batch()
  masks = masks | {'vision': np.zeros_like(masks['vision'])}

  def total(variables):
    return (module.apply(variables, sequences, masks, train=False) ** 2).sum()

  gradient = jax.jit(jax.grad(total))(variables)['params']
  for name in ('project_vision', 'private_vision', 'norm_vision'):
    assert not any(np.any(g) for g in jax.tree.leaves(gradient[name]))
  assert np.any(gradient['project_text']['kernel'])


def test_parameters_are_as_many_as_in_the_authors_code():
  # declare-lab/MISA @ec42fad without BERT, with its default width; without its
  # embedding of words, fusion_layer_3 (the output layer) and sp_discriminator
  # (no loss reads it). Its LSTMs have 4 redundant biases more per unit.
  dims = {'text': 300, 'audio': 74, 'vision': 47}
  sequences = {k: np.zeros((1, 5, d), np.float32) for k, d in dims.items()}
  masks = {k: np.ones((1, 5), bool) for k in dims}
  shapes = jax.eval_shape(
    functools.partial(misa.Misa().init, train=False),
    jax.random.key(0),
    sequences,
    masks,
  )
  found = sum(np.prod(s.shape) for s in jax.tree.leaves(shapes['params']))
  redundant = sum(2 * 2 * 4 * d for d in dims.values())
  assert found == 5_143_164 - redundant
