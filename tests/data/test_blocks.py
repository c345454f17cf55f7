"""Rows that leave tf.data by the block."""

import numpy as np
import tensorflow as tf

from affect_jax.data import blocks


def test_rows_are_those_of_the_dataset_padded_at_their_ends():
  number = 2 * blocks.SIZE + 3
  r = np.random.default_rng(0)
  lengths = r.integers(0, 7, number)
  values = [r.normal(size=(n, 2)).astype('f4') for n in lengths]
  names = [[b'%d' % i] * n for i, n in enumerate(lengths)]
  dataset = tf.data.Dataset.from_generator(
    lambda: zip(values, names, range(number), strict=True),
    output_signature=(
      tf.TensorSpec([None, 2], tf.float32),
      tf.TensorSpec([None], tf.string),
      tf.TensorSpec([], tf.int32),
    ),
  )
  dataset = dataset.map(lambda x, ids, i: {'x': x, 'in': {'id': ids, 'i': i}})
  rows = list(blocks.rows(dataset))
  assert [int(row['in']['i']) for row in rows] == list(range(number))
  for row, value, name in zip(rows, values, names, strict=True):
    n = len(value)
    np.testing.assert_array_equal(row['x'][:n], value)
    assert not row['x'][n:].any()
    assert row['in']['id'].tolist() == name + [b''] * (len(row['x']) - n)
