"""tf.data: records of a corpus -> batches of the contract in `batch`.

Order and augmentation are functions of (seed, step) alone, so that a resumed
run sees exactly what an uninterrupted one would have seen.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
import math
from typing import Any

import jax
import numpy as np
import tensorflow as tf

from affect_jax.augmentation import augment
from affect_jax.data import batch as batch_lib
from affect_jax.data import merge
from affect_jax.data import streams
from affect_jax.errors import UserError

Augmentations = Sequence[tuple[str, Mapping[str, Any]]]
# What the weak view keeps of them: the same picture, moved a little.
WEAK = ('flip', 'crop')


def decode(data: tf.Tensor, size: int) -> tf.Tensor:
  """Decodes a picture to f32 [size, size, 3] in [0, 1]; grey becomes RGB."""
  image = tf.io.decode_image(data, channels=3, expand_animations=False)
  image.set_shape((None, None, 3))
  return to_size(image, size)


def to_size(image: tf.Tensor, size: int) -> tf.Tensor:
  """Makes a picture, uint8 [H, W, 3], f32 [size, size, 3] in [0, 1]."""
  image = tf.image.convert_image_dtype(image, tf.float32)
  shape = tf.shape(image)
  return tf.cond(
    tf.reduce_all(shape[:2] == size),
    lambda: tf.ensure_shape(image, (size, size, 3)),
    lambda: tf.clip_by_value(
      tf.image.resize(image, (size, size), antialias=True), 0.0, 1.0
    ),
  )


def _frames(row: Mapping[str, Any], window: int, size: int) -> dict[str, Any]:
  """Decodes a window's frames, and pads them to `window` with weight 0."""
  images = tf.map_fn(
    lambda data: decode(data, size),
    row['image'],
    fn_output_signature=tf.TensorSpec((size, size, 3), tf.float32),
  )
  count = tf.shape(row['id'])[0]

  def fill(x):
    padding = [[0, window - count]] + [[0, 0]] * (x.shape.rank - 1)
    if x.dtype == tf.string:
      padded = tf.concat([x, tf.fill([window - count], '')], 0)
    else:
      padded = tf.pad(x, padding)
    return tf.ensure_shape(padded, [window, *x.shape[1:]])

  filled = tf.nest.map_structure(fill, {**row, 'image': images})
  return {**filled, 'image_mask': tf.range(window) < count}


def _inputs(row: Mapping[str, Any], image: tf.Tensor) -> dict[str, tf.Tensor]:
  mask = {k: row[k] for k in ('image_mask',) if k in row}
  return {'image': image, **mask}


