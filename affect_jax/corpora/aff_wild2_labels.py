"""The lines of Aff-Wild2's label files: headers, labels, lists of pictures.

`aff_wild2_files` finds the files.
"""

from collections.abc import Iterator, Mapping, Sequence
import dataclasses
import functools
import pathlib
import re
from typing import Any

from affect_jax.corpora.files import cells as cells_lib
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError
from affect_jax.tasks import action_units
from affect_jax.tasks import expression

VALENCE_AROUSAL = ('valence', 'arousal')

_HEADERS = {
  'valence_arousal': 'valence,arousal',
  'expression': 'Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise[,Other]',
  'action_units': (
    'AU1,AU2,AU4,AU6,AU12,AU15,AU20,AU25 or '
    'AU1,AU2,AU4,AU6,AU7,AU10,AU12,AU15,AU23,AU24,AU25,AU26'
  ),
  'mtl': (
    'image,valence,arousal,expression,'
    'AU1,AU2,AU4,AU6,AU7,AU10,AU12,AU15,AU23,AU24,AU25,AU26'
  ),
}

# The organisers write five digits; the longest videos could need a sixth.
FRAME = re.compile(r'([^/\\]+)/(\d{5}|[1-9]\d{5})\.jpg')
_IMAGE_COLUMN = ('image', 'images', 'image_location', 'image_name', 'video')


@dataclasses.dataclass(frozen=True, slots=True)
class Columns:
  """The meaning of the cells of a line.

  Attributes:
    names: Names of the cells: 'valence', 'arousal', 'expression', 'AU1', ...
    classes: Names of the expressions, by their number.
  """

  names: tuple[str, ...]
  classes: tuple[str, ...] = ()

  def outputs(self) -> dict[str, tuple[str, ...]]:
    """Returns {task: names of its outputs, in the order of the header}."""
    units = tuple(n for n in self.names if n.startswith('AU'))
    names_of = {
      'valence_arousal': VALENCE_AROUSAL if 'valence' in self.names else (),
      'expression': self.classes,
      'action_units': units,
    }
    return {
      task: task_names for task, task_names in names_of.items() if task_names
    }


def columns(path: pathlib.Path, task: str) -> Columns:
  """Reads the columns from a file's header; a list's without the picture.

  Args:
    path: The file.
    task: What it should annotate: a task's name, or 'mtl' for a list.

  Raises:
    UserError: the header is another; the message says what was expected.
  """
  text = next((text for _, text in _lines(path)), '')
  cells = [cell.strip().lower() for cell in text.split(',')]
  while cells and not cells[-1]:
    cells.pop()
  try:
    if task == 'valence_arousal' and sorted(cells) == ['arousal', 'valence']:
      return Columns(tuple(cells))
    if task == 'action_units':
      return Columns(_units(cells))
    if task == 'expression':
      classes = tuple(expression.canonical_name(cell) for cell in cells)
      sets = (expression.BASIC_7, expression.AFFWILD2_8)
      if sorted(classes) in [sorted(s) for s in sets]:
        return Columns(('expression',), classes)
    first = [*VALENCE_AROUSAL, 'expression']
    if task == 'mtl' and [cells[:1], cells[1:4]] in [
      [[name], first] for name in _IMAGE_COLUMN
    ]:
      # The organisers' own sample of a submission sums up the units like this.
      units = cells[4:]
      if units == ['aus']:
        units = action_units.AFFWILD2_12
      return Columns((*first, *_units(units)), expression.AFFWILD2_8)
  except ValueError:
    pass  # An unknown name: reported below, with the file.
  raise UserError(
    f'{path}: the header is {text!r}; expected: {_HEADERS[task]}.'
  )


def frames(
  path: pathlib.Path, columns: Columns, problems: sources.Problems
) -> Iterator[tuple[int, Mapping[str, Any]]]:
  """Yields (frame, its labels) of a video's file.

  The i-th line after the header is frame i, counted from 1. Labels that are
  not annotated are absent. Lines that cannot be read are added to `problems`.
  """
  empty = 0
  for number, text in _lines(path):
    if number == 1:
      continue
    if not text:
      empty = empty or number
      continue
    if empty:
      problems.add(
        f'{path}:{empty}: the line is empty although labels follow; line i '
        'after the header must be frame i.'
      )
      empty = 0
    try:
      frame_labels = labels(text, columns)
    except ValueError as e:
      problems.add(f'{path}:{number}: {e}')
    else:
      yield number - 1, frame_labels


