"""Measures what freezing the first stages of ResNet-18 saves in training.

  python experiments/benchmarks/freezing.py --out=freezing.json

Runs this package's training step at batch 32, on one device, with
`model.frozen_stages` and with `frozen` prefixes alone. Reports the time of an
update (the best of some) and floating point operations as XLA counts them, and
both relative to a step that trains everything.
"""

import argparse
import time

import jax
import numpy as np
import optax

from affect_jax import tasks
from affect_jax.models import affect_model
from affect_jax.models import resnet
from affect_jax.run import environment
from affect_jax.run import folder as run_folder
from affect_jax.training import optimizer
from affect_jax.training import train_state
from affect_jax.training import train_step

BATCH = 32
TASKS = [tasks.get_task('valence_arousal')]
# Arms: name, frozen_stages, prefixes.
ARMS = [
  ('nothing', 0, ()),
  *(
    (
      f'frozen_stages={n}',
      n,
      tuple(f'backbone/{p}' for s in resnet.STAGES[:n] for p in s),
    )
    for n in range(1, len(resnet.STAGES) + 1)
  ),
  ("frozen=('backbone',)", 0, ('backbone',)),
]


def make_step(frozen_stages, frozen, pixels):
  """Returns a compiled update and its arguments."""
  model = affect_model.AffectModel(
    units={'valence_arousal': 2}, frozen_stages=frozen_stages
  )
  tx = optimizer.build(
    'sgd', optax.constant_schedule(0.01), options={}, frozen=frozen
  )
  r = np.random.default_rng(0)
  batch = {
    'inputs': {'image': r.random((BATCH, pixels, pixels, 3), np.float32)},
    'labels': {'valence_arousal': r.random((BATCH, 2), np.float32)},
    'weights': {'valence_arousal': np.ones((BATCH, 2), np.float32)},
  }
  rng = jax.random.key(0, impl='rbg')
  state = jax.jit(
    lambda rng: train_state.create(
      model, tx, batch['inputs'], rng, with_ema=False
    )
  )(rng)
  step = train_step.make_train_step(
    model, TASKS, tx, loss_weights={'valence_arousal': 1.0}, frozen=frozen
  )
  compiled = jax.jit(step).lower(state, batch, rng).compile()
  return compiled, (state, batch, rng)


def measure(frozen_stages, frozen, pixels, steps):
  """Measures the seconds of an update, and its floating point operations."""
  step, (state, batch, rng) = make_step(frozen_stages, frozen, pixels)
  flops = (step.cost_analysis() or {}).get('flops', float('nan'))
  best = float('inf')
  for _ in range(steps + 1):
    start = time.perf_counter()
    state, _ = jax.block_until_ready(step(state, batch, rng))
    best = min(best, time.perf_counter() - start)
  return best, flops


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument('--steps', type=int, default=5)
  parser.add_argument('--pixels', type=int, default=64)
  parser.add_argument('--out', default='')
  arguments = parser.parse_args()
  rows = []
  for name, frozen_stages, frozen in ARMS:
    seconds, flops = measure(
      frozen_stages, frozen, arguments.pixels, arguments.steps
    )
    rows.append({'arm': name, 'seconds': seconds, 'flops': flops})
    print(
      f'{name}: {1000 * seconds:.0f} ms, × {rows[0]["seconds"] / seconds:.2f}; '
      f'{flops / 1e9:.2f} GFLOP, × {rows[0]["flops"] / flops:.2f}'
    )
  if arguments.out:
    run_folder.write_json(
      arguments.out, {'rows': rows, 'environment': environment.describe({})}
    )


if __name__ == '__main__':
  main()
