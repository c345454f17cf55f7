"""Reads what runs left: single runs, or folders of a run for each seed."""

from collections.abc import Mapping, Sequence
import dataclasses
import os
import pathlib
import re
from typing import Any

from affect_jax import user_path
from affect_jax.errors import UserError
from affect_jax.evaluation import prediction_csv
from affect_jax.evaluation import score
from affect_jax.run import folder as run_folder
from affect_jax.run import signature as signature_lib

SEED = re.compile(r'seed_(\d+)')


@dataclasses.dataclass(frozen=True)
class Trained:
  """What one training left.

  Attributes:
    folder: Its folder, as the user names it.
    tasks: Its tasks.
    rows: {corpus: rows of the split}, see `prediction_csv.read`.
    validation: {corpus: rows of validation}, which chose thresholds; {} if no
      task has thresholds, or there was no validation.
    thresholds: {corpus: {task: {output: threshold}}}.
  """

  folder: str
  tasks: Sequence[Any]
  rows: Mapping[str, Mapping[str, Any]]
  validation: Mapping[str, Mapping[str, Any]]
  thresholds: Mapping[str, Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class Run:
  """A way of training, with one or several seeds.

  Attributes:
    path: As the user names it.
    seeds: {number: what it left}; the number of a single run is None.
  """

  path: str
  seeds: Mapping[int | None, Trained]


def read(path: str, split: str) -> Run:
  """Reads a run, or a folder with runs in seed_0, seed_1, ...

  Args:
    path: The folder.
    split: 'test' or 'val'.

  Raises:
    UserError: It is no run, or its predictions are missing or damaged.
  """
  folder = user_path.expand(path)
  if not folder.is_dir():
    raise UserError(f'{path}: no such folder.')
  numbers = sorted(
    int(match[1])
    for x in folder.iterdir()
    if x.is_dir() and (match := SEED.fullmatch(x.name))
  )
  if points := sorted(x.name for x in folder.glob('point_*')):
    raise UserError(
      f'{path} holds points of a sweep: give one, as {path}/{points[0]}. The '
      'chosen one stands in its results.json; only it has test.'
    )
  is_run = any((folder / x).exists() for x in ('checkpoints', 'predictions'))
  if is_run or not numbers:
    return Run(path, {None: _read(path, split)})
  return Run(
    path, {n: _read(os.path.join(path, f'seed_{n}'), split) for n in numbers}
  )


def _read(path: str, split: str) -> Trained:
  folder = user_path.expand(path)
  run_folder.require(str(folder))
  signature = signature_lib.read(str(folder))
  if signature is None:
    raise UserError(
      f'{path} has no {signature_lib.FILE}: repeat the command that started '
      'the run, with --mode=evaluate added.'
    )
  with signature_lib.damage_named(str(folder)):
    tasks = signature_lib.build_tasks(signature)
  rows = _read_split(folder, path, split, tasks)
  validation: Mapping[str, Any] = {}
  if any(t.tune for t in tasks):
    if split == 'val':
      validation = rows
    elif (folder / 'predictions' / 'val.csv').exists():
      validation = _read_split(folder, path, 'val', tasks)
  # The same numbers as in the checkpoint: the CSV holds every digit.
  thresholds = {c: score.tune(tasks, r) for c, r in validation.items()}
  return Trained(path, tasks, rows, validation, thresholds)


def _read_split(
  folder: pathlib.Path, path: str, split: str, tasks: Sequence[Any]
) -> dict[str, dict[str, Any]]:
  file = folder / 'predictions' / f'{split}.csv'
  if not file.exists():
    unfinished = sorted(x.name for x in folder.glob('evaluated_at_step_*'))
    why = (
      f'it is not finished ({unfinished[-1]} is of an earlier step)'
      if unfinished
      else f'it has no split {split!r}, or is not finished'
    )
    raise UserError(f'{path} has no predictions/{split}.csv: {why}.')
  rows = prediction_csv.read(str(file), tasks)
  if not rows:
    raise UserError(f'{file} has no row.')
  _check_whole(file, rows, folder, split, tasks)
  return rows


def _check_whole(
  file: pathlib.Path,
  rows: Mapping[str, Mapping[str, Any]],
  folder: pathlib.Path,
  split: str,
  tasks: Sequence[Any],
) -> None:
  """Compares the number of labels with results.json, as rows may be lost."""
  results = run_folder.read_json(str(folder / 'results.json')) or {}
  scores = {k: v for k, v in results.items() if k.split('/')[0] == split}
  for key, values in scores.items():
    corpus = key.partition('/')[2] or next(iter(rows))
    for task in tasks:
      expected = values.get(f'{task.name}/num_gold')
      found = score.gold(task, rows[corpus]).sum() if corpus in rows else 0
      if expected is not None and found != expected:
        raise UserError(
          f'{file} has {found:,.0f} gold labels of {task.name}, results.json '
          f'counts {expected:,.0f}: the file is truncated or was edited. '
          '--mode=evaluate writes it again.'
        )
