"""FER+: ten votes on each FER2013 picture, turned into a distribution.

Barsoum et al., 2016 (arXiv:1608.01041); https://github.com/microsoft/FERPlus.
"""

from collections.abc import Sequence
import pathlib

import numpy as np

from affect_jax.corpora.files import sources
from affect_jax.errors import UserError

# In the order of the file's columns.
EXPRESSIONS = (
  'neutral',
  'happiness',
  'surprise',
  'sadness',
  'anger',
  'disgust',
  'fear',
  'contempt',
)
HEADER = ['Usage', 'Image name', *EXPRESSIONS, 'unknown', 'NF']
USAGES = ('Training', 'PublicTest', 'PrivateTest')
# With fewer rows, chance could look like a wrong order.
FEW = 100
RULES = ('published', 'votes')
UNNAMED = 'without an image name in FER+'
UNDECIDED = 'without enough agreement of the FER+ voters'


def read(
  path: pathlib.Path, rule: str, usage: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
  """Reads fer2013new.csv, whose rows are those of fer2013.csv.

  A part (Usage) that is missing from fer2013.csv is skipped: copies without
  PrivateTest are common.

  Args:
    path: fer2013new.csv.
    rule: One of RULES, see `distribution`.
    usage: [N] the Usage column of fer2013.csv.

  Returns:
    Distributions, f32 [N, 8], zeros where there is none, and the reasons why
    there is none, [N] ('' where there is one).

  Raises:
    UserError: the files do not have the same rows, or votes are not counts.
  """
  rows = sources.read_rows(path)
  problems = sources.Problems(path)
  _, header = next(rows)
  if header != HEADER:
    raise UserError(f'{path}:1: the header is {header}, not {HEADER}.')
  labels = np.zeros((len(usage), len(EXPRESSIONS)), np.float32)
  reasons = np.full(len(usage), '', object)
  known, count = set(usage), 0
  for line, cells in rows:
    if cells[0] in USAGES and cells[0] not in known:
      continue
    row, count = count, count + 1
    if row >= len(usage):
      continue
    problem = _problem(cells, usage[row])
    if problem:
      problems.add(f'{path}:{line}: {problem}')
      continue
    if not cells[1]:
      reasons[row] = UNNAMED
      continue
    shares = distribution(np.array(cells[2:], np.int64), rule)
    if shares is None:
      reasons[row] = UNDECIDED
    else:
      labels[row] = shares
  problems.check()
  if count != len(usage):
    raise UserError(
      f'{path} has {count} rows, but fer2013.csv has {len(usage)}: the files '
      'are joined row by row and must be complete and in their original order.'
    )
  return labels, reasons


def check_order(
  labels: np.ndarray, emotion: Sequence[str], path: pathlib.Path
) -> None:
  """Raises ValueError if the rows of both files are not the same pictures.

  The files share no key, so their labels are compared. In the authors' order
  they agree on about two thirds of the rows, in any other order on one in six.

  Args:
    labels: [N, 8] from `read`.
    emotion: [N] names of the labels in fer2013.csv.
    path: fer2013new.csv, for the message.
  """
  decided = labels.sum(axis=1) > 0
  if decided.sum() < FEW:
    return
  names = np.array(EXPRESSIONS)[labels[decided].argmax(axis=1)]
  agreement = np.mean(names == np.array(emotion)[decided])
  if agreement < 0.4:
    raise UserError(
      f'{path}: its votes agree with fer2013.csv on only {agreement:.0%} of '
      'the rows, no better than chance: the rows of fer2013.csv are not in the '
      'original order, by which FER+ is joined.'
    )


def distribution(votes: np.ndarray, rule: str) -> np.ndarray | None:
  """Returns a distribution over the 8 expressions; None if voters disagree.

  'published' is what the authors train with (their mode `crossentropy`).
  Single votes are dropped as outliers. Then expressions are taken from the
  most to the least voted until they hold 75 % of the remaining votes, until
  there are three, or until `unknown` or `NF` (no face) is next. The result is
  None if at most half of the votes were taken, or more than three expressions
  tie.

  'votes' is votes / sum over the expressions; None if that sum does not exceed
  the votes for `unknown` and `NF` together.

  Args:
    votes: int [10], counts in the order of HEADER.
    rule: 'published' or 'votes'.
  """
  faces = len(EXPRESSIONS)
  if rule == 'votes':
    if votes[:faces].sum() <= votes[faces:].sum():
      return None
    return (votes[:faces] / votes[:faces].sum()).astype(np.float32)
  votes = np.where(votes > 1, votes, 0)
  total = votes.sum()
  taken = np.zeros(faces, np.int64)
  for level in sorted(set(votes[votes > 0]), reverse=True):
    if taken.sum() >= 0.75 * total or np.count_nonzero(taken) >= 3:
      break
    taken += np.where(votes[:faces] == level, level, 0)
    if np.any(votes[faces:] == level):
      break
  if taken.sum() <= 0.5 * total or np.count_nonzero(taken) > 3:
    return None
  return (taken / taken.sum()).astype(np.float32)


def _problem(cells: list[str], usage: str) -> str | None:
  if len(cells) != len(HEADER):
    return f'{len(cells)} cells, not {len(HEADER)} ({",".join(HEADER)}).'
  if cells[0] != usage:
    return (
      f'Usage is {cells[0]!r}, but {usage!r} in the same row of fer2013.csv; '
      'the files are joined row by row.'
    )
  for name, cell in zip(HEADER[2:], cells[2:], strict=True):
    if not (cell.isascii() and cell.isdigit()):
      return f'{name} {cell!r} is not a number of votes.'
  return None
