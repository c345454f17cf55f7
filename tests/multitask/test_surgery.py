"""PCGrad, GradVac and GradDrop, as their papers write them, on vectors."""

from gradients import built
from gradients import signals
import jax
import numpy as np
import pytest

ROWS = np.random.default_rng(8).normal(size=(8, 10)) - 0.3


def order_of(signal, i):
  """Others of task i, in the order of numbers of their pairs of names."""
  numbers = [
    int(jax.random.bits(jax.random.fold_in(signal.task_rngs[i], id_)))
    for id_ in signal.task_ids
  ]
  return [j for j in np.argsort(numbers) if j != i]


@pytest.mark.usefixtures('x64')
def test_pcgrad():
  _, update = built('pcgrad')
  signal = signals(ROWS)
  weights, _ = update((), signal)
  expected = np.zeros(10)
  for i in range(8):
    moved = ROWS[i].copy()
    for j in order_of(signal, i):
      product = moved @ ROWS[j]
      if product < 0:
        moved -= product / (ROWS[j] @ ROWS[j]) * ROWS[j]
    expected += moved
  np.testing.assert_allclose(np.asarray(weights) @ ROWS, expected, rtol=1e-9)


@pytest.mark.usefixtures('x64')
def test_gradvac():
  method, update = built('gradvac', decay=0.3)
  state, targets = method.init(8, ()), np.zeros((8, 8))
  norm = np.linalg.norm
  for step in range(3):
    rows = np.roll(ROWS, step, axis=1)
    signal = signals(rows, step=step)
    weights, state = update(state, signal)
    expected = np.zeros(10)
    for i in range(8):
      moved = rows[i].copy()
      for j in order_of(signal, i):
        phi = moved @ rows[j] / norm(moved) / norm(rows[j])
        target = targets[i, j]
        if phi < target:
          sine, wanted = np.sqrt(1 - phi**2), np.sqrt(1 - target**2)
          moved += (
            norm(moved)
            * (target * sine - phi * wanted)
            / (norm(rows[j]) * wanted)
            * rows[j]
          )
          cosine = moved @ rows[j] / norm(moved) / norm(rows[j])
          np.testing.assert_allclose(cosine, target, atol=1e-9)
        targets[i, j] = 0.7 * target + 0.3 * phi
      expected += moved
    np.testing.assert_allclose(np.asarray(weights) @ rows, expected, rtol=1e-9)
    np.testing.assert_allclose(state['cosines'], targets, atol=1e-12)


def test_orders_differ_between_steps():
  _, update = built('pcgrad')
  weights = [np.asarray(update((), signals(ROWS, step=s))[0]) for s in (0, 1)]
  assert abs(weights[0] - weights[1]).max() > 1e-3


@pytest.mark.parametrize('leak', [0.0, 0.25])
def test_graddrop(leak):
  method, _ = built('graddrop', leak=leak)
  combine = method.combine
  assert combine
  rows = ROWS.astype(np.float32)
  rows[:, 3], rows[:, 4] = abs(rows[:, 3]), 0
  signal = signals(rows)
  draws = jax.random.split(jax.random.key(1), 4000)
  updates = jax.jit(
    jax.vmap(lambda rng: combine(rows, (), signal._replace(rng=rng))[0])
  )(draws)
  positive, negative = np.maximum(rows, 0).sum(0), np.minimum(rows, 0).sum(0)
  total = positive - negative
  share = np.divide(positive, total, np.full(10, 0.5), where=total > 0)
  kept = share * positive + (1 - share) * negative
  expected = leak * rows.sum(0) + (1 - leak) * kept
  deviation = (1 - leak) * total * np.sqrt(share * (1 - share) / 4000)
  assert (abs(np.mean(updates, 0) - expected) <= 5 * deviation + 1e-4).all()
  # Each element is that of one sign or the other.
  kept = (np.asarray(updates) - leak * rows.sum(0)) / (1 - leak)
  near = np.minimum(abs(kept - positive), abs(kept - negative))
  assert near.max() < 1e-4
  # Neither leaves nor elements share a draw.
  same, _ = combine({'a': rows, 'b': rows}, (), signal)
  assert abs(same['a'] - same['b']).max() > 0.1
