"""Labellers with known confusion matrices, and what label models make of them.

A labeller's accuracy on each class is drawn around its own, from LOW to HIGH;
its errors fall unevenly on the other classes. It abstains at random.
"""

import numpy as np

LOW, HIGH = {2: 0.6, 3: 0.5, 7: 0.4}, 0.9
SPREAD = 0.1


def draw(rng: np.random.Generator, classes: int, labellers: int) -> np.ndarray:
  """Returns confusion matrices [L, K, K]: P(vote | class), rows sum to 1."""
  low, high = LOW[classes], HIGH
  mean = rng.uniform(low, high, (labellers, 1))
  right = mean + rng.uniform(-SPREAD, SPREAD, (labellers, classes))
  matrices = np.zeros((labellers, classes, classes))
  for i in range(labellers):
    for k in range(classes):
      errors = rng.dirichlet(np.full(classes - 1, 2.0))
      matrices[i, k] = np.insert(errors * (1 - right[i, k]), k, right[i, k])
  return matrices


def votes_of(
  rng: np.random.Generator,
  matrices: np.ndarray,
  gold: np.ndarray,
  abstention: float,
) -> np.ndarray:
  """Draws votes int [N, L] of independent labellers; -1 abstains."""
  ends = matrices[:, gold].cumsum(-1)  # [L, N, K]
  drawn = rng.random(ends.shape[:2])[:, :, np.newaxis]
  votes = np.minimum((drawn > ends).sum(-1), matrices.shape[-1] - 1).T
  return np.where(rng.random(votes.shape) < abstention, -1, votes)


def accuracy(shares: np.ndarray, gold: np.ndarray) -> np.ndarray:
  """Returns how right the likeliest class is [N]; of ties its chance."""
  best = shares == shares.max(-1, keepdims=True)
  return best[np.arange(len(gold)), gold] / best.sum(-1)


def accuracies(votes: np.ndarray, gold: np.ndarray) -> np.ndarray:
  """Returns the share of each labeller's votes that are right [L]."""
  says = votes >= 0
  right = votes == gold[:, np.newaxis]
  return (right & says).sum(0) / np.maximum(says.sum(0), 1)