def rows(
  path: pathlib.Path, problems: sources.Problems, *, labelled: bool
) -> Iterator[tuple[int, str, int | None, str]]:
  """Yields (line, video, frame, rest of the line) of a list of pictures.

  Args:
    path: The list.
    problems: Collects the lines that name no picture.
    labelled: True: the first line is a header. False, for a test list: the
      first line may be a header, and a line may name a whole video, whose
      frame is then None.
  """
  for number, text in _lines(path):
    name, comma, rest = (part.strip() for part in text.partition(','))
    header = labelled or name.lower() in _IMAGE_COLUMN
    header = header or (comma != '' and '/' not in name)
    if not text or (number == 1 and header):
      continue
    if match := FRAME.fullmatch(name):
      yield number, match[1], int(match[2]), rest
    elif not labelled and not comma and not re.search(r'[/\\]', name):
      yield number, name, None, ''
    else:
      what = 'video/00001.jpg' + ('' if labelled else ' or the name of a video')
      problems.add(
        f'{path}:{number}: the picture is {name!r}; {what} is expected.'
      )


def videos(
  lists: Sequence[pathlib.Path], *, labelled: bool = True
) -> list[set[str]]:
  """Returns the videos of each list; no picture may appear twice.

  Raises:
    UserError: a picture appears twice, or a line names no picture; the
      message gives file:line.
  """
  problems = sources.Problems(' and '.join(str(path) for path in lists))
  # One byte per frame: the list (from 1) that has it. Test lists have a
  # million lines.
  seen: dict[str, bytearray] = {}
  listed_whole: set[str] = set()
  names = []
  for index, path in enumerate(lists, 1):
    names.append(set())
    for number, video, frame, _ in rows(path, problems, labelled=labelled):
      marks = seen.setdefault(video, bytearray())
      if video in listed_whole or (frame is None and marks):
        problems.add(f'{path}:{number}: {video} is in {path.name} already.')
      elif frame is None:
        listed_whole.add(video)
      else:
        marks.extend(bytes(max(0, frame + 1 - len(marks))))
        if marks[frame]:
          problems.add(
            f'{path}:{number}: {video}/{frame:05d}.jpg is in '
            f'{lists[marks[frame] - 1].name} already.'
          )
        marks[frame] = index
      names[-1].add(video)
  problems.check()
  return names


# Expressions and action units repeat from frame to frame.
@functools.lru_cache(maxsize=2**14)
def labels(text: str, columns: Columns) -> Mapping[str, Any]:
  """Reads the annotated labels of a line, by name.

  Raises:
    UserError: a value is wrong; the message says what is allowed.
  """
  cells = [cell.strip() for cell in text.split(',')]
  while len(cells) > len(columns.names) and not cells[-1]:
    cells.pop()
  if len(cells) != len(columns.names):
    raise UserError(
      f'{text!r} has {len(cells)} values; {len(columns.names)} are expected: '
      f'{",".join(columns.names)}.'
    )
  values = {
    name: _value(name, cell, columns.classes)
    for name, cell in zip(columns.names, cells, strict=True)
  }
  return {name: value for name, value in values.items() if value is not None}


def _value(name: str, cell: str, classes: Sequence[str]) -> Any:
  """Reads the label of a cell; None if it is not annotated."""
  try:
    number = cells_lib.to_number(cell)
  except ValueError:
    number = float('nan')
  if name in VALENCE_AROUSAL:
    if number == -5:
      return None
    if -1 <= number <= 1:
      return number
    allowed = '-1 to 1, or -5: not annotated'
  elif name == 'expression':
    if number == -1:
      return None
    if number in range(len(classes)):
      return classes[int(number)]
    known = ', '.join(f'{i} {c}' for i, c in enumerate(classes))
    allowed = f'{known}, or -1: not annotated'
  else:
    if number == -1:
      return None
    if number in (0, 1):
      return number
    allowed = '0, 1, or -1: not annotated'
  raise UserError(f'{name} is {cell!r}; allowed: {allowed}.')


def _units(cells: Sequence[str]) -> tuple[str, ...]:
  units = tuple(action_units.canonical_name(cell) for cell in cells)
  sets = (action_units.AFFWILD2_8, action_units.AFFWILD2_12)
  if sorted(units) not in [sorted(s) for s in sets]:
    raise UserError(f'{units} are not the action units of Aff-Wild2.')
  return units


def _lines(path: pathlib.Path) -> Iterator[tuple[int, str]]:
  """Yields (line number from 1, text) of a file, stripped.

  Lines that are not UTF-8 are read as Latin-1: labels are plain numbers, and
  the name of a video either fits its folder or is counted as missing.
  """
  with open(path, 'rb') as f:
    for number, line in enumerate(f, 1):
      if number == 1:
        line = line.removeprefix(b'\xef\xbb\xbf')
      try:
        text = line.decode('utf-8')
      except UnicodeDecodeError:
        text = line.decode('latin-1')
      yield number, text.strip()
