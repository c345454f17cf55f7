"""Batches utterances of different lengths, by the contract in `batch`.

As in `face_batches`, order is a function of (seed, step) alone. Rows of similar
length share a batch: the rows of CHUNK batches are drawn, sorted by length and
cut into batches, which come in random order. Where corpora differ in length, a
batch may so have rows of one alone, unless `mixed`. Batches are padded to one
of few lengths, as each shape is compiled once.
"""

from collections.abc import Iterator, Mapping, Sequence
import itertools
import math
from typing import Any

import jax
import numpy as np
import tensorflow as tf

from affect_jax.corpora.builders import records
from affect_jax.data import batch as batch_lib
from affect_jax.data import blocks
from affect_jax.data import merge
from affect_jax.data import streams
from affect_jax.errors import UserError

CHUNK = 16
Row = Mapping[str, Any]


def padded_length(longest: int, boundaries: Sequence[int]) -> int:
  """Returns the smallest boundary that fits, or a multiple of the largest."""
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
  """Pads rows to one shape, and adds empty rows up to `size`.

  Args:
    rows: {'id', modality: [T, D] or token ids [T], modality + '_length',
      perhaps modality + '_space', 'labels', 'weights'}; in dialogues, all of
      these have an axis of utterances first. At least one row.
    size: Rows of the batch.
    dims: {modality: features per step, the most of any row}; 0: token ids.
    boundaries: Lengths to pad to.
    window: Most utterances of a dialogue; 0: single utterances.
    together: Lengths to pad a dialogue's text to if it is read as one sequence
      (see `check_packed_length`); () reads each utterance alone.
  """
  lead = (size, window) if window else (size,)

  def pad(values: Sequence[Any], shape: tuple[int, ...], dtype: Any) -> Any:
    padded = np.full(shape, b'' if dtype is object else 0, dtype)
    for i, value in enumerate(values):
      value = np.asarray(value)
      part = value[tuple(slice(n) for n in shape[1:])]
      padded[(i, *(slice(n) for n in part.shape))] = part
    return padded

  inputs = {}
  for name, dim in dims.items():
    steps = pad([r[name + '_length'] for r in rows], lead, np.int32)
    longest = padded_length(max(1, int(steps.max())), boundaries)
    inputs[name] = pad(
      [r[name] for r in rows],
      (*lead, longest, dim) if dim else (*lead, longest),
      np.float32 if dim else np.int32,
    )
    if name + '_space' in rows[0]:
      spaces = [r[name + '_space'] for r in rows]
      inputs[name + '_space'] = pad(spaces, lead, np.int32)
    times = np.arange(longest).reshape((1,) * len(lead) + (-1,))
    inputs[name + '_mask'] = times < steps[..., np.newaxis]
  ids = pad([r['id'] for r in rows], lead, object)
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
        task: pad(
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
  """Adds to the inputs the samples' numbers in training and a task's labels.

  Args:
    batch: A batch of `collate`, without an axis of utterances.
    rows: The rows it was made from, with 'row'.
    task: A task with one number per sample: labels and weights are [B, 1].

  Returns:
    The batch with inputs 'train_row' int32 [B], -1 if there is no gold label,
    and 'train_label' f32 [B], then 0.
  """
  gold = batch['weights'][task][:, 0] == 1
  numbers = np.full(len(gold), -1, np.int32)
  numbers[: len(rows)] = [r['row'] for r in rows]
  added = {
    'train_row': np.where(gold, numbers, np.int32(-1)),
    'train_label': np.where(gold, batch['labels'][task][:, 0], np.float32(0.0)),
  }
  return {**batch, 'inputs': {**batch['inputs'], **added}}


def dims_of(builder: Any, modalities: Sequence[str]) -> dict[str, int]:
  """Returns {modality: features per step, 0 for tokens} of `modalities`.

  Raises:
    UserError: The corpus has none of them.
  """
  available = records.metadata(builder)['dims']
  dims = {m: int(available[m]) for m in modalities if m in available}
  if not dims:
    raise UserError(
      f'{builder.name} has {sorted(available)}, none of '
      f'config.utterance.modalities={list(modalities)}: name one that it has.'
    )
  return dims


def inputs_of(
  record: Row,
  builder: Any,
  dims: Mapping[str, int],
  spaces: Mapping[str, int],
) -> dict[str, tf.Tensor]:
  """Returns 'id' and the modalities of `dims`, as far as a record has them.

  A modality that the corpus lacks has length 0 in all records.

  Args:
    record, builder: A record of the corpus.
    dims: See `collate`.
    spaces: {modality: number of the corpus' feature space}, for modalities
      whose features differ between corpora.
  """
  inputs = {'id': record['id']}
  lead = tf.shape(record['id'])  # Of shape []; in dialogues [U].
  for name, dim in dims.items():
    if name in spaces:
      inputs[name + '_space'] = tf.fill(lead, spaces[name])
    if name in records.metadata(builder)['dims']:
      inputs[name] = record[name]
      inputs[name + '_length'] = record[name + '_length']
      continue
    shape = tf.concat([lead, [0, dim] if dim else [0]], 0)
    empty = tf.zeros(shape, tf.float32 if dim else tf.int32)
    static = [*record['id'].shape, None, *([dim] if dim else [])]
    inputs[name] = tf.ensure_shape(empty, static)
    inputs[name + '_length'] = tf.zeros(lead, tf.int32)
  return inputs


def check_packed_length(
  corpora: Sequence[streams.Corpus], together: Sequence[int]
) -> None:
  """Checks that all dialogues fit into the longest sequence, before training.

  Raises:
    UserError: A dialogue has more tokens; the message names it.
  """
  for corpus in corpora:
    if 'text' not in records.metadata(corpus.builder)['dims']:
      continue
    for split in corpus.splits.values():
      dataset, _ = streams.records_of(corpus.builder, split)
      dataset = dataset.map(lambda r: (r['id'], r['text_length']))
      for ids, lengths in blocks.rows(dataset):
        if lengths.sum() > max(together):
          raise UserError(
            f'{corpus.name}[{split}]: the dialogue that begins with '
            f'{ids[0].decode()!r} has {lengths.sum()} tokens, more than '
            f'config.utterance.together={tuple(together)} holds: add a larger '
            'length, or give a smaller config.data.window or '
            'config.data.max_tokens.'
          )


def _longest(row: Row, dims: Mapping[str, int], together: Sequence[int]) -> int:
  """Returns the length to pad: of the longest modality, or of all text."""
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
  spaces: Mapping[str, Mapping[str, int]] | None = None,
  mixed: bool = False,
) -> Iterator[batch_lib.Batch]:
  """Yields this process' rows of the batches of steps first_step .. num_steps.

  Each process pads the whole batch, so that all agree on its shape.

  Args: as `face_batches.train_batches`, and
    dims: See `collate`.
    boundaries: Lengths that batches are padded to.
    window: Utterances of a dialogue; 0: single utterances.
    together: See `collate`.
    places: A task, for `with_places`; '' adds nothing.
    spaces: {corpus: see `inputs_of`}; None: all have the same features.
    mixed: Whether each batch has rows of every corpus, in the shares that are
      drawn; only those of one corpus are of like length then.
  """
  own = streams.own_rows(batch_size)
  first = first_step // CHUNK * CHUNK
  names = [c.name for c in corpora]

  def get_inputs(record, corpus):
    of_corpus = (spaces or {}).get(corpus.name, {})
    inputs = inputs_of(record, corpus.builder, dims, of_corpus)
    number: Any = names.index(corpus.name)
    return inputs | {'corpus': number} if mixed else inputs

  stream: Any = merge.rows(
    streams.train_streams(
      corpora,
      tasks,
      shares,
      balance,
      numbered=bool(places),
      get_inputs=get_inputs,
    ),
    seed,
    first * batch_size,
    shuffle_megabytes,
  )
  rows = blocks.utterances(stream, dims)
  for start in range(first, num_steps, CHUNK):
    taken = list(itertools.islice(rows, CHUNK * batch_size))
    # The sort is stable, so the order is deterministic.
    taken.sort(key=lambda row: _longest(row, dims, together))
    if mixed:
      taken = merge.evenly(taken)
    order = np.random.default_rng((seed, start)).permutation(CHUNK)
    for step, index in enumerate(order, start):
      if first_step <= step < num_steps:
        chosen = taken[index * batch_size : (index + 1) * batch_size]
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
  spaces: Mapping[str, int] | None = None,
) -> Iterator[batch_lib.Batch]:
  """Yields a split once, in its stored order; the last batch is padded.

  Padding rows have id b'' and weight 0. Each process yields its own rows of
  every batch, as many as the others, even if all of them are padding. For
  `spaces` see `inputs_of`.
  """
  dataset, size = streams.records_of(builder, split)

  # Autograph would first translate all that this calls, which takes seconds.
  @tf.autograph.experimental.do_not_convert
  def to_row(record: Mapping[str, tf.Tensor]) -> dict[str, Any]:
    return {
      **inputs_of(record, builder, dims, spaces or {}),
      **streams.labels_of(record, builder, tasks),
    }

  dataset = dataset.map(to_row, tf.data.AUTOTUNE)
  own = streams.own_rows(batch_size)
  rows = blocks.utterances(dataset, dims)
  for _ in range(math.ceil(size / batch_size)):
    taken = list(itertools.islice(rows, batch_size))
    batch = collate(taken, batch_size, dims, boundaries, window, together)
    yield jax.tree.map(lambda x: x[own], batch)
