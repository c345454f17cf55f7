"""Fusions: one contract for all, and each one's formula in numpy."""

import functools
import itertools

import jax
import numpy as np
import pytest
from toys.fusions import batch
from toys.fusions import DIMS
from toys.fusions import SMALL
from toys.fusions import STEPS
from toys.fusions import variables_of

from affect_jax.models import fusion
from affect_jax.models.fusion import tensor

SLOW = ('lf_lstm', 'lf_transformer', 'misa', 'mult', 'self_mm')


def affine(x, layer):
  return x @ layer['kernel'] + layer['bias']


def some(name):
  """Two modalities for those that take long to compile."""
  of = ('text', 'audio') if name in SLOW else DIMS
  return functools.partial(batch, of=of)


@pytest.mark.parametrize('name', fusion.FUSIONS)
def test_what_is_not_there_changes_nothing(name):
  batch = some(name)
  module = fusion.get_fusion(name, **SMALL[name])
  variables = variables_of(module, *batch())
  apply = jax.jit(functools.partial(module.apply, train=False))
  out = apply(variables, *batch())
  assert out.shape[0] == 5
  assert out.ndim == 2
  assert out.dtype == np.float32
  assert np.isfinite(out).all()
  # The rows differ, or the rest would say little.
  for a, b in itertools.combinations(np.asarray(out), 2):
    assert np.abs(a - b).max() > 1e-4
  dirty = apply(variables, *batch(fill=1e9))
  np.testing.assert_allclose(out, dirty, rtol=1e-5, atol=1e-5)
  for length in (50, 500):
    longer = apply(variables, *batch(pad=length - 8, fill=np.nan))
    np.testing.assert_allclose(out, longer, rtol=1e-5, atol=1e-5)
  turned = jax.tree.map(lambda x: x[::-1], batch())
  np.testing.assert_allclose(
    apply(variables, *turned), out[::-1], rtol=1e-5, atol=1e-5
  )


@pytest.mark.parametrize('name', fusion.FUSIONS)
def test_gradients_are_finite_and_reach_what_is_there(name):
  module = fusion.get_fusion(name, **SMALL[name])
  sequences, masks = some(name)(fill=1e9)
  variables = variables_of(module, sequences, masks)

  def total(variables, sequences):
    out = module.apply(variables, sequences, masks, train=False)
    return (out**2).sum()

  gradient = jax.jit(jax.grad(total, (0, 1)))
  own, to_inputs = gradient(variables, sequences)
  assert all(np.isfinite(g).all() for g in jax.tree.leaves(own))
  for modality, g in to_inputs.items():
    assert np.isfinite(g).all()
    assert not np.any(np.asarray(g)[~masks[modality]])
    assert np.any(g), modality


def test_concat_is_the_means_side_by_side():
  sequences, masks = batch()
  out = fusion.get_fusion('concat').apply({}, sequences, masks, train=True)
  expected = [
    [
      sequences[m][row][masks[m][row]].sum(0) / max(masks[m][row].sum(), 1)
      for m in DIMS
    ]
    for row in range(5)
  ]
  expected = np.array([np.concatenate(row) for row in expected])
  np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-6)


def test_dropout_is_of_training():
  module = fusion.get_fusion('lf_dnn', **SMALL['lf_dnn'])
  variables = variables_of(module, *batch())
  apply = jax.jit(
    functools.partial(module.apply, variables, *batch()),
    static_argnames='train',
  )
  one, two = (
    apply(train=True, rngs={'dropout': jax.random.key(k)}) for k in (0, 1)
  )
  assert np.abs(one - two).max() > 1e-3
  # No key is needed: nothing is drawn.
  np.testing.assert_array_equal(apply(train=False), apply(train=False))


@pytest.mark.parametrize('name', fusion.FUSIONS)
def test_any_modalities_will_do(name):
  module = fusion.get_fusion(name, **SMALL[name])
  sequences, masks = batch()
  for names in (('audio',), ('text', 'vision'), tuple(DIMS)):
    given = [{n: of[n] for n in names} for of in (sequences, masks)]
    # With dropout; traced, not computed.
    out, variables = jax.eval_shape(
      functools.partial(module.init_with_output, train=True),
      {'params': jax.random.key(0), 'dropout': jax.random.key(1)},
      *given,
    )
    assert len(out.shape) == 2
    assert set(variables) <= {'params'}


def test_the_order_of_modalities_is_fixed():
  sequences, masks = batch()
  module = fusion.get_fusion('lf_dnn', **SMALL['lf_dnn'])
  variables = variables_of(module, sequences, masks)
  out = module.apply(variables, sequences, masks, train=False)
  turned = dict(reversed(sequences.items()))
  other = module.apply(variables, turned, masks, train=False)
  np.testing.assert_array_equal(out, other)


