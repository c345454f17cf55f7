"""What the methods solve is solved: by certificates, and by scipy."""

from gradients import aggregate
from gradients import built
from gradients import signals
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize

from affect_jax import errors
from affect_jax.multitask import gram as gram_lib
from affect_jax.multitask import quadratic

pytestmark = pytest.mark.usefixtures('x64')


def jacobians():
  """Well and badly conditioned, conflicting, of different lengths."""
  rng = np.random.default_rng(11)
  for size in range(2, 9):
    rows = rng.normal(size=(size, 12))
    yield rows
    yield rows - 0.9 * rows.mean(0)
    yield rows * np.geomspace(1e-2, 1e2, size)[:, None]
    yield rows * np.geomspace(1, 1e-2, 12)


def test_nonnegative():
  solve = jax.jit(jax.vmap(quadratic.nonnegative))
  rng = np.random.default_rng(3)
  a = rng.normal(size=(40, 12, 8)) * np.geomspace(1, 30, 8)
  b = rng.normal(size=(40, 12))
  matrices = np.einsum('nij,nik->njk', a, a)
  found = np.asarray(solve(matrices, np.einsum('nij,ni->nj', a, b)))
  for i in range(40):
    expected, _ = optimize.nnls(a[i], b[i])
    np.testing.assert_allclose(found[i], expected, rtol=0, atol=1e-9)


def test_nonnegative_of_16_tasks_in_float32():
  with jax.enable_x64(False):
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(20, 16)), rng.normal(size=20)
    found = jax.jit(quadratic.nonnegative)(
      jnp.asarray(a.T @ a, jnp.float32), jnp.asarray(a.T @ b, jnp.float32)
    )
    expected, _ = optimize.nnls(a, b)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_inverse():
  a = np.random.default_rng(5).normal(size=(6, 6))
  a = a @ a.T + np.eye(6)
  found = gram_lib.inverse(jnp.asarray(a))
  np.testing.assert_allclose(found, np.linalg.inv(a), atol=1e-12)


def test_mgda_is_the_shortest_of_the_hull():
  for rows in jacobians():
    update = aggregate('mgda', rows)
    weights = np.linalg.lstsq(rows.T, update, rcond=None)[0]
    assert weights.min() > -1e-9
    np.testing.assert_allclose(weights.sum(), 1, atol=1e-9)
    # No gradient is nearer to 0 along the update than the update itself.
    assert (rows @ update).min() >= update @ update * (1 - 1e-8)


def test_normalized_mgda():
  rng = np.random.default_rng(6)
  rows, losses = rng.normal(size=(8, 10)), rng.uniform(0.1, 2, size=8)
  lengths = np.linalg.norm(rows, axis=1)
  for normalize, divisors in (
    ('length', lengths),
    ('loss', losses),
    ('both', losses * lengths),
  ):
    _, update = built('mgda', normalize=normalize)
    weights, _ = update((), signals(rows, losses))
    _, plain = built('mgda')
    expected, _ = plain((), signals(rows / divisors[:, None]))
    np.testing.assert_allclose(weights, expected, atol=1e-9)


@pytest.mark.parametrize('c', [0.2, 0.5, 1.5])
def test_cagrad_gains_most_for_the_worst_off(c):
  """No update of the ball gains more than its dual at any weights w.

  So an update that gains as much as its dual at some w is the best.
  """
  for rows in jacobians():
    update, mean = aggregate('cagrad', rows, c=c), rows.mean(0)
    radius = c * np.linalg.norm(mean)
    np.testing.assert_allclose(np.linalg.norm(update - mean), radius)
    w, error = optimize.nnls(rows.T, (update - mean) / radius)
    assert error < 1e-8
    w /= w.sum()
    dual = w @ rows @ mean + radius * np.linalg.norm(w @ rows)
    limit = float(1e-8 * np.linalg.norm(rows) * np.linalg.norm(update))
    np.testing.assert_allclose((rows @ update).min(), dual, rtol=0, atol=limit)


