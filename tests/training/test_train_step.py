"""One update is the same however it is spread; only labels count."""

import functools

import jax
import numpy as np
import optax
import pytest
from toys import training as toy

from affect_jax import defaults
from affect_jax.run import build
from affect_jax.training import optimizer
from affect_jax.training import parallel
from affect_jax.training import train_step

WEIGHTS = {'expression': 1.0, 'action_units': 2.0, 'valence_arousal': 0.5}


def run(mode, devices, *, steps=3, norm=True, dropout=0.0, tx=None, **options):
  """Parameters, statistics and losses after some updates."""
  sharded = mode == 'sharded'
  mode = 'jit' if sharded else mode
  spread = parallel.build(
    mode, jax.devices()[:devices], shard_parameters=sharded
  )
  tasks = toy.all_tasks()
  # Plain SGD: Adam turns float noise into whole steps.
  tx = tx or optax.sgd(0.1)
  data = [toy.batch(16, seed) for seed in range(3)][:steps]
  plain = toy.model(tasks, norm=norm, dropout=dropout)
  mapped = toy.model(
    tasks, norm=norm, dropout=dropout, axis_name=spread.axis_name
  )
  with_ema = 'ema_decay' in options
  state = toy.state(plain, tx, toy.batch(16), with_ema)
  state = spread.put_state(state)
  step = spread.compile_step(
    train_step.make_train_step(
      mapped,
      tasks,
      tx,
      loss_weights=WEIGHTS,
      axis_name=spread.axis_name,
      **options,
    )
  )
  losses = []
  for batch in data:
    state, logs = step(state, spread.put_batch(batch), jax.random.key(7))
    losses.append(jax.device_get(logs))
  return jax.device_get(spread.get_state(state)), losses


@functools.cache
def reference(**options):
  """What several tests compare with: `run` on one device."""
  return run('jit', 1, **options)


def assert_close(a, b, rtol=2e-5, atol=1e-6):
  jax.tree.map(
    lambda x, y: np.testing.assert_allclose(x, y, rtol=rtol, atol=atol), a, b
  )


@pytest.mark.parametrize(
  ('mode', 'devices'),
  [('jit', 4), ('pmap', 1), ('pmap', 4), ('sharded', 4), ('sharded', 1)],
)
def test_one_device_is_four_is_pmap(mode, devices, monkeypatch):
  monkeypatch.setattr(parallel, 'SHARDED_FROM', 8)
  state, losses = reference()
  other, other_losses = run(mode, devices)
  assert_close(losses, other_losses)
  assert_close(state.params, other.params)
  assert_close(state.model_state, other.model_state)
  assert int(other.step) == 3


@pytest.mark.parametrize(('mode', 'devices'), [('jit', 1), ('pmap', 4)])
def test_accumulation_is_the_whole_batch_ccc_included(mode, devices):
  # Without BatchNorm, which by its nature sees one part at a time.
  state, losses = reference(norm=False)
  other, other_losses = run(mode, devices, norm=False, accumulate=4)
  assert_close(losses, other_losses)
  assert_close(state.params, other.params)


def test_mixing_is_the_same_on_four_devices():
  # The other kinds are compared by themselves, in test_mixup.
  mixing = {
    'kind': 'cutmix',
    'alpha': 0.5,
    'probability': 1.0,
    'partners': 'any',
  }
  state, losses = run('jit', 1, steps=2, mixing=mixing)
  other, other_losses = run('jit', 4, steps=2, mixing=mixing)
  assert_close(losses, other_losses)
  assert_close(state.params, other.params)
  _, plain = reference(steps=2)
  assert abs(plain[0]['loss'] - losses[0]['loss']) > 1e-4
  # Per device there are other partners, but as many rows and finite losses.
  _, mapped = run('pmap', 4, steps=2, mixing=mixing)
  assert np.isfinite([x['loss'] for x in mapped]).all()


def test_per_device_ccc_would_be_another_loss():
  # The equality above is worth something: parts have other losses.
  _, whole = run('jit', 1, steps=1)
  tasks = toy.all_tasks()
  data = toy.batch(16, 0)
  model = toy.model(tasks)
  state = toy.state(model, optax.sgd(0.1), data)
  variables = {'params': state.params, **state.model_state}
  outputs, _ = model.apply(
    variables, data['inputs'], train=True, mutable=['batch_stats']
  )
  task = tasks[2]
  parts = [
    task.loss(
      *(
        x[task.name][i : i + 4]
        for x in (outputs, data['labels'], data['weights'])
      )
    )
    for i in range(0, 16, 4)
  ]
  assert abs(np.mean(parts) - whole[0]['loss/valence_arousal']) > 1e-3


def test_rows_without_weight_are_rows_left_out():
  tasks = toy.all_tasks()
  tx = optax.sgd(0.1)
  model = toy.model(tasks, norm=False)
  data = toy.batch(12, 0)
  padded = jax.tree.map(lambda x: np.concatenate([x, x[:4] * 3]), data)
  padded['weights'] = jax.tree.map(
    lambda x: np.concatenate([x, 0 * x[:4]]), data['weights']
  )
  # NaN under weight 0 changes nothing either.
  padded['labels'] = jax.tree.map(
    lambda x: np.concatenate([x[:12], np.nan * x[12:]]), padded['labels']
  )
  step = train_step.make_train_step(model, tasks, tx, loss_weights=WEIGHTS)
  key = jax.random.key(0)
  a, logs_a = jax.jit(step)(toy.state(model, tx, data), data, key)
  b, logs_b = jax.jit(step)(toy.state(model, tx, data), padded, key)
  assert_close(logs_a, logs_b)
  assert_close(a.params, b.params)


