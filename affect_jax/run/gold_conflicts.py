"""Finds samples whose gold two corpora of a config tell differently."""

from collections.abc import Sequence
import hashlib
import itertools
from typing import Any

import numpy as np

from affect_jax.corpora.builders import records
from affect_jax.data import sample_ids
from affect_jax.data import streams
from affect_jax.errors import UserError

# Labels that differ by less are equal: they were rounded.
TOLERANCE = 1e-5


def check(corpora: Sequence[streams.Corpus], tasks: Sequence[Any]) -> None:
  """Raises UserError if a training sample has two golds of a task.

  Two corpora of one class may hold the same sample, as two CSVs of one
  collection: it has the same id, and the same inputs.
  """
  training = [c for c in corpora if 'train' in c.splits]
  by_class = lambda c: c.builder.name
  for _, group in itertools.groupby(sorted(training, key=by_class), by_class):
    for one, other in itertools.combinations(list(group), 2):
      if shared := _shared(one, other):
        for task in tasks:
          _check_task(one, other, task, shared)


def _shared(one: streams.Corpus, other: streams.Corpus) -> set[str]:
  """Returns the ids of samples that both train on."""
  ids = [
    set(sample_ids.ids_of(c.builder, c.splits['train'])) for c in (one, other)
  ]
  both = ids[0] & ids[1]
  if not both:
    return both
  inputs = [_hashes(c, both) for c in (one, other)]
  found = inputs[0].keys() & inputs[1].keys()
  return {x for x in found if inputs[0][x] == inputs[1][x]}


def _hashes(corpus: streams.Corpus, ids: set[str]) -> dict[str, bytes]:
  """Returns {id: hash of the inputs} of some samples."""
  dataset, _ = streams.records_of(corpus.builder, corpus.splits['train'])
  names = records.input_names(corpus.builder)
  found = {}
  for record in dataset.as_numpy_iterator():
    # All that a window holds is known by the inputs of the whole window.
    known = ids.intersection(x.decode() for x in np.ravel(record['id']))
    if known:
      digest = hashlib.blake2b(digest_size=16)
      for name in names:
        values = np.asarray(record[name])
        # Pictures of a window are an array of objects.
        if values.dtype == object:
          values = np.frombuffer(b''.join(values.ravel().tolist()), np.uint8)
        digest.update(values.tobytes())
      found |= dict.fromkeys(known, digest.digest())
  return found


def _check_task(one, other, task, shared) -> None:
  golds = []
  for corpus in (one, other):
    if task.name not in records.metadata(corpus.builder)['outputs']:
      return
    ids, labels, weights = sample_ids.gold_of(
      corpus.builder, corpus.splits['train'], task, corpus.gold_share
    )
    golds.append(
      {
        x: (label, np.broadcast_to(weight == 1, label.shape))
        for x, label, weight in zip(
          ids,
          labels,
          weights if weights.ndim > 1 else weights[:, np.newaxis],
          strict=True,
        )
        if x in shared
      }
    )
  wrong = [
    x
    for x in sorted(golds[0].keys() & golds[1].keys())
    if np.any(
      (np.abs(golds[0][x][0] - golds[1][x][0]) > TOLERANCE)
      & golds[0][x][1]
      & golds[1][x][1]
    )
  ]
  if wrong:
    first = wrong[0]
    raise UserError(
      f'{one.name} and {other.name} of config.data.corpora tell different gold '
      f'of {task.name} for {len(wrong)} of their {len(shared)} common samples: '
      f'{first!r} is {golds[0][first][0].tolist()} in the one, and '
      f'{golds[1][first][0].tolist()} in the other '
      f'({list(task.outputs)}). Leave the samples out of one of them, or '
      'hide its gold by config.data.gold_share.'
    )
