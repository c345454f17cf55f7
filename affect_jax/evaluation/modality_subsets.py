"""Evaluates a model without some of its modalities.

The protocol: one model, trained once, is evaluated on the same samples with
every non-empty subset of the modalities; the others are removed from every
sample. Thresholds stay those tuned with all modalities. A sample that has no
modality of a subset still counts: the model sees its learned tokens of absence.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
import itertools
import math
from typing import Any

import numpy as np
from rich import console
from rich import table as rich_table

from affect_jax.data import batch as batch_lib


def names(modalities: Sequence[str]) -> list[tuple[str, ...]]:
  """Returns all non-empty subsets, from the smallest to the whole set."""
  return [
    subset
    for size in range(1, len(modalities) + 1)
    for subset in itertools.combinations(modalities, size)
  ]


def keep(
  batches: Iterable[batch_lib.Batch],
  modalities: Sequence[str],
  kept: Sequence[str],
) -> Iterator[batch_lib.Batch]:
  """Yields the batches without the modalities that are not kept.

  Args:
    batches: Batches as `data.batch` describes them, with 'id'.
    modalities: Modalities of the batches.
    kept: Some of them.

  Yields:
    Batches with the input 'real', bool in the shape of 'id', which tells
    samples without any kept modality from padding.
  """
  for batch in batches:
    inputs = {**batch['inputs'], 'real': batch['id'] != b''}
    for name in modalities:
      if name not in kept:
        inputs[name + '_mask'] = np.zeros_like(inputs[name + '_mask'])
    yield {**batch, 'inputs': inputs}


def show(
  split: str,
  tasks: Sequence[Any],
  scores: Mapping[tuple[str, ...], Mapping[str, float]],
  modality_dropout: Any,
) -> None:
  """Prints the protocol, and each labelled task's headline by subset.

  Args:
    split: The split that was evaluated.
    tasks: The run's tasks.
    scores: {modalities: {metric: value}}.
    modality_dropout: config.utterance.modality_dropout of training.
  """
  training = f'Training removed modalities with chance {modality_dropout}.'
  if not modality_dropout:
    training = (
      'Training removed none (config.utterance.modality_dropout is 0): the '
      'model learned only from samples that lack a modality what that means.'
    )
  table = rich_table.Table(
    title=f'{split}: one model, evaluated without some modalities',
    caption='Each row has the same samples, and the thresholds of all '
    'modalities; a learned token replaces a modality that is removed or '
    f'missing. {training}',
  )
  table.add_column('modalities', no_wrap=True)
  columns = [f'{t.name}/{t.headline}' for t in tasks]
  columns = [
    c
    for c in columns
    if not all(math.isnan(values[c]) for values in scores.values())
  ]
  for column in columns:
    table.add_column(column, justify='right')
  for subset, values in scores.items():
    cells = [f'{values[c]:.4f}' for c in columns]
    table.add_row('+'.join(subset), *cells)
  console.Console(width=100).print(table)
