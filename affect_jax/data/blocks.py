"""Takes rows out of tf.data by the block."""

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np
import tensorflow as tf

# One by one, rows cost three times the time.
SIZE = 32


def rows(dataset: tf.data.Dataset) -> Iterator[Any]:
  """Yields the elements of a dataset as numpy arrays, in their order.

  An axis whose length differs may be padded at its end, with 0 or b''. Arrays
  are views of their block: copy what is kept.
  """
  blocks: Any = dataset.padded_batch(SIZE).prefetch(1).as_numpy_iterator()
  for block in blocks:
    leaves, structure = jax.tree.flatten(block)
    for row in zip(*leaves, strict=True):
      yield jax.tree.unflatten(structure, row)


def utterances(
  dataset: tf.data.Dataset, dims: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
  """Yields rows whose modalities are as long as their longest sequence.

  Dialogues may be padded by utterances of id b''.

  Args:
    dataset: Rows with modality, of shape [..., T, D] or [..., T], and modality
      + '_length'.
    dims: {modality: D; 0 for token ids}.
  """
  for row in rows(dataset):
    shorter = {}
    for name, dim in dims.items():
      longest = int(np.max(row[name + '_length'], initial=0))
      steps = (slice(longest), slice(None)) if dim else (slice(longest),)
      # A copy: the rest of its block goes.
      shorter[name] = row[name][(..., *steps)].copy()
    yield row | shorter
