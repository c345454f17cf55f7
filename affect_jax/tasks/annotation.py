"""How the labels of a task are written down, whatever learns from them."""

from collections.abc import Callable
import dataclasses
from typing import Literal

from affect_jax.errors import UserError


@dataclasses.dataclass(frozen=True, eq=False)
class Annotation:
  """What corpora, CSVs, the doctor and the contact sheet know of a task.

  Attributes:
    kind: 'class': a sample is one of the names, or shares of several, and has
      one weight. 'presence': each name is there or not, 0 to 1, and has a
      weight of its own. 'value': each name is a number, and has a weight of
      its own.
    names: Names of classes or of columns, in order.
    low: Smallest label.
    high: Largest label.
    spelling: None: every corpus has all `names`. Else corpora have some of
      them, or others, and this gives the one spelling of a name that people
      write; it raises UserError for what is no name.
    by_name: Of 'presence': names that one column called like the task may
      hold instead, where a sample is one of them and none of the others.
    csvs: Which CSVs of a user's own have columns for it.
  """

  kind: Literal['class', 'presence', 'value']
  names: tuple[str, ...] = ()
  low: float = 0.0
  high: float = 1.0
  spelling: Callable[[str], str] | None = None
  by_name: tuple[str, ...] = ()
  csvs: tuple[str, ...] = ('faces', 'utterances')

  @property
  def one_weight(self) -> bool:
    """Weights are one per sample, and not one per output."""
    return self.kind == 'class'

  def name(self, text: str) -> str:
    """The one spelling of a name; UserError if there is none."""
    if self.spelling:
      return self.spelling(text)
    for name in self.names:
      if text.strip().lower() == name.lower():
        return name
    raise UserError(f'{text!r} is none of {", ".join(self.names)}.')
