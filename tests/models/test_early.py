"""Early fusion: sequences of different lengths become one."""

import functools

import jax
import numpy as np

from affect_jax.models.fusion import early


def test_resampling_averages_equal_stretches():
  x = np.arange(1.0, 7.0, dtype=np.float32)[None, :, None]
  mask = np.ones((1, 6), bool)

  def to(steps, mask=mask, length=7):
    clean = np.where(mask[..., None], x, 0)
    return early.resample(clean, mask, np.array([steps]), length)[0, :, 0]

  np.testing.assert_allclose(to(3), [1.5, 3.5, 5.5, 0, 0, 0, 0], rtol=1e-6)
  np.testing.assert_allclose(to(1), [3.5, 0, 0, 0, 0, 0, 0], rtol=1e-6)
  # Stretches of 1.5 steps: the second one lies in both.
  expected = [(1 + 1) / 1.5, (1 + 3) / 1.5, (4 + 2.5) / 1.5, (2.5 + 6) / 1.5]
  np.testing.assert_allclose(to(4)[:4], expected, rtol=1e-5)
  np.testing.assert_array_equal(to(6), [1, 2, 3, 4, 5, 6, 0])
  # Two steps are there, the second and the fifth.
  holes = np.array([[0, 1, 0, 0, 1, 0]], bool)
  np.testing.assert_allclose(to(4, holes)[:4], [2, 2, 5, 5], rtol=1e-6)
  assert not np.any(to(4, np.zeros((1, 6), bool)))


def test_aligned_modalities_need_no_resampling():
  rng = np.random.default_rng(0)
  mask = np.arange(6)[None] < np.array([[6], [3]])
  sequences = {
    name: rng.normal(size=(2, 6, d)).astype(np.float32)
    for name, d in (('text', 4), ('audio', 3), ('vision', 2))
  }
  masks = dict.fromkeys(sequences, mask)
  module = early.EarlyLstm(width=4)
  variables = jax.jit(functools.partial(module.init, train=False))(
    jax.random.key(0), sequences, masks
  )
  out = module.apply(variables, sequences, masks, train=False)
  module = early.EarlyLstm(width=4, align='steps')
  same = module.apply(variables, sequences, masks, train=False)
  np.testing.assert_allclose(out, same, atol=1e-6)
