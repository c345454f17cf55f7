"""Expressions from where a face lies in the plane of valence and arousal.

An expression's region is where its place (`rules.PLACES`) is at least twice as
near as that of any other. Elsewhere, as between anger, fear and disgust, whose
places are close together, nothing is said.
"""

from collections.abc import Sequence

import numpy as np

from affect_jax.weak import rules
from affect_jax.weak import table

NAME = 'valence_to_expression'
SOURCE, TARGET = 'valence_arousal', 'expression'
# The most that the nearest place may be away, in parts of the second nearest.
LARGEST_RATIO = 0.5


def apply(
  ids: np.ndarray,
  outputs: Sequence[str],
  labels: np.ndarray,
  weights: np.ndarray,
  *,
  corpus: str = '',
  version: str = '',
) -> table.WeakLabels:
  """Labels the faces in a region; confidence is 1 - d1 / d2, from .5 to 1.

  d1 and d2 are the distances to the nearest place and to the second nearest.

  Args:
    ids: [N] str.
    outputs: 'valence' and 'arousal', in the order of labels.
    labels: [N, 2] in [-1, 1].
    weights: [N, 2]; 1 is gold.
    corpus, version: See `table.WeakLabels`.
  """
  columns = [outputs.index(n) for n in ('valence', 'arousal')]
  points = np.asarray(labels, np.float64)[:, np.newaxis, columns]
  places = np.array([*rules.PLACES.values()])[np.newaxis]
  distances = np.linalg.norm(points - places, axis=-1)
  first, second = np.sort(distances, axis=-1)[:, :2].T
  ratio = first / second
  kept = (np.asarray(weights) == 1).all(-1) & (ratio <= LARGEST_RATIO)
  chosen = distances.argmin(-1)[kept]
  return table.WeakLabels(
    task=TARGET,
    kind='class',
    outputs=tuple(rules.PLACES),
    ids=np.asarray(ids, object)[kept],
    labels=np.eye(len(rules.PLACES), dtype=np.float32)[chosen],
    confidence=(1 - ratio[kept]).astype(np.float32),
    corpus=corpus,
    version=version,
    teacher=NAME,
  )
