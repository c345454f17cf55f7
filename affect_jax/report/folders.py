"""Reads folders of runs as far as they can be read: no corpus, no JAX.

`run.folder` and `run.signature` import JAX, which takes longer than the page.
"""

from collections.abc import Sequence
import json
import pathlib
import re
import string
from typing import Any

from affect_jax import by_name
from affect_jax import user_path
from affect_jax.errors import UserError
from affect_jax.report import predictions
from affect_jax.report import runs as runs_lib
from affect_jax.report import shapes

SEED = re.compile(r'seed_(\d+)')
# Metrics of tasks that predict values.
OF_VALUES = ('ccc', 'mae', 'rmse')
# Files of a run that are no other program's JSON.
OWN = (
  *('config.json', 'results.json', 'signature.json', 'environment.json'),
  *('subsets.json', 'stopped.json'),
)


def read(paths: Sequence[str], split: str = 'test') -> list[runs_lib.Run]:
  """Reads runs, or folders with runs in seed_0, seed_1, ...

  Args:
    paths: The folders.
    split: Whose predictions are read, besides those of 'val'.

  Raises:
    UserError: One is no run; the message names runs nearby. Or a file of JSON
      holds something else than runs write; the message names file and key.
  """
  if len(paths) > len(string.ascii_uppercase):
    raise UserError(f'{len(paths)} runs; give at most 26.')
  return [
    _run(letter, path, paths, split)
    for letter, path in zip(string.ascii_uppercase, paths, strict=False)
  ]


def _run(
  letter: str, path: str, paths: Sequence[str], split: str
) -> runs_lib.Run:
  folder = user_path.expand(path)
  if not folder.is_dir():
    names = [x.name for x in folder.parent.glob('*/')]
    raise UserError(
      f'{path}: no such folder{by_name.nearest(folder.name, names)}.'
    )
  numbers = sorted(
    int(match[1])
    for x in folder.iterdir()
    if x.is_dir() and (match := SEED.fullmatch(x.name))
  )
  notes: list[str] = []
  seeds: dict[int | None, runs_lib.Trained] = {}
  is_run = any((folder / x).exists() for x in ('metrics.jsonl', 'predictions'))
  quality = _quality(folder, '', notes)
  if is_run or not numbers:
    _require(folder, path)
    seeds[None] = _read(folder, '', split, notes)
  else:
    for n in numbers:
      seed = folder / f'seed_{n}'
      if not (seed / 'config.json').exists():
        notes.append(f'seed_{n} has no config.json: left out.')
        continue
      seeds[n] = _read(seed, f'seed_{n}/', split, notes)
      quality |= _quality(seed, f'seed_{n}/', notes)
    if not seeds:
      raise UserError(f'{path}: none of its seeds has a config.json.')
  ends = [user_path.expand(x).name for x in paths]
  name = f'{letter}: {folder.name}'
  if len(paths) == 1:
    name = folder.name
  elif ends.count(folder.name) > 1:
    name = letter
  return runs_lib.Run(
    letter=letter,
    path=path,
    name=name,
    suffix=f', {name}' if len(paths) > 1 else '',
    seeds=seeds,
    notes=notes,
    quality=quality,
  )


def _require(folder: pathlib.Path, path: str) -> None:
  if (folder / 'config.json').exists():
    return
  inside = sorted(x.parent.name for x in folder.glob('*/config.json'))
  more = f' Runs inside: {", ".join(inside)}.' if inside else ''
  raise UserError(f'{path} is no run: it has no config.json.{more}')


