"""Merges streams of rows into an endless one, shuffled and drawn by shares.

The order is a function of (seed, row) alone.
"""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
from typing import Any

from absl import logging
import numpy as np
import tensorflow as tf

from affect_jax.data import sampling

# The most rows that are held for shuffling, however small they are.
SHUFFLE_ROWS = 65_536


@dataclasses.dataclass(frozen=True)
class Stream:
  """Rows that are drawn with the same probability, epoch after epoch.

  Attributes:
    name: Name of the corpus, or 'corpus/class'.
    items: One epoch of what is shuffled: rows, or numbers of records.
    size: Number of items.
    item_bytes: Memory that an item takes, on average.
    share: Share of the training rows.
    read: Makes rows of items, in their order.
  """

  name: str
  items: tf.data.Dataset
  size: int
  item_bytes: float
  share: float
  read: Callable[[tf.data.Dataset], tf.data.Dataset] = lambda items: items


def key_of(seed: int, stream: int, index: Any) -> Any:
  """Key of an epoch's order (stream 0), a row's changes (1) or window (2)."""
  return tf.random.fold_in((seed, stream), index)


def shuffled_at_once(
  streams: Sequence[Stream], megabytes: float
) -> dict[str, int]:
  """Returns {stream: number of items that are held for shuffling}, and logs it.

  Streams share SHUFFLE_ROWS and `megabytes` (10**6 bytes) evenly. A stream that
  fits in its part is held whole.
  """
  held = {}
  for stream in streams:
    most = SHUFFLE_ROWS // len(streams)
    fitting = int(megabytes * 1e6 / len(streams) / stream.item_bytes)
    held[stream.name] = max(1, min(stream.size, most, fitting))
    if held[stream.name] == stream.size:
      logging.info('%s: shuffled whole, %d rows.', stream.name, stream.size)
    else:
      logging.info(
        '%s: %d of %d rows are shuffled at a time, %.0f MB '
        '(config.data.shuffle_megabytes=%g).',
        stream.name,
        held[stream.name],
        stream.size,
        held[stream.name] * stream.item_bytes / 1e6,
        megabytes,
      )
  return held


def rows(
  streams: Sequence[Stream], seed: int, start: int, shuffle_megabytes: float
) -> tf.data.Dataset:
  """Returns the rows of all streams from row `start` on, drawn by share."""
  held = shuffled_at_once(streams, shuffle_megabytes)

  def rows_of(index: int, stream: Stream, read: int) -> tf.data.Dataset:
    @tf.autograph.experimental.do_not_convert
    def order(epoch: tf.Tensor) -> tf.data.Dataset:
      key = key_of(seed, 0, epoch * len(streams) + index)
      # The seed is drawn: only the key's second number depends on the epoch.
      own_seed: Any = tf.random.stateless_uniform(
        (), key, 1, 2**31 - 1, tf.int64
      )
      return stream.items.shuffle(
        held[stream.name], own_seed, reshuffle_each_iteration=False
      )

    epochs = tf.data.Dataset.range(
      read // stream.size, np.iinfo(np.int64).max // len(streams)
    )
    return stream.read(epochs.flat_map(order).skip(read % stream.size))

  if len(streams) == 1:
    return rows_of(0, streams[0], start)
  weights = [s.share for s in streams]
  read = sampling.drawn(seed, start, weights)
  return tf.data.Dataset.choose_from_datasets(
    [
      rows_of(i, s, int(n))
      for i, (s, n) in enumerate(zip(streams, read, strict=True))
    ],
    sampling.draws(seed, start, weights),
  )


def evenly(rows: Sequence[Mapping[str, Any]]) -> list[Any]:
  """Spreads the rows of each 'corpus', a number, evenly over all, in order."""
  by_corpus: dict[int, list[Any]] = {}
  for row in rows:
    by_corpus.setdefault(int(row['corpus']), []).append(row)
  placed = [
    ((rank + 0.5) / len(of), number, row)
    for number, of in by_corpus.items()
    for rank, row in enumerate(of)
  ]
  return [row for *_, row in sorted(placed, key=lambda x: x[:2])]
