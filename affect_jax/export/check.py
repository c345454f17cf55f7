"""Compares what was written with the run, and measures it."""

from collections.abc import Callable, Mapping
import statistics
import time
from typing import Any

import numpy as np

from affect_jax.errors import UserError

# From pictures, or a dict of inputs.
Run = Callable[[Any], Mapping[str, np.ndarray]]
# The largest difference of a prediction that is allowed, by the type of
# numbers. Integers of 8 bits round features to a 255th of their range, so that
# only the mean difference says whether something is wrong.
TOLERANCES = {'float32': 1e-4, 'float16': 2e-2}
MEAN_OF_INT8 = 5e-2
COUNT = 3


def pictures(count: int, size: int, seed: int = 0) -> np.ndarray:
  """Returns random smooth pictures, f32 [count, size, size, 3] in [0, 1]."""
  r = np.random.default_rng(seed)
  coarse = r.random((count, 6, 6, 3), np.float32)
  rows = np.linspace(0, 5, size).astype(int)
  noise = r.normal(0, 0.05, (count, size, size, 3)).astype(np.float32)
  return np.clip(coarse[:, rows][:, :, rows] + noise, 0, 1)


def compare(name: str, run: Run, wanted: Run, inputs: Any, kind: str) -> float:
  """Returns the largest difference of predictions on random inputs.

  Args:
    name: The file, for the message.
    run: The function that a file holds.
    wanted: That of the run.
    inputs: COUNT rows.
    kind: Type of numbers: a key of TOLERANCES, or 'int8'.

  Raises:
    UserError: The difference is larger than allowed, or an output is missing.
  """
  right, found = wanted(inputs), run(inputs)
  if set(found) != set(right):
    raise UserError(f'{name} has the outputs {[*found]}, not {[*right]}.')
  apart = np.concatenate(
    [np.abs(found[task] - right[task]).ravel() for task in right]
  )
  worst, limit = float(apart.max()), TOLERANCES.get(kind)
  bad = apart.mean() > MEAN_OF_INT8 if limit is None else worst > limit
  if bad or not np.isfinite(worst):
    raise UserError(
      f'{name} was not kept: its predictions differ by up to {worst:.2g} from '
      f'those of the run, {limit or MEAN_OF_INT8:g} is allowed. This is a '
      'fault of the program, or of a library.'
    )
  return worst


def latency(run: Run, inputs: Any, repeats: int = 15) -> float:
  """Returns the median milliseconds of a call."""
  run(inputs)
  seconds = []
  for _ in range(repeats):
    start = time.perf_counter()
    for x in run(inputs).values():
      np.asarray(x)
    seconds.append(time.perf_counter() - start)
  return 1000 * statistics.median(seconds)
