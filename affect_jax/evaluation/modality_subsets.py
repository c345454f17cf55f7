"""How well a model does without some of its modalities.

The protocol: one model, trained once, is evaluated on the same samples again
for every non-empty subset of the modalities; the others are taken away from
every sample. Thresholds stay those of all modalities. A sample that has none
of a subset is still counted: the model sees its learned tokens of absence.
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
  """All non-empty subsets, small ones first; the whole is the last."""
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
  """The batches without the modalities that are not kept.

  Args:
    batches: Of the contract in `batch`, with 'id'.
    modalities: Of the batches.
    kept: Some of them.

  Yields:
    With inputs 'real' bool, as 'id': a sample that has none of the kept is
    not what fills up a batch.
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
    split: What was evaluated.
    tasks: Of the run.
    scores: {modalities: {metric: value}}.
    modality_dropout: config.utterance.modality_dropout of training.
  """
  trained = f'Training took modalities away with chance {modality_dropout}.'
  if not modality_dropout:
    trained = (
      'Training took none away (config.utterance.modality_dropout is 0): only '
      'samples that lack a modality have taught the model what that means.'
    )
  shown = rich_table.Table(
    title=f'{split}: one model, evaluated with some modalities taken away',
    caption='The same samples in each row, with the thresholds of all '
    'modalities; a learned token stands for what is taken away or was never '
    f'there. {trained}',
  )
  shown.add_column('modalities', no_wrap=True)
  columns = [f'{t.name}/{t.headline}' for t in tasks]
  columns = [
    c
    for c in columns
    if not all(math.isnan(found[c]) for found in scores.values())
  ]
  for column in columns:
    shown.add_column(column, justify='right')
  for subset, found in scores.items():
    cells = [f'{found[c]:.4f}' for c in columns]
    shown.add_row('+'.join(subset), *cells)
  console.Console(width=100).print(shown)
