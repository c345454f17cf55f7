"""Reads tables of weak labels to be combined, and says what became of them."""

from collections.abc import Sequence
import itertools
import math

import numpy as np
from rich import console
from rich import table as rich_table

from affect_jax import user_path
from affect_jax.errors import UserError
from affect_jax.weak import combination
from affect_jax.weak import quality
from affect_jax.weak import table

# From which share of equal labels, of how many, labellers may be copies.
ALIKE, LEAST_BOTH = 0.98, 50


def read(paths: Sequence[str]) -> combination.Tables:
  """Reads tables; UserError if one is given twice."""
  for path in paths:
    if paths.count(path) > 1:
      raise UserError(f'--tables has {path} twice: it would vote twice.')
  return [(path, table.read(user_path.expand(path))) for path in paths]


def check_shared(groups: Sequence[combination.Group]) -> None:
  """Raises UserError if no task of a corpus has two labellers."""
  if all(len(of.labellers) < 2 for of in groups):
    what = '; '.join(
      f'{of.labellers[0]}: {of.task} of {of.corpus or "any corpus"}'
      for of in groups
    )
    raise UserError(
      'No two tables label the same task of the same corpus, so there is '
      f'nothing to combine: {what}.'
    )


def show(
  groups: Sequence[combination.Group],
  combined: Sequence[combination.Combined],
  path: str,
) -> None:
  """Prints, for each task, its labellers and what is believed of them."""
  out = console.Console(width=100, highlight=False)
  for of, one in zip(groups, combined, strict=True):
    title = f'{path}: {of.task}' + (f' of {of.corpus}' if of.corpus else '')
    how = f'by {one.model}'
    if one.model == combination.AS_IT_IS:
      how = 'of one labeller, as it is'
    shown = rich_table.Table(
      title=f'{title}, {how}: {len(one.labels.ids):,} samples, '
      f'{one.met:,} of them with two labellers or more'
    )
    shown.add_column('labeller', overflow='fold')
    for name in ('labels', 'alone', 'believed right'):
      shown.add_column(name, justify='right')
    speaks = of.speaks
    alone = speaks & (speaks.sum(0) == 1)
    for i, name in enumerate(of.labellers):
      believed = one.believed[i]
      shown.add_row(
        name,
        f'{int(speaks[i].sum()):,}',
        f'{int(alone[i].sum()):,}',
        '–' if math.isnan(believed) else f'{believed:.1%}',
      )
    out.print(shown)
    if len(of.labellers) == 2 and one.model not in (
      combination.MEAN,
      'majority',
    ):
      out.print(
        'Two labellers alone do not tell who is right where they differ: '
        'compare with gold (affect_jax.label.quality), or add a third.'
      )
    for first, second, share, both in alike(of):
      out.print(
        f'{first} and {second} say the same in {share:.1%} of {both:,} cases. '
        'If one is made from the other, leave one out: label models take '
        'copies for independent witnesses.'
      )


def alike(of: combination.Group) -> list[tuple[str, str, float, int]]:
  """Returns pairs of labellers that hardly differ, how much, in how many cases.

  None of values.
  """
  says = [quality.hard(of.kind, x) for x in of.labels]
  found = []
  for i, k in itertools.combinations(range(len(says)), 2):
    both = ~np.isnan(says[i]) & ~np.isnan(says[k])
    share = float((says[i] == says[k])[both].mean()) if both.any() else 0.0
    if of.kind != 'value' and share >= ALIKE and both.sum() >= LEAST_BOTH:
      found.append((of.labellers[i], of.labellers[k], share, int(both.sum())))
  return found
