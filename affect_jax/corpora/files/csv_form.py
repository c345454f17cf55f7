"""How a CSV is written: its encoding, and what separates its cells."""

import dataclasses
import pathlib
import re

SEPARATORS = (',', ';', '\t')
_WORDS = {';': 'semicolons', '\t': 'tabs'}
# Enough for the header of any file.
_HEAD = 1 << 18
_MARKS = (b'\xff\xfe', b'\xfe\xff')  # Of UTF-16, little and big endian.


@dataclasses.dataclass(frozen=True)
class Form:
  """The form of a file.

  Attributes:
    encoding: As `open` takes it.
    separator: One of SEPARATORS.
    before: Lines before the header, which hold no cells.
  """

  encoding: str
  separator: str
  before: int

  def __str__(self) -> str:
    """Says what is unusual; '' if nothing is."""
    parts = ['UTF-16'] if self.encoding == 'utf-16' else []
    if self.separator != ',':
      parts.append(f'cells separated by {_WORDS[self.separator]}')
    return ', '.join(parts)


def find(path: pathlib.Path) -> Form:
  """Finds the form of a file by its first bytes and its header.

  UTF-16 needs its mark at the beginning, as Excel writes it; all else is UTF-8.
  Cells are separated by what the header has of SEPARATORS, outside of quotes;
  if it has none or several, by commas. Excel's line 'sep=;' before the header
  is understood.
  """
  with open(path, 'rb') as f:
    head = f.read(_HEAD)
  encoding = 'utf-16' if head.startswith(_MARKS) else 'utf-8-sig'
  lines = head.decode(encoding, errors='replace').splitlines() or ['']
  if told := re.fullmatch(r'"?sep=([,;\t])"?', lines[0].strip(' ')):
    return Form(encoding, told[1], 1)
  header = next((line for line in lines if line.strip()), '')
  outside = re.sub('"[^"]*"', '', header)
  used = [s for s in SEPARATORS if s in outside]
  return Form(encoding, used[0] if len(used) == 1 else ',', 0)
