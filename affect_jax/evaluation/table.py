"""Shows scores: log lines during training, a table at the end."""

from collections.abc import Mapping, Sequence
import math
import os
import shlex
from typing import Any

from absl import logging
from rich import console
from rich import table as rich_table


def log_headlines(
  split: str, tasks: Sequence[Any], scores: Mapping[str, float]
) -> None:
  """Logs one line: the headline metric of each task that has gold labels."""
  cells = [
    f'{t.name} {t.headline} {value:.3f}'
    for t in tasks
    if not math.isnan(value := scores[f'{t.name}/{t.headline}'])
  ]
  logging.info(
    '%s: %s; headline %.4f', split, ', '.join(cells), scores['headline']
  )


def losses(logs: Mapping[str, Any]) -> str:
  """Returns the loss of a step, and of each task, as text."""
  tasks = ', '.join(
    f'{k.removeprefix("loss/")} {float(v):.3f}'
    for k, v in logs.items()
    if k.startswith('loss/')
  )
  return f'loss {float(logs["loss"]):.3f} ({tasks})'


def show(results: Mapping[str, Mapping[str, Any]], workdir: str) -> None:
  """Prints the scores of all splits, a table per corpus, and a run's files.

  Confusion counts and most scores per output are only in results.json; of the
  latter the tables have F1 and CCC.
  """
  # The width is fixed: logs of a cluster job have no terminal.
  out = console.Console(width=100, highlight=False)
  for corpus in dict.fromkeys(split.partition('/')[2] for split in results):
    on_corpus = f' on {corpus}' if corpus else ''
    table = rich_table.Table(title=f'Scores of {workdir}{on_corpus}')
    table.add_column('metric', no_wrap=True)
    splits = {k: v for k, v in results.items() if k.partition('/')[2] == corpus}
    for split in splits:
      table.add_column(split, justify='right')
    for name in dict.fromkeys(k for scores in splits.values() for k in scores):
      values = [scores.get(name) for scores in splits.values()]
      if is_shown(name, values):
        table.add_row(name, *map(cell, values))
    out.print(table)
  for file, what in (
    ('results.json', 'every metric'),
    ('subsets.json', 'scores without some modalities'),
    ('predictions', 'a row per sample'),
    ('checkpoints', 'latest and best'),
    ('stopped.json', 'why training ended early'),
    ('metrics.jsonl', 'training curves, also as TensorBoard events'),
    ('config.json', 'all settings'),
    ('environment.json', 'versions, commit, devices, data'),
    ('parameters.txt', 'shape and size of every parameter'),
    ('signature.json', 'what predictions need besides the checkpoint'),
  ):
    path = os.path.join(workdir, file)
    if os.path.exists(path):
      out.print(f'  {path}  ({what})', soft_wrap=True)
  name_report(out, workdir)


def name_report(out: console.Console, workdir: str) -> None:
  """Prints the command that makes a page of a run, or of its seeds."""
  # Scores before a run's end lie in a folder of their own, which is no run.
  if os.path.exists(os.path.join(workdir, 'config.json')):
    page = os.path.join(workdir, 'report.html')
    out.print(
      f'  python -m affect_jax.report {shlex.quote(workdir)} '
      f'--output {shlex.quote(page)}  (makes a page of it)',
      soft_wrap=True,
      markup=False,
    )


def is_shown(name: str, values: Sequence[Any]) -> bool:
  """Returns False for details, and for tasks that the corpus does not label."""
  parts = name.split('/')
  if len(parts) > 2 and parts[1] not in ('f1', 'ccc'):
    return False
  return (
    any(values) if parts[-1] == 'num_gold' else values != [None] * len(values)
  )


def cell(value: Any) -> str:
  """Returns a score as text; '–' for None."""
  if value is None:
    return '–'
  return f'{value:.0f}' if float(value).is_integer() else f'{value:.4f}'
