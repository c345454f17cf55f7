"""What became of the samples that were to be labelled."""

from collections.abc import Sequence
import dataclasses

import numpy as np
from rich import console
from rich import table as rich_table

# Why a sample of a corpus has no weak label of a task.
HAS_GOLD = 'have gold'
SEEN = 'learned by all teachers'
HELD_OUT = 'in val or test'


@dataclasses.dataclass(frozen=True)
class Report:
  """What became of the training samples of a corpus, for one task.

  Attributes:
    corpus, task: Their names.
    labelled: Samples with a weak label.
    left_out: {reason: samples}.
    confidence: Mean confidence of the labels.
    share: {output: share of the labels, or mean value}.
    temperature: By teacher.
    notes: What users should know of the teachers.
  """

  corpus: str
  task: str
  labelled: int
  left_out: dict[str, int]
  confidence: float
  share: dict[str, float]
  temperature: list[float]
  notes: tuple[str, ...] = ()


def shares(kind: str, labels: np.ndarray) -> list[float]:
  """Returns the share of each output [N, K] of N labels; of values the mean."""
  if not len(labels):
    return [float('nan')] * labels.shape[1]
  if kind == 'class':
    counts = np.bincount(labels.argmax(-1), minlength=labels.shape[1])
    return (counts / len(labels)).tolist()
  if kind == 'presence':
    return (labels > 0.5).mean(0).tolist()
  return labels.mean(0).tolist()


def show(reports: Sequence[Report], path: str) -> None:
  """Prints what was labelled, and what was not."""
  out = console.Console(width=100, highlight=False)
  shown = rich_table.Table(title=f'Weak labels in {path}')
  for name in ('corpus', 'task', 'labelled', 'left out', 'confidence'):
    shown.add_column(name)
  shown.add_column('of these')
  for r in reports:
    shown.add_row(
      r.corpus,
      r.task,
      f'{r.labelled:,}',
      ', '.join(f'{n:,} {why}' for why, n in r.left_out.items()),
      f'{r.confidence:.2f}' if r.labelled else '–',
      ', '.join(f'{k} {v:.2f}' for k, v in r.share.items())
      if r.labelled
      else '',
    )
  out.print(shown)
  for note in dict.fromkeys(note for r in reports for note in r.notes):
    out.print(note)