def test_no_label_at_all_moves_nothing():
  tasks = toy.all_tasks()
  tx = optax.sgd(0.1)
  model = toy.model(tasks)
  data = toy.batch(8)
  data['weights'] = jax.tree.map(np.zeros_like, data['weights'])
  before = toy.state(model, tx, data)
  step = train_step.make_train_step(model, tasks, tx, loss_weights=WEIGHTS)
  after, logs = jax.jit(step)(before, data, jax.random.key(0))
  assert logs['loss'] == 0
  assert logs['grad_norm'] == 0
  jax.tree.map(np.testing.assert_array_equal, before.params, after.params)


@pytest.mark.parametrize(
  ('mode', 'devices', 'accumulate'),
  [('jit', 1, 1), ('jit', 4, 2), ('pmap', 4, 1)],
)
def test_the_norm_is_that_of_what_is_trained_and_clipped(
  mode, devices, accumulate
):
  frozen = ('conv', 'heads/expression')
  options = {'steps': 1, 'norm': False}
  start, _ = run('jit', 1, steps=0, norm=False)
  # What nothing freezes or clips moves by the learning rate times gradients.
  whole, logs = reference(**options)
  step = lambda state: jax.tree.map(np.subtract, start.params, state.params)
  moved = step(whole)
  kept = {k: v for k, v in moved.items() if k != 'conv'}
  others = {k: v for k, v in moved['heads'].items() if k != 'expression'}
  kept['heads'] = others
  norm = float(optax.tree.norm(kept)) / 0.1
  assert norm < 0.99 * logs[0]['grad_norm']
  tx = optimizer.build(
    'sgd',
    optax.constant_schedule(0.1),
    options={},
    clip_norm=norm / 2,
    frozen=frozen,
  )
  state, logs = run(
    mode,
    devices,
    **options,
    tx=tx,
    frozen=frozen,
    accumulate=accumulate,
  )
  np.testing.assert_allclose(logs[0]['grad_norm'], norm, rtol=1e-4)
  found = step(state)
  for part in (found.pop('conv'), found['heads'].pop('expression')):
    assert not any(np.any(x) for x in jax.tree.leaves(part))
  assert_close(found, jax.tree.map(lambda x: x / 2, kept), 1e-3)


def test_nothing_goes_backwards_through_what_is_frozen():
  tasks, tx, data = toy.all_tasks(), optax.sgd(0.1), toy.batch(8)
  model = toy.model(tasks)
  state = toy.state(model, tx, data)

  def convolutions(frozen):
    step = train_step.make_train_step(
      model, tasks, tx, loss_weights=WEIGHTS, frozen=frozen
    )
    made = jax.make_jaxpr(step)(state, data, jax.random.key(0))
    return str(made).count('conv_general_dilated[')

  # Forwards, and the gradient of the kernel.
  assert convolutions(()) == 2
  assert convolutions(('conv',)) == 1
  with pytest.raises(ValueError, match='layer9'):
    convolutions(('layer9',))


def test_ema_is_the_average_of_the_weights_seen():
  start, _ = run('jit', 1, steps=0, ema_decay=0.5)
  states = [run('jit', 1, steps=k, ema_decay=0.5)[0] for k in (1, 2)]
  kernels = [s.params['conv']['kernel'] for s in (start, *states)]
  expected = 0.25 * kernels[0] + 0.25 * kernels[1] + 0.5 * kernels[2]
  np.testing.assert_allclose(
    states[1].ema['params']['conv']['kernel'], expected, rtol=1e-5, atol=1e-7
  )


@pytest.mark.parametrize('decay', [-0.1, 1.0, 20, float('nan')])
def test_a_decay_that_averages_nothing_is_refused_before_data_is(decay):
  config = defaults.get_config()
  config.data.corpus = 'fer2013'  # Which is nowhere.
  config.ema_decay = float(decay)
  with pytest.raises(ValueError, match=r'config\.ema_decay is .* below 1'):
    build.build(config)


def test_dropout_differs_from_step_to_step_but_not_from_run_to_run():
  a, losses = run('jit', 1, dropout=0.5)
  b, again = run('jit', 1, dropout=0.5)
  c, _ = reference()
  jax.tree.map(np.testing.assert_array_equal, losses, again)
  jax.tree.map(np.testing.assert_array_equal, a.params, b.params)
  kernel = lambda s: s.params['conv']['kernel']
  assert not np.allclose(kernel(a), kernel(c))


def test_batches_that_cannot_be_split_are_refused():
  with pytest.raises(ValueError, match=r'multiple of 4 device\(s\) × .*=2'):
    parallel.check_batch_size(12, 2, 4)
  with pytest.raises(ValueError, match='jit, pmap'):
    parallel.build('pjit')
