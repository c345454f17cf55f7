"""BERT against PyTorch's hidden states, and what padding may not do."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys.paths import TINY_BERT

from affect_jax.models import bert
from affect_jax.models import hugging_face
from affect_jax.models import sentence_pair

# The greatest difference measured is 3e-6, of states up to 8.
TOLERANCE = 1e-4


@pytest.fixture(scope='module')
def tiny():
  """(options, params, references) of the tiny BERT."""
  options, params = hugging_face.load(TINY_BERT)
  return options, params, dict(np.load(TINY_BERT / 'states.npz'))


@functools.cache
def compiled(options, method):
  model = bert.Bert(**dict(options))

  @jax.jit
  def run(params, ids, mask, types):
    return model.apply(
      {'params': params},
      ids,
      mask,
      train=False,
      token_types=types,
      method=method,
    )

  return run


def apply(options, params, ids, mask, method='states', types=None):
  run = compiled(tuple(options.items()), method)
  ids, mask = jnp.asarray(ids), jnp.asarray(mask)
  return run(params, ids, mask, None if types is None else jnp.asarray(types))


@pytest.mark.parametrize('activation', ['gelu', 'gelu_new', 'relu'])
def test_every_state_is_that_of_pytorch(tiny, activation):
  options, params, golden = tiny
  options = options | {'activation': activation}
  states = apply(
    options, params, golden['ids'], golden['mask'], types=golden['types']
  )
  assert len(states) == 3
  assert all(x.dtype == jnp.float32 for x in states)
  expected = golden[activation]
  assert np.abs(expected).max() > 1
  np.testing.assert_allclose(np.stack(states), expected, atol=TOLERANCE)


def test_activations_differ(tiny):
  """Else the test above could not tell them apart."""
  _, _, golden = tiny
  last = [golden[name][-1] for name in ('gelu', 'gelu_new', 'relu')]
  assert np.abs(last[0] - last[1]).max() > 3 * TOLERANCE
  assert np.abs(last[0] - last[2]).max() > 3 * TOLERANCE


def test_output_is_the_mean_of_the_last_states(tiny):
  options, params, golden = tiny
  inputs = (golden['ids'], golden['mask'])
  for n in (1, 2):
    out = apply(
      options | {'average_layers': n},
      params,
      *inputs,
      method='__call__',
      types=golden['types'],
    )
    np.testing.assert_allclose(out, golden['gelu'][-n:].mean(0), atol=TOLERANCE)


def test_padding_changes_nothing(tiny):
  options, params, golden = tiny
  ids, mask = golden['ids'], golden['mask']
  run = functools.partial(apply, options, params, method='__call__')
  before = run(ids, mask)
  # Ids of nowhere, [SEP] and the longest text there is.
  for filler in (-1, 3, 10**6):
    other = np.where(mask, ids, filler)
    np.testing.assert_array_equal(run(other, mask), before)
  longer = run(
    np.pad(ids, ((0, 0), (0, 28)), constant_values=5),
    np.pad(mask, ((0, 0), (0, 28))),
  )
  np.testing.assert_allclose(longer[:, :12], before, atol=1e-5)
  assert not np.any(longer[:, 12:])


def test_a_row_without_tokens_is_finite_and_disturbs_no_other(tiny):
  options, params, golden = tiny
  ids, mask = jnp.asarray(golden['ids']), golden['mask'].copy()
  before = apply(options, params, ids, mask, method='__call__')
  mask[3] = False
  after = apply(options, params, ids, mask, method='__call__')
  np.testing.assert_array_equal(after[:3], before[:3])
  assert not np.any(after[3])


def test_the_utterance_is_what_stands_after_its_context():
  sep = 9
  ids = jnp.array([[1, 5, 6, sep, 7, sep, 0], [1, 5, 6, 7, sep, 0, 0]])
  mask = jnp.array([[True] * 6 + [False], [True] * 5 + [False] * 2])
  own = sentence_pair.utterance_mask(ids, mask, sep)
  expected = [[0, 0, 0, 0, 1, 1, 0], [1, 1, 1, 1, 1, 0, 0]]
  np.testing.assert_array_equal(own, np.array(expected, bool))


def test_token_types_follow_from_sep(tiny):
  options, params, _ = tiny
  options = options | {'layers': 1}
  sep = options['sep']
  ids = np.array(
    [[2, 20, 21, sep, 22, 23, sep, 0], [2, 30, 31, sep, 0, 0, 0, 0]]
  )
  mask = np.arange(8) < np.array([[7], [4]])
  types = np.array([[0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1, 1, 1]])
  np.testing.assert_array_equal(
    sentence_pair.segments(jnp.asarray(ids), sep), types
  )
  run = functools.partial(apply, method='__call__')
  given = run(options | {'sep': None}, params, ids, mask, types=types)
  derived = run(options, params, ids, mask)
  np.testing.assert_array_equal(derived, given)
  without = run(options | {'sep': None}, params, ids, mask)
  np.testing.assert_array_equal(without[1], given[1])
  assert np.abs(without[0] - given[0]).max() > 0.01


def test_bfloat16_is_close_and_float32_outside(tiny):
  options, params, golden = tiny
  inputs = (golden['ids'], golden['mask'])
  options = options | {'dtype': jnp.bfloat16}
  out = apply(
    options, params, *inputs, method='__call__', types=golden['types']
  )
  assert out.dtype == jnp.float32
  difference = np.abs(out - golden['gelu'][-1])
  assert 1e-4 < difference.max() < 0.2
  assert difference.mean() < 0.02


def test_statistics_of_norms_are_float32():
  """E[x^2] - E[x]^2 would be off by some percent here."""
  row = 1000 + np.random.default_rng(0).normal(size=(1, 64)).astype('f4')
  layer = bert._norm(1e-12, 'norm')
  out = layer.apply(layer.init(jax.random.key(0), row), jnp.asarray(row))
  assert out.dtype == jnp.float32
  expected = (row - row.mean(dtype=np.float64)) / row.std(dtype=np.float64)
  np.testing.assert_allclose(out, expected, atol=2e-3)


def test_scratch_has_the_places_of_the_weights(tiny):
  options, params, golden = tiny
  variables = jax.eval_shape(
    lambda: bert.Bert(**options).init(
      jax.random.key(0),
      jnp.asarray(golden['ids']),
      jnp.asarray(golden['mask']),
      train=False,
    )
  )
  assert jax.tree.map(np.shape, params) == jax.tree.map(
    np.shape, variables['params']
  )


def test_mean_pool():
  hidden = jnp.array(
    [[[1.0, 2], [3, 6], [np.nan, 9]], [[5, 5], [7, 7], [8, 8]]]
  )
  mask = jnp.array([[True, True, False], [False, False, False]])
  np.testing.assert_array_equal(bert.mean_pool(hidden, mask), [[2, 4], [0, 0]])
  gradient = jax.grad(lambda x: bert.mean_pool(x, mask).sum())(hidden)
  np.testing.assert_array_equal(gradient[..., 0], [[0.5, 0.5, 0], [0, 0, 0]])


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    ({'activation': 'silu'}, "'silu'.*; known: gelu, gelu_new"),
    ({'heads': 5}, r'width=32 is not a multiple of heads=5'),
    ({'frozen_stages': 4}, r'frozen_stages must be in 0\.\.3, not 4'),
    ({'average_layers': 0}, r'average_layers must be in 1\.\.3, not 0'),
    ({'average_layers': 4}, r'average_layers must be in 1\.\.3, not 4'),
    ({'positions': 8}, r'12 tokens, but .* only 8 positions'),
  ],
)
def test_impossible_attributes(tiny, change, message):
  options, params, golden = tiny
  with pytest.raises(ValueError, match=message):
    apply(options | change, params, golden['ids'], golden['mask'])


def test_wrong_inputs(tiny):
  options, params, golden = tiny
  ids, mask = golden['ids'], golden['mask']
  with pytest.raises(ValueError, match=r'integers .* not float32'):
    apply(options, params, ids.astype(np.float32), mask)
  with pytest.raises(ValueError, match=r'mask must be bool \(4, 12\), not int'):
    apply(options, params, ids, mask.astype(np.int32))
  with pytest.raises(ValueError, match=r'not bool \(4, 11\)'):
    apply(options, params, ids, mask[:, 1:])


def test_an_unknown_id_is_not_a_word(tiny):
  options, params, golden = tiny
  ids = golden['ids'].copy()
  ids[0, 2] = options['vocabulary']
  out = apply(options, params, ids, golden['mask'], method='__call__')
  assert np.all(np.isnan(out[0]))
  assert np.all(np.isfinite(out[1:]))


def test_is_a_module_that_jit_can_hold(tiny):
  options, _, _ = tiny
  assert hash(bert.Bert(**options)) == hash(bert.Bert(**options))
  assert isinstance(bert.Bert(**options), nn.Module)
