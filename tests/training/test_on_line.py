"""Weak supervision in the step: the same on all devices; gold stays gold."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from toys import training as toy

from affect_jax.training import parallel
from affect_jax.training import train_state
from affect_jax.training import train_step
from affect_jax.weak import on_line
from affect_jax.weak import ramps

WEIGHTS = {'expression': 1.0, 'action_units': 2.0, 'valence_arousal': 0.5}
PSEUDO = {
  'weight': 0.5,
  'tasks': (),
  'teacher': 'average',
  'rule': 'softmatch',
  'threshold': 0.3,
  'hard': False,
  'temperature': 0.7,
  'by_confidence': True,
  'momentum': 0.9,
  'ramp_steps': 2,
}
TEACHER = {'weight': 3.0, 'tasks': (), 'ramp_steps': 4}


def tasks():
  found = toy.all_tasks()
  assert [t.name for t in found] == [*WEIGHTS]
  return found


def batch(seed):
  data = toy.batch(16, seed)
  weak = np.clip(data['inputs']['image'] + 0.05, 0, 1)
  return {**data, 'weak_inputs': {'image': weak}}


def run(mode, devices, *, steps=3, accumulate=1, batches=None, **options):
  """The state and logs after some updates."""
  spread = parallel.build(mode, jax.devices()[:devices])
  of_run = tasks()
  tx = optax.sgd(0.1)
  plain = toy.model(of_run, norm=False)
  model = toy.model(of_run, norm=False, axis_name=spread.axis_name)
  both = on_line.build(model, of_run, axis_name=spread.axis_name, **options)
  state = toy.state(plain, tx, toy.batch(16), with_ema=True)
  state = state.replace(memory=both.start())
  state = spread.put_state(state)
  step = spread.compile_step(
    train_step.make_train_step(
      model,
      of_run,
      tx,
      loss_weights=WEIGHTS,
      ema_decay=0.5,
      on_line=both,
      accumulate=accumulate,
      axis_name=spread.axis_name,
    )
  )
  logs = []
  for data in batches or [batch(seed) for seed in range(steps)]:
    state, of_step = step(state, spread.put_batch(data), jax.random.key(7))
    logs.append(jax.device_get(of_step))
  return jax.device_get(spread.get_state(state)), logs


ALL = {'pseudo': PSEUDO, 'teacher': TEACHER, 'matching': 0.7}


@functools.cache
def reference():
  return run('jit', 1, **ALL)


def close(a, b):
  jax.tree.map(
    lambda x, y: np.testing.assert_allclose(x, y, rtol=2e-5, atol=1e-6), a, b
  )


@pytest.mark.parametrize(
  ('mode', 'devices', 'accumulate'), [('jit', 4, 2), ('pmap', 4, 1)]
)
def test_one_device_is_four_is_pmap(mode, devices, accumulate):
  state, logs = reference()
  other, other_logs = run(mode, devices, accumulate=accumulate, **ALL)
  close(logs, other_logs)
  close(state.params, other.params)
  close(state.memory, other.memory)
  assert 0 < logs[-1]['pseudo_labels/action_units'] <= 1


def test_relabelling_leaves_gold_and_never_looks_like_it():
  of_run = tasks()
  model = toy.model(of_run, norm=False)
  options = {**PSEUDO, 'weight': 1.0, 'ramp_steps': 0, 'by_confidence': False}
  both = on_line.build(model, of_run, pseudo=options)
  state = toy.state(model, optax.sgd(0.1), toy.batch(16), with_ema=True)
  state = state.replace(memory=both.start())
  data = batch(0)
  new = both.relabel(state, data)
  for task in of_run:
    gold = data['weights'][task.name]
    labels, weights = (np.asarray(x[task.name]) for x in new[:2])
    assert (gold == 0).any()
    np.testing.assert_array_equal(weights[gold == 1], 1)
    assert ((weights[gold == 0] > 0) & (weights[gold == 0] < 1)).all()
    one = gold.reshape(*gold.shape, *[1] * (labels.ndim - gold.ndim)) == 1
    one = np.broadcast_to(one, labels.shape)
    np.testing.assert_array_equal(labels[one], data['labels'][task.name][one])


def test_the_loss_is_that_of_labels_written_out():
  """The first step, by hand: labels of the average, and its predictions."""
  of_run = tasks()
  model = toy.model(of_run, norm=False)
  state = toy.state(model, optax.sgd(0.1), toy.batch(16), with_ema=True)
  data = batch(0)
  options = {'weight': 0.25, 'ramp_steps': 0, 'threshold': 0.4, 'hard': True}
  options = {**PSEUDO, **options, 'rule': 'fixed', 'by_confidence': False}
  _, (logs,) = run(
    'jit', 1, batches=[data], pseudo=options, teacher=TEACHER, matching=0.0
  )
  variables = train_state.eval_variables(state)
  of = lambda inputs: model.apply(variables, inputs, train=False)
  weak, strong = of(data['weak_inputs']), of(data['inputs'])
  losses, consistency = 0.0, 0.0
  for task in of_run:
    p = np.asarray(task.predict(weak[task.name]))
    labels, weights = (data[k][task.name].copy() for k in ('labels', 'weights'))
    if task.name == 'expression':
      own, sure = np.eye(3)[p.argmax(1)], p.max(1) >= 0.4
    elif task.name == 'action_units':
      own, sure = p > 0.5, np.maximum(p, 1 - p) >= 0.4
    else:
      own, sure = p, np.ones(p.shape, bool)
    use = (weights == 0) & sure
    one = use[:, np.newaxis] if task.name == 'expression' else use
    labels, weights = np.where(one, own, labels), np.where(use, 0.25, weights)
    loss = task.loss(
      strong[task.name], jnp.asarray(labels), jnp.asarray(weights)
    )
    np.testing.assert_allclose(logs[f'loss/{task.name}'], loss, rtol=1e-5)
    losses += WEIGHTS[task.name] * loss
    q = np.asarray(task.predict(strong[task.name]))
    consistency += np.mean((p - q) ** 2)
  ramp = np.exp(-5.0)
  expected = losses + 3.0 * ramp * consistency
  np.testing.assert_allclose(logs['loss'], expected, rtol=1e-5)


def test_padding_of_windows_is_no_sample():
  mask = jnp.array([[True, False]])
  inputs = {'image': jnp.zeros((1, 2, 4, 4, 3)), 'image_mask': mask}
  np.testing.assert_array_equal(on_line.real_rows(inputs), mask)


def test_ramps():
  steps = [0, 5, 10, 20]
  of = lambda ramp: [float(ramp(jnp.asarray(s), 10)) for s in steps]
  np.testing.assert_allclose(of(ramps.linear), [0, 0.5, 1, 1])
  np.testing.assert_allclose(
    of(ramps.sigmoid), [np.exp(-5), np.exp(-1.25), 1, 1], rtol=1e-6
  )
  assert ramps.linear(jnp.asarray(0), 0) == 1
