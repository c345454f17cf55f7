"""Whether runs were tested on the same: samples, gold labels, thresholds."""

from collections.abc import Mapping, Sequence
import os
from typing import Any

import numpy as np

from affect_jax import user_path
from affect_jax.comparison import run_folders
from affect_jax.errors import UserError


def check_paths(paths: Sequence[str]) -> None:
  """Raises UserError if a run is compared with itself, or with nothing."""
  if len(paths) < 2:
    raise UserError(f'There is nothing to compare {paths[0]} with.')
  seen: dict[str, str] = {}
  for path in paths:
    real = os.path.realpath(user_path.expand(path))
    if real in seen:
      raise UserError(f'{seen[real]} and {path} are the same run.')
    seen[real] = path


def check_corpora(runs: Sequence[run_folders.Run], split: str) -> None:
  """Raises UserError if runs were tested on different corpora."""
  first, *others = _all(runs)
  for run in others:
    if set(run.rows) != set(first.rows):
      raise UserError(
        f'{split} of {run.folder} is of {", ".join(run.rows)}, that of '
        f'{first.folder} of {", ".join(first.rows)}: runs of different corpora '
        'cannot be compared.'
      )


def shared_tasks(runs: Sequence[run_folders.Run]) -> list[Any]:
  """Returns the tasks that all runs have, as the first has them.

  Raises:
    UserError: There is none, or one has other outputs in another run.
  """
  first, *others = _all(runs)
  shared = []
  for task in first.tasks:
    theirs = [t for x in others for t in x.tasks if t.name == task.name]
    if len(theirs) < len(others):
      continue
    for other, run in zip(theirs, others, strict=True):
      kinds = [
        (sorted(t.outputs), list(t.metrics), t.weight_per_output)
        for t in (task, other)
      ]
      if kinds[0] != kinds[1]:
        raise UserError(
          f'{task.name} has the outputs {", ".join(task.outputs)} in '
          f'{first.folder}, {", ".join(other.outputs)} in {run.folder}, or '
          'other metrics: these cannot be compared.'
        )
    shared.append(task)
  if not shared:
    names = [
      f'{x.folder}: {", ".join(t.name for t in x.tasks)}'
      for x in (first, *others)
    ]
    raise UserError(f'These runs have no task in common. {"; ".join(names)}.')
  return shared


def aligned(
  runs: Sequence[run_folders.Run], tasks: Sequence[Any], split: str
) -> list[dict[int | None, dict[str, dict[str, Any]]]]:
  """Returns {seed: {corpus: rows}} of each run, in the first run's order.

  Raises:
    UserError: Corpora, ids or gold labels differ, also those of validation,
      where thresholds come from; the message says which and how many.
  """
  first = _all(runs)[0]
  tuned = [t for t in tasks if t.tune]

  def of_first(run):
    rows = _align(first, run, 'rows', tasks, split)
    if tuned and split != 'val':
      _align(first, run, 'validation', tuned, 'val')
    return rows

  return [{k: of_first(x) for k, x in run.seeds.items()} for run in runs]


def _all(runs: Sequence[run_folders.Run]) -> list[run_folders.Trained]:
  return [x for run in runs for x in run.seeds.values()]


def _align(
  first: run_folders.Trained,
  run: run_folders.Trained,
  kind: str,
  tasks: Sequence[Any],
  split: str,
) -> dict[str, dict[str, Any]]:
  expected, found = getattr(first, kind), getattr(run, kind)
  what = f'{split} of {run.folder} and of {first.folder}'
  why = '' if kind == 'rows' else ' Thresholds were tuned on them.'
  if set(expected) != set(found):
    names = [', '.join(x) or 'no corpus' for x in (found, expected)]
    raise UserError(f'{what} are of {names[0]}; {names[1]}.{why}')
  result = {}
  for corpus, rows in expected.items():
    other = found[corpus]
    places = {name: i for i, name in enumerate(other['id'])}
    ids = list(rows['id'])
    _check_ids(ids, places, f'{what} ({corpus})', (first, run), why)
    order = np.array([places[name] for name in ids])
    result[corpus] = _ordered(first, run, other, order, tasks)
    _check_gold(rows, result[corpus], tasks, what, why)
  return result


def _check_ids(ids, others, what, runs, why):
  ours = [x for x in ids if x not in others]
  known = set(ids)
  theirs = [x for x in others if x not in known]
  if ours or theirs:
    cells = [
      f'{len(names):,} of {total:,} only in {run.folder} (first: {names[0]})'
      for names, total, run in (
        (ours, len(ids), runs[0]),
        (theirs, len(others), runs[1]),
      )
      if names
    ]
    raise UserError(f'{what} have different ids: {"; ".join(cells)}.{why}')


def _ordered(
  first: run_folders.Trained,
  run: run_folders.Trained,
  rows: Mapping[str, Any],
  order: np.ndarray,
  tasks: Sequence[Any],
) -> dict[str, Any]:
  """Returns rows of shared tasks, with samples and outputs as the first's."""
  result: dict[str, Any] = {k: rows[k][order] for k in ('id', 'cluster')}
  names = {t.name: t.outputs for t in run.tasks}
  for kind in ('predictions', 'labels', 'weights'):
    result[kind] = {}
    for task in tasks:
      values = rows[kind][task.name][order]
      if values.ndim == 2:
        values = values[:, [names[task.name].index(o) for o in task.outputs]]
      result[kind][task.name] = values
  return result


def _check_gold(rows, others, tasks, what, why):
  for task in tasks:
    differ = np.zeros(len(rows['id']), bool)
    for kind in ('labels', 'weights'):
      unequal = rows[kind][task.name] != others[kind][task.name]
      differ |= unequal.reshape(len(differ), -1).any(1)
    if differ.any():
      raise UserError(
        f'{what} have different gold labels of {task.name}: '
        f'{differ.sum():,} of {len(differ):,} samples (first: '
        f'{rows["id"][differ.argmax()]}).{why}'
      )
