"""A pod on paper: what an update of Aff-Wild2 costs on 1, 8 and 64 chips.

  python experiments/benchmarks/pod.py --out=pod.json

XLA counts the operations and the messages of the compiled update of ResNet-18
with three tasks at 112 pixels, on virtual devices of this machine; the rest is
division by what makers say of their chips. Where the paper can be checked here,
it is: 1, 2 and 4 processes of one device each really train, and the kernel
counts what they send each other over the loopback.
"""

import argparse
import json
import os
import re
import socket
import subprocess
import sys

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

import jax
import numpy as np
import optax

from affect_jax import tasks as tasks_lib
from affect_jax.models import affect_model
from affect_jax.run import environment
from affect_jax.run import folder as run_folder
from affect_jax.training import optimizer
from affect_jax.training import parallel as parallel_lib
from affect_jax.training import train_state
from affect_jax.training import train_step

OUTPUTS = {'expression': 8, 'action_units': 12, 'valence_arousal': 2}
# Makers' figures of one chip: FLOP/s in bfloat16; bytes/s that it sends to its
# neighbours, and between hosts of eight; its part of the host's cores.
CHIPS = {
  # cloud.google.com/tpu/docs/v5e: 4 links of 400 Gbit/s; ct5lp-hightpu-8t.
  'TPU v5e': {'flops': 197e12, 'link': 200e9, 'net': 200e9, 'cores': 28},
  # nvidia.com/h100: NVLink 900 GB/s both ways; one 400 Gbit/s port for each.
  'H100': {'flops': 989e12, 'link': 450e9, 'net': 50e9, 'cores': 14},
}
CHIPS_OF_A_HOST = 8
# Part of the makers' FLOP/s that ResNet-18 reaches; an assumption, as no such
# chip was at hand.
UTILISATION = 0.3
# Pictures that a core decodes and augments each second (112 px JPEG, flip and
# padded crop): half of what two cores of a Xeon once did; no script here.
DECODED = 875
BYTES_OF_A_PICTURE = 5_000  # A JPEG of 112 pixels.
FRAMES = 2_800_000  # Aff-Wild2.
BATCH = 256  # configs/aff_wild2.py.
PIXELS = 112


def make(devices, batch_size, pixels):
  """Returns a compiled update on all devices, and its arguments."""
  spread = parallel_lib.build('jit', devices)
  model = affect_model.AffectModel(units=OUTPUTS)
  tasks = [tasks_lib.get_task(name) for name in OUTPUTS]
  tx = optimizer.build('adamw', optax.constant_schedule(1e-3), options={})
  r = np.random.default_rng(0)
  rows = batch_size // jax.process_count()
  full = lambda n: np.ones((rows, n), np.float32)
  batch = {
    'inputs': {'image': r.random((rows, pixels, pixels, 3), np.float32)},
    'labels': {
      'expression': full(8) / 8,
      'action_units': full(12),
      'valence_arousal': full(2) / 2,
    },
    'weights': {
      'expression': np.ones(rows, np.float32),
      'action_units': full(12),
      'valence_arousal': full(2),
    },
  }
  inputs = {'image': np.zeros((2, pixels, pixels, 3), np.float32)}
  rng = jax.random.key(0)
  state = jax.jit(
    lambda rng: spread.constrain(
      train_state.create(model, tx, inputs, rng, with_ema=False)
    )
  )(rng)
  step = train_step.make_train_step(
    model, tasks, tx, loss_weights=dict.fromkeys(OUTPUTS, 1.0)
  )
  arguments = state, spread.put_batch(batch), rng
  return spread.compile_step(step).lower(*arguments).compile(), arguments


def reduced_bytes(text):
  """Bytes that all-reduces of a compiled program add up over devices."""
  total = 0
  for shapes in re.findall(r' = (\S.*?) all-reduce(?:-start)?\(', text):
    for dims in re.findall(r'[fsu]32\[([\d,]*)\]', shapes):
      total += 4 * int(np.prod([int(n) for n in dims.split(',') if n]))
  return total


def count():
  """Counts FLOPs of a device's update, and bytes that it adds up."""
  step, _ = make(jax.devices(), 2 * jax.device_count(), PIXELS)
  costs = step.cost_analysis() or {}
  print(
    json.dumps(
      {
        'flops_of_a_picture': costs['flops'] / 2,
        'reduced_bytes': reduced_bytes(step.as_text()),
      }
    )
  )


