"""What a run predicted, in the terms of an ABAW challenge."""

import array
from collections.abc import Mapping
import pathlib
from typing import Any

from absl import logging
import numpy as np

from affect_jax.abaw import files
from affect_jax.corpora.files import cells as cells_lib
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError

# The task of a run that a column belongs to; action units otherwise.
TASKS = {
  'valence': 'valence_arousal',
  'arousal': 'valence_arousal',
  'expression': 'expression',
}


def read(
  path: str | pathlib.Path,
  layout: files.Layout,
  thresholds: Mapping[str, float] | None = None,
  corpus: str | None = None,
) -> files.Frames:
  """Reads what a submission needs of a run's predictions/SPLIT.csv.

  Outputs are found by name, whatever their order. The expression is the
  likeliest of ABAW's classes, a unit is there if its probability is above the
  threshold, valence and arousal are clipped to [-1, 1].

  Args:
    path: From `prediction_csv.write`, with ids such as 'video/00001.jpg'.
    layout: What to read.
    thresholds: {unit: threshold}; None is .5 for all.
    corpus: Whose rows to read; None where the file is of one corpus.

  Raises:
    FileNotFoundError: There is no such file.
    UserError: An output is missing (but for 'other', which is a warning), a
      frame is there twice, a value is not finite; names file and line. Or the
      file is of several corpora, or not of this one.
  """
  file = sources.existing(path, 'predictions of a run')
  rows = sources.read_rows(file)
  line, header = next(rows)
  if header[:2] != ['id', 'corpus']:
    raise UserError(f'{file}:{line}: the first columns are not id,corpus.')
  wanted = _wanted(header, layout, file)
  places = [header.index(f'predicted/{t}/{n}') for t, n in wanted]
  names, lines, flat = [], [], array.array('d')
  corpora: dict[str, None] = {}
  for line, cells in rows:
    if len(cells) != len(header):
      raise UserError(
        f'{file}:{line}: {len(cells)} cells; the header has {len(header)}.'
      )
    corpora[cells[1]] = None
    if cells[1] != (corpus or next(iter(corpora))):
      continue
    try:
      flat.extend([cells_lib.to_number(cells[i]) for i in places])
    except ValueError as error:
      raise UserError(f'{file}:{line}: {error}.') from None
    names.append(cells[0].strip())
    lines.append(line)
  _choose(corpora, corpus, file)
  where = lambda row: f'{file}:{lines[row]}'
  files.index(names, where)
  table = np.array(flat).reshape(-1, len(wanted))
  wrong = np.argwhere(~np.isfinite(table))
  if len(wrong):
    row, column = wrong[0]
    name = '/'.join(wanted[column])
    raise UserError(f'{where(row)}: {name} is {table[row, column]}.')
  values = np.zeros((len(names), len(layout.columns)))
  for j, column in enumerate(layout.columns):
    if column == 'expression':
      there = [i for i, (t, _) in enumerate(wanted) if t == 'expression']
      numbers = np.array([layout.classes.index(wanted[i][1]) for i in there])
      values[:, j] = numbers[np.argmax(table[:, there], axis=1)]
      continue
    predicted = table[:, wanted.index((_task(column), column))]
    if column in files.VALENCE_AROUSAL:
      values[:, j] = np.clip(predicted, -1, 1)
    else:
      cut = 0.5 if thresholds is None else thresholds[column]
      values[:, j] = predicted > cut
  return files.Frames(layout, names, values)


def read_thresholds(
  predictions: str | pathlib.Path,
  layout: files.Layout,
  corpus: str | None = None,
) -> dict[str, float]:
  """Thresholds of action units that a run tuned on validation.

  Args:
    predictions: RUN/predictions/SPLIT.csv; they are in the run's best
      checkpoint, the one that was evaluated.
    layout: Which units.
    corpus: On whose validation split; None where there is one.

  Raises:
    FileNotFoundError: The run has no checkpoint, and there are units.
    UserError: A unit has no threshold, or corpus is None and there are
      several.
  """
  units = [c for c in layout.columns if _task(c) == 'action_units']
  if not units:
    return {}
  # Not above: it takes seconds, and nothing else here needs it.
  import orbax.checkpoint as ocp

  from affect_jax.training import checkpoint

  workdir = pathlib.Path(predictions).absolute().parents[1]
  folder = workdir / 'checkpoints'
  if not folder.is_dir():
    raise FileNotFoundError(f'{folder}: no such folder, so no thresholds.')
  with checkpoint.build_manager(str(workdir), 1) as manager:
    step = manager.best_step()
    step = manager.latest_step() if step is None else step
    if step is None:
      raise FileNotFoundError(f'{folder}: no checkpoint, so no thresholds.')
    restored: Any = manager.restore(
      step, args=ocp.args.Composite(thresholds=ocp.args.JsonRestore())
    )
  of_corpora = restored['thresholds'] or {}
  name = _choose(of_corpora, corpus, folder / str(step))
  thresholds = dict(of_corpora.get(name, {}).get('action_units', {}))
  if absent := [u for u in units if u not in thresholds]:
    raise UserError(
      f'{folder}/{step} has no tuned thresholds of {", ".join(absent)}: the '
      'run had no validation split, or not these units. Use a number.'
    )
  if untuned := [u for u in units if thresholds[u] is None]:
    logging.warning(
      'Validation of this run has no positive of %s: their threshold is .5.',
      ', '.join(untuned),
    )
  return {k: 0.5 if v is None else v for k, v in thresholds.items()}


def _choose(known, corpus, where):
  """The corpus that is meant; None if there is none at all."""
  if corpus in known or not known:
    return corpus
  if corpus is None and len(known) == 1:
    return next(iter(known))
  said = 'Say which with --corpus' if corpus is None else f'Not of {corpus!r}'
  raise UserError(f'{where} is of {", ".join(known)}. {said}.')


def _task(column):
  return TASKS.get(column, 'action_units')


def _wanted(header, layout, file):
  """(task, output) of the predictions to read, and what to say about them."""
  outputs = [
    (parts[1], parts[2])
    for parts in (name.split('/') for name in header)
    if len(parts) == 3 and parts[0] == 'predicted'
  ]
  wanted = []
  for column in layout.columns:
    of = layout.classes if column == 'expression' else (column,)
    wanted += [(_task(column), name) for name in of]
  missing = [x for x in wanted if x not in outputs]
  if missing == [('expression', 'other')]:
    logging.warning(
      "%s has no class 'other': no frame is submitted as Other.", file
    )
  elif missing:
    raise UserError(
      f'{file}: no predictions of {", ".join("/".join(x) for x in missing)}; '
      f'it has {", ".join("/".join(x) for x in outputs) or "none"}.'
    )
  if 'expression' in layout.columns:
    extra = [n for t, n in outputs if t == 'expression']
    extra = [n for n in extra if n not in layout.classes]
    if extra:
      logging.warning(
        "%s: %s is not one of the challenge's classes; the likeliest of the "
        'others is submitted.',
        file,
        ', '.join(extra),
      )
  return [x for x in wanted if x in outputs]
