"""Tables for people to read."""

from collections.abc import Sequence

WIDTH = 100


def share(part: int, whole: int) -> str:
  """'12.5%', or '-' of nothing."""
  return f'{100 * part / whole:.1f}%' if whole else '-'


def table(rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
  """Lines of aligned columns, the first `left` of them to the left."""
  widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
  return [
    '  '
    + '  '.join(
      cell.ljust(width) if i < left else cell.rjust(width)
      for i, (cell, width) in enumerate(zip(row, widths, strict=True))
    ).rstrip()
    for row in rows
  ]
