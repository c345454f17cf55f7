r"""Our side of run.py: the training step and predictions of this package.

  python experiments/benchmarks/against_pytorch/ours.py \
      '{"kind": "inference", "stem": "small", "pixels": 48, "batch": 8}'

waits for numbers on standard input, see serving.py.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import sequences
import serving

from affect_jax import defaults
from affect_jax import tasks as tasks_lib
from affect_jax.models import affect_model
from affect_jax.models import fusion
from affect_jax.run import allocator
from affect_jax.run import build
from affect_jax.training import optimizer
from affect_jax.training import task_gradients
from affect_jax.training import train_state
from affect_jax.training import train_step

UNITS = {'expression': 8, 'action_units': 12, 'valence_arousal': 2}


def make(work):
  """Returns a function that does the work once."""
  allocator.keep_freed()  # As every command does.
  return make_sequences(work) if 'fusion' in work else make_faces(work)


def make_sequences(work):
  """Returns an update of a fusion of text, audio and vision, with one head."""
  given, labels = sequences.random(work)
  masks = {name: np.ones(x.shape[:2], bool) for name, x in given.items()}
  given, masks, labels = jax.device_put((given, masks, labels))
  options = {'dropout': 0.0}
  if work['fusion'] != 'ef_lstm':
    options['fused_dropout'] = 0.0
  model = fusion.get_fusion(work['fusion'], **options)
  head = jax.random.normal(jax.random.key(1), (128, 1)) / 16
  params = jax.jit(lambda k: model.init(k, given, masks, train=False))(
    jax.random.key(0, impl='rbg')
  )
  tx = optax.adamw(1e-3, weight_decay=1e-4)

  def step(params, opt_state):
    def loss(params):
      rows = model.apply(params['fusion'], given, masks, train=True)
      return jnp.mean(jnp.abs(rows @ params['head'] - labels))

    updates, opt_state = tx.update(jax.grad(loss)(params), opt_state, params)
    return optax.apply_updates(params, updates), opt_state

  held = [{'fusion': params, 'head': head}]
  held.append(jax.jit(tx.init)(held[0]))
  step = jax.jit(step, donate_argnums=(0, 1))

  def update():
    held[:] = jax.block_until_ready(step(*held))

  return update


def make_faces(work):
  """Returns an update, or inference, of ResNet-18 with three heads."""
  r = np.random.default_rng(0)
  size, pixels = work['batch'], work['pixels']
  labels = {
    'expression': np.eye(8, dtype=np.float32)[r.integers(8, size=size)],
    'action_units': r.integers(2, size=(size, 12)).astype(np.float32),
    'valence_arousal': r.uniform(-1, 1, (size, 2)).astype(np.float32),
  }
  batch = {
    'inputs': {'image': r.random((size, pixels, pixels, 3), np.float32)},
    'labels': labels,
    'weights': {
      name: np.ones(size if name == 'expression' else x.shape, np.float32)
      for name, x in labels.items()
    },
  }
  batch = jax.device_put(batch)
  model = affect_model.AffectModel(units=UNITS, stem=work['stem'])
  tx = optimizer.build(
    'adamw', optax.constant_schedule(1e-3), weight_decay=1e-4, options={}
  )
  rng = jax.random.key(0, impl='rbg')
  config = defaults.get_config()
  config.balancing.name = work.get('balancing', 'fixed')
  balancing = build.balancing(config)
  state = jax.jit(
    lambda rng: train_state.create(
      model,
      tx,
      batch['inputs'],
      rng,
      with_ema=False,
      init_balancing=lambda params: balancing.init(
        len(UNITS), task_gradients.shared(params)
      ),
    )
  )(rng)
  if work['kind'] == 'inference':
    variables = {'params': state.params, **state.model_state}
    apply = jax.jit(lambda v, x: model.apply(v, x, train=False))
    return lambda: jax.block_until_ready(apply(variables, batch['inputs']))
  step = jax.jit(
    train_step.make_train_step(
      model,
      [tasks_lib.get_task(name) for name in UNITS],
      tx,
      balancing=balancing,
      loss_weights=dict.fromkeys(UNITS, 1.0),
    ),
    donate_argnums=0,
  )
  held = [state]

  def update():
    held[0], _ = jax.block_until_ready(step(held[0], batch, rng))

  return update


if __name__ == '__main__':
  serving.serve(make)
