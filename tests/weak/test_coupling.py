"""Expression and action units teach each other, by hand-made tables."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from affect_jax.errors import UserError
from affect_jax.weak import coupling

EXPRESSIONS = ('neutral', 'happiness', 'surprise', 'contempt')
UNITS = ('AU1', 'AU6', 'AU12', 'AU15')
W = coupling.shares(EXPRESSIONS, UNITS)


def test_shares_are_those_of_the_prototypes():
  np.testing.assert_array_equal(W[0], 0)
  np.testing.assert_allclose(W[1], [0, 0.51, 1, 0])
  np.testing.assert_allclose(W[2], [1, 0, 0, 0])
  assert np.isnan(W[3]).all()


def test_gold_expressions_imply_units():
  y = np.eye(4, dtype=np.float32)[[1, 0, 3, 2]]
  w = np.array([1, 1, 1, 0], np.float32)
  none = np.zeros((4, 4), np.float32)
  gold = none.copy()
  gold[0, 2] = 1.0  # Gold says that AU12 is absent.
  expression, (labels, weights) = coupling.co_annotate(
    W, 0, (y, w), (none, gold), 0.5
  )
  np.testing.assert_array_equal(labels[0], [0, 1, 0, 0])
  np.testing.assert_allclose(weights[0], [0, 0.255, 1, 0], rtol=1e-6)
  # Neutral, contempt and a sample without gold imply nothing.
  np.testing.assert_array_equal(weights[1:], 0)
  np.testing.assert_array_equal(expression[1], w)


def test_gold_units_imply_an_expression():
  units = np.array([[0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 1, 0]], np.float32)
  known = np.ones((3, 4), np.float32)
  known[2, 0] = 0  # A unit of a prototype is not annotated.
  none = np.zeros((3, 4), np.float32)
  (labels, weights), _ = coupling.co_annotate(
    W, 0, (none, np.zeros(3, np.float32)), (units, known), 1.0
  )
  scores = np.array([[0, 1, 0], [1, 0, 0]])
  expected = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
  np.testing.assert_allclose(labels[:2, :3], expected, rtol=1e-5)
  np.testing.assert_array_equal(labels[:, 3], 0)
  assert (weights[:2] > 0.99).all()
  assert (weights < 1).all()
  assert weights[2] == 0


def test_matching_is_the_cross_entropy_written_out():
  r = np.random.default_rng(0)
  p_e = r.dirichlet(np.ones(4), 5).astype(np.float32)
  p_u = r.uniform(0.05, 0.95, (5, 4)).astype(np.float32)
  real = np.array([True, True, True, True, False])
  loss = coupling.matching_loss(W, *map(jnp.asarray, (p_e, p_u, real)))
  rows = []
  for i in range(4):
    mass = p_e[i, :3].sum()
    q = np.clip(p_e[i, :3] @ W[:3] / mass, 1e-6, 1 - 1e-6)
    # AU15 belongs to none of these expressions.
    terms = [
      -p_u[i, k] * np.log(q[k]) - (1 - p_u[i, k]) * np.log(1 - q[k])
      for k in range(3)
    ]
    rows.append(np.mean(terms) * mass)
  np.testing.assert_allclose(loss, np.mean(rows), rtol=1e-5)


def test_matching_pulls_both_heads_together():
  p_e = jnp.array([[0.1, 0.8, 0.1, 0.0]])
  p_u = jnp.array([[0.1, 0.4, 0.3, 0.1]])
  real = jnp.ones(1, bool)
  of = lambda e, u: coupling.matching_loss(W, e, u, real)
  by_e, by_u = jax.grad(of, (0, 1))(p_e, p_u)
  assert by_u[0, 2] < 0  # A happy face: more AU12.
  assert by_e[0, 1] > by_e[0, 0]  # Little AU12: rather neutral than happy.


def test_no_prototype_is_an_error():
  with pytest.raises(UserError, match='no prototype joins'):
    coupling.shares(('contempt',), UNITS)
  with pytest.raises(UserError, match='no prototype joins'):
    coupling.shares(EXPRESSIONS, ('AU45',))
