"""config.shard_parameters: each device holds a part of large arrays."""

import jax
import numpy as np
import pytest

from affect_jax.errors import UserError
from affect_jax.training import lanes
from affect_jax.training import parallel


def test_the_longest_axis_that_devices_divide_is_split(monkeypatch):
  monkeypatch.setattr(parallel, 'SHARDED_FROM', 24)
  spread = parallel.build(shard_parameters=True)
  split = lambda *n: tuple(spread.state_shardings(np.zeros(n)).spec)
  assert split(3, 3, 8, 16) == (None, None, None, 'data')
  assert split(8, 9) == ('data',)
  assert split(24) == ('data',)
  # Four devices divide no axis; too small; a number.
  assert split(5, 7) == split(20) == split() == ()
  whole = parallel.build().state_shardings(np.zeros((8, 9)))
  assert tuple(whole.spec) == ()


@pytest.mark.parametrize('number', [1, 2])
def test_a_device_holds_a_quarter_also_after_a_step(number, monkeypatch):
  monkeypatch.setattr(parallel, 'SHARDED_FROM', 24)
  spread = lanes.Lanes(parallel.build(shard_parameters=True), number)
  state = {'w': np.ones((8, 6), 'f4'), 'b': np.ones(6, 'f4')}

  def step(state, batch, rng):
    loss = lambda s: ((batch['x'] @ s['w'] + s['b'][None]) ** 2).mean()
    slope = jax.grad(loss)(state)
    return jax.tree.map(lambda x, g: x - g, state, slope), {'n': state['b'][0]}

  x = np.arange(64.0, dtype='f4').reshape(8, 8)
  step = spread.compile_step(step)
  states = spread.put_states([state] * number)
  batches = spread.put_batches([{'x': x}] * number)
  keys = spread.put_keys([jax.random.key(0)] * number)
  for _ in range(2):
    for leaf, share in ((states['w'], 4), (states['b'], 1)):
      held = leaf.addressable_shards[0].data
      assert held.size * share == leaf.size
    states, logs = step(states, batches, keys)
  assert all(n.is_fully_replicated for n in jax.tree.leaves(logs))


def test_pmap_holds_the_whole_model():
  with pytest.raises(UserError, match=r'shard_parameters needs .*parallel=jit'):
    parallel.build('pmap', shard_parameters=True)
