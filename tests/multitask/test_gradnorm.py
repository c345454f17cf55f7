"""GradNorm, against its loss differentiated by hand, and on gradients."""

from gradients import built
from gradients import signals
import numpy as np
import pytest

ROWS = np.random.default_rng(9).normal(size=(8, 10))
ROWS *= np.geomspace(0.1, 5, 8)[:, None]


@pytest.mark.usefixtures('x64')
def test_against_numpy():
  method, update = built('gradnorm', alpha=0.7, learning_rate=0.1)
  state = method.init(8, ())
  rng = np.random.default_rng(1)
  v, m, s, first = np.zeros(8), np.zeros(8), np.zeros(8), None
  for step in range(1, 4):
    losses = rng.uniform(0.5, 2, size=8)
    first = losses if first is None else first
    rows = ROWS * rng.uniform(0.5, 2, size=(8, 1))
    weights, state = update(state, signals(rows, losses))
    lengths = np.linalg.norm(rows, axis=1)
    # Adam does not see the scale, but for its epsilon.
    lengths /= lengths.max()
    softmax = lambda v: 8 * np.exp(v) / np.exp(v).sum()
    np.testing.assert_allclose(weights, softmax(v), rtol=1e-9)
    rates = losses / first
    target = (softmax(v) * lengths).mean() * (rates / rates.mean()) ** 0.7
    loss = lambda v, lengths=lengths, target=target: abs(
      softmax(v) * lengths - target
    ).sum()
    slope = np.array(
      [(loss(v + h) - loss(v - h)) / 2e-6 for h in 1e-6 * np.eye(8)]
    )
    m, s = 0.9 * m + 0.1 * slope, 0.999 * s + 0.001 * slope**2
    unbiased = m / (1 - 0.9**step) / (np.sqrt(s / (1 - 0.999**step)) + 1e-8)
    v = v - 0.1 * unbiased
    np.testing.assert_allclose(state['logits'], v, atol=1e-6)


def test_lengths_become_equal():
  method, update = built('gradnorm', alpha=0.0)
  state = method.init(8, ())
  for _ in range(600):
    weights, state = update(state, signals(ROWS))
  weighted = np.asarray(weights) * np.linalg.norm(ROWS, axis=1)
  assert weighted.std() < 0.05 * weighted.mean()
  np.testing.assert_allclose(np.sum(weights), 8, rtol=1e-5)


def test_a_slow_task_gets_more():
  method, update = built('gradnorm')
  state = method.init(8, ())
  rows = np.eye(8, 10)
  for step in range(50):
    losses = np.where(np.arange(8) == 3, 1, 0.97**step)
    weights, state = update(state, signals(rows, losses))
  assert np.argmax(weights) == 3
  assert weights[3] > 1.5


def test_a_loss_of_0_is_no_trouble():
  method, update = built('gradnorm')
  state = method.init(8, ())
  for losses in (np.zeros(8), np.eye(8)[0], np.zeros(8), -np.ones(8)):
    weights, state = update(state, signals(ROWS, losses))
    assert np.isfinite(weights).all()
    assert np.isfinite(state['logits']).all()
