"""Processor time and memory of one method's updates, in its own process.

  python experiments/balancing/cost.py '{"corpus": "faces", "method": "pcgrad"}'

prints one line of JSON. `run.py` calls it. Memory is that which XLA accounts
for. Seconds of the processor grew up to twofold where the other core was busy:
measure on a quiet machine.
"""

import itertools
import json
import os
import sys
import time

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

import jax
import numpy as np
import settings as settings_lib
import tensorflow as tf

from affect_jax.run import build
from affect_jax.run import compiled as compiled_lib
from affect_jax.run import program as program_lib

# Updates before the clock starts, and the least that are timed, also in
# seconds: some take milliseconds.
WARM, TIMED, LEAST_SECONDS = 2, 12, 3


class Paths:
  """Attributes that `settings.CORPORA` read."""

  def __init__(self, values: dict[str, str]) -> None:
    self.__dict__.update(values)


def measure(corpus: str, method: str, paths: Paths) -> dict[str, float]:
  """Returns the median processor seconds of an update, and its memory in GiB.

  Memory is that of the state, a batch and what the update computes on the way.
  """
  config = settings_lib.CORPORA[corpus](paths)
  config.balancing.name = method
  run = build.build(config)
  program = program_lib.compile_program(config, run)
  state = run.parallel.put_state(program.init(jax.random.key(0)))
  rng = jax.random.key(1)
  batches = [
    run.parallel.put_batch({k: v for k, v in batch.items() if k != 'id'})
    for batch in _of_one_shape(run.samples.train_batches(0, 0))
  ]
  step = program.step.lower(state, batches[0], rng).compile()
  seconds = []
  for batch in itertools.cycle(batches):
    if len(seconds) >= WARM + TIMED and sum(seconds) >= LEAST_SECONDS:
      break
    start = time.process_time()
    state, logs = step(state, batch, rng)
    jax.block_until_ready((state, logs))
    seconds.append(time.process_time() - start)
  memory = step.memory_analysis()
  held = (
    memory.argument_size_in_bytes
    + memory.output_size_in_bytes
    + memory.temp_size_in_bytes
    - memory.alias_size_in_bytes  # The new state lies in the old one's place.
  )
  return {'seconds': float(np.median(seconds[WARM:])), 'gib': held / 2**30}


def _of_one_shape(batches):
  """Returns the first batches of the first one's shape: others are compiled.

  They are read before the clock starts, which counts all threads.
  """
  shape = lambda b: str({k: np.shape(v) for k, v in b.items() if k != 'id'})
  first = next(batches)
  alike = (b for b in batches if shape(b) == shape(first))
  try:
    return [first, *itertools.islice(alike, WARM + TIMED - 1)]
  finally:
    batches.close()


if __name__ == '__main__':
  tf.config.set_visible_devices([], 'GPU')
  compiled_lib.keep()  # Rounds, and what was trained before, compile once.
  given = json.loads(sys.argv[1])
  names = given.pop('corpus'), given.pop('method')
  print(json.dumps(measure(*names, Paths(given))))