def _read(
  folder: pathlib.Path, where: str, split: str, notes: list[str]
) -> runs_lib.Trained:
  """Reads one training; adds to notes, after `where`, what is wrong with it."""

  load = lambda name, base=folder: _load(base / name, where, notes)
  environment = load('environment.json')
  source = folder
  if not (folder / 'results.json').exists():
    # How a run is evaluated before its end.
    steps = sorted(
      folder.glob('evaluated_at_step_*'),
      key=lambda x: int(x.name.rpartition('_')[2]),
    )
    said = 'there are no scores'
    if steps:
      source = steps[-1]
      said = f'scores are those of {source.name}'
    notes.append(f'{where}results.json is missing: not finished; {said}.')
  results = load('results.json', source)
  signature = load('signature.json')
  if not signature and not (folder / 'signature.json').exists():
    notes.append(
      f'{where}signature.json is missing: repeat the command that started the '
      'run, with --mode=evaluate added.'
    )
  curves = _curves(folder / 'metrics.jsonl', where, notes)
  values = {
    name.split('/')[0]
    for scores in results.values()
    for name in scores
    if '/' in name and name.split('/')[1] in OF_VALUES
  }
  splits = {}
  for name in dict.fromkeys(('val', split)):
    file = source / 'predictions' / f'{name}.csv'
    if not file.exists():
      if name == split and source is folder and results:
        notes.append(f'{where}predictions/{name}.csv is missing.')
      continue
    try:
      splits[name] = predictions.read(file, values)
    except UserError as error:
      notes.append(f'{where}predictions/{error}: left out.')
      continue
    notes += [
      f'{where}predictions/{x}' for x in _lost(name, splits[name], results)
    ]
  return runs_lib.Trained(
    folder=folder,
    config=load('config.json'),
    signature=signature,
    # Older runs kept the last start only, not in a list.
    starts=environment.get('starts', [environment] if environment else []),
    results=results,
    subsets=load('subsets.json', source),
    curves=curves,
    splits=splits,
  )


def _load(path: pathlib.Path, where: str, notes: list[str]) -> dict[str, Any]:
  try:
    found = json.loads(path.read_text(encoding='utf-8'))
    if not isinstance(found, dict):
      raise ValueError('it is no object')
  except FileNotFoundError:
    return {}
  except ValueError as error:
    notes.append(f'{where}{path.name} is damaged: {error}.')
    return {}
  shapes.check(path, found, shapes.SHAPES.get(path.name, {}))
  return found


def _curves(
  path: pathlib.Path, where: str, notes: list[str]
) -> runs_lib.Curves:
  curves: dict[str, list[tuple[int, float]]] = {}
  damaged = []
  if not path.exists():
    notes.append(f'{where}{path.name} is missing: there are no curves.')
    return curves
  lines = path.read_text(encoding='utf-8', errors='replace').splitlines()
  for number, line in enumerate(lines, 1):
    try:
      point = json.loads(line)
      step = int(point.pop('step'))
      numbers = {k: float(v) for k, v in point.items() if v is not None}
    except (ValueError, KeyError, TypeError, AttributeError):
      damaged.append(number)
      continue
    for name, value in numbers.items():
      curves.setdefault(name, []).append((step, value))
  if damaged:
    notes.append(
      f'{where}{path.name}: {len(damaged)} of {len(lines)} lines are damaged, '
      f'the first is line {damaged[0]}: left out.'
    )
  return curves


def _lost(
  split: str, found: predictions.Split, results: runs_lib.Scores
) -> list[str]:
  """Says which labels of results.json the predictions lack."""
  said = []
  for corpus, tasks in found.items():
    scores = results.get(f'{split}/{corpus}') or results.get(split, {})
    for task, rows in tasks.items():
      expected = scores.get(f'{task}/num_gold')
      if expected is not None and expected != rows.num_gold():
        said.append(
          f'{split}.csv has {rows.num_gold():,} gold labels of {task} on '
          f'{corpus}, results.json counts {expected:,.0f}: cut, or edited.'
        )
  return said


def _quality(
  folder: pathlib.Path, where: str, notes: list[str]
) -> dict[str, Any]:
  """Returns what `label.quality --json` wrote into a folder, by file."""
  found = {}
  for file in sorted(folder.glob('*.json')):
    if file.name not in OWN:
      content = _load(file, where, notes)
      results = content.get('results')
      if isinstance(results, list) and all(
        isinstance(x, dict) and {'task', 'labellers', 'metric'} <= x.keys()
        for x in results
      ):
        shapes.check_quality(file, content)
        found[f'{where}{file.name}'] = content
  return found
