"""In float32, every method survives whatever gradients a batch may have."""

from typing import Any

from gradients import aggregate
from gradients import built
from gradients import METHODS
from gradients import signals
import jax
import numpy as np
import pytest

# How the update grows with the length of all gradients.
DEGREE = dict.fromkeys(METHODS, 1) | {'fairgrad': 0}
OPTIONS: dict[str, dict[str, Any]] = {'nash_mtl': {'max_norm': 0.0}}
ROWS = np.random.default_rng(2).normal(size=(4, 10)).astype(np.float32)


@pytest.mark.parametrize('name', METHODS)
@pytest.mark.parametrize('factor', [1e-12, 1e8])
def test_lengths_of_all(name, factor):
  options = OPTIONS.get(name, {})
  usual = aggregate(name, ROWS, **options)
  scaled = aggregate(name, ROWS * np.float32(factor), **options)
  scaled = scaled / np.float32(factor ** DEGREE[name])
  np.testing.assert_allclose(
    scaled, usual, rtol=0, atol=1e-4 * abs(usual).max()
  )


@pytest.mark.parametrize('name', METHODS)
def test_special_gradients(name):
  zero = np.zeros_like(ROWS)
  for rows in (
    zero,
    zero[:1],
    np.concatenate([ROWS[:2], zero[:1]]),
    np.concatenate([ROWS[:1], zero[:2]]),
    np.concatenate([ROWS[:2], ROWS[:2]]),
    np.concatenate([ROWS[:1], -ROWS[:1]]),
    np.concatenate([ROWS[:1], -1000 * ROWS[:1]]),
    np.concatenate([ROWS[:2], -ROWS[:1]]),
    np.concatenate([ROWS, -ROWS]),
    np.concatenate([ROWS, -ROWS + 1e-3 * ROWS[::-1]]),
    ROWS[:3] * np.array([[1e-12], [1], [1e8]], np.float32),
    ROWS[:2] * np.array([[1e-18], [1e12]], np.float32),
    np.tile(ROWS[:1], (8, 1)),
  ):
    update = aggregate(name, rows, repeat=3)
    assert np.isfinite(update).all(), rows
    assert abs(update).max() <= 100 * max(1, abs(rows).max()), rows


@pytest.mark.parametrize('name', METHODS)
def test_no_task(name):
  method, update = built(name)
  before = method.init(8, ())
  weights, after = update(before, signals(np.ones((8, 10)), None, [False] * 8))
  assert weights.dtype == np.float32
  np.testing.assert_array_equal(weights, np.zeros(8))
  jax.tree.map(np.testing.assert_array_equal, before, after)


@pytest.mark.parametrize(
  ('name', 'options'), [('cagrad', {'c': 1.0}), ('mgda', {}), ('upgrad', {})]
)
def test_gradients_that_cancel_move_little(name, options):
  """A Pareto-stationary point: no step is good for all."""
  rows = np.concatenate([ROWS[:1], -3 * ROWS[:1]])
  assert abs(aggregate(name, rows, **options)).max() < 2e-3 * abs(rows).max()


def test_cagrad_near_the_mean_of_gradients_that_cancel():
  """Half a mean of (1 - 3) / 2 is what hurts the first least."""
  rows = np.concatenate([ROWS[:1], -3 * ROWS[:1]])
  np.testing.assert_allclose(aggregate('cagrad', rows), -ROWS[0] / 2, 1e-5)


def test_many_devices():
  """Sharded gradients, and pmap, give what one device gives."""
  names = ('aligned_mtl', 'cagrad', 'pcgrad')
  signal = signals(ROWS[:3])

  def weights_of(jacobian):
    gram = jax.numpy.matmul(jacobian, jacobian.T, precision='highest')
    same = signal._replace(gram=gram)
    return {n: built(n)[0].update((), same)[0] for n in names}

  rows = np.concatenate([ROWS[:3], np.zeros((3, 2), np.float32)], axis=1)
  expected = {n: aggregate(n, ROWS[:3]) for n in names}
  mesh = jax.make_mesh((4,), ('d',), (jax.sharding.AxisType.Auto,))
  sharding = jax.NamedSharding(mesh, jax.P(None, 'd'))
  sharded = jax.jit(weights_of)(jax.device_put(rows, sharding))
  mapped = jax.pmap(weights_of)(np.tile(rows, (4, 1, 1)))
  for name in names:
    for weights in (sharded[name], *mapped[name]):
      np.testing.assert_allclose(
        np.asarray(weights) @ ROWS[:3], expected[name], rtol=0, atol=1e-5
      )
