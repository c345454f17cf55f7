"""Compiled gradients are those of double precision, and of finite differences.

Some versions of XLA compile wrong gradients on a CPU (openxla's `ynn` fusions
in jaxlib 0.11.2): every fusion, every encoder and the ResNet are compiled here
with the options that training has. Double precision is compiled by other code.
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


def optimized(loss):
  """Compiled as for a user."""
  return jax.jit(jax.value_and_grad(loss), compiler_options=compiling.OPTIMIZED)


def double_precision(loss, arguments):
  """Gradient without float32's kernels and fusions."""
  with jax.enable_x64(True):
    exact = jax.tree.map(np.float64, arguments)
    gradient = jax.device_get(jax.jit(jax.grad(loss))(exact))
  assert {x.dtype for x in jax.tree.leaves(gradient)} == {np.dtype('f8')}
  return gradient


def check(evaluate, gradient, arguments, tolerance=1e-4):
  """evaluate: pytree of float32 -> number, its gradient."""
  _, compiled = jax.device_get(evaluate(arguments))
  largest = max(np.abs(g).max() for g in jax.tree.leaves(gradient))
  assert largest > 1e-3
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(
      a, b, rtol=tolerance, atol=tolerance * largest
    ),
    compiled,
    gradient,
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
  norm = np.sqrt(sum(np.sum(g**2) for g in jax.tree.leaves(gradient)))
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

  arguments = variables, sequences
  check(optimized(loss), double_precision(loss, arguments), arguments)


@pytest.mark.parametrize('name', encoders.ENCODERS)
def test_of_an_encoder(name):
  module = encoders.get_encoder('context', name, width=8)
  x, mask = (part['text'] for part in fusions.batch())
  variables = fusions.variables_of(module, x, mask)

  def loss(arguments):
    out = module.apply(*arguments, mask, train=False)
    return jnp.sum(jnp.sin(out) * mask[..., np.newaxis])

  arguments = variables, x
  check(optimized(loss), double_precision(loss, arguments), arguments)


@pytest.mark.parametrize('stem', resnet.STEMS)
def test_of_resnet(monkeypatch, stem):
  """On one CPU device convolutions are products of matrices, on more jax's."""
  monkeypatch.setattr(resnet, 'WIDTHS', (8, 8, 8, 8))
  monkeypatch.setattr(resnet, 'NUM_BLOCKS', 1)
  products = []
  patches = convolution._patches

  def counted(*arguments):
    products.append(arguments[1:])
    return patches(*arguments)

  monkeypatch.setattr(convolution, '_patches', counted)
  # Maps down to 3x3 pixels and 1x1.
  module = resnet.ResNet18(stem=stem)
  image = np.random.default_rng(0).uniform(size=(8, 24, 24, 3)).astype('f4')
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

  arguments = variables['params'], image
  gradient = double_precision(loss, arguments)
  assert not products
  values = []
  for devices in (1, 4):
    monkeypatch.setattr(jax, 'device_count', lambda n=devices: n)
    evaluate = optimized(loss)
    check(evaluate, gradient, arguments, tolerance=1e-3)
    assert bool(products) == (devices == 1)
    products.clear()
    values.append(evaluate(arguments)[0])
  np.testing.assert_allclose(*values, rtol=1e-5)
