"""What a section of the page consists of."""

from collections.abc import Sequence
import csv
import dataclasses
import io
import math
from typing import Any

# What LaTeX reads otherwise than it stands there, and what its fonts lack.
_LATEX = {
  '\\': r'\textbackslash{}',
  '&': r'\&',
  '%': r'\%',
  '$': r'\$',
  '#': r'\#',
  '_': r'\_',
  '{': r'\{',
  '}': r'\}',
  '~': r'\textasciitilde{}',
  '^': r'\textasciicircum{}',
  '<': '$<$',
  '>': '$>$',
  '−': '$-$',
  '±': r'$\pm$',
  '≥': r'$\geq$',
  '×': r'$\times$',
  '→': r'$\to$',
}
NOTHING = '–'


@dataclasses.dataclass(frozen=True)
class Figure:
  """A figure.

  Attributes:
    name: Of its files, without their ending.
    title: What it shows, in a few words.
    drawn: A matplotlib figure.
    caption: What a reader must know to read it.
  """

  name: str
  title: str
  drawn: Any
  caption: str = ''

  @property
  def width(self) -> float:
    """Its width in inches: text has the same size in all figures."""
    return self.drawn.get_figwidth()


@dataclasses.dataclass(frozen=True)
class Table:
  """A table.

  Attributes:
    name: Of its files, without their ending.
    title: What it shows, in a few words.
    columns: Heads.
    rows: Cells: text, numbers with all their digits, or None for nothing.
    caption: What a reader must know to read it.
    on_page: Whether the page has it, too, or only the files.
    is_folded: Whether the page shows it on request only.
  """

  name: str
  title: str
  columns: Sequence[str]
  rows: Sequence[Sequence[Any]]
  caption: str = ''
  on_page: bool = True
  is_folded: bool = False

  def shown(self) -> list[list[str]]:
    """Returns the cells as people read them."""
    return [[cell(x) for x in row] for row in self.rows]

  def to_csv(self) -> str:
    """Returns CSV: every digit; nothing where there is no value."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator='\n')
    writer.writerow(self.columns)
    writer.writerows([['' if x is None else x for x in r] for r in self.rows])
    return out.getvalue()

  def to_latex(self) -> str:
    """Returns a tabular; it needs the package booktabs."""
    lines = [
      f'% {line}'
      for text in (self.title, self.caption)
      for line in text.splitlines()
    ]
    sides = ['r' if self.is_number(i) else 'l' for i in range(self.width)]
    lines += [rf'\begin{{tabular}}{{{"".join(sides)}}}', r'\toprule']
    lines += [' & '.join(map(_escape, self.columns)) + r' \\', r'\midrule']
    lines += [' & '.join(map(_escape, row)) + r' \\' for row in self.shown()]
    return '\n'.join([*lines, r'\bottomrule', r'\end{tabular}']) + '\n'

  @property
  def width(self) -> int:
    """How many columns there are."""
    return len(self.columns)

  def is_number(self, column: int) -> bool:
    """Returns whether a column has numbers, which stand to the right."""
    cells = [row[column] for row in self.rows if row[column] is not None]
    return bool(cells) and all(isinstance(x, int | float) for x in cells)


@dataclasses.dataclass(frozen=True)
class Picture:
  """A sample's picture.

  Attributes:
    uri: The picture as a data URI; '' for none.
    lines: What is said of it.
  """

  uri: str
  lines: Sequence[str]


@dataclasses.dataclass(frozen=True)
class Text:
  """Words that the page shows as they are, on request.

  Attributes:
    title: What they are.
    text: They, with their line ends.
  """

  title: str
  text: str


@dataclasses.dataclass(frozen=True)
class Points:
  """A list of sentences.

  Attributes:
    title: What they are.
    sentences: One a line.
  """

  title: str
  sentences: Sequence[str]


@dataclasses.dataclass(frozen=True)
class Section:
  """A section of the page.

  Attributes:
    name: Its anchor.
    title: Its heading.
    sentences: What a reader must know to read it.
    parts: What it consists of, in order.
  """

  name: str
  title: str
  sentences: Sequence[str]
  parts: Sequence[Figure | Table | Picture | Text | Points]


def cell(value: Any) -> str:
  """Returns a cell as people read it: at most four digits after the point."""
  if value is None or (isinstance(value, float) and math.isnan(value)):
    return NOTHING
  if isinstance(value, bool) or not isinstance(value, int | float):
    return str(value)
  if float(value).is_integer():
    return f'{value:,.0f}'
  return f'{value:.4f}' if abs(value) >= 1e-4 else f'{value:.1e}'


def _escape(text: str) -> str:
  return ''.join(_LATEX.get(x, x) for x in text.replace('–', '--'))
