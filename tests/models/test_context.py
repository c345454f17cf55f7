"""Utterances hear of the others in their dialogue, and of no padding."""

import functools

import jax
import numpy as np
import pytest

from affect_jax.models.fusion import context


def test_context_hears_both_sides_and_no_padding():
  module = context.get_context('lstm', hidden=4, width=3, dropout=0.0)
  x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
  mask = np.arange(5)[None] < np.array([[5], [2]])
  variables = jax.jit(functools.partial(module.init, train=False))(
    jax.random.key(0), x, mask
  )
  apply = jax.jit(functools.partial(module.apply, train=False))
  out = apply(variables, x, mask)
  assert out.shape == (2, 5, 3)
  assert not np.any(out[~mask])
  dirty = np.where(mask[..., None], x, 1e9).astype(np.float32)
  np.testing.assert_allclose(out, apply(variables, dirty, mask), atol=1e-6)
  for moved in (0, 4):
    nudged = x.copy()
    nudged[0, moved] += 1
    assert np.abs(apply(variables, nudged, mask) - out)[0, 2].max() > 1e-6


def test_contexts_are_chosen_by_name():
  x, mask = np.zeros((2, 5, 3), np.float32), np.ones((2, 5), bool)
  for name in context.CONTEXTS:
    module = context.get_context(name, width=8)
    out, _ = jax.eval_shape(
      lambda m=module: m.init_with_output(
        jax.random.key(0), x, mask, train=False
      )
    )
    assert out.shape[:2] == (2, 5)
  with pytest.raises(ValueError, match="'cnn'; known: lstm, gru"):
    context.get_context('cnn')
  with pytest.raises(ValueError, match=r"\['heads'\] of lstm"):
    context.get_context('lstm', heads=2)
