"""Balanced updates: absent tasks take no part, however a batch is spread."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from toys import training as toy

from affect_jax import multitask
from affect_jax.training import parallel
from affect_jax.training import train_step

# One of each kind: weights of losses, and a look back; weights of gradients,
# and none.
KINDS = ('fixed', 'famo', 'db_mtl')
# So short that warm-ups and periods end within a test.
OPTIONS = {'dwa': {'period': 2}, 'stch': {'warmup_steps': 1}}
WEIGHTS = {'expression': 1.0, 'action_units': 2.0, 'valence_arousal': 0.5}
LEARNING_RATE = 0.05


def method(name):
  return multitask.get_method(name, **OPTIONS.get(name, {}))


def tasks_of(names):
  by_name = {t.name: t for t in toy.all_tasks()}
  return [by_name[n] for n in names]


def batches(count=3, unlabelled=()):
  """Batches, of which those at `unlabelled` lack all labels of action units."""
  data = [toy.batch(16, seed) for seed in range(count)]
  for i in unlabelled:
    weights = data[i]['weights']
    weights['action_units'] = np.zeros_like(weights['action_units'])
  return data


def train(
  name,
  data,
  *,
  tasks=None,
  mode='jit',
  devices=1,
  loss_weights=WEIGHTS,
  **options,
):
  """(state, logs of each step) of a few updates."""
  tasks = tasks or toy.all_tasks()
  spread = parallel.build(mode, jax.devices()[:devices])
  tx = optax.sgd(LEARNING_RATE)  # Adam turns float noise into whole steps.
  balancing = method(name)
  norm = options.pop('norm', True)
  plain = toy.model(tasks, norm=norm)
  model = toy.model(tasks, norm=norm, axis_name=spread.axis_name)
  state = spread.put_state(
    toy.state(plain, tx, toy.batch(16), balancing=balancing)
  )
  step = spread.compile_step(
    train_step.make_train_step(
      model,
      tasks,
      tx,
      loss_weights=loss_weights,
      balancing=balancing,
      axis_name=spread.axis_name,
      **options,
    )
  )
  logs = []
  for batch in data:
    state, log = step(state, spread.put_batch(batch), jax.random.key(7))
    logs.append(jax.device_get(log))
  return jax.device_get(spread.get_state(state)), logs


@functools.cache
def reference(name, **options):
  """Three updates on one device, of which the second lacks a task."""
  return train(name, batches(unlabelled=[1]), **options)


def assert_close(a, b, rtol=1e-4, atol=2e-6):
  jax.tree.map(
    lambda x, y: np.testing.assert_allclose(x, y, rtol=rtol, atol=atol), a, b
  )


@pytest.mark.parametrize('name', KINDS)
@pytest.mark.parametrize(('mode', 'devices'), [('jit', 4), ('pmap', 4)])
def test_one_device_is_four_is_pmap(name, mode, devices):
  state, logs = reference(name)
  data = batches(unlabelled=[1])
  other, other_logs = train(name, data, mode=mode, devices=devices)
  assert_close(logs, other_logs)
  assert_close(state.params, other.params)
  # Adam on a difference of two logarithms.
  assert_close(state.balancing, other.balancing, 1e-2, 1e-5)


@pytest.mark.parametrize('name', multitask.METHODS)
def test_what_is_not_labelled_takes_no_part(name):
  """Neither a task without a label, nor a sample without one."""
  few = ['expression', 'valence_arousal']
  data = [toy.batch(12, seed) for seed in range(2)]

  def more(batch):
    padded = jax.tree.map(lambda x: np.concatenate([x, x[:4] * 3]), batch)
    padded['labels'] = jax.tree.map(
      lambda x: np.concatenate([x[:12], np.nan * x[12:]]), padded['labels']
    )
    padded['weights'] = jax.tree.map(
      lambda x: np.concatenate([x[:12], 0 * x[12:]]), padded['weights']
    )
    padded['weights']['action_units'] *= 0
    return padded

  # Without BatchNorm, whose statistics are those of all samples.
  state, logs = train(name, [more(b) for b in data], norm=False)
  other, other_logs = train(name, data, norm=False, tasks=tasks_of(few))
  heads, other_heads = state.params.pop('heads'), other.params.pop('heads')
  unlabelled = heads.pop('action_units')
  assert_close(state.params, other.params, 1e-6, 1e-7)
  assert_close(heads, other_heads, 1e-6, 1e-7)
  for n in few:
    for log, other_log in zip(logs, other_logs, strict=True):
      weights = log[f'weight/{n}'], other_log[f'weight/{n}']
      np.testing.assert_allclose(*weights, rtol=1e-5)
  # All of both begin at the same weights, and move.
  start = toy.state(
    toy.model(toy.all_tasks(), norm=False), optax.sgd(1), data[0]
  )
  kernel = start.params['conv']['kernel']
  assert np.abs(kernel - state.params['conv']['kernel']).max() > 1e-5
  unmoved = start.params['heads']['action_units']
  jax.tree.map(np.testing.assert_array_equal, unlabelled, unmoved)


@pytest.mark.parametrize('name', ['gls', 'mgda'])
def test_a_task_that_shall_not_count_stops_no_other(name):
  one, _ = train(name, batches(2), loss_weights=WEIGHTS | {'action_units': 0})
  other, _ = train(name, batches(2, unlabelled=[0, 1]))
  assert_close(one.params, other.params)


@pytest.mark.parametrize('name', KINDS)
def test_no_label_at_all_moves_nothing(name):
  data = batches(2)
  data[1]['weights'] = jax.tree.map(np.zeros_like, data[1]['weights'])
  one, _ = train(name, data[:1])
  two, logs = train(name, data)
  jax.tree.map(np.testing.assert_array_equal, one.params, two.params)
  jax.tree.map(np.testing.assert_array_equal, one.balancing, two.balancing)
  assert logs[1]['loss'] == logs[1]['grad_norm'] == 0
  assert not any(logs[1][f'weight/{t.name}'] for t in toy.all_tasks())


@pytest.mark.parametrize('name', KINDS)
def test_accumulation_is_the_whole_batch(name):
  # Without BatchNorm, which by its nature sees one part at a time.
  data = batches(2, unlabelled=[1])
  state, logs = train(name, data, norm=False)
  other, other_logs = train(name, data, norm=False, accumulate=4)
  assert_close(logs, other_logs)
  assert_close(state.params, other.params)


def gradients(params, batch):
  """Gradients of the plain losses, one task after another, from jax.grad."""
  tasks = toy.all_tasks()
  model = toy.model(tasks, norm=False)
  found = []
  for task in tasks:

    def loss(params, task=task):
      outputs = model.apply({'params': params}, batch['inputs'], train=True)
      triple = outputs, batch['labels'], batch['weights']
      return WEIGHTS[task.name] * task.loss(*(x[task.name] for x in triple))

    found.append(jax.device_get(jax.grad(loss)(params)))
  return found


def flat(gradient):
  shared = {k: v for k, v in gradient.items() if k != 'heads'}
  return np.concatenate([np.ravel(x) for x in jax.tree.leaves(shared)])


def test_gradients_of_tasks_and_their_cosines_are_logged():
  batch = toy.batch(16)
  start, _ = train('fixed', [], norm=False)
  vectors = np.stack([flat(g) for g in gradients(start.params, batch)])
  tasks = toy.all_tasks()
  state = toy.state(toy.model(tasks, norm=False), optax.sgd(0.1), batch)
  report = train_step.make_gradient_report(
    toy.model(tasks, norm=False), tasks, loss_weights=WEIGHTS
  )
  logs = jax.jit(report)(state, batch, jax.random.key(7))
  norms = np.linalg.norm(vectors, axis=1)
  for i, task in enumerate(tasks):
    norm = logs[f'grad_norm/{task.name}']
    np.testing.assert_allclose(norm, norms[i], rtol=1e-4)
  expected = vectors[0] @ vectors[2] / norms[0] / norms[2]
  np.testing.assert_allclose(
    logs['cosine/expression/valence_arousal'], expected, rtol=1e-3, atol=1e-5
  )
  assert len(logs) == 6
  # Methods that read gradients log the same.
  _, (own,) = train('db_mtl', [batch], norm=False)
  assert_close({k: own[k] for k in logs}, logs)


def test_heads_keep_their_own_gradients():
  batch = toy.batch(16)
  start, _ = train('db_mtl', [], norm=False)
  end, _ = train('db_mtl', [batch], norm=False)
  for task, gradient in zip(
    toy.all_tasks(), gradients(start.params, batch), strict=True
  ):
    expected = jax.tree.map(
      lambda p, g: p - LEARNING_RATE * g,
      start.params['heads'][task.name],
      gradient['heads'][task.name],
    )
    assert_close(end.params['heads'][task.name], expected)


def test_weights_multiply_losses_and_so_the_gradients_of_heads():
  batch = toy.batch(16)
  start, _ = train('uncertainty', [], norm=False)
  end, _ = train('uncertainty', [batch], norm=False)
  parts = gradients(start.params, batch)
  total = jax.tree.map(lambda *g: 0.5 * sum(g), *parts)
  expected = jax.tree.map(
    lambda p, g: p - LEARNING_RATE * g, start.params, total
  )
  assert_close(end.params, expected)


def test_bfloat16_keeps_losses_weights_and_parameters_in_float32():
  tasks = toy.all_tasks()
  to_bf16 = lambda x: x.astype(jnp.bfloat16)
  for name in ('famo', 'db_mtl'):
    balancing = method(name)
    model = toy.model(tasks)
    batch = toy.batch(16)
    state = toy.state(model, optax.sgd(0.1), batch, balancing=balancing)
    batch['inputs'] = jax.tree.map(to_bf16, batch['inputs'])
    step = train_step.make_train_step(
      model, tasks, optax.sgd(0.1), loss_weights=WEIGHTS, balancing=balancing
    )
    new, logs = jax.jit(step)(state, batch, jax.random.key(0))
    dtypes = lambda tree: jax.tree.map(lambda x: x.dtype, tree)
    assert dtypes(new) == dtypes(state)
    assert np.isfinite(float(logs['loss']))
