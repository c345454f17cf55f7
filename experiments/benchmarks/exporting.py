"""Measures exported models against JAX on the same CPU, call by call in turn.

  python experiments/benchmarks/exporting.py --workdir=runs/quickstart

Exports a run of single pictures in every format and precision that predicts,
and calls each with 1 and with 32 pictures: in every round once, in an order
that rotates, so that a machine that gets slower slows all of them. Prints, as
a table in Markdown, the median of each call's time divided by that of JAX in
the same round, with its quartiles, and the median milliseconds.
"""

import argparse
import os
import pathlib
import platform
import tempfile
import time
from typing import Any

# Before JAX is imported.
os.environ.setdefault('JAX_PLATFORMS', 'cpu')

import jax
import numpy as np

from affect_jax import export
from affect_jax.export import check
from affect_jax.export import program
from affect_jax.export import runtime
from affect_jax.export import stablehlo
from affect_jax.export import write

SIZES = (1, 32)


def exported(workdir, folder, size):
  """Returns {name: function of pictures} of JAX and of all files."""
  predict = jax.jit(program.make_predict(program.load(workdir)))
  runs: dict[str, Any] = {
    'JAX': lambda image: jax.tree.map(np.asarray, predict(image))
  }
  pictures = [check.pictures(32, size, seed=1)]
  for form, precision in (
    ('stablehlo', 'float32'),
    *(('onnx', kind) for kind in export.PRECISIONS['onnx']),
  ):
    path = folder / f'{form}_{precision}'
    write.write(
      workdir, path, [form], precision, pictures=pictures, measure=False
    )
    name = f'`--format={form}`'
    if precision != 'float32':
      name += f' `--precision={precision}`'
    is_jax = form == 'stablehlo'
    file = path / ('model.jax' if is_jax else 'model.onnx')
    runs[name] = (stablehlo if is_jax else runtime).load(file)
  return runs


def measure(runs, inputs, rounds):
  """Returns {name: seconds of each round}."""
  seconds = {name: [] for name in runs}
  names = [*runs]
  for run in runs.values():
    run(inputs)
  for number in range(rounds):
    first = number % len(names)
    for name in names[first:] + names[:first]:
      start = time.perf_counter()
      runs[name](inputs)
      seconds[name].append(time.perf_counter() - start)
  return {name: np.array(x) for name, x in seconds.items()}


def cell(seconds, of_jax):
  low, middle, high = np.percentile(seconds / of_jax, [25, 50, 75])
  times = 1000 * np.median(seconds)
  return f'{middle:.2f} ({low:.2f} to {high:.2f}); {times:.1f} ms'


def processor():
  """Returns the name of the processor."""
  try:
    lines = pathlib.Path('/proc/cpuinfo').read_text().splitlines()
    return next(x.split(':')[1].strip() for x in lines if 'model name' in x)
  except (OSError, StopIteration):
    return platform.processor() or platform.machine()


def main():
  parser = argparse.ArgumentParser(description=(__doc__ or '').split('\n')[0])
  parser.add_argument('--workdir', required=True)
  parser.add_argument('--rounds', type=int, default=60)
  options = parser.parse_args()
  trained = program.load(options.workdir)
  size = trained.signature.inputs['image_size']
  with tempfile.TemporaryDirectory() as folder:
    runs = exported(options.workdir, pathlib.Path(folder), size)
    found = {
      count: measure(runs, check.pictures(count, size), options.rounds)
      for count in SIZES
    }
  heads = [f'{n} picture{"s" if n > 1 else ""}' for n in SIZES]
  print(f'| {size} pixels, time / that of JAX | {" | ".join(heads)} |')
  print('|---|' + '---|' * len(SIZES))
  for name in runs:
    cells = [cell(found[n][name], found[n]['JAX']) for n in SIZES]
    print(f'| {name} | {" | ".join(cells)} |')
  load = os.getloadavg()[0]
  print(
    f'\n{processor()}, {os.cpu_count()} cores, load {load:.1f}, '
    f'{options.rounds} rounds, jax {jax.__version__}'
  )


if __name__ == '__main__':
  main()
