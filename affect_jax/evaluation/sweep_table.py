"""Shows the points of a sweep, and which one validation chose."""

from collections.abc import Mapping
from typing import Any

from rich import console
from rich import table as rich_table

from affect_jax.evaluation import table


def show(results: Mapping[str, Any], workdir: str) -> None:
  """Prints a row per point.

  Args:
    results: See `sweep.train_and_evaluate`.
    workdir: Folder of the sweep.
  """
  out = console.Console(width=100, highlight=False)
  points, chosen = results['points'], results['chosen']
  shown = rich_table.Table(title=f'Points of {workdir}')
  for setting in points[0]['settings']:
    shown.add_column(setting)
  shown.add_column('selection score', justify='right')
  shown.add_column('folder')
  for i, point in enumerate(points):
    notes = ' (chosen)' if i == chosen else ''
    if point['error']:
      notes = f': {point["error"][:60]}'
    shown.add_row(
      *map(str, point['settings'].values()),
      table.cell(point['val']),
      point['folder'] + notes,
    )
  out.print(shown)
  if chosen is None:
    out.print('  No point has a score on validation: none is chosen.')
  else:
    out.print(
      f'  Validation alone chose; test was computed for {workdir}/point_'
      f'{chosen} alone, so that its score is that of one choice.',
      soft_wrap=True,
    )
  out.print(f'  {workdir}/results.json  (all points, scores of the chosen one)')
