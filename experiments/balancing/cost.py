r"""Processor time and memory of methods' updates, side by side in one process.

  python experiments/balancing/cost.py \
      '{"corpus": "faces", "methods": ["fixed", "pcgrad"]}'

prints one line of JSON. `run.py` calls it. Memory is that which XLA accounts
for. After compiling, the methods update in turn, round by round, as seconds of
the processor grow up to twofold where the other core is busy: a round's seconds
relative to the first method's hardly do.
"""

from collections.abc import Sequence
import itertools
import json
import os
import sys
import time
from typing import Any

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

from absl import logging
import jax
import numpy as np
import settings as settings_lib
import tensorflow as tf

from affect_jax.run import build
from affect_jax.run import compiled as compiled_lib
from affect_jax.run import program as program_lib

# Rounds before the clock starts, and the least that are timed, also in seconds
# of the first method: some updates take milliseconds.
WARM, TIMED, LEAST_SECONDS = 2, 12, 3


class Paths:
  """Attributes that `settings.CORPORA` read."""

  def __init__(self, values: dict[str, str]) -> None:
    self.__dict__.update(values)


def measure(
  corpus: str, methods: Sequence[str], paths: Paths
) -> dict[str, dict[str, Any]]:
  """Measures updates, relative to those of the first method.

  Returns:
    {method: {'seconds': median of the processor, 'relative': quartiles of
    round by round, 'gib': of the state, a batch and what the update computes on
    the way, 'rounds': how many}}.
  """
  updates, gib, batches = [], {}, []
  for number, method in enumerate(methods, 1):
    logging.info(
      '== cost: compiling %d of %d, %s', number, len(methods), method
    )
    config = settings_lib.CORPORA[corpus](paths)
    config.balancing.name = method
    run = build.build(config)
    program = program_lib.compile_program(config, run)
    batches = batches or [
      run.parallel.put_batch({k: v for k, v in batch.items() if k != 'id'})
      for batch in _of_one_shape(run.samples.train_batches(0, 0))
    ]
    state = run.parallel.put_state(program.init(jax.random.key(0)))
    step = program.step.lower(state, batches[0], jax.random.key(1)).compile()
    gib[method] = _gib(step)
    updates.append(_updates(step, state, batches))
  rounds, of_first = [], 0.0
  for seconds in itertools.islice(zip(*updates, strict=True), WARM, None):
    rounds.append(seconds)
    of_first += seconds[0]
    if len(rounds) >= TIMED and of_first >= LEAST_SECONDS:
      break
  timed = np.array(rounds)
  relative = np.quantile(timed / timed[:, :1], (0.25, 0.5, 0.75), axis=0)
  return {
    method: {
      'seconds': float(np.median(timed[:, i])),
      'relative': relative[:, i].tolist(),
      'gib': gib[method],
      'rounds': len(timed),
    }
    for i, method in enumerate(methods)
  }


def _updates(step, state, batches):
  """Yields the processor's seconds of each update, for ever."""
  rng = jax.random.key(1)
  for batch in itertools.cycle(batches):
    start = time.process_time()
    state, logs = step(state, batch, rng)
    jax.block_until_ready((state, logs))
    yield time.process_time() - start


def _gib(step) -> float:
  memory = step.memory_analysis()
  held = (
    memory.argument_size_in_bytes
    + memory.output_size_in_bytes
    + memory.temp_size_in_bytes
    - memory.alias_size_in_bytes  # The new state lies in the old one's place.
  )
  return held / 2**30


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
  logging.set_verbosity(logging.INFO)
  compiled_lib.keep()  # What was trained before, is compiled already.
  given = json.loads(sys.argv[1])
  names = given.pop('corpus'), given.pop('methods')
  print(json.dumps(measure(*names, Paths(given))))
