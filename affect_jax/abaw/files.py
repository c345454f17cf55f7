"""Files of the ABAW challenges on Aff-Wild2: their formats, read and checked.

Lists have a header and a row per frame, which begins with its name:

  va    image_location,valence,arousal     two numbers in [-1, 1]
  expr  image_location,Neutral,...,Other   ONE number: that of the class
  au    image_location,AU1,...,AU26        0 or 1 per unit
  mtl   image,valence,arousal,expression,aus   15 values below 5 names

Files of single videos (labels of va, expr and au; submissions of ABAW 1 to 3)
have the header without the name, and the row after it is frame 1. In labels
-5 (valence, arousal) and -1 (the others) say: not annotated.

The formats are those of the organisers' samples and of public code that reads
and writes them; they are not specified in one place.
"""

import array
from collections.abc import Callable, Sequence
import dataclasses
import os
import pathlib

import numpy as np

from affect_jax import user_path
from affect_jax.corpora.files import cells as cells_lib
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError
from affect_jax.tasks import action_units
from affect_jax.tasks import expression

VALENCE_AROUSAL = ('valence', 'arousal')
# Headers of the column of names; MTL files have the second.
FIRST = ('image_location', 'image')


@dataclasses.dataclass(frozen=True)
class Layout:
  """What a row holds.

  Attributes:
    task: 'va', 'expr', 'au' or 'mtl'.
    columns: Of the values: 'valence', 'arousal', 'expression', 'AU1', ...
    classes: Of 'expression', in the order of their numbers; or ().
  """

  task: str
  columns: tuple[str, ...]
  classes: tuple[str, ...] = ()

  @property
  def header(self) -> tuple[str, ...]:
    """Header of the values: it is no name per value in expr and mtl."""
    if self.task == 'expr':
      return tuple(c.capitalize() for c in self.classes)
    if self.task == 'mtl':
      return (*VALENCE_AROUSAL, 'expression', 'aus')
    return self.columns


VA = Layout('va', VALENCE_AROUSAL)
EXPR_7 = Layout('expr', ('expression',), expression.BASIC_7)
EXPR_8 = Layout('expr', ('expression',), expression.AFFWILD2_8)
AU_8 = Layout('au', action_units.AFFWILD2_8)
AU_12 = Layout('au', action_units.AFFWILD2_12)
MTL = Layout(
  'mtl',
  (*VALENCE_AROUSAL, 'expression', *action_units.AFFWILD2_12),
  expression.AFFWILD2_8,
)
LAYOUTS = (VA, EXPR_7, EXPR_8, AU_8, AU_12, MTL)


@dataclasses.dataclass(frozen=True, eq=False)
class Frames:
  """Values of frames.

  Attributes:
    layout: Names of the columns.
    names: [N] as in the file: 'video/00001.jpg'. All different.
    values: [N, K] float64; 'expression' is the number of a class. NaN where
      there is no annotation, in labels only.
  """

  layout: Layout
  names: list[str]
  values: np.ndarray


def key(name: str) -> tuple[str, int]:
  """(video, frame) of a name: 'a/b/00012.jpg' -> ('a/b', 12).

  Raises:
    UserError: Not the name of a frame.
  """
  video, _, file = name.rpartition('/')
  number = file.partition('.')[0]
  if not video or not (number.isascii() and number.isdigit()):
    raise UserError(f'{name!r} is not the name of a frame, video/00001.jpg')
  return video, int(number)


def read_submission(path: str | pathlib.Path) -> Frames:
  """Reads a submission: a list, or a folder of files of single videos.

  Raises:
    FileNotFoundError: There is nothing at `path`.
    UserError: An unknown header, a frame that is there twice, a row of the
      wrong length or a value out of range; names file and line.
  """
  return _read(path, labels=False)


def read_labels(path: str | pathlib.Path) -> Frames:
  """Reads labels as they are distributed; NaN where not annotated.

  Args:
    path: A list (that of the MTL challenge, say), or a folder such as
      VA_Estimation_Challenge/Validation_Set with a file per video.

  Raises:
    FileNotFoundError: There is nothing at `path`.
    UserError: As `read_submission`.
  """
  return _read(path, labels=True)


def read_sample_list(path: str | pathlib.Path) -> list[str]:
  """Names of the frames to predict, in order.

  Args:
    path: The organisers' sample file, of which the first column counts (its
      header may be absent); or a folder of labels, file per video, for a
      submission on validation.

  Raises:
    FileNotFoundError: There is nothing at `path`.
    UserError: No frames, a name that is none or is there twice; names file
      and line.
  """
  if os.path.isdir(path):
    return list(read_labels(path).names)
  file = sources.existing(path, 'a sample list')
  names, lines = [], []
  for i, (line, cells) in enumerate(sources.read_rows(file)):
    if i == 0 and cells[0].strip().lower() in FIRST:
      continue
    names.append(cells[0].strip())
    lines.append(line)
  if not names:
    raise UserError(f'{file}: the list has no frames.')
  index(names, lambda row: f'{file}:{lines[row]}')
  return names


