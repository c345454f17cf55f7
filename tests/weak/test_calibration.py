"""Temperatures, and what a teacher has right."""

import numpy as np
import pytest

from affect_jax.weak import calibration

R = np.random.default_rng(1)


def softmax(z):
  e = np.exp(z - z.max(-1, keepdims=True))
  return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize('true', [0.5, 1.0, 3.0])
def test_the_temperature_that_was_applied_is_found(true):
  """Labels drawn from softmax(z); the teacher says softmax(T z)."""
  z = R.normal(size=(20_000, 4)) * 1.5
  p = softmax(z)
  gold = np.eye(4)[[R.choice(4, p=row) for row in p]]
  said = softmax(true * z)
  found = calibration.fit('class', said, gold, np.ones(len(z)))
  assert found == pytest.approx(true, rel=0.05)
  np.testing.assert_allclose(
    calibration.temper('class', said, true), p, atol=2e-4
  )
  one = p[:, :1]
  present = (R.random(one.shape) < one).astype(float)
  logit = np.log(one) - np.log1p(-one)
  said = 1 / (1 + np.exp(-true * logit))
  found = calibration.fit('presence', said, present, np.ones(one.shape))
  assert found == pytest.approx(true, rel=0.05)
  np.testing.assert_allclose(
    calibration.temper('presence', said, true), one, atol=2e-4
  )


def test_it_is_the_best_of_a_grid_with_labels_left_out():
  p = R.dirichlet(np.ones(3), 300)
  gold = np.eye(3)[R.integers(0, 3, 300)]
  weights = (R.random(300) < 0.5).astype(float)
  weights[:50] = 0.7  # Weak labels judge nobody.
  spoilt = np.where(weights[:, None] == 1, gold, np.nan)

  def loss(t):
    q = p ** (1 / t)
    q /= q.sum(1, keepdims=True)
    return -np.log((q * gold).sum(1))[weights == 1].mean()

  grid = np.exp(np.linspace(np.log(0.05), np.log(20), 2000))
  best = grid[np.argmin([loss(t) for t in grid])]
  found = calibration.fit('class', p, spoilt, weights)
  assert loss(found) <= loss(best) + 1e-6


def test_nothing_to_judge_by_changes_nothing():
  p = R.dirichlet(np.ones(3), 5)
  assert calibration.fit('class', p, p, np.zeros(5)) == 1
  assert calibration.fit('value', p, p, np.ones(5)) == 1
  assert calibration.temper('value', p, 3.0) is p
  assert calibration.confidence_where_right('value', p, p, np.ones(5)) is None
  assert np.isnan(calibration.calibration_error(np.zeros(0), np.zeros(0, bool)))


def test_certainties_stay_finite():
  p = np.array([[1.0, 0.0], [0.0, 1.0]])
  gold = p[::-1]
  found = calibration.fit('class', p, gold, np.ones(2))
  assert found == pytest.approx(calibration.HIGHEST)
  assert np.isfinite(calibration.temper('class', p, found)).all()
  assert np.isfinite(calibration.temper('presence', p, found)).all()


def test_confidence_where_right_is_that_of_a_loop():
  p = R.dirichlet(np.ones(3), 100)
  gold = np.eye(3)[R.integers(0, 3, 100)]
  weights = (R.random(100) < 0.8).astype(float)
  found = calibration.confidence_where_right('class', p, gold, weights)
  for k in range(3):
    each = [
      p[i, k]
      for i in range(100)
      if weights[i] == 1 and gold[i, k] == 1 and p[i].argmax() == k
    ]
    assert found[k] == pytest.approx(np.mean(each))
  one = R.random((100, 1))
  present = R.integers(0, 2, (100, 1))
  found = calibration.confidence_where_right(
    'presence', one, present, np.ones((100, 1))
  )
  assert found[1] == pytest.approx(one[(one > 0.5) & (present == 1)].mean())
  assert found[0] == pytest.approx(1 - one[(one < 0.5) & (present == 0)].mean())


def test_calibration_error_by_hand():
  confidence = np.array([0.95, 0.95, 0.55, 0.55])
  right = np.array([True, False, True, True])
  # Two bins: |.5 - .95| and |1 - .55|, half of the samples each.
  found = calibration.calibration_error(confidence, right)
  assert found == pytest.approx(0.45)
  r = R.random(100_000)
  assert calibration.calibration_error(r, R.random(100_000) < r) < 0.01
