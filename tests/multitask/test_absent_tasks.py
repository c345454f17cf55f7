"""A task that a batch has no label of changes nothing at all."""

from gradients import built
from gradients import METHODS
from gradients import OF_LOSSES
from gradients import signals
import jax
import numpy as np
import pytest

NAMES = [f'task{i}' for i in range(7)]
STEPS = 6


@pytest.fixture(scope='module')
def batches():
  """Jacobians, losses and presence of 7 tasks that come and go."""
  rng = np.random.default_rng(5)
  jacobians = rng.normal(size=(STEPS, 7, 10)) + rng.normal(size=(STEPS, 1, 10))
  jacobians *= np.geomspace(0.1, 3, 7)[:, None]
  losses = rng.uniform(0.2, 2, size=(STEPS, 7))
  present = rng.uniform(size=(STEPS, 7)) < 0.6
  present[0], present[3], present[4] = True, False, np.arange(7) == 2
  return jacobians, losses, present


def run(name, batches, names):
  """Weights of each step, and states before and after it.

  Tasks whose names the batches do not know are absent.
  """
  jacobians, losses, present = batches
  place = [NAMES.index(n) if n in NAMES else None for n in names]
  lay = lambda row, none: np.stack(
    [none if p is None else row[p] for p in place]
  )
  method, update = built(name)
  states, weights = [method.init(len(names), ())], []
  for step in range(STEPS):
    signal = signals(
      lay(jacobians[step], np.ones(10)),
      lay(losses[step], np.ones(())),
      lay(present[step], np.zeros((), bool)),
      names,
      step,
    )
    weight, state = update(states[-1], signal)
    if method.look_back:
      after = 0.9 * signal.losses**1.1
      state = jax.jit(method.look_back)(state, signal, after)
    weights.append(np.asarray(weight))
    states.append(state)
  return np.stack(weights), states


def without(leaf, place):
  """An entry of a state without a task: axes of 8 become axes of 7."""
  leaf = np.asarray(leaf)
  for axis, size in enumerate(leaf.shape):
    if size == 8:
      leaf = np.delete(leaf, place, axis)
  return leaf


@pytest.mark.parametrize('name', [*METHODS, *OF_LOSSES])
def test_one_more_absent_task(name, batches, x64):
  alone, states = run(name, batches, NAMES)
  assert np.isfinite(alone).all()
  assert (alone[~batches[2]] == 0).all()
  assert (alone[3] == 0).all()
  for place in (0, 3, 7):
    names = [*NAMES[:place], 'absent', *NAMES[place:]]
    weights, more_states = run(name, batches, names)
    assert (weights[:, place] == 0).all()
    np.testing.assert_allclose(
      np.delete(weights, place, 1), alone, rtol=1e-7, atol=1e-7
    )
    for state, more in zip(states, more_states, strict=True):
      jax.tree.map(
        lambda a, b: np.testing.assert_allclose(
          without(b, place), a, rtol=1e-7, atol=1e-7
        ),
        state,
        more,
      )


# Periods of dwa end for all tasks at once.
@pytest.mark.parametrize('name', sorted({*METHODS, *OF_LOSSES} - {'dwa'}))
def test_state_of_absent_tasks_stays(name, batches, x64):
  _, states = run(name, batches, NAMES)
  for step, present in enumerate(batches[2]):
    pairs = present[:, None] & present[None, :]
    for before, after in zip(
      jax.tree.leaves(states[step]),
      jax.tree.leaves(states[step + 1]),
      strict=True,
    ):
      before, after = np.asarray(before), np.asarray(after)
      if not before.ndim:  # Of all tasks, as a number of steps.
        continue
      assert before.dtype == after.dtype
      absent = ~(pairs if before.ndim == 2 else present)
      np.testing.assert_array_equal(before[absent], after[absent])


@pytest.mark.parametrize('name', METHODS)
def test_one_task_alone(name, batches, x64):
  """It keeps its direction, and its weight is what the docstring says."""
  weights, _ = run(name, batches, NAMES)
  length = np.linalg.norm(batches[0][4, 2])
  expected = {
    'cagrad': 1.5,
    'fairgrad': 1 / length,
    'nash_mtl': min(1, 1 / length),
  }.get(name, 1)
  np.testing.assert_allclose(weights[4, 2], expected, rtol=1e-9)


def test_combination_of_graddrop(batches):
  method, _ = built('graddrop')
  assert method.combine
  jacobians, _, present = batches
  step = 1
  for place in (0, 3, 7):
    insert = lambda row, value: np.insert(row, place, value, 0)
    results = []
    for names, jacobian, here in (
      (NAMES, jacobians[step], present[step]),
      (
        insert(np.array(NAMES, object), 'absent').tolist(),
        insert(jacobians[step], 0.0),
        insert(present[step], False),
      ),
    ):
      masked = np.where(here[:, None], jacobian, 0).astype(np.float32)
      signal = signals(masked, present=here, names=names, step=step)
      gradients = {'a': masked[:, :4].reshape(-1, 2, 2), 'b': masked[:, 4:]}
      results.append(method.combine(gradients, (), signal))
    jax.tree.map(np.testing.assert_array_equal, *results)