def index(
  names: Sequence[str], where: Callable[[int], str]
) -> dict[tuple[str, int], int]:
  """{(video, frame): row}.

  Args:
    names: Of frames.
    where: Row -> where it stands, for errors.

  Raises:
    UserError: A name that is none, or a frame that is there twice.
  """
  rows: dict[tuple[str, int], int] = {}
  for row, name in enumerate(names):
    try:
      frame = key(name)
    except ValueError as error:
      raise UserError(f'{where(row)}: {error}.') from None
    first = rows.setdefault(frame, row)
    if first != row:
      raise UserError(
        f'{where(row)}: {name} is there twice; first at {where(first)}.'
      )
  return rows


def _read(path, labels):
  path = user_path.expand(path)
  if path.is_dir():
    return _read_folder(path, labels)
  file = sources.existing(path, 'labels' if labels else 'a submission')
  layout, names, lines, values = _read_rows(file, named=True)
  where = lambda row: f'{file}:{lines[row]}'
  index(names, where)
  return Frames(layout, names, check(values, layout, where, labels))


def _read_folder(folder, labels):
  files = [p for p in folder.glob('*.txt') if not p.name.startswith('.')]
  if not files:
    raise FileNotFoundError(f'{folder}: no VIDEO.txt in this folder.')
  layouts, names, parts = [], [], []
  for file in sorted(files):
    layout, _, lines, values = _read_rows(file, named=False)
    where = lambda row: f'{file}:{lines[row]}'
    layouts.append(layout)
    parts.append(check(values, layout, where, labels))
    names += [f'{file.stem}/{i:05d}.jpg' for i in range(1, len(values) + 1)]
    if layout != layouts[0]:
      raise UserError(
        f'{file}:1: the header is {",".join(layout.header)}, but that of '
        f'{min(files).name} is {",".join(layouts[0].header)}.'
      )
  return Frames(layouts[0], names, np.concatenate(parts))


def _read_rows(file, named):
  """(layout, names, line numbers, values [N, K] as they stand there)."""
  rows = sources.read_rows(file)
  start, header = next(rows)
  layout = _layout(header, named, f'{file}:{start}')
  names, lines, flat = [], [], array.array('d')
  width = len(layout.columns) + named
  for previous, (line, cells) in enumerate(rows, start):
    if not named and line != previous + 1:
      # Passing over it would shift all later frames.
      raise UserError(f'{file}:{previous + 1}: blank; a row is a frame here.')
    while len(cells) > width and not cells[-1].strip():
      cells.pop()
    if len(cells) != width:
      what = 'a name and ' if named else ''
      raise UserError(
        f'{file}:{line}: {len(cells)} cells; {layout.task} has {what}'
        f'{len(layout.columns)} values, {",".join(layout.columns)}.'
      )
    try:
      flat.extend([cells_lib.to_number(x) for x in cells[named:]])
    except ValueError as error:
      raise UserError(f'{file}:{line}: {error}.') from None
    lines.append(line)
    if named:
      names.append(cells[0].strip())
  values = np.array(flat, np.float64).reshape(-1, len(layout.columns))
  return layout, names, lines, values


def _layout(header, named, where):
  """The layout whose header this is, in small letters or capitals."""
  layouts = [x for x in LAYOUTS if named or x != MTL]
  cells = tuple(c.strip().lower() for c in header)
  while cells[-1:] == ('',):
    cells = cells[:-1]
  if not named or cells[:1] in {(x,) for x in FIRST}:
    for layout in layouts:
      # Labels of the MTL challenge may also name every unit.
      headers = (layout.header, layout.columns)
      if layout.task == 'expr':
        headers = headers[:1]
      if cells[named:] in [tuple(x.lower() for x in h) for h in headers]:
        return layout
  first = (FIRST[0],) if named else ()
  choices = '\n  '.join(','.join((*first, *x.header)) for x in layouts)
  raise UserError(
    f'{where}: unknown header {",".join(header)!r}; known:\n  {choices}'
  )


def check(
  values: np.ndarray,
  layout: Layout,
  where: Callable[[int], str],
  labels: bool,
) -> np.ndarray:
  """The values [N, K], with NaN where labels say: not annotated.

  Args:
    values: As they stand in a file.
    layout: Names of the K columns.
    where: Row -> where it stands, for errors.
    labels: Whether -5 and -1 are allowed.

  Raises:
    UserError: A value out of range; says where.
  """
  values = np.array(values, np.float64)
  for j, column in enumerate(layout.columns):
    v = values[:, j]
    if column in VALENCE_AROUSAL:
      good, none = (v >= -1) & (v <= 1), v == -5
      known = 'in [-1, 1]' + (', or -5' if labels else '')
    else:
      k = len(layout.classes) if column == 'expression' else 2
      good, none = np.isin(v, np.arange(k)), v == -1
      known = f'a whole number from 0 to {k - 1}' + (', or -1' * labels)
    bad = ~(good | none) if labels else ~good
    if bad.any():
      row = int(np.argmax(bad))
      raise UserError(f'{where(row)}: {column} is {v[row]:g}, not {known}.')
    values[none, j] = np.nan
  return values
