"""Random outputs, labels and weights of every task."""

import numpy as np


def example(task, rows=16):
  """Random (outputs, labels, weights) of a task."""
  rng = np.random.default_rng(0)
  k = len(task.outputs)
  outputs = rng.normal(size=(rows, task.num_units))
  if not task.weight_per_output:
    labels = rng.dirichlet(np.ones(k), rows)
  elif task.name == 'valence_arousal':
    labels = rng.uniform(-1, 1, (rows, k))
  elif task.name == 'sentiment':
    labels = rng.uniform(-3, 3, (rows, k))
  else:
    labels = rng.integers(0, 2, (rows, k))
  weights = rng.uniform(0.2, 1, (rows, k) if task.weight_per_output else rows)
  return tuple(np.asarray(x, np.float32) for x in (outputs, labels, weights))
