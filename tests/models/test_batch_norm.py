"""Frames that fill up windows count in no statistics, on any devices."""

import functools

from flax import linen as nn
import jax
import numpy as np
import optax
import pytest

from affect_jax import tasks
from affect_jax.models import affect_model
from affect_jax.models import batch_norm
from affect_jax.models import resnet
from affect_jax.training import parallel
from affect_jax.training import train_state
from affect_jax.training import train_step

pytestmark = pytest.mark.usefixtures('narrow')

# Frames of each of 8 windows: of the last two devices' in all, 3 and 2.
FRAMES = (3, 1, 2, 3, 1, 2, 1, 1)
TASK = tasks.get_task('valence_arousal', loss='ccc_mse')


@pytest.fixture(scope='module')
def narrow(quick_runs):
  """Two stages instead of four: the second has a shortcut of its own."""
  del quick_runs
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(resnet, 'WIDTHS', (6, 8))
    yield


def assert_close(a, b):
  jax.tree.map(
    lambda x, y: np.testing.assert_allclose(x, y, rtol=2e-4, atol=2e-5), a, b
  )


def test_statistics_and_gradients_are_those_of_the_rows_that_count():
  r = np.random.default_rng(0)
  rows = np.array([1, 0, 1, 1, 0, 0, 1, 0], bool)  # None on the third device.
  x = r.normal(3, 2, (8, 2, 3, 5)).astype(np.float32)
  target = r.normal(size=x.shape).astype(np.float32)
  flax = nn.BatchNorm(use_running_average=False, momentum=0.9, epsilon=1e-5)
  variables = flax.init(jax.random.key(0), x)
  own = functools.partial(
    batch_norm.MaskedBatchNorm, momentum=0.9, epsilon=1e-5
  )

  def run(module, x, target, *rows):
    def loss(x, params):
      y, state = module.apply(
        {**variables, 'params': params}, x, *rows, mutable=['batch_stats']
      )
      return (y * target).sum(), state['batch_stats']

    found, state = jax.grad(loss, (0, 1), has_aux=True)(x, variables['params'])
    return *found, state

  dx, *expected = run(flax, x[rows], target[rows])
  there = rows.reshape(8, 1, 1, 1)
  filled, target = np.where(there, x, 100), np.where(there, target, 0)
  found, *others = run(own(), filled, target, rows)
  assert_close((found[rows], *others), (dx, *expected))
  assert not found[~rows].any()
  # On each device, gradients of parameters are of its own rows.
  split = lambda a: a.reshape(4, 2, *a.shape[1:])
  mapped = jax.pmap(
    functools.partial(run, own(axis_name='data')), axis_name='data'
  )
  found, params, stats = mapped(*map(split, (filled, target, rows)))
  summed = jax.tree.map(lambda a: a.sum(0), params)
  first = jax.tree.map(lambda a: a[0], stats)
  assert_close((found.reshape(x.shape)[rows], summed, first), (dx, *expected))
  # Nothing at all: averages stay.
  _, _, stats = run(own(), filled, target, np.zeros(8, bool))
  jax.tree.map(np.testing.assert_array_equal, stats, variables['batch_stats'])


def frames():
  """{name: [13, ...]} of the frames that are there."""
  r = np.random.default_rng(0)
  n = sum(FRAMES)
  return {
    'image': r.random((n, 16, 16, 3), np.float32),
    'labels': r.uniform(-1, 1, (n, 2)).astype(np.float32),
    'weights': np.ones((n, 2), np.float32),
  }


def batch(length):
  """Windows of a length, or without windows: 0."""
  data = frames()
  if length:
    starts = np.cumsum((0, *FRAMES[:-1]))
    windows = {
      k: np.zeros((len(FRAMES), length, *x.shape[1:]), x.dtype)
      for k, x in data.items()
    }
    for k, x in data.items():
      for row, (start, count) in enumerate(zip(starts, FRAMES, strict=True)):
        windows[k][row, :count] = x[start : start + count]
    mask = np.arange(length)[None] < np.array(FRAMES)[:, None]
    data = windows | {'image_mask': mask}
  return {
    'inputs': {k: x for k, x in data.items() if k.startswith('image')},
    'labels': {TASK.name: data['labels']},
    'weights': {TASK.name: data['weights']},
  }


@functools.cache
def update(length, mode='jit', devices=1, accumulate=1):
  """Parameters, statistics and logs after one update of a narrow ResNet."""
  spread = parallel.build(mode, jax.devices()[:devices])
  make = functools.partial(
    affect_model.AffectModel, units={TASK.name: 2}, stem='small'
  )
  tx, data = optax.sgd(0.1), batch(length)
  create = functools.partial(train_state.create, make(), tx, with_ema=False)
  state = jax.jit(create)(batch(0)['inputs'], jax.random.key(0))
  step = spread.compile_step(
    train_step.make_train_step(
      make(axis_name=spread.axis_name),
      [TASK],
      tx,
      loss_weights={TASK.name: 1.0},
      accumulate=accumulate,
      windows=length > 0,
      axis_name=spread.axis_name,
    )
  )
  state, logs = step(
    spread.put_state(state), spread.put_batch(data), jax.random.key(1)
  )
  state = jax.device_get(spread.get_state(state))
  return state.params, state.model_state, jax.device_get(logs)


@pytest.mark.parametrize(
  ('length', 'mode', 'devices'),
  [(5, 'jit', 4), (5, 'pmap', 4)],
)
def test_an_update_is_that_of_the_frames_alone(length, mode, devices):
  assert_close(update(length, mode, devices), update(0))


def test_parts_of_a_batch_do_not_count_padding_either():
  short, long = update(3, 'jit', 1, 2), update(5, 'pmap', 4, 2)
  assert_close(short, long)


def test_what_fills_up_is_not_seen_in_evaluation():
  model = affect_model.AffectModel(
    units={TASK.name: 2}, stem='small', temporal='gru'
  )
  inputs = batch(3)['inputs']
  init = jax.jit(functools.partial(model.init, train=False))
  apply = jax.jit(functools.partial(model.apply, train=False))
  variables = init(jax.random.key(0), inputs)
  mask = inputs['image_mask']
  other = np.where(mask[..., None, None, None], inputs['image'], 0.7)
  other[4:] = 0.3  # Rows that fill up the last batch.
  found, same = (
    apply(variables, {'image': x, 'image_mask': mask})[TASK.name]
    for x in (inputs['image'], other)
  )
  np.testing.assert_allclose(found[:4][mask[:4]], same[:4][mask[:4]], atol=1e-6)
