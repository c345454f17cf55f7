"""FER2013: 35,887 grey 48x48 faces from the web with 7 expressions; FER+.

Get fer2013.csv (`emotion,pixels,Usage`) from
https://www.kaggle.com/c/challenges-in-representation-learning-facial-expression-recognition-challenge
and, for the votes of ten people per picture, fer2013new.csv from
https://github.com/microsoft/FERPlus. Research use; not redistributed here.

Two other forms are about: icml_face_data.csv (`emotion, Usage, pixels`), and
folders of pictures, train/angry/Training_3908.jpg and
test/happy/PublicTest_1234.jpg: JPEGs, whose pixels differ a little. In folders
a picture's part is told by its name, else by its folder.
"""

import dataclasses
import pathlib
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from affect_jax import user_path
from affect_jax.corpora import fer2013_folder
from affect_jax.corpora import fer_plus as fer_plus_lib
from affect_jax.corpora.builders import prepare
from affect_jax.corpora.builders import records
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError

# `emotion` 0-6, in the order of the file.
EXPRESSIONS = (
  'anger',
  'disgust',
  'fear',
  'happiness',
  'sadness',
  'surprise',
  'neutral',
)
SPLITS = {'Training': 'train', 'PublicTest': 'val', 'PrivateTest': 'test'}
SIZE = 48
HEADER = ['emotion', 'pixels', 'Usage']
# Looking up 83 million pixels is faster than parsing them, and stricter.
_PIXEL = {str(i): i for i in range(256)}
DUPLICATE = 'pixel-identical to a picture of train'

_CITATION = """\
@inproceedings{goodfellow2013challenges,
  title={Challenges in Representation Learning: A report on three machine
         learning contests},
  author={Goodfellow, Ian J and others},
  booktitle={ICONIP}, year={2013}}
"""


@dataclasses.dataclass(frozen=True)
class Table:
  """fer2013.csv, or a folder, in memory (83 MB).

  Attributes:
    ids: [N] names of the pictures.
    pixels: uint8 [N, 2304].
    emotion: int [N], 0-6.
    usage: [N] of 'Training', 'PublicTest', 'PrivateTest'.
  """

  ids: list[str]
  pixels: np.ndarray
  emotion: np.ndarray
  usage: np.ndarray


class Fer2013(tfds.core.GeneratorBasedBuilder):
  """FER2013 with its single labels, or with the soft labels of FER+."""

  VERSION = tfds.core.Version('1.0.0')
  # Nothing is downloaded: tfds need not look for checksums.
  url_infos = None

  def __init__(
    self,
    *,
    data_dir: str | pathlib.Path,
    path: str | pathlib.Path,
    fer_plus: str | pathlib.Path | None = None,
    fer_plus_rule: str = 'published',
    exclude_duplicates: bool = False,
  ):
    """Finds the corpus in `data_dir`, or gets ready to prepare it.

    The splits are train (Training, 28,709 rows), val (PublicTest, 3,589) and
    test (PrivateTest, 3,589; absent if the file has no such rows). The id of
    a picture is '<Usage>_<row>', rows counted from 0 below the header, as in
    FER+.

    Args:
      data_dir: Where prepared corpora live.
      path: fer2013.csv or icml_face_data.csv, or the folder of train and test.
        In a folder the id of a picture is its path.
      fer_plus: fer2013new.csv, whose votes then replace `emotion`.
      fer_plus_rule: How votes become a distribution: 'published' or
        'votes', see `fer_plus.distribution`.
      exclude_duplicates: Leave out the val and test pictures that are
        pixel-identical to a train picture (280 of val). False keeps the
        official splits.

    Raises:
      FileNotFoundError: a file is missing.
      UserError: `fer_plus_rule` is unknown, or FER+ is wanted for a folder.
    """
    if fer_plus_rule not in fer_plus_lib.RULES:
      raise UserError(
        f'fer_plus_rule is {fer_plus_rule!r}; known: '
        f'{", ".join(fer_plus_lib.RULES)}.'
      )
    self._path = user_path.expand(path)
    is_folder = self._path.is_dir()
    if not is_folder:
      sources.existing(path, 'the fer2013.csv of Kaggle')
    elif fer_plus:
      raise UserError(
        f'{self._path} is a folder: FER+ names pictures by their rows in '
        'fer2013.csv, so config.data.path must be that file.'
      )
    self._fer_plus = None
    if fer_plus:
      self._fer_plus = sources.existing(fer_plus, 'the fer2013new.csv of FER+')
    self._rule = fer_plus_rule
    self._exclude_duplicates = exclude_duplicates
    if is_folder:
      self._sources = {'pictures': fer2013_folder.fingerprint(self._path)}
    else:
      self._sources = {'fer2013.csv': sources.sha256(self._path)}
    if self._fer_plus:
      self._sources['fer2013new.csv'] = sources.sha256(self._fer_plus)
      self._sources['fer_plus_rule'] = fer_plus_rule
    self._sources['exclude_duplicates'] = str(exclude_duplicates)
    name = sources.fingerprint(version=str(self.VERSION), **self._sources)
    super().__init__(
      data_dir=data_dir,
      config=tfds.core.BuilderConfig(name=name, version=self.VERSION),
    )

  def _info(self) -> tfds.core.DatasetInfo:
    names = fer_plus_lib.EXPRESSIONS if self._fer_plus else EXPRESSIONS
    return records.info(
      self,
      {'expression': names},
      {
        'image': tfds.features.Image(
          shape=(SIZE, SIZE, 1), encoding_format='png'
        )
      },
      sources=self._sources,
      description=__doc__,
      homepage='https://www.kaggle.com/c/challenges-in-representation-'
      'learning-facial-expression-recognition-challenge',
      citation=_CITATION,
    )

  def download_and_prepare(self, **kwargs: Any) -> None:
    """Writes the corpus, unless it exists already."""
    prepare.once(self, super().download_and_prepare, **kwargs)

  def _split_generators(self, dl_manager):
    del dl_manager
    read_table = read_folder if self._path.is_dir() else read
    table = read_table(self._path)
    skipped: dict[str, int] = {}
    if self._fer_plus:
      labels, reasons = fer_plus_lib.read(
        self._fer_plus, self._rule, table.usage
      )
      names = [EXPRESSIONS[k] for k in table.emotion]
      fer_plus_lib.check_order(labels, names, self._fer_plus)
    else:
      labels = np.eye(len(EXPRESSIONS), dtype=np.float32)[table.emotion]
      reasons = np.full(len(labels), '', object)
    if self._exclude_duplicates:
      reasons = np.where(
        (reasons == '') & duplicates(table), DUPLICATE, reasons
      )
    for reason in reasons[reasons != '']:
      skipped[reason] = skipped.get(reason, 0) + 1
    records.metadata(self)['skipped'] = skipped
    rows = {
      split: np.flatnonzero((table.usage == usage) & (reasons == ''))
      for usage, split in SPLITS.items()
    }
    if not len(rows['train']):
      raise UserError(f'{self._path}: no usable row with Usage Training.')
    return {
      split: self._generate_examples(table, labels, chosen)
      for split, chosen in rows.items()
      if len(chosen)
    }

  def _generate_examples(self, table, labels, rows):
    for row in rows:
      key = table.ids[row]
      yield (
        key,
        {
          'id': key,
          'subject': '',
          'image': table.pixels[row].reshape(SIZE, SIZE, 1),
          'expression': labels[row],
          'expression_weights': np.float32(1),
        },
      )


