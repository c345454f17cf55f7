"""Utterances of different lengths -> batches of the contract in `batch`.

As in `face_batches`, order is a function of (seed, step) alone. Rows of like
length come together: CHUNK batches are drawn, sorted by length, cut, and come
in random order. Their padding is a multiple of few lengths, as each shape of
a batch is compiled once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
import itertools
import math
from typing import Any

import jax
import numpy as np
import tensorflow as tf

from affect_jax.corpora.builders import records
from affect_jax.data import batch as batch_lib
from affect_jax.data import merge
from affect_jax.data import streams
from affect_jax.errors import UserError

CHUNK = 16
Row = Mapping[str, Any]


def padded_length(longest: int, boundaries: Sequence[int]) -> int:
  """The smallest boundary that holds it, or a multiple of the largest one."""
  for boundary in sorted(boundaries):
    if longest <= boundary:
      return boundary
  return math.ceil(longest / max(boundaries)) * max(boundaries)


def collate(
  rows: Sequence[Row],
  size: int,
  dims: Mapping[str, int],
  boundaries: Sequence[int],
  window: int = 0,
  together: Sequence[int] = (),
) -> batch_lib.Batch:
  """Pads rows to one shape, and with empty rows to `size` of them.

  Args:
    rows: {'id', modality: [T, D] or token ids [T], modality + '_length',
      'labels', 'weights'}; of dialogues, all of them have an axis of
      utterances first. At least one.
    size: Rows of the batch.
    dims: {modality: features per step}; 0: token ids.
    boundaries: Lengths to pad to.
    window: Utterances of a dialogue, at most; 0: single utterances.
    together: Lengths for the text of a dialogue that is read as one sequence
      (`check_packed_length`); () reads utterances alone.
  """
  lead = (size, window) if window else (size,)

  def whole(values: Sequence[Any], shape: tuple[int, ...], dtype: Any) -> Any:
    found = np.full(shape, b'' if dtype is object else 0, dtype)
    for i, value in enumerate(values):
      value = np.asarray(value)
      part = value[tuple(slice(n) for n in shape[1:])]
      found[(i, *(slice(n) for n in part.shape))] = part
    return found

  inputs = {}
  for name, dim in dims.items():
    steps = whole([r[name + '_length'] for r in rows], lead, np.int32)
    longest = padded_length(max(1, int(steps.max())), boundaries)
    inputs[name] = whole(
      [r[name] for r in rows],
      (*lead, longest, dim) if dim else (*lead, longest),
      np.float32 if dim else np.int32,
    )
    places = np.arange(longest).reshape((1,) * len(lead) + (-1,))
    inputs[name + '_mask'] = places < steps[..., np.newaxis]
  ids = whole([r['id'] for r in rows], lead, object)
  if window:
    inputs['utterance_mask'] = ids != b''
  if together:
    longest = max(int(np.sum(r['text_length'])) for r in rows)
    shape = (size, padded_length(longest, together))
    inputs['packed_text_shape'] = np.zeros(shape, bool)
  first = rows[0]
  return {
    'id': ids,
    'inputs': inputs,
    **{
      kind: {
        task: whole(
          [r[kind][task] for r in rows],
          (*lead, *np.shape(value)[1 if window else 0 :]),
          np.float32,
        )
        for task, value in first[kind].items()
      }
      for kind in ('labels', 'weights')
    },
  }


def with_places(
  batch: batch_lib.Batch, rows: Sequence[Row], task: str
) -> batch_lib.Batch:
  """Adds to the inputs which samples these are, and their label of a task.

  Args:
    batch: Of `collate`, without an axis of utterances.
    rows: What it was made of, with 'row'.
    task: Of one number per sample: labels and weights are [B, 1].

  Returns:
    With 'train_row' int32 [B], -1 where there is no gold label, and
    'train_label' f32 [B], 0 there.
  """
  gold = batch['weights'][task][:, 0] == 1
  places = np.full(len(gold), -1, np.int32)
  places[: len(rows)] = [r['row'] for r in rows]
  own = {
    'train_row': np.where(gold, places, np.int32(-1)),
    'train_label': np.where(gold, batch['labels'][task][:, 0], np.float32(0.0)),
  }
  return {**batch, 'inputs': {**batch['inputs'], **own}}


def dims_of(builder: Any, modalities: Sequence[str]) -> dict[str, int]:
  """{modality: features per step, 0 for tokens} of those that are wanted.

  Raises:
    ValueError: The corpus has none of them.
  """
  there = records.metadata(builder)['dims']
  found = {m: int(there[m]) for m in modalities if m in there}
  if not found:
    raise UserError(
      f'{builder.name} has {sorted(there)}, and none of {list(modalities)} '
      '(config.utterance.modalities).'
    )
  return found


def make_inputs_of(
  dims: Mapping[str, int],
) -> Callable[..., dict[str, tf.Tensor]]:
  """Makes (record, builder) -> 'id' and the modalities of `dims`.

  A modality that the corpus lacks has the length 0 everywhere.
  """

  def inputs_of(record: Row, builder: Any) -> dict[str, tf.Tensor]:
    found = {'id': record['id']}
    lead = tf.shape(record['id'])  # []: of dialogues [U].
    for name, dim in dims.items():
      if name in records.metadata(builder)['dims']:
        found[name] = record[name]
        found[name + '_length'] = record[name + '_length']
        continue
      shape = tf.concat([lead, [0, dim] if dim else [0]], 0)
      empty = tf.zeros(shape, tf.float32 if dim else tf.int32)
      static = [*record['id'].shape, None, *([dim] if dim else [])]
      found[name] = tf.ensure_shape(empty, static)
      found[name + '_length'] = tf.zeros(lead, tf.int32)
    return found

  return inputs_of


def check_packed_length(
  corpora: Sequence[streams.Corpus], together: Sequence[int]
) -> None:
  """Whether all dialogues fit into the longest sequence, before hours pass.

  Raises:
    ValueError: One has more tokens; it is named.
  """
  for corpus in corpora:
    if 'text' not in records.metadata(corpus.builder)['dims']:
      continue
    for split in corpus.splits.values():
      dataset, _ = streams.records_of(corpus.builder, split)
      dataset = dataset.map(lambda r: (r['id'], r['text_length']))
      for ids, lengths in dataset.as_numpy_iterator():
        if lengths.sum() > max(together):
          raise UserError(
            f'{corpus.name}[{split}]: the dialogue that begins with '
            f'{ids[0].decode()!r} has {lengths.sum()} tokens, more than '
            f'config.utterance.together={tuple(together)}: give a smaller '
            'config.data.window or config.data.max_tokens.'
          )


def _longest(row: Row, dims: Mapping[str, int], together: Sequence[int]) -> int:
  """What the padding of a row is of: its longest utterance, or its text."""
  if together:
    return int(np.sum(row['text_length']))
  return max(int(np.max(row[name + '_length'], initial=0)) for name in dims)


def train_batches(
  corpora: Sequence[streams.Corpus],
  tasks: Sequence[Any],
  *,
  dims: Mapping[str, int],
  batch_size: int,
  seed: int,
  first_step: int,
  num_steps: int,
  boundaries: Sequence[int],
  window: int = 0,
  together: Sequence[int] = (),
  shares: Mapping[str, float],
  balance: str = '',
  shuffle_megabytes: float = 2000.0,
  places: str = '',
) -> Iterator[batch_lib.Batch]:
  """Yields this process' rows of the batches of steps first_step .. num_steps.

  Each process pads the whole batch, so that all agree on its shape.

  Args: as `face_batches.train_batches`, and
    dims: Of `dims_of`.
    boundaries: Lengths that batches are padded to.
    window: Utterances of a dialogue; 0: single utterances.
    together: As of `collate`.
    places: A task, for `with_places`; '' adds nothing.
  """
  own = streams.own_rows(batch_size)
  first = first_step // CHUNK * CHUNK
  stream: Any = merge.rows(
    streams.train_streams(
      corpora,
      tasks,
      shares,
      balance,
      numbered=bool(places),
      get_inputs=make_inputs_of(dims),
    ),
    seed,
    first * batch_size,
    shuffle_megabytes,
  )
  rows = stream.prefetch(2 * batch_size).as_numpy_iterator()
  for start in range(first, num_steps, CHUNK):
    taken = list(itertools.islice(rows, CHUNK * batch_size))
    taken.sort(
      key=lambda row: _longest(row, dims, together)
    )  # Stable: deterministic.
    order = np.random.default_rng((seed, start)).permutation(CHUNK)
    for step, place in enumerate(order, start):
      if first_step <= step < num_steps:
        chosen = taken[place * batch_size : (place + 1) * batch_size]
        batch = collate(chosen, batch_size, dims, boundaries, window, together)
        if places:
          batch = with_places(batch, chosen, places)
        yield jax.tree.map(lambda x: x[own], batch)


def eval_batches(
  builder: Any,
  split: str,
  tasks: Sequence[Any],
  *,
  dims: Mapping[str, int],
  batch_size: int,
  boundaries: Sequence[int],
  window: int = 0,
  together: Sequence[int] = (),
) -> Iterator[batch_lib.Batch]:
  """Yields a split once, in its stored order; the last batch is filled up.

  Rows that fill up have id b'' and weight 0. Each process yields its own rows
  of all batches, so as many as the others, even where it has no row.
  """
  inputs_of = make_inputs_of(dims)
  dataset, size = streams.records_of(builder, split)
  dataset = dataset.map(
    lambda r: {
      **inputs_of(r, builder),
      **streams.labels_of(r, builder, tasks),
    }
  )
  own = streams.own_rows(batch_size)
  rows: Any = dataset.prefetch(2 * batch_size).as_numpy_iterator()
  for _ in range(math.ceil(size / batch_size)):
    taken = list(itertools.islice(rows, batch_size))
    batch = collate(taken, batch_size, dims, boundaries, window, together)
    yield jax.tree.map(lambda x: x[own], batch)
