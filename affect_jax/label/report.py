"""Prints how good weak labels are."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import console
from rich import table as rich_table


def show(results: Sequence[Mapping[str, Any]], split: str) -> None:
  """Prints scores, and how often labellers agree, of `quality.describe`."""
  out = console.Console(width=100, highlight=False)
  for one in results:
    is_value = one['metric'] == 'ccc'
    # Tasks of one value have an output of their own name.
    name = '/'.join(dict.fromkeys(x for x in (one['task'], one['output']) if x))
    title = f'{name} of {one["corpus"]}, {split}: {one["gold"]:,} with gold'
    if one['commonest'] is not None:
      title += f', {one["commonest"]:.1%} of them the most frequent label'
    shown = rich_table.Table(title=title)
    shown.add_column('labeller', overflow='fold')
    for column in ('scored', 'coverage', 'CCC' if is_value else 'accuracy'):
      shown.add_column(column, justify='right')
    shown.add_column('95 % interval')
    shown.add_column('calibration error', justify='right')
    number = (lambda x: f'{x:.3f}') if is_value else (lambda x: f'{x:.1%}')
    for x in one['labellers']:
      low, high = x['low'], x['high']
      shown.add_row(
        x['name'],
        f'{x["scored"]:,}',
        _or_dash(x['coverage'], lambda c: f'{c:.1%}'),
        _or_dash(x['score'], number),
        '–' if low is None else f'{number(low)} to {number(high)}',
        _or_dash(x['calibration_error'], lambda e: f'{e:.3f}'),
      )
    out.print(shown)
    if len(one['both']) > 1:
      out.print(_agreement(one, number))


def _agreement(one: Mapping[str, Any], number: Any) -> rich_table.Table:
  names = [x['name'] for x in one['labellers'][: len(one['both'])]]
  what = 'CCC of two' if one['metric'] == 'ccc' else 'Same label by two'
  shown = rich_table.Table(title=f'{what} where both speak (samples)')
  shown.add_column('labeller', overflow='fold')
  for i in range(len(names)):
    shown.add_column(str(i + 1), justify='right')
  for i, name in enumerate(names):
    cells = [
      f'{_or_dash(one["agreement"][i][k], number)} ({one["both"][i][k]:,})'
      for k in range(len(names))
    ]
    shown.add_row(f'{i + 1} {name}', *cells)
  return shown


def _or_dash(value: float | None, text: Any) -> str:
  return '–' if value is None else text(value)
