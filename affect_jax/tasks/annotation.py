"""Annotations: the kind, names and range of a task's labels."""

from collections.abc import Callable
import dataclasses
from typing import Literal

from affect_jax.errors import UserError


@dataclasses.dataclass(frozen=True, eq=False)
class Annotation:
  """What corpora, CSVs, the doctor and the contact sheet know of a task.

  Attributes:
    kind: 'class': a sample is one of the names, or a mix of several, and has
      one weight. 'presence': each name is absent (0) to present (1), with a
      weight of its own. 'value': each name is a number, with a weight of its
      own.
    names: Names of classes or columns, in order.
    low: Smallest label.
    high: Largest label.
    spelling: None if every corpus has all `names`. Otherwise corpora may have
      some of them, or others, and this function returns the canonical spelling
      of a name; it raises UserError if the name is unknown.
    by_name: For 'presence': names that a single column, called like the task,
      may hold instead; the sample then has that one and none of the others.
    csvs: Which kinds of a user's CSV may have columns for the task.
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
    """Whether a sample has one weight, not one per output."""
    return self.kind == 'class'

  def name(self, text: str) -> str:
    """Returns the canonical spelling of a name; UserError if it is unknown."""
    if self.spelling:
      return self.spelling(text)
    for name in self.names:
      if text.strip().lower() == name.lower():
        return name
    raise UserError(f'Unknown name {text!r}; known: {", ".join(self.names)}.')
