"""Losses of a fusion's own are of the whole batch, however it is spread."""

import functools

import jax
import numpy as np
import optax
import pytest

from affect_jax import tasks
from affect_jax.models import fusion
from affect_jax.models import utterance_model
from affect_jax.training import parallel
from affect_jax.training import train_state
from affect_jax.training import train_step

# Compiling takes longer than running: less of it.
pytestmark = pytest.mark.usefixtures('quick_runs')

SENTIMENT = tasks.get_task('sentiment')
DIMS = {'text': 4, 'audio': 3}
OPTIONS = {'encoder': 'mean', 'width': 4, 'heads': 1, 'mlp_width': 5}
OPTIONS |= {'dropout': 0.0, 'attention_dropout': 0.0}
BACKBONE = {'fusion': 'misa', 'fusion_options': utterance_model.pairs(OPTIONS)}


def batch(rows=8):
  r = np.random.default_rng(0)
  inputs = {}
  for name, dim in DIMS.items():
    inputs[name] = r.normal(size=(rows, 3, dim)).astype(np.float32)
    inputs[name + '_mask'] = np.ones((rows, 3), bool)
  inputs['audio_mask'][[1, 6]] = False  # Some rows have one modality.
  return {
    'inputs': inputs,
    'labels': {'sentiment': r.uniform(-3, 3, (rows, 1)).astype(np.float32)},
    'weights': {'sentiment': np.ones((rows, 1), np.float32)},
  }


@functools.cache
def update(mode='jit', devices=1, accumulate=1):
  """Parameters and logs after one update with MISA."""
  spread = parallel.build(mode, jax.devices()[:devices])
  model = utterance_model.UtteranceModel(
    (('sentiment', 1),), utterance_model.pairs(BACKBONE)
  )
  tx, data = optax.sgd(0.1), batch()
  create = functools.partial(train_state.create, model, tx, with_ema=False)
  state = jax.jit(create)(data['inputs'], jax.random.key(0))
  step = spread.compile_step(
    train_step.make_train_step(
      model,
      [SENTIMENT],
      tx,
      loss_weights={'sentiment': 1.0},
      auxiliary_losses=utterance_model.auxiliary_losses('misa', OPTIONS),
      accumulate=accumulate,
      axis_name=spread.axis_name,
    )
  )
  state, logs = step(
    spread.put_state(state), spread.put_batch(data), jax.random.key(1)
  )
  return jax.device_get((spread.get_state(state).params, logs))


@pytest.mark.parametrize(
  ('mode', 'devices', 'accumulate'),
  [('jit', 4, 1), ('jit', 1, 4), ('pmap', 4, 2)],
)
def test_misa_is_the_same_however_the_batch_is_spread(
  mode, devices, accumulate
):
  expected, found = update(), update(mode, devices, accumulate)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),
    expected,
    found,
  )
  logs = found[1]
  assert logs['loss'] - logs['loss/sentiment'] > 0.1


def test_what_a_fusion_declares():
  own = {
    name
    for name in fusion.FUSIONS
    if hasattr(fusion.get_fusion(name), 'auxiliary_losses')
  }
  assert own == {'misa', 'self_mm'}
  found = {name: fusion.remembers(name) for name in fusion.FUSIONS}
  assert {k: v for k, v in found.items() if v} == {'self_mm': 'sentiment'}
  assert utterance_model.auxiliary_losses('gated', {}) is None