def _check_augmentations(augmentations: Augmentations, size: int) -> None:
  """Applies augmentations outside of tf.data, whose errors are hard to read."""
  image = tf.zeros((size, size, 3))
  try:
    augment.apply(
      image, {}, {}, tf.zeros(2, tf.int32), augmentations, outputs={}
    )
  except (TypeError, ValueError, tf.errors.InvalidArgumentError) as error:
    raise UserError(f'config.augment: {error}') from error


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
  window: int = 0,
  augmentations: Augmentations = (),
  weak_view: bool = False,
  sizes: Mapping[int, int] | None = None,
  shares: Mapping[str, float],
  balance: str = '',
  shuffle_megabytes: float = 2000.0,
) -> Iterator[batch_lib.Batch]:
  """Yields this process' rows of the batches of steps first_step .. num_steps.

  All processes see the same order, and augment a row as one process would.
  Every sample occurs once per epoch; epochs follow one another without a gap.
  An epoch is shuffled as a whole if the split fits in `shuffle_megabytes`. Each
  of several corpora, or classes, has epochs of its own.

  Args:
    corpora: Corpora whose 'train' split is read.
    tasks: Tasks whose labels are wanted.
    batch_size: Rows over all processes.
    seed: Seed of order and augmentation.
    first_step: Finished updates: 0, or those of the checkpoint.
    num_steps: Total number of steps.
    image_size: Pixels, height and width.
    crop_size: Pixels of a random window of the augmented picture; 0 keeps
      it whole.
    window: Frames of a window, where the corpora hold windows; 0: pictures.
    augmentations: Pairs (name, options) of `augment`, applied in this order.
    weak_view: Yield 'weak_inputs' too: the same windows of the same pictures,
      changed only by those of WEAK among the augmentations.
    sizes: {first step: pixels}: smaller pictures for a cheaper beginning
      (progressive resizing), made after augmentation and random windows.
    shares: {corpus: share of the rows}, which sum to 1.
    balance: A task whose classes are drawn equally often among the labelled
      samples of each corpus; '' draws samples as they are.
    shuffle_megabytes: Memory for encoded rows that are held for shuffling, in
      10**6 bytes, see `merge.shuffled_at_once`.
  """
  own = streams.own_rows(batch_size)

  # Autograph would first translate all that this calls, which takes seconds.
  @tf.autograph.experimental.do_not_convert
  def make(position: tf.Tensor, row: Mapping[str, Any]) -> Any:
    key = merge.key_of(seed, 1, position)
    if window:
      row = _frames(row, window, image_size)
    else:
      row = {**row, 'image': decode(row['image'], image_size)}
    original = row['image'], row['labels'], row['weights'], key, augmentations

    def view(only: Sequence[str] | None) -> Any:
      image, labelled, weights = augment.apply(
        *original, outputs=sided, only=only
      )
      if crop_size:
        window_key: Any = merge.key_of(seed, 2, position)
        image = tf.image.stateless_random_crop(
          image, (*image.shape[:-3], crop_size, crop_size, 3), window_key
        )
      return _inputs(row, image), labelled, weights

    inputs, labelled, weights = view(None)
    weak = {'weak_inputs': view(WEAK)[0]} if weak_view else {}
    return {
      'id': row['id'],
      'inputs': inputs,
      **weak,
      'labels': labelled,
      'weights': weights,
    }

  sided = {t.name: t.outputs for t in tasks if t.weight_per_output}
  _check_augmentations(augmentations, image_size)

  start = first_step * batch_size
  full_size = crop_size or image_size
  steps = sorted({0: full_size, **(sizes or {})}.items())
  stream = merge.rows(
    streams.train_streams(corpora, tasks, shares, balance),
    seed,
    start,
    shuffle_megabytes,
  )
  stream = tf.data.Dataset.zip(tf.data.Dataset.counter(start), stream)
  stream = stream.filter(_lies_in(own, batch_size))
  stream = stream.map(make, tf.data.AUTOTUNE, deterministic=True)
  stream = stream.batch(own.stop - own.start, drop_remainder=True)
  batches: Any = stream.prefetch(tf.data.AUTOTUNE).as_numpy_iterator()
  for step, batch in zip(range(first_step, num_steps), batches, strict=False):
    pixels = [px for first, px in steps if first <= step][-1]
    if pixels != full_size:
      for view in ('inputs', 'weak_inputs'):
        if view in batch:
          batch[view]['image'] = _resized(batch[view]['image'], pixels)
    yield batch


def _resized(image: np.ndarray, pixels: int) -> np.ndarray:
  resized = tf.image.resize(
    image.reshape(-1, *image.shape[-3:]), (pixels, pixels), antialias=True
  )
  return resized.numpy().reshape(*image.shape[:-3], pixels, pixels, 3)


def _lies_in(own: slice, batch_size: int) -> Callable[..., tf.Tensor]:
  """Makes (position, row) -> whether the row lies in `own` rows of its batch.

  It filters rows before they are decoded.
  """

  @tf.autograph.experimental.do_not_convert
  def check(position: tf.Tensor, row: Any) -> tf.Tensor:
    del row
    index = tf.math.floormod(position, batch_size)
    return tf.logical_and(index >= own.start, index < own.stop)

  return check


def eval_batches(
  builder: Any,
  split: str,
  tasks: Sequence[Any],
  *,
  batch_size: int,
  image_size: int,
  window: int = 0,
) -> Iterator[batch_lib.Batch]:
  """Yields a split once, in its stored order; the last batch is padded.

  Padding rows have id b'' and weight 0. Each process yields its own rows of
  every batch, as many as the others, even if all of them are padding.
  """
  dataset, size = streams.records_of(builder, split)
  own = streams.own_rows(batch_size)
  rows = own.stop - own.start

  @tf.autograph.experimental.do_not_convert
  def make(position: tf.Tensor, record: Mapping[str, tf.Tensor]) -> Any:
    del position
    row = {
      'id': record['id'],
      'image': record['image'],
      **streams.labels_of(record, builder, tasks),
    }
    if window:
      row = _frames(row, window, image_size)
    else:
      row['image'] = decode(row['image'], image_size)
    return {
      'id': row['id'],
      'inputs': _inputs(row, row['image']),
      'labels': row['labels'],
      'weights': row['weights'],
    }

  batches: Any = (
    dataset.enumerate()
    .filter(_lies_in(own, batch_size))
    .map(make, tf.data.AUTOTUNE, deterministic=True)
    .batch(rows)
    .prefetch(tf.data.AUTOTUNE)
    .as_numpy_iterator()
  )
  padding = batch_lib.dummy_batch(tasks, image_size, rows, window)
  for _ in range(math.ceil(size / batch_size)):
    batch = next(batches, None)
    yield padding if batch is None else _fill(batch, padding)


def _fill(batch: batch_lib.Batch, padding: batch_lib.Batch) -> batch_lib.Batch:
  return jax.tree.map(
    lambda x, p: np.concatenate([x, p[len(x) :]]), batch, padding
  )
