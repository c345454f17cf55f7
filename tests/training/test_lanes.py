"""Runs side by side are updated as each by itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from affect_jax.training import lanes
from affect_jax.training import parallel

SEEDS = (4, 0, 9)


def step(state, batch, rng):
  noise = jax.random.normal(jax.random.fold_in(rng, state['step']), (2,))
  change = batch['x'].mean((0, 1)) + noise
  new = {'step': state['step'] + 1, 'w': 0.9 * state['w'] + change}
  return new, {'loss': change.sum()}


def report(state, batch, rng):
  return {'cosine': state['w'].sum() * batch['x'].max()}


def runs(number, length_of):
  """Three updates of runs; returns their states, logs and reports."""
  spread = lanes.Lanes(parallel.build(), number)
  update, look = spread.compile_step(step), spread.compile_report(report)

  def three(seeds):
    state = spread.put_states(
      [{'step': jnp.zeros((), int), 'w': jnp.full(2, float(s))} for s in seeds]
    )
    rng = spread.put_keys([jax.random.key(s) for s in seeds])
    out = []
    for i in range(3):
      batch = spread.put_batches(
        [
          {
            'x': np.random.default_rng((s, i))
            .normal(size=(8, length_of(s, i), 2))
            .astype(np.float32)
          }
          for s in seeds
        ]
      )
      reports = spread.split(look(state, batch, rng))
      state, logs = update(state, batch, rng)
      out.append((reports, spread.split(logs)))
    return jax.device_get((spread.get_states(state), out))

  return three


@pytest.mark.parametrize(
  'length_of', [lambda s, i: 3, lambda s, i: 3 + (s > 3) * i % 2]
)
def test_each_run_is_what_it_is_by_itself(length_of):
  """Also where batches of utterances differ in their length."""
  states, logs = runs(len(SEEDS), length_of)(SEEDS)
  for k, seed in enumerate(SEEDS):
    (state,), alone = runs(1, length_of)([seed])
    assert states[k]['step'] == state['step'] == 3
    np.testing.assert_allclose(states[k]['w'], state['w'], rtol=1e-6)
    for together, one in zip(logs, alone, strict=True):
      for kind in (0, 1):
        for name, value in one[kind][0].items():
          assert together[kind][k][name] == pytest.approx(value, rel=1e-5)
