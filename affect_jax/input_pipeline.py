"""tf.data: records of a corpus -> batches of the contract in `batch`.

Order and augmentation are functions of (seed, step) alone, so that a resumed
run sees exactly what an uninterrupted one would have seen.
"""

from collections.abc import Iterator, Mapping, Sequence
import math
from typing import Any

import jax
import numpy as np
import tensorflow as tf

from affect_jax import augment
from affect_jax import batch as batch_lib
from affect_jax import streams

Augmentations = Sequence[tuple[str, Mapping[str, Any]]]


def _decode(data: tf.Tensor, size: int) -> tf.Tensor:
  """Encoded picture -> f32 [size, size, 3] in [0, 1]; grey is repeated."""
  image = tf.io.decode_image(data, channels=3, expand_animations=False)
  image.set_shape((None, None, 3))
  image = tf.image.convert_image_dtype(image, tf.float32)
  shape = tf.shape(image)
  return tf.cond(
    tf.reduce_all(shape[:2] == size),
    lambda: tf.ensure_shape(image, (size, size, 3)),
    lambda: tf.clip_by_value(
      tf.image.resize(image, (size, size), antialias=True), 0.0, 1.0
    ),
  )


def _check_augmentations(augmentations: Augmentations, size: int) -> None:
  """Tries them outside of tf.data, whose errors are hard to read."""
  image = tf.zeros((size, size, 3))
  try:
    augment.apply(
      image, {}, {}, tf.zeros(2, tf.int32), augmentations, outputs={}
    )
  except (TypeError, ValueError, tf.errors.InvalidArgumentError) as error:
    raise ValueError(f'config.augment: {error}') from error


def train_batches(
  corpora: Sequence[streams.Corpus],
  tasks: Sequence[Any],
  *,
  batch_size: int,
  seed: int,
  first_step: int,
  num_steps: int,
  image_size: int,
  crop_size: int = 0,
  augmentations: Augmentations = (),
  sizes: Mapping[int, int] | None = None,
  shares: Mapping[str, float],
  balance: str = '',
  shuffle_buffer: int = 65_536,
) -> Iterator[batch_lib.Batch]:
  """Yields this process' part of the batches of steps first_step .. num_steps.

  Every sample comes once per epoch; epochs follow one another without a gap.
  They are shuffled whole where `shuffle_buffer` holds the split. Of several
  corpora, or classes, each has epochs of its own.

  Args:
    corpora: Their 'train' is read.
    tasks: Tasks whose labels are wanted.
    batch_size: Rows over all processes.
    seed: Of order and augmentation.
    first_step: Finished updates: 0, or those of the checkpoint.
    num_steps: Total number of steps.
    image_size: Pixels, height and width.
    crop_size: Pixels of a random window of the augmented picture; 0 keeps
      it whole.
    augmentations: Pairs (name, options) of `augment`, applied in this order.
    sizes: {first step: pixels}: smaller pictures for a cheaper beginning
      (progressive resizing). Augmentation and windows come before.
    shares: {corpus: share of the rows}, which sum to 1.
    balance: A task with classes: labelled samples of a corpus come from each
      of its classes equally often; '': as they are.
    shuffle_buffer: Encoded records that are held to shuffle.
  """
  rows = batch_size // jax.process_count()

  def make(position: tf.Tensor, row: Mapping[str, Any]) -> Any:
    key = streams.key_of(seed, 1, position)
    image, labelled, weights = augment.apply(
      _decode(row['image'], image_size),
      row['labels'],
      row['weights'],
      key,
      augmentations,
      outputs=sided,
    )
    if crop_size:
      own: Any = streams.key_of(seed, 2, position)
      image = tf.image.stateless_random_crop(
        image, (crop_size,) * 2 + (3,), own
      )
    return {
      'id': row['id'],
      'inputs': {'image': image},
      'labels': labelled,
      'weights': weights,
    }

  sided = {t.name: t.outputs for t in tasks if t.weight_per_output}
  _check_augmentations(augmentations, image_size)

  start = first_step * rows
  full_size = crop_size or image_size
  steps = sorted({0: full_size, **(sizes or {})}.items())
  stream = streams.merge(
    streams.train_streams(corpora, tasks, shares, balance),
    seed,
    start,
    shuffle_buffer,
  )
  stream = tf.data.Dataset.zip(tf.data.Dataset.counter(start), stream)
  stream = stream.map(make, tf.data.AUTOTUNE, deterministic=True)
  stream = stream.batch(rows, drop_remainder=True)
  batches: Any = stream.prefetch(tf.data.AUTOTUNE).as_numpy_iterator()
  for step, batch in zip(range(first_step, num_steps), batches, strict=False):
    pixels = [px for first, px in steps if first <= step][-1]
    if pixels != full_size:
      batch['inputs']['image'] = tf.image.resize(
        batch['inputs']['image'], (pixels, pixels), antialias=True
      ).numpy()
    yield batch


def eval_batches(
  builder: Any,
  split: str,
  tasks: Sequence[Any],
  *,
  batch_size: int,
  image_size: int,
) -> Iterator[batch_lib.Batch]:
  """Yields a split once, in its stored order; the last batch is filled up.

  Rows that fill up have id b'' and weight 0. All processes yield the same
  number of batches.
  """
  dataset, _ = streams.records_of(builder, split)
  rows = batch_size // jax.process_count()
  largest = math.ceil(streams.split_size(builder, split) / jax.process_count())

  def make(record: Mapping[str, tf.Tensor]) -> Any:
    image = _decode(record['image'], image_size)
    row = streams.labels_of(record, builder, tasks)
    return {'id': record['id'], 'inputs': {'image': image}, **row}

  batches: Any = (
    dataset.map(make, tf.data.AUTOTUNE, deterministic=True)
    .batch(rows)
    .prefetch(tf.data.AUTOTUNE)
    .as_numpy_iterator()
  )
  padding = batch_lib.dummy_batch(tasks, image_size, rows)
  for _ in range(math.ceil(largest / rows)):
    batch = next(batches, None)
    yield padding if batch is None else _fill(batch, padding)


def _fill(batch: batch_lib.Batch, padding: batch_lib.Batch) -> batch_lib.Batch:
  return jax.tree.map(
    lambda x, p: np.concatenate([x, p[len(x) :]]), batch, padding
  )
