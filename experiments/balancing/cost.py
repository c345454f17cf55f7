"""Time and memory of one method's updates, measured in a process of its own.

  python experiments/balancing/cost.py '{"corpus": "faces", "method": "pcgrad"}'

prints one line of JSON. `run.py` calls it.
"""

import itertools
import json
import os
import resource
import sys
import time

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

import jax
import numpy as np
import settings as settings_lib
import tensorflow as tf

from affect_jax.run import build
from affect_jax.run import program as program_lib

# Updates before the clock starts, and those that are timed.
WARM, TIMED = 2, 12


class Paths:
  """Attributes that `settings.CORPORA` read."""

  def __init__(self, values: dict[str, str]) -> None:
    self.__dict__.update(values)


def measure(corpus: str, method: str, paths: Paths) -> dict[str, float]:
  """Returns the median seconds of an update, and the process' peak in GB."""
  config = settings_lib.CORPORA[corpus](paths)
  config.balancing.name = method
  config.num_train_steps = WARM + TIMED
  config.schedule.warmup_steps = 1
  run = build.build(config)
  program = program_lib.compile_program(config, run)
  state = run.parallel.put_state(program.init(jax.random.key(0)))
  rng, seconds = jax.random.key(1), []
  batches = itertools.islice(run.samples.train_batches(0, 0), WARM + TIMED)
  shapes, first = set(), None
  for batch in batches:
    arrays = {k: v for k, v in batch.items() if k != 'id'}
    # One shape, as each is compiled, and takes another time.
    shape = str(jax.tree.map(np.shape, arrays))
    first = first or shape
    shapes.add(shape)
    put = run.parallel.put_batch(arrays)
    start = time.perf_counter()
    state, logs = program.step(state, put, rng)
    jax.block_until_ready((state, logs))
    if shape == first:
      seconds.append(time.perf_counter() - start)
  peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
  if sys.platform == 'darwin':  # In bytes there.
    peak /= 2**10
  return {
    'seconds': float(np.median(seconds[WARM:])),
    'first_seconds': seconds[0],
    'peak_gib': peak,
  }


if __name__ == '__main__':
  tf.config.set_visible_devices([], 'GPU')
  given = json.loads(sys.argv[1])
  names = given.pop('corpus'), given.pop('method')
  print(json.dumps(measure(*names, Paths(given))))
