"""Measures ResNet-18's training speed on CPU: our convolutions against XLA's.

  python experiments/benchmarks/convolution.py --out=convolution.json

Runs both in one process, in turn. Reports pictures per second (the best of some
steps) and their ratio. An update is forward, backward and SGD at batch 64.
"""

import argparse
import time
from unittest import mock

import jax
import jax.numpy as jnp
import optax

from affect_jax.models import convolution
from affect_jax.models import resnet
from affect_jax.run import environment
from affect_jax.run import folder as run_folder

BATCH = 64


def make_step(stem, pixels):
  """Returns a compiled update and its arguments."""
  model = resnet.ResNet18(stem=stem)
  images = jax.random.uniform(jax.random.key(0), (BATCH, pixels, pixels, 3))
  variables = jax.jit(lambda k: model.init(k, images[:1], train=False))(
    jax.random.key(1, impl='rbg')
  )
  params, stats = variables['params'], variables['batch_stats']
  tx = optax.sgd(0.01, momentum=0.9)

  def step(params, stats, opt_state):
    def loss(params):
      features, state = model.apply(
        {'params': params, 'batch_stats': stats},
        images,
        train=True,
        mutable=['batch_stats'],
      )
      return jnp.mean(features**2), state['batch_stats']

    grads, stats_ = jax.grad(loss, has_aux=True)(params)
    updates, opt_state = tx.update(grads, opt_state)
    return optax.apply_updates(params, updates), stats_, opt_state

  return jax.jit(step), (params, stats, tx.init(params))


def measure(stem, pixels, steps):
  """Measures pictures per second, without compilation."""
  step, state = make_step(stem, pixels)
  state = jax.block_until_ready(step(*state))
  best = float('inf')
  for _ in range(steps):
    start = time.perf_counter()
    state = jax.block_until_ready(step(*state))
    best = min(best, time.perf_counter() - start)
  return BATCH / best


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument('--steps', type=int, default=4)
  parser.add_argument('--out', default='')
  arguments = parser.parse_args()
  rows = []
  for stem, pixels in (('small', 32), ('small', 48), ('imagenet', 64)):
    ours = measure(stem, pixels, arguments.steps)
    with mock.patch.object(convolution, 'conv', jax.lax.conv_general_dilated):
      theirs = measure(stem, pixels, arguments.steps)
    rows.append({'stem': stem, 'pixels': pixels, 'ours': ours, 'xla': theirs})
    print(
      f'{stem} stem, {pixels} px: {ours:.1f} against {theirs:.1f} pictures/s, '
      f'× {ours / theirs:.2f}'
    )
  if arguments.out:
    run_folder.write_json(
      arguments.out, {'rows': rows, 'environment': environment.describe({})}
    )


if __name__ == '__main__':
  main()
