"""Tables for people to read."""

from collections.abc import Sequence

WIDTH = 100


def share(part: int, total: int) -> str:
  """Says '12.5%'; '-' if the total is 0."""
  return f'{100 * part / total:.1f}%' if total else '-'


def table(rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
  """Makes lines of aligned columns; the first `left` are aligned left."""
  widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
  return [
    '  '
    + '  '.join(
      cell.ljust(width) if i < left else cell.rjust(width)
      for i, (cell, width) in enumerate(zip(row, widths, strict=True))
    ).rstrip()
    for row in rows
  ]
