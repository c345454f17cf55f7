"""A finding of the doctor: what is wrong, how bad it is, what to do."""

from collections.abc import Mapping, Sequence
import dataclasses
from typing import Any

ERROR, WARNING, NOTE = 'error', 'warning', 'note'
LEVELS = (ERROR, WARNING, NOTE)


@dataclasses.dataclass(frozen=True)
class Finding:
  """A finding of the doctor.

  Attributes:
    level: One of LEVELS; any error makes the exit code 1.
    kind: Stable name for programs, such as 'exact_across_splits'.
    text: One sentence, with numbers.
    advice: What to do about it; '' if there is nothing to do.
    data: Numbers behind the text, for JSON.
  """

  level: str
  kind: str
  text: str
  advice: str = ''
  data: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
  """Sorts findings: errors, then warnings, then notes, each in their order."""
  return sorted(findings, key=lambda f: LEVELS.index(f.level))


def exit_code(findings: Sequence[Finding]) -> int:
  """Returns 1 if there is any error, else 0."""
  return int(any(f.level == ERROR for f in findings))


def verdict(findings: Sequence[Finding]) -> str:
  """Says 'FAILED: 1 error, 2 warnings', 'PASSED, with 2 warnings', 'PASSED'."""
  errors, warnings = (
    sum(f.level == level for f in findings) for level in (ERROR, WARNING)
  )
  parts = [
    f'{n} {word}{"s" * (n != 1)}'
    for n, word in ((errors, ERROR), (warnings, WARNING))
    if n
  ]
  if errors:
    return f'FAILED: {", ".join(parts)}'
  return f'PASSED, with {parts[0]}' if parts else 'PASSED'


def some_of(names: Sequence[str], most: int = 5, total: int = 0) -> str:
  """Says 'a, b, c and 7 more'; `total` counts names that are not passed."""
  shown = ', '.join(names[:most])
  more = (total or len(names)) - most
  return f'{shown} and {more:,} more' if more > 0 else shown