def read(path: pathlib.Path) -> Table:
  """Reads and checks a whole fer2013.csv; columns may have any order.

  Raises:
    UserError: rows are malformed; the message lists up to 20, by line.
  """
  rows = sources.read_rows(path)
  problems = sources.Problems(path)
  _, header = next(rows)
  names = [name.strip().lower() for name in header]
  if sorted(names) != sorted(map(str.lower, HEADER)):
    raise UserError(f'{path}:1: the header is {header}, not {HEADER}.')
  places = [names.index(name.lower()) for name in HEADER]
  pixels, emotion, usage = [], [], []
  for line, row in rows:
    whole = len(row) == len(HEADER)
    cells = [row[i].strip() for i in places] if whole else row
    problem = _problem(cells)
    if problem:
      problems.add(f'{path}:{line}: {problem}')
      continue
    try:
      pixels.append(_pixels(cells[1]))
    except ValueError as e:
      problems.add(f'{path}:{line}: {e}')
      continue
    emotion.append(int(cells[0]))
    usage.append(cells[2])
  problems.check()
  if not pixels:
    raise UserError(f'{path}: no rows below the header.')
  ids = [f'{name}_{row:05d}' for row, name in enumerate(usage)]
  return Table(
    ids, np.stack(pixels), np.array(emotion), np.array(usage, object)
  )


def read_folder(root: pathlib.Path) -> Table:
  """Reads a folder of pictures, see `fer2013_folder`."""
  ids, pixels, names, usage = fer2013_folder.read(root, SIZE)
  return Table(
    ids,
    np.stack(pixels),
    np.array([EXPRESSIONS.index(name) for name in names]),
    np.array(usage, object),
  )


def duplicates(table: Table) -> np.ndarray:
  """Marks pictures outside Training that equal a Training picture: bool [N]."""
  content = np.array([row.tobytes() for row in table.pixels], object)
  train = table.usage == 'Training'
  seen = set(content[train])
  return ~train & np.array([c in seen for c in content])


def _problem(cells: list[str]) -> str | None:
  if len(cells) != len(HEADER):
    return f'{len(cells)} cells, not {len(HEADER)} ({",".join(HEADER)}).'
  if cells[0] not in [str(i) for i in range(len(EXPRESSIONS))]:
    names = ', '.join(f'{i} {n}' for i, n in enumerate(EXPRESSIONS))
    return f'emotion {cells[0]!r} is not one of {names}.'
  if cells[2] not in SPLITS:
    return f'Usage {cells[2]!r} is not one of {", ".join(SPLITS)}.'
  return None


def _pixels(text: str) -> np.ndarray:
  """Parses '70 80 82 ...' into uint8 [2304]."""
  words = text.split()
  if len(words) != SIZE * SIZE:
    raise UserError(f'{len(words)} pixels, not {SIZE}x{SIZE} = {SIZE**2}.')
  try:
    return np.frombuffer(bytes(map(_PIXEL.__getitem__, words)), np.uint8)
  except KeyError as e:
    raise UserError(f'pixel {e} is not a number from 0 to 255.') from None
