"""Quadratics whose best trade-offs are known."""

from gradients import aggregate
from gradients import built
from gradients import METHODS
from gradients import signals
import jax
import jax.numpy as jnp
import numpy as np
import pytest

# Two tasks: (x - centre)' diag(curvature) (x - centre) / 2.
CENTRES = np.array([[1.0, 0.0, 0.5], [-1.0, 0.5, 0.5]])
CURVATURES = np.array([[1.0, 2.0, 1.0], [3.0, 0.5, 1.0]])
# Their papers claim no more than a point where the mean's gradient may vanish.
RANDOM = ('graddrop', 'gradvac')


def gradients_at(x, centres=CENTRES):
  return (x[None, :] - centres) * CURVATURES


def descend(name, centres=CENTRES, steps=400):
  """The last point of a descent of falling step sizes."""
  method, _ = built(name)

  def step(carry, i):
    x, state = carry
    rows = gradients_at(x, centres.astype(x.dtype))
    losses = ((x[None, :] - centres) ** 2 * CURVATURES).sum(axis=1) / 2
    signal = signals(rows, losses.astype(x.dtype))
    signal = signal._replace(rng=jax.random.fold_in(signal.rng, i))
    weights, state = method.update(state, signal)
    if method.combine:
      moved, _ = method.combine(rows, (), signal)
    else:
      moved = (weights[:, None] * rows).sum(axis=0)
    return (x - 0.15 * 0.985**i * moved, state), None

  start = (jnp.array([0.5, 2.0, -1.0]), method.init(2, ()))
  (x, _), _ = jax.jit(
    lambda start: jax.lax.scan(step, start, jnp.arange(steps))
  )(start)
  return np.asarray(x, np.float64)


def distance_to_stationary(rows):
  """Length of the shortest convex combination of two gradients."""
  shares = np.linspace(0, 1, 10001)[:, None]
  return np.linalg.norm(shares * rows[0] + (1 - shares) * rows[1], axis=1).min()


@pytest.mark.parametrize('name', [n for n in METHODS if n not in RANDOM])
def test_reaches_a_pareto_stationary_point(name):
  x = descend(name)
  assert distance_to_stationary(gradients_at(x)) < 0.02


@pytest.mark.parametrize('name', RANDOM)
def test_reaches_the_minimum_of_all(name):
  """Where tasks agree on it."""
  centres = np.tile(CENTRES[:1], (2, 1))
  assert abs(descend(name, centres) - centres[0]).max() < 0.02


# Those that promise it, for as many tasks as they do.
PEACEFUL = {
  'cagrad': {'c': 1.0},
  'config': {},
  'fairgrad': {},
  'mgda': {},
  'nash_mtl': {},
  'upgrad': {'regularization': 0.0},
}


@pytest.mark.usefixtures('x64')
@pytest.mark.parametrize('name', [*PEACEFUL, 'pcgrad'])
def test_conflicts_with_no_task(name):
  rng = np.random.default_rng(7)
  for size in [2] if name == 'pcgrad' else [2, 3, 6]:
    for _ in range(5):
      rows = rng.normal(size=(size, 10))
      rows -= 0.95 * rows.mean(0)
      rows *= rng.uniform(0.1, 3, size=(size, 1))
      assert (rows @ rows.T).min() < 0
      update = aggregate(name, rows, **PEACEFUL.get(name, {}))
      allowed = 1e-9 * np.linalg.norm(update) * abs(rows).max()
      assert (rows @ update).min() >= -allowed


def test_the_mean_conflicts():
  """So the test above tests something."""
  rows = np.array([[4.0, 0, 0], [-1, 1, 0]])
  assert (rows @ rows.mean(0)).min() < 0
  for name in ('cagrad', 'pcgrad', 'upgrad', 'mgda'):
    assert (rows @ aggregate(name, rows)).min() > -2e-3


@pytest.mark.parametrize('name', ['config', 'fairgrad', 'imtl_g', 'nash_mtl'])
def test_direction_without_regard_to_the_scale_of_a_loss(name, x64):
  """FairGrad for alpha 1; Aligned-MTL and the others do not promise it."""
  rows = np.random.default_rng(4).normal(size=(4, 10)) + 0.3
  scaled = rows * np.array([[1], [1000], [1], [1]])
  one, other = aggregate(name, rows), aggregate(name, scaled)
  cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
  np.testing.assert_allclose(cosine, 1, atol=1e-9)


def test_aligned_mtl_of_orthogonal_gradients(x64):
  one = aggregate('aligned_mtl', np.eye(4))
  other = aggregate('aligned_mtl', np.diag([1.0, 1000, 1, 1]))
  np.testing.assert_allclose(one, other, atol=1e-9)
