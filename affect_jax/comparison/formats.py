"""A comparison as text, JSON, CSV or LaTeX."""

from collections.abc import Callable
import csv
import dataclasses
import io
import json

from rich import box
from rich import console
from rich import table as rich_table

from affect_jax.comparison import compare

COLUMNS = ('mean A', 'mean B', 'B - A [95 %]', 'p', 'Holm p', 'P(B > A)')


def text(found: compare.Comparison) -> str:
  """A table for each pair; a matrix for several runs against the first."""
  out = io.StringIO()
  # Logs of a cluster job have no terminal. Names of metrics begin with that of
  # the corpus, if there are several, and no number may be cut.
  longest = max((len(r.metric) for r in found.rows), default=0)
  width = max(110, 80 + longest)
  to = console.Console(file=out, width=width, highlight=False)
  for letter, path in found.runs.items():
    to.print(f'{letter}: {path}', soft_wrap=True, markup=False)
  pairs = list(dict.fromkeys((r.a, r.b) for r in found.rows))
  if len(pairs) > 1 and _is_matrix(found):
    to.print(_matrix(found))
  else:
    for pair in pairs:
      to.print(_pair(found, *pair))
  for line in sentences(found):
    to.print(line, markup=False, soft_wrap=True)
  return out.getvalue()


def sentences(found: compare.Comparison) -> list[str]:
  """What the numbers mean, and what must be known of them."""
  holm = f'Holm: adjusted for all {sum(r.p is not None for r in found.rows)} p.'
  lines = [f'{found.resampled} {holm}']
  if any(r.better is not None for r in found.rows):
    lines.append(
      'P(B > A): chance that a seed of B is better than one of A (for mae and '
      'rmse: lower).'
    )
  return [*lines, *found.notes]


def to_json(found: compare.Comparison) -> str:
  """All numbers with all digits; null is undefined."""
  content = dataclasses.asdict(found)
  content['notes'] = sentences(found)[1:]
  return json.dumps(content, indent=2, allow_nan=False) + '\n'


def to_csv(found: compare.Comparison) -> str:
  """A row for each metric of each pair, with the paths of both runs."""
  out = io.StringIO()
  names = [f.name for f in dataclasses.fields(compare.Row)]
  writer = csv.writer(out, lineterminator='\n')
  writer.writerow(names)
  for row in found.rows:
    values = [getattr(row, name) for name in names]
    values[:2] = [found.runs[row.a], found.runs[row.b]]
    writer.writerow(['' if x is None else x for x in values])
  return out.getvalue()


def latex(found: compare.Comparison) -> str:
  """A table for each pair; it needs the package booktabs."""
  lines = []
  for pair in dict.fromkeys((r.a, r.b) for r in found.rows):
    heads = [h.replace('%', r'\%') for h in _columns(*pair)]
    heads = [h.replace('>', '$>$').replace(' - ', ' $-$ ') for h in heads]
    lines += [
      *(f'% {x}: {found.runs[x]}' for x in pair),
      r'\begin{tabular}{l' + 'r' * len(heads) + '}',
      r'\toprule',
      ' & '.join(['metric', *heads]) + r' \\',
      r'\midrule',
    ]
    for row in found.rows:
      if (row.a, row.b) == pair:
        cells = [_escape(row.metric), *map(_escape, _cells(row))]
        lines.append(' & '.join(cells) + r' \\')
    lines += [r'\bottomrule', r'\end{tabular}']
  return '\n'.join([*lines, *(f'% {x}' for x in sentences(found))]) + '\n'


FORMATS: dict[str, Callable[[compare.Comparison], str]] = {
  'text': text,
  'json': to_json,
  'latex': latex,
  'csv': to_csv,
}


def _columns(a: str, b: str) -> list[str]:
  letters = str.maketrans({'A': a, 'B': b})
  return [name.translate(letters) for name in COLUMNS[:3]] + [
    *COLUMNS[3:5],
    f'P({b} > {a})',
  ]


def _pair(found: compare.Comparison, a: str, b: str) -> rich_table.Table:
  table = rich_table.Table(
    title=f'{found.split}: {b} against {a}', box=box.SIMPLE_HEAD
  )
  table.add_column('metric', no_wrap=True)
  for name in _columns(a, b):
    table.add_column(name.replace('[', r'\['), justify='right', no_wrap=True)
  for row in found.rows:
    if (row.a, row.b) == (a, b):
      cells = [x.replace('[', r'\[') for x in _cells(row)]
      table.add_row(row.metric, *cells)
  return table


def _is_matrix(found: compare.Comparison) -> bool:
  """Whether all are compared with A, and with the same seeds of it."""
  means: dict[str, set[float | None]] = {}
  for row in found.rows:
    means.setdefault(row.metric, set()).add(row.mean_a)
  return {r.a for r in found.rows} == {'A'} and all(
    len(x) == 1 for x in means.values()
  )


def _matrix(found: compare.Comparison) -> rich_table.Table:
  """Metrics down, runs across: mean, difference from A, and Holm p."""
  table = rich_table.Table(
    title=f'{found.split}: mean, difference from A \\[95 %], Holm p',
    box=box.SIMPLE_HEAD,
    show_lines=True,
  )
  table.add_column('metric', overflow='fold')
  for letter in found.runs:
    table.add_column(letter, justify='right', no_wrap=True)
  for metric in dict.fromkeys(r.metric for r in found.rows):
    rows = [r for r in found.rows if r.metric == metric]
    cells = [
      f'{_number(r.mean_b)}\n{_interval(r)}\np {_p(r.holm)}'.replace('[', r'\[')
      for r in rows
    ]
    table.add_row(metric, _number(rows[0].mean_a), *cells)
  return table


def _cells(row: compare.Row) -> list[str]:
  return [
    _number(row.mean_a),
    _number(row.mean_b),
    _interval(row),
    _p(row.p),
    _p(row.holm),
    '–' if row.better is None else f'{row.better:.2f}',
  ]


def _number(value: float | None) -> str:
  return '–' if value is None else f'{value:.4f}'


def _interval(row: compare.Row) -> str:
  if row.difference is None:
    return '–'
  if row.low is None or row.high is None:
    return f'{row.difference:+.4f} [–]'
  return f'{row.difference:+.4f} [{row.low:+.4f}, {row.high:+.4f}]'


def _p(value: float | None) -> str:
  if value is None:
    return '–'
  return '< .0001' if value < 0.0001 else f'{value:.4f}'


def _escape(cell: str) -> str:
  return cell.replace('_', r'\_').replace('<', '$<$').replace('–', '--')