def test_unknown_names_and_wrong_shapes_are_errors():
  with pytest.raises(ValueError, match="'sum'; known: concat, ef_lstm"):
    fusion.get_fusion('sum')
  with pytest.raises(
    ValueError, match=r"'depth' of fusion 'lf_dnn' .*; known: .*width"
  ):
    fusion.get_fusion('lf_dnn', depth=3)
  sequences, masks = batch()
  for name, options, message in (
    ('lf_dnn', {'encoder': 'cnn'}, "encoder of text 'cnn'.*; known: dnn"),
    ('lf_dnn', {'width': {'text': 3}}, "No option for 'audio'"),
    ('lf_dnn', {'encoder_options': {'dnn': {'depth': 3}}}, 'depth'),
    ('ef_lstm', {'align': 'dtw'}, "align 'dtw' of ef_lstm; known"),
    ('mult', {'width': 5, 'heads': 2}, 'width=5 is not a multiple'),
    ('misa', {'width': 5}, 'width=5 is not a multiple'),
    ('misa', {'encoder': 'gru'}, "'gru' of text"),
  ):
    module = fusion.get_fusion(name, **options)
    with pytest.raises(ValueError, match=message):
      module.init(jax.random.key(0), sequences, masks, train=False)
  module = fusion.get_fusion('ef_lstm', align='steps')
  for wrong, message in (
    (({}, {}), 'no modality'),
    (({'smell': sequences['text']}, {'smell': masks['text']}), "'smell'"),
    ((sequences, {'text': masks['text']}), 'the masks are'),
    (({'text': masks['text']}, {'text': masks['text']}), 'floats'),
    (
      ({'text': sequences['text']}, {'text': masks['text'][:, 1:]}),
      'The mask of text must',
    ),
    (
      (sequences, masks | {'text': masks['text'].astype(np.float32)}),
      'must be bool',
    ),
    (
      (
        sequences | {'text': sequences['text'][:, :4]},
        masks | {'text': masks['text'][:, :4]},
      ),
      "'text': 4, 'audio': 8",
    ),
  ):
    with pytest.raises(ValueError, match=message):
      module.init(jax.random.key(0), *wrong, train=False)


def test_modules_with_options_by_modality_are_hashable():
  options = {'width': {'text': 3, 'audio': 2, 'vision': 2}}
  one, two = (fusion.get_fusion('tfn', **options) for _ in range(2))
  assert hash(one) == hash(two)
  assert one == two


def test_the_tensor_is_numpys_outer_product():
  rng = np.random.default_rng(0)
  a, b, c = (rng.normal(size=(2, d)) for d in (2, 3, 4))
  found = tensor.outer([a, b, c])
  assert found.shape == (2, 3 * 4 * 5)
  for row in range(2):
    one = [np.r_[1, v[row]] for v in (a, b, c)]
    expected = np.multiply.outer(np.multiply.outer(one[0], one[1]), one[2])
    np.testing.assert_allclose(found[row], expected.ravel(), rtol=1e-5)


def test_tfn_is_two_layers_on_the_tensor():
  sequences, masks = batch()
  module = fusion.get_fusion('tfn', **SMALL['tfn'])
  variables = variables_of(module, sequences, masks)
  params = variables['params']
  vectors = []
  for name in DIMS:
    x = sequences[name][1, : STEPS[name][1]].mean(0)
    for i in range(3):
      x = np.maximum(affine(x, params['encode'][name][f'dense{i}']), 0)
    vectors.append(np.r_[1, x])
  x = np.einsum('i,j,k->ijk', *vectors).ravel()
  for i in range(2):
    x = np.maximum(affine(x, params[f'dense{i}']), 0)
  out = module.apply(variables, sequences, masks, train=False)
  np.testing.assert_allclose(out[1], x, rtol=1e-4, atol=1e-5)


def test_lmf_is_tfn_with_a_kernel_of_low_rank():
  rng = np.random.default_rng(0)
  vectors = [rng.normal(size=(5, d)) for d in (2, 3, 4)]
  factors = [rng.normal(size=(3, d + 1, 6)) for d in (2, 3, 4)]
  weights, bias = rng.normal(size=3), rng.normal(size=6)
  found = tensor.low_rank(vectors, factors, weights, bias)
  kernel = np.einsum('r,rio,rjo,rko->ijko', weights, *factors)
  products = np.stack(
    [
      np.einsum('i,j,k->ijk', *(np.r_[1, v[row]] for v in vectors)).ravel()
      for row in range(5)
    ]
  )
  expected = products @ kernel.reshape(-1, 6) + bias
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_gates_let_through_what_the_formula_says():
  sequences, masks = batch()
  module = fusion.get_fusion('gated', **SMALL['gated'])
  variables = variables_of(module, sequences, masks)
  params = variables['params']
  out = module.apply(variables, sequences, masks, train=False)
  for row in (1, 2):
    vectors = {}
    for name in DIMS:
      x = sequences[name][row, : STEPS[name][row]]
      if not len(x):
        vectors[name] = np.zeros(5)
        continue
      x = x.mean(0)
      for i in range(3):
        x = np.maximum(affine(x, params['encode'][name][f'dense{i}']), 0)
      vectors[name] = x
    everything = np.concatenate(list(vectors.values()))
    expected = np.zeros(4)
    for name, v in vectors.items():
      gate = 1 / (1 + np.exp(-affine(everything, params[f'gate_{name}'])))
      there = STEPS[name][row] > 0
      expected += there * gate * np.tanh(affine(v, params[f'value_{name}']))
    np.testing.assert_allclose(out[row], expected, rtol=1e-4, atol=1e-5)
