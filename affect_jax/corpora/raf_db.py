"""RAF-DB, basic expressions: 15,339 faces from the web, 7 expressions.

Shan Li and Weihong Deng grant access, for research, on request:
http://www.whdeng.cn/RAF/model1.html. `path` is the folder `basic`, unpacked:

  EmoLabel/list_patition_label.txt    train_00001.jpg 5
  Image/aligned/train_00001_aligned.jpg

Codes, as in the corpus' readme and in published code that reads it: 1 surprise,
2 fear, 3 disgust, 4 happiness, 5 sadness, 6 anger, 7 neutral.

The names give the official split: 12,271 of train, 3,068 of test; there is no
third split to choose a model on. Published reference: 89.70 % accuracy on test
(DAN, arXiv:2109.07270).
"""

from collections.abc import Iterator
import functools
import os
import pathlib

from affect_jax import user_path
from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import faces
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError
from affect_jax.tasks import expression as expression_lib

EXPRESSIONS = {
  '1': 'surprise',
  '2': 'fear',
  '3': 'disgust',
  '4': 'happiness',
  '5': 'sadness',
  '6': 'anger',
  '7': 'neutral',
}
SPLITS = ('train', 'test')
TABLE = pathlib.Path('EmoLabel', 'list_patition_label.txt')
PICTURES = pathlib.Path('Image', 'aligned')
SUFFIX = '_aligned.jpg'


def listing(path: str | pathlib.Path) -> face_listing.Listing:
  """Lists RAF-DB as train and test; a picture's id is its name in the list.

  Subjects are unknown. Labels without a picture, pictures without a label and
  repeated rows are left out and counted.

  Args:
    path: The folder that holds `EmoLabel` and `Image`.

  Raises:
    FileNotFoundError: the list or the folder of pictures is missing.
    UserError: when a split is streamed: up to 20 bad rows, by line.
  """
  root = user_path.expand(path)
  table = sources.existing(root / TABLE, 'the list of RAF-DB (basic)')
  if not (root / PICTURES).is_dir():
    raise FileNotFoundError(
      f'{root / PICTURES}: no such folder; the aligned pictures of RAF-DB '
      '(train_00001_aligned.jpg, ...) are expected here.'
    )
  return face_listing.Listing(
    root=root,
    outputs={'expression': expression_lib.BASIC_7},
    splits={s: functools.partial(_stream, root, s) for s in SPLITS},
    sources={
      table.name: sources.sha256(table),
      'pictures': sources.fingerprint(names=sorted(_pictures(root))),
    },
  )


def _stream(
  root: pathlib.Path, split: str
) -> Iterator[face_listing.Sample | face_listing.LeftOut]:
  """Streams the samples of one split, in the order of the list."""
  table = root / TABLE
  problems = sources.Problems(table)
  pictures = _pictures(root)
  seen: dict[str, tuple[int, str]] = {}
  for line, text in _lines(table):
    cells = text.split()
    problem = _problem(cells)
    if problem:
      problems.add(f'{table}:{line}: {problem}')
      continue
    name, code = cells
    if name in seen:
      first, other = seen[name]
      if other != code:
        problems.add(
          f'{table}:{line}: {name!r} is already in line {first}, as {other}.'
        )
      elif _split(name) == split:
        yield face_listing.LeftOut('repeated rows')
      continue
    seen[name] = (line, code)
    if _split(name) != split:
      continue
    picture = pathlib.PurePosixPath(name).stem + SUFFIX
    if picture not in pictures:
      yield face_listing.LeftOut('labels without a picture')
      continue
    yield face_listing.Sample(
      id=name,
      picture=(PICTURES / picture).as_posix(),
      subject='',
      labels={'expression': EXPRESSIONS[code]},
    )
  problems.check()
  if not seen:
    raise UserError(f'{table}: the list is empty.')
  named = {pathlib.PurePosixPath(name).stem + SUFFIX for name in seen}
  rest = [p for p in pictures - named if _split(p) == split]
  if rest:
    yield face_listing.LeftOut('pictures without any label', '', len(rest))


def _split(name: str) -> str:
  # A picture named neither train_ nor test_ must be counted once, too.
  return 'test' if name.startswith('test_') else 'train'


def _pictures(root: pathlib.Path) -> set[str]:
  return {n for n in os.listdir(root / PICTURES) if not n.startswith('.')}


def _lines(table: pathlib.Path) -> Iterator[tuple[int, str]]:
  """Yields (line number, text) of the lines that are not blank."""
  with open(table, 'rb') as f:
    for number, raw in enumerate(f, 1):
      try:
        line = raw.decode('utf-8-sig' if number == 1 else 'utf-8')
      except UnicodeDecodeError as e:
        raise UserError(f'{table}:{number}: not UTF-8 text: {e}.') from e
      if line.strip():
        yield number, line


def _problem(cells: list[str]) -> str | None:
  if len(cells) != 2:
    return f'{" ".join(cells)!r} is not `<name> <code>`.'
  if not cells[0].startswith(('train_', 'test_')):
    return f'{cells[0]!r} begins with neither train_ nor test_.'
  if cells[1] not in EXPRESSIONS:
    names = ', '.join(f'{i} {n}' for i, n in EXPRESSIONS.items())
    return f'expression {cells[1]!r} is not one of {names}.'
  return None


class RafDb(faces.FaceCorpus):
  """Pictures of RAF-DB; see `listing` for the options."""

  LISTING = listing
