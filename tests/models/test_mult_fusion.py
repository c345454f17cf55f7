"""MulT: its attention in numpy, what it may read, and its size."""

import functools

import jax
import numpy as np
import pytest

from affect_jax.models import fusion
from affect_jax.models.fusion import mult


def norm(x, layer):
  mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
  return (x - mean) / np.sqrt(var + 1e-5) * layer['scale'] + layer['bias']


def sinusoids(steps, width):
  table = np.zeros((steps, width))
  for t in range(steps):
    for i in range(0, width, 2):
      table[t, i] = np.sin(t / 10000 ** (i / width))
      table[t, i + 1] = np.cos(t / 10000 ** (i / width))
  return table


def layer_of(x, y, params, seen):
  """A pre-norm layer, heads in a loop: [T, D] reads [S, D]."""
  queries, keys = norm(x, params['norm_attention']), None
  keys = queries if y is None else norm(y, params['norm_attention'])
  attention = params['attention']
  q, k, v = (
    np.einsum('td,dhe->hte', z, attention[name]['kernel'])
    + attention[name]['bias'][:, None]
    for z, name in ((queries, 'query'), (keys, 'key'), (keys, 'value'))
  )
  added = np.zeros_like(x) + attention['out']['bias']
  for head in range(len(q)):
    score = q[head] @ k[head].T / np.sqrt(q.shape[-1])
    score = np.where(seen, score, -np.inf)
    weights = np.exp(score - score.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    added += weights @ v[head] @ attention['out']['kernel'][head]
  x = x + added
  z = norm(x, params['norm_mlp'])
  z = np.maximum(z @ params['mlp_in']['kernel'] + params['mlp_in']['bias'], 0)
  x = x + z @ params['mlp_out']['kernel'] + params['mlp_out']['bias']
  return x


def random_like(shapes):
  rng = np.random.default_rng(1)
  return jax.tree.map(
    lambda s: rng.normal(size=s.shape, scale=0.5).astype(np.float32), shapes
  )


@pytest.mark.parametrize('reads', ['another', 'itself'])
def test_layers_are_numpys(reads):
  rng = np.random.default_rng(0)
  x = rng.normal(size=(1, 6, 4)).astype(np.float32)
  y = rng.normal(size=(1, 9, 4)).astype(np.float32)
  n, m = 4, 7
  mask, other = np.arange(6)[None] < n, np.arange(9)[None] < m
  module = mult.CrossTransformer(layers=2, heads=2)
  args = (x, mask) + ((y, other) if reads == 'another' else ())
  variables = random_like(
    jax.eval_shape(lambda: module.init(jax.random.key(0), *args, train=False))
  )
  out = jax.jit(functools.partial(module.apply, train=False))(variables, *args)
  expected = 2 * x[0, :n] + sinusoids(n, 4)
  if reads == 'another':
    keys = 2 * y[0, :m] + sinusoids(m, 4)
    # The first step of four reads the first four of seven, and so on.
    seen = np.tril(np.ones((n, m)), m - n) > 0
  else:
    keys, seen = None, np.tril(np.ones((n, n))) > 0
  for layer in range(2):
    params = jax.tree.map(lambda x: x[layer], variables['params']['layers'])
    expected = layer_of(expected, keys, params, seen)
  expected = norm(expected, variables['params']['norm'])
  np.testing.assert_allclose(out[0, :n], expected, rtol=1e-4, atol=1e-5)


def test_what_may_be_read_depends_on_what_is_there_only():
  mask = np.array([[1, 1, 0], [1, 0, 1], [0, 0, 0]], bool)
  other = np.array([[1, 0, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]], bool)
  found = np.asarray(mult.visible(mask, other, causal=True)).astype(int)
  # Two steps read three, one ahead; the hole is not counted.
  assert found[0].tolist() == [[1, 0, 1, 0], [1, 0, 1, 1], [0, 0, 0, 0]]
  # Two steps read four, two ahead.
  assert found[1].tolist() == [[1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]]
  assert not found[2].any()
  free = mult.visible(mask, other, causal=False)
  np.testing.assert_array_equal(free[0], mask[0][:, None] & other[0][None])


def test_modalities_read_each_other():
  rng = np.random.default_rng(0)
  sequences = {
    'text': rng.normal(size=(2, 3, 4)).astype(np.float32),
    'audio': rng.normal(size=(2, 5, 3)).astype(np.float32),
  }
  masks = {k: np.ones(x.shape[:2], bool) for k, x in sequences.items()}
  masks['audio'][1] = False
  module = fusion.get_fusion('mult', width=4, heads=2, layers=1)
  variables = random_like(
    jax.eval_shape(
      lambda: module.init(jax.random.key(0), sequences, masks, train=False)
    )
  )
  apply = jax.jit(functools.partial(module.apply, train=False))
  out = apply(variables, sequences, masks)
  assert out.shape == (2, 8)
  nudged = sequences | {'audio': sequences['audio'] + 1}
  other = apply(variables, nudged, masks)
  assert np.abs(other[0] - out[0]).max() > 1e-3
  # The second row has no audio.
  np.testing.assert_array_equal(other[1], out[1])


def test_parameters_are_as_many_as_in_the_authors_code():
  # yaohungt/Multimodal-Transformer @a670936 with its defaults, for MOSEI.
  dims = {'text': 300, 'audio': 74, 'vision': 35}
  sequences = {k: np.zeros((1, 5, d), np.float32) for k, d in dims.items()}
  masks = {k: np.ones((1, 5), bool) for k in dims}
  shapes = jax.eval_shape(
    functools.partial(mult.Mult().init, train=False),
    jax.random.key(0),
    sequences,
    masks,
  )
  found = sum(np.prod(s.shape) for s in jax.tree.leaves(shapes))
  output_layer = 180 + 1
  assert found == 1_073_731 - output_layer
