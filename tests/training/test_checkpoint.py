"""Checkpoints are read on other devices than they were saved from."""

import jax
import numpy as np
import optax
import pytest
from toys import training as toy

from affect_jax.errors import DamagedCheckpoint
from affect_jax.training import checkpoint
from affect_jax.training import parallel


def test_what_one_device_saved_is_read_onto_all(tmp_path):
  one = parallel.build('jit', jax.devices()[:1])
  model = toy.model(toy.all_tasks())
  state = one.put_state(toy.state(model, optax.sgd(0.1), toy.batch(4)))
  with checkpoint.build_manager(str(tmp_path), 1) as manager:
    checkpoint.save(manager, 3, state, thresholds={'a': {'b': [0.25]}})
  variables, thresholds, step = checkpoint.read(str(tmp_path))
  assert step == 3
  assert thresholds == {'a': {'b': [0.25]}}
  jax.tree.map(np.testing.assert_array_equal, variables['params'], state.params)
  for leaf in jax.tree.leaves(variables):
    assert leaf.sharding.device_set == set(jax.devices())
    assert leaf.is_fully_replicated


@pytest.mark.parametrize('part', ['state/_METADATA', 'metrics/metrics', 'data'])
def test_damage_is_named(tmp_path, part):
  state = toy.state(toy.model(toy.all_tasks()), optax.sgd(0.1), toy.batch(4))
  with checkpoint.build_manager(str(tmp_path), 1) as manager:
    checkpoint.save(manager, 3, state, headline=0.5)
  step = tmp_path / 'checkpoints' / '3'
  files = [step / part]
  if part == 'data':
    files = sorted((step / 'state').rglob('d/*'))
  for file in files:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
  with pytest.raises(DamagedCheckpoint, match='checkpoints'):
    checkpoint.read(str(tmp_path))
