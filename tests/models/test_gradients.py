"""Compiled gradients are those of uncompiled code, and of finite differences.

Some versions of XLA compile wrong gradients on a CPU (openxla's `ynn` fusions
in jaxlib 0.11.2): every fusion, every encoder and the ResNet are compiled here
with the options that training has.
"""

import functools
import gc

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import compiling
from toys import fusions

from affect_jax.models import convolution
from affect_jax.models import encoders
from affect_jax.models import fusion
from affect_jax.models import resnet


@pytest.fixture(autouse=True)
def programs_of_one_test():
  """Drops what a test compiled: that of all tests is 2.4 GB."""
  yield
  jax.clear_caches()
  gc.collect()


def check(loss, arguments, tolerance=1e-4):
  """loss: pytree of float32 -> number."""
  evaluate = jax.jit(
    jax.value_and_grad(loss), compiler_options=compiling.OPTIMIZED
  )
  _, compiled = jax.device_get(evaluate(arguments))
  # Every operation by itself.
  plain = jax.device_get(jax.grad(loss)(arguments))
  largest = max(np.abs(g).max() for g in jax.tree.leaves(plain))
  assert largest > 1e-3
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(
      a, b, rtol=tolerance, atol=tolerance * largest
    ),
    compiled,
    plain,
  )

  # Along one random direction, so short a step that few kinks are crossed.
  rng = np.random.default_rng(2)
  direction = jax.tree.map(
    lambda x: rng.normal(size=x.shape).astype(np.float32), arguments
  )
  length = np.sqrt(sum(np.sum(d**2) for d in jax.tree.leaves(direction)))
  values = []
  for step in (1, -1):
    moved = jax.tree.map(
      lambda x, d, s=step: x + s * 5e-3 / length * d, arguments, direction
    )
    values.append(float(evaluate(moved)[0]))
  slope = (values[0] - values[1]) / (1e-2 / length)
  products = jax.tree.map(lambda g, d: np.sum(g * d), compiled, direction)
  expected = sum(jax.tree.leaves(products))
  norm = np.sqrt(sum(np.sum(g**2) for g in jax.tree.leaves(plain)))
  print(f'slope {slope:.5f} of {expected:.5f}, gradient {norm:.3f}')
  assert abs(slope - expected) < 0.02 * norm


@pytest.mark.parametrize('name', fusion.FUSIONS)
def test_of_a_fusion(name):
  module = fusion.get_fusion(name, **fusions.SMALL[name])
  sequences, masks = fusions.batch(of=('text', 'audio'))
  variables = fusions.variables_of(module, sequences, masks)

  def loss(arguments):
    out = module.apply(*arguments, masks, train=False)
    return jnp.sum(jnp.sin(out))

  check(loss, (variables, sequences))


@pytest.mark.parametrize('name', encoders.ENCODERS)
def test_of_an_encoder(name):
  module = encoders.get_encoder('context', name, width=8)
  x, mask = (part['text'] for part in fusions.batch())
  variables = fusions.variables_of(module, x, mask)

  def loss(arguments):
    out = module.apply(*arguments, mask, train=False)
    return jnp.sum(jnp.sin(out) * mask[..., np.newaxis])

  check(loss, (variables, x))


@pytest.fixture
def narrow(monkeypatch):
  # Of one width: uncompiled code compiles every operation by itself.
  monkeypatch.setattr(resnet, 'WIDTHS', (8, 8, 8, 8))
  monkeypatch.setattr(resnet, 'NUM_BLOCKS', 1)


@functools.cache
def resnet_case(stem):
  """Loss in training, and its arguments: maps down to 3x3 pixels and 1x1."""
  module = resnet.ResNet18(stem=stem)
  rng = np.random.default_rng(0)
  image = rng.uniform(size=(8, 24, 24, 3)).astype(np.float32)
  init = functools.partial(module.init, train=False)
  variables = jax.jit(init)(jax.random.key(0), image)

  def loss(arguments):
    params, image = arguments
    out, _ = module.apply(
      {**variables, 'params': params},
      image,
      train=True,
      mutable=['batch_stats'],
    )
    return jnp.mean(jnp.sin(out) * jnp.arange(out.shape[-1])[np.newaxis])

  return loss, (variables['params'], image)


@pytest.mark.parametrize(('stem', 'devices'), [('small', 1), ('imagenet', 4)])
def test_of_resnet(monkeypatch, narrow, stem, devices):
  monkeypatch.setattr(jax, 'device_count', lambda: devices)
  check(*resnet_case(stem), tolerance=1e-3)


@pytest.mark.parametrize('stem', resnet.STEMS)
def test_convolutions_of_one_cpu_within_resnet(monkeypatch, narrow, stem):
  """On one device they are products of matrices, on several jax's own."""
  products = []
  patches = convolution._patches

  def counted(*arguments):
    products.append(arguments[1:])
    return patches(*arguments)

  monkeypatch.setattr(convolution, '_patches', counted)
  loss, arguments = resnet_case(stem)
  results = {}
  for devices in (1, 4):
    monkeypatch.setattr(jax, 'device_count', lambda n=devices: n)
    results[devices] = jax.jit(
      jax.value_and_grad(loss), compiler_options=compiling.OPTIMIZED
    )(arguments)
    assert bool(products) == (devices == 1)
    products.clear()
  value, gradient = results[4]
  np.testing.assert_allclose(results[1][0], value, rtol=1e-5)
  largest = max(np.abs(g).max() for g in jax.tree.leaves(gradient))
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(
      a, b, rtol=1e-3, atol=1e-4 * largest
    ),
    results[1][1],
    gradient,
  )