def test_cagrad_where_gradients_cancel():
  """The mean without what conflicts with any task."""
  rows = np.array([[1.0, 0, 0], [-2, 0, 0], [1, 1, 0], [0, 0, 0]])
  np.testing.assert_allclose(aggregate('cagrad', rows), [0, 0.25, 0], atol=1e-9)
  # A task with hardly any gradient does not stop the others.
  rows = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1e-6]])
  for jacobian in (rows, rows.astype(np.float32)):
    update = aggregate('cagrad', jacobian)
    mean = rows.mean(0)
    expected = mean + 0.5 * np.linalg.norm(mean) * np.array([0, 0, 1])
    np.testing.assert_allclose(update, expected, atol=1e-5)


@pytest.mark.parametrize('alpha', [0.5, 1.0, 2.0])
def test_fairgrad_solves_its_equation(alpha):
  _, solve = built('fairgrad', alpha=alpha)
  for rows in jacobians():
    all_ = np.concatenate([rows, np.zeros((8 - len(rows), 12))])
    weights, _ = solve((), signals(all_, present=np.arange(8) < len(rows)))
    weights = np.asarray(weights)[: len(rows)]
    assert weights.min() > 0
    gains = rows @ rows.T @ weights
    np.testing.assert_allclose(gains, weights ** (-1 / alpha), rtol=1e-8)


def test_fairgrad_of_alpha_0_is_the_mean():
  rows = next(jacobians())
  np.testing.assert_allclose(
    aggregate('fairgrad', rows, alpha=0.0), rows.mean(0)
  )


def test_nash_solves_its_equation():
  for rows in jacobians():
    update = aggregate('nash_mtl', rows, max_norm=0.0)
    weights = np.linalg.lstsq(rows.T, update, rcond=None)[0]
    gram = rows @ rows.T
    gains = gram / np.linalg.norm(gram) @ weights
    np.testing.assert_allclose(gains * weights, 1, rtol=1e-7)
    clipped = aggregate('nash_mtl', rows)
    length = np.linalg.norm(update)
    np.testing.assert_allclose(clipped, update / max(1, length), rtol=1e-9)


def test_imtl_g_projects_equally():
  for rows in jacobians():
    update = aggregate('imtl_g', rows)
    weights = np.linalg.lstsq(rows.T, update, rcond=None)[0]
    np.testing.assert_allclose(weights.sum(), 1, rtol=1e-6)
    projections = rows @ update / np.linalg.norm(rows, axis=1)
    np.testing.assert_allclose(projections, projections[0], rtol=1e-7)


def test_config_has_equal_cosines():
  for rows in jacobians():
    update = aggregate('config', rows)
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    length = np.linalg.norm(update)
    np.testing.assert_allclose(units @ update, (units @ update)[0], rtol=1e-7)
    assert (units @ update)[0] > 0
    np.testing.assert_allclose(length, (rows @ update).sum() / length)


def test_aligned_mtl_is_the_polar_factor():
  for rows in jacobians():
    left, values, right = np.linalg.svd(rows, full_matrices=False)
    for length, new in (
      ('min', values[-1]),
      ('rmse', np.sqrt((values**2).mean())),
    ):
      expected = new * (left @ right).mean(0)
      found = aggregate('aligned_mtl', rows, length=length)
      np.testing.assert_allclose(found, expected, atol=1e-7 * abs(rows).max())


def test_upgrad_projects_each_gradient():
  """Without regularization, onto the cone of all that conflicts with none."""
  for rows in jacobians():
    expected = np.zeros(12)
    for row in rows:
      # Moreau: what the projection takes off is in the polar cone.
      taken, _ = optimize.nnls(rows.T, -row)
      expected += (row + taken @ rows) / len(rows)
    found = aggregate('upgrad', rows, regularization=0.0)
    np.testing.assert_allclose(found, expected, atol=1e-7 * abs(rows).max())


def test_wrong_options():
  for name, option in (
    ('cagrad', {'c': -1.0}),
    ('fairgrad', {'alpha': -1.0}),
    ('mgda', {'normalize': 'lenght'}),
    ('aligned_mtl', {'length': 'max'}),
  ):
    with pytest.raises(errors.UserError, match=str(*option.values())):
      built(name, **option)
