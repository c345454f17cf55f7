"""tf.data: records of a corpus -> batches of the contract in `batch`.

Order and augmentation are functions of (seed, step) alone, so that a resumed
run sees exactly what an uninterrupted one would have seen.
"""

from collections.abc import Iterator, Mapping, Sequence
import math
import os
from typing import Any

import jax
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from affect_jax import augment
from affect_jax import batch as batch_lib
from affect_jax import corpora
from affect_jax import labels
from affect_jax.corpora import records

DATA_DIR = '~/tensorflow_datasets'
Augmentations = Sequence[tuple[str, Mapping[str, Any]]]


def build_corpus(name: str, data_dir: str | None, **options: Any) -> Any:
  """The prepared tfds builder of a corpus; prepares it on first use."""
  data_dir = os.path.expanduser(data_dir or DATA_DIR)
  builder = corpora.get_corpus(name)(data_dir=data_dir, **options)
  builder.download_and_prepare()
  return builder


def split_size(builder: Any, split: str) -> int:
  """Number of samples of a split over all processes.

  Raises:
    ValueError: No such split, or an empty one.
  """
  try:
    size = builder.info.splits[split].num_examples
  except (KeyError, ValueError) as error:
    raise ValueError(
      f'{builder.name} has no split {split!r}; there are '
      f'{sorted(builder.info.splits)}, and slices as '
      "'train[:90%]'. Name one in config.data.splits, or give "
      '--config.data.splits.test= (nothing) to go without.'
    ) from error
  if not size:
    raise ValueError(f'Split {split!r} of {builder.name} is empty.')
  return size


def _records(builder: Any, split: str) -> tuple[tf.data.Dataset, int]:
  """This process' undecoded records in their stored order, and how many."""
  split_size(builder, split)
  parts = tfds.even_splits(split, jax.process_count())
  part = parts[jax.process_index()]
  dataset = builder.as_dataset(
    split=part,
    shuffle_files=False,
    decoders={'image': tfds.decode.SkipDecoding()},
    read_config=tfds.ReadConfig(try_autocache=False),
  )
  return dataset, builder.info.splits[part].num_examples


def _columns(builder: Any, task: Any) -> Sequence[str]:
  return records.metadata(builder)['outputs'].get(task.name, ())


def _labels(
  record: Mapping[str, tf.Tensor], builder: Any, tasks: Sequence[Any]
) -> dict[str, Any]:
  pairs = {
    t.name: labels.to_task(record, t, _columns(builder, t)) for t in tasks
  }
  return {
    'labels': {name: pair[0] for name, pair in pairs.items()},
    'weights': {name: pair[1] for name, pair in pairs.items()},
  }


def count_labels(
  builder: Any, split: str, tasks: Sequence[Any]
) -> dict[str, Any]:
  """`labels.count` of a whole split; pictures are not decoded."""
  split_size(builder, split)
  dataset = builder.as_dataset(
    split=split, decoders={'image': tfds.decode.SkipDecoding()}
  )
  return labels.count(dataset.map(lambda r: _labels(r, builder, tasks)), tasks)


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


def _key(seed: int, stream: int, index: Any) -> Any:
  """Key of an epoch's order (stream 0), a row's changes (1) or window (2)."""
  return tf.random.fold_in((seed, stream), index)


def train_batches(
  builder: Any,
  split: str,
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
  shuffle_buffer: int = 65_536,
) -> Iterator[batch_lib.Batch]:
  """Yields this process' part of the batches of steps first_step .. num_steps.

  Every sample comes once per epoch; epochs follow one another without a gap.
  They are shuffled whole where `shuffle_buffer` holds the split.

  Args:
    builder: A prepared corpus.
    split: Name or slice of its split.
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
    shuffle_buffer: Encoded records that are held to shuffle.
  """
  dataset, size = _records(builder, split)
  rows = batch_size // jax.process_count()
  buffer = min(size, shuffle_buffer)

  def order(epoch: tf.Tensor) -> tf.data.Dataset:
    key = _key(seed, 0, epoch)
    # Drawn: of the key itself, only the second number depends on the epoch.
    own: Any = tf.random.stateless_uniform((), key, 1, 2**31 - 1, tf.int64)
    return dataset.shuffle(buffer, own, reshuffle_each_iteration=False)

  def make(position: tf.Tensor, record: Mapping[str, tf.Tensor]) -> Any:
    row = _labels(record, builder, tasks)
    key = _key(seed, 1, position)
    image, row['labels'], row['weights'] = augment.apply(
      _decode(record['image'], image_size),
      row['labels'],
      row['weights'],
      key,
      augmentations,
      outputs=sided,
    )
    if crop_size:
      own: Any = _key(seed, 2, position)
      image = tf.image.stateless_random_crop(
        image, (crop_size,) * 2 + (3,), own
      )
    return {'id': record['id'], 'inputs': {'image': image}, **row}

  sided = {t.name: t.outputs for t in tasks if t.weight_per_output}
  _check_augmentations(augmentations, image_size)

  start = first_step * rows
  full_size = crop_size or image_size
  steps = sorted({0: full_size, **(sizes or {})}.items())
  stream = tf.data.Dataset.range(start // size, np.iinfo(np.int64).max)
  stream = stream.flat_map(order).skip(start % size)
  positions = tf.data.Dataset.counter(start)
  stream = tf.data.Dataset.zip(positions, stream)
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
  dataset, _ = _records(builder, split)
  rows = batch_size // jax.process_count()
  largest = math.ceil(split_size(builder, split) / jax.process_count())

  def make(record: Mapping[str, tf.Tensor]) -> Any:
    image = _decode(record['image'], image_size)
    row = _labels(record, builder, tasks)
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