def sent():
  """Bytes that this machine has sent over the loopback."""
  with open('/proc/net/dev') as lines:
    (line,) = (x for x in lines if x.strip().startswith('lo:'))
  return int(line.split(':')[1].split()[8])


def train(coordinator, number, index, steps=10):
  """One process of several; process 0 prints what an update sends."""
  if number > 1:
    jax.config.update('jax_cpu_collectives_implementation', 'gloo')
    jax.distributed.initialize(coordinator, number, index)
  step, (state, batch, rng) = make(jax.devices(), 8 * number, 32)
  state, _ = jax.block_until_ready(step(state, batch, rng))
  before = sent()
  for _ in range(steps):
    state, _ = jax.block_until_ready(step(state, batch, rng))
  if index == 0:
    reduced = reduced_bytes(step.as_text())
    print(json.dumps({'sent': (sent() - before) / steps, 'reduced': reduced}))


def run(*arguments, devices=1):
  """Starts this script with a task; returns the process."""
  flags = f'--xla_force_host_platform_device_count={devices}'
  return subprocess.Popen(
    [sys.executable, __file__, *arguments],
    env={**os.environ, 'JAX_PLATFORMS': 'cpu', 'XLA_FLAGS': flags},
    stdout=subprocess.PIPE,
    text=True,
  )


def printed(process):
  """Returns the JSON of its last line."""
  text, _ = process.communicate()
  if process.returncode:
    raise SystemExit(f'A process ended with code {process.returncode}.')
  return json.loads(text.splitlines()[-1])


def check_processes(number):
  """Returns bytes of an update of several processes: counted, expected."""
  with socket.socket() as free:
    free.bind(('localhost', 0))
    address = f'localhost:{free.getsockname()[1]}'
  processes = [
    run('--train', address, str(number), str(i)) for i in range(number)
  ]
  result = printed(processes[0])
  for process in processes[1:]:
    process.communicate()
  # A ring: each process sends 2 (n - 1) / n of what is added up.
  expected = 2 * (number - 1) * result['reduced']
  return {'processes': number, 'sent': result['sent'], 'expected': expected}


def on_paper(counted, name, chips, batch):
  """Milliseconds of an update by what takes them, and what follows."""
  chip = CHIPS[name]
  rows = batch / chips
  flops = rows * counted['flops_of_a_picture']
  compute = flops / (chip['flops'] * UTILISATION)
  speed = chip['link'] if chips <= CHIPS_OF_A_HOST else chip['net']
  reduce = 2 * (chips - 1) / chips * counted['reduced_bytes'] / speed
  decode = rows / (DECODED * chip['cores'])
  # Cores decode the next batch while the chips compute.
  seconds = max(compute + reduce, decode)
  return {
    'chip': name,
    'chips': chips,
    'batch': batch,
    'compute ms': 1e3 * compute,
    'all-reduce ms': 1e3 * reduce,
    'decode ms': 1e3 * decode,
    'pictures/s': batch / seconds,
    'busy': compute / seconds,
    'read MB/s': batch / seconds * BYTES_OF_A_PICTURE / 1e6,
    'epoch min': FRAMES * seconds / batch / 60,
  }


def show(rows):
  """Prints a Markdown table."""
  print('|', ' | '.join(rows[0]), '|')
  print('|', ' | '.join('---' for _ in rows[0]), '|')
  for row in rows:
    cells = [f'{v:,.3g}' if isinstance(v, float) else v for v in row.values()]
    print('|', ' | '.join(map(str, cells)), '|')


def main():
  """Counts, checks, and prints one table."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument('--out', default='', help='JSON file of all figures.')
  parser.add_argument('--count', action='store_true', help=argparse.SUPPRESS)
  parser.add_argument('--train', nargs=3, help=argparse.SUPPRESS)
  args = parser.parse_args()
  if args.count:
    return count()
  if args.train:
    return train(args.train[0], *map(int, args.train[1:]))
  counted = printed(run('--count', devices=4))
  checks = [check_processes(n) for n in (1, 2, 4)]
  rows = [
    on_paper(counted, name, chips, batch)
    for name in CHIPS
    for batch in (BATCH, BATCH * 16)
    for chips in (1, 8, 64)
  ]
  for table in ([counted], checks, rows):
    show(table)
  if args.out:
    about = environment.describe({})
    result = {'counted': counted, 'checks': checks, 'paper': rows, **about}
    run_folder.write_json(args.out, result)
  return None


if __name__ == '__main__':
  main()
