"""EmotioNet: faces from the web with the presence of action units.

The Ohio State University grants access, for research, on request:
https://cbcsl.ece.ohio-state.edu/dbform_emotionet.html. `path` is the folder
that holds the pictures and one of these tables, saved as CSV:

  EmotioNet_FACS_aws_2020_24600.csv       URL, URL orig, 'AU 1', ... 'AU 60'
  annotations/{train,valid,test}.csv      name, AU1, AU2, ..., age, gender, race
  images/N_0000000001_00001.jpg           in folders or not

The first is the table of 24,600 faces (999: not labelled), the second the
partition of Kollias' group (-1: unknown), available on request from
d.kollias@qmul.ac.uk: https://github.com/dkollias/Fair-Consistent-Affect-Analysis.
The first column names the picture: the part after the last / is looked for
among the pictures. Action units are found by the names of their columns, 'AU1',
'AU 1', 'AU01' or "'AU 1'"; of the other columns only `split` (train, val or
test) is read. Papers commonly keep AU 1, 2, 4, 5, 6, 9, 12, 17, 20, 25, 26 and
43 of the first table (`action_units`).

A table without a split is split by a hash of the pictures' names; people are
unknown and may be on both sides. There is no reference score, because no common
protocol for the 24,600 was found.
"""

from collections.abc import Iterator, Mapping, Sequence
import dataclasses
import functools
import hashlib
import os
import pathlib
import re
import urllib.parse

from affect_jax import by_name
from affect_jax import user_path
from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import faces
from affect_jax.corpora.files import sources
from affect_jax.corpora.files import split_names
from affect_jax.errors import UserError
from affect_jax.tasks import action_units as units_lib
from affect_jax.tasks import base

VALUES = {'0': 0.0, '1': 1.0, '-1': None, '999': None, '': None, 'nan': None}


@dataclasses.dataclass(frozen=True)
class Table:
  """One CSV.

  Attributes:
    path: The file.
    split: The split of all rows, if the file holds one split.
    split_column: Index of the column `split`, if there is one.
    columns: {unit: index of its column}, ordered by the unit's number.
    width: Number of columns.
  """

  path: pathlib.Path
  split: str | None
  split_column: int | None
  columns: Mapping[str, int]
  width: int


def listing(
  path: str | pathlib.Path,
  *,
  table: str | None = None,
  images: str | pathlib.Path = 'images',
  action_units: Sequence[str] | None = None,
  val_share: float = 0.1,
) -> face_listing.Listing:
  """Lists EmotioNet in its table's splits, or as train and val by a hash.

  The id of a picture is its path below `images`. Rows without any label,
  labels without a picture, pictures without a label and repeated rows are left
  out and counted.

  Args:
    path: The folder that holds table and pictures.
    table: Path of the CSV below `path`; None: annotations/*.csv, or else the
      only CSV.
    images: Folder of the pictures, below `path` or absolute.
    action_units: Names of units in the table; None: all.
    val_share: Share of the pictures that becomes val, in [0, 1), if the table
      has no split.

  Raises:
    FileNotFoundError: pictures or table are missing.
    UserError: a header or option is wrong; when streamed: up to 20 bad rows.
  """
  base.check_range('val_share', val_share, 0, 1, open_end=True)
  root = user_path.expand(path)
  images = user_path.expand(images, root)
  if not images.is_dir():
    raise FileNotFoundError(f'{images}: no such folder of pictures.')
  tables = [_header(file, split) for file, split in _files(root, table)]
  if action_units is None:
    action_units = tuple(tables[0].columns)
  units = base.check_outputs('action_units', action_units)
  for each in tables:
    for unit in units:
      by_name.check(f'column in {each.path}', unit, tuple(each.columns))
  splits = {s for t in tables for s in _splits(t, val_share)}
  return face_listing.Listing(
    root=images,
    outputs={'action_units': units},
    splits={
      split: functools.partial(_stream, tables, images, units, val_share, split)
      for split in ('train', 'val', 'test')
      if split in splits
    },
    sources={
      **{t.path.name: sources.sha256(t.path) for t in tables},
      'pictures': sources.fingerprint(names=_pictures(images)),
      'action_units': ', '.join(units),
      'val_share': str(val_share),
    },
  )


def _stream(
  tables: Sequence[Table],
  images: pathlib.Path,
  units: Sequence[str],
  val_share: float,
  split: str,
) -> Iterator[face_listing.Sample | face_listing.LeftOut]:
  """Streams the samples of a split; checks every row of every table."""
  pictures: dict[str, list[str]] = {}
  for picture in _pictures(images):
    pictures.setdefault(picture.rpartition('/')[2], []).append(picture)
  seen: dict[str, tuple[str, str, int]] = {}
  for table in tables:
    problems = sources.Problems(table.path)
    for line, cells in _rows(table):
      where = f'{table.path}:{line}'
      try:
        name = _picture_of(cells[0], pictures)
        labels = _labels(cells, table, units)
        row_split = _split(table, cells, name, val_share)
      except ValueError as e:
        problems.add(f'{where}: {e}')
        continue
      # A hash, as a row may have 60 labels.
      row = (row_split, hash(tuple(labels.items())))
      first, *other = seen.setdefault(name, (where, *row))
      if first != where:
        if other != [*row]:
          problems.add(
            f'{where}: {name!r} is already in {first}, with another split or '
            'other labels.'
          )
        elif row_split == split:
          yield face_listing.LeftOut('repeated rows')
      elif row_split != split:
        continue
      elif not labels:
        yield face_listing.LeftOut('rows without any label')
      elif name not in pictures.get(name.rpartition('/')[2], ()):
        yield face_listing.LeftOut('labels without a picture')
      else:
        yield face_listing.Sample(name, name, '', labels)
    problems.check()
  rest = sum(p not in seen for same in pictures.values() for p in same)
  if rest and split == 'train':  # They have no split; train counts them.
    yield face_listing.LeftOut('pictures without any label', '', rest)


def _files(
  root: pathlib.Path, table: str | None
) -> list[tuple[pathlib.Path, str | None]]:
  """Lists the tables, each with the split that it holds (None: several)."""
  if table is not None:
    if table.lower().endswith(('.xls', '.xlsx')):
      raise UserError(f'{root / table}: save this table as CSV, in UTF-8.')
    return [(sources.existing(root / table, 'a table of EmotioNet'), None)]
  tables = sorted((root / 'annotations').glob('*.csv'))
  if tables:
    return [(file, _known(file.stem, f'{file}: the name')) for file in tables]
  tables = sorted(root.glob('*.csv'))
  if len(tables) == 1:
    return [(tables[0], None)]
  if tables:
    names = ', '.join(f.name for f in tables)
    raise UserError(f'{root} has several CSVs; set `table` to one: {names}.')
  if excel := sorted(root.glob('*.xls*')):
    raise UserError(f'{excel[0]}: save this table as CSV, in UTF-8.')
  raise FileNotFoundError(
    f'{root}: neither a CSV of EmotioNet nor annotations/train.csv in it.'
  )


def _header(path: pathlib.Path, split: str | None) -> Table:
  _, cells = next(sources.read_rows(path))
  columns: dict[str, int] = {}
  names = [cell.strip(' \'"\t') for cell in cells]
  for i, name in enumerate(names):
    if not re.match(r'au[ _-]?\d', name, re.IGNORECASE):
      continue
    try:
      unit = units_lib.canonical_name(name)
    except ValueError as e:
      raise UserError(f'{path}:1: {e}') from None
    if unit in columns or i == 0:
      problem = 'appears twice' if i else 'is first, where the picture belongs'
      raise UserError(f'{path}:1: column {name!r} {problem}.')
    columns[unit] = i
  if not columns:
    raise UserError(
      f'{path}:1: none of the columns {names} is an action unit (AU1, AU 1, '
      'AU01).'
    )
  return Table(
    path=path,
    split=split,
    split_column=names.index('split') if 'split' in names else None,
    columns=dict(sorted(columns.items(), key=lambda c: int(c[0][2:]))),
    width=len(cells),
  )


def _rows(table: Table) -> Iterator[tuple[int, list[str]]]:
  """Yields (line, cells) of the rows that are not blank."""
  rows = sources.read_rows(table.path)
  next(rows)
  for line, cells in rows:
    if len(cells) != table.width:
      raise UserError(
        f'{table.path}:{line}: {len(cells)} cells, not {table.width}.'
      )
    cells = [cell.strip(' \'"\t') for cell in cells]
    if any(cells):
      yield line, cells


def _labels(
  cells: Sequence[str], table: Table, units: Sequence[str]
) -> dict[str, float]:
  """Reads {unit: 0 or 1} of the units that are labelled."""
  labels = {}
  for unit in units:
    cell = cells[table.columns[unit]].lower().removesuffix('.0')
    if cell not in VALUES:
      raise UserError(
        f'{unit} is {cell!r}; allowed: 0, 1, or -1, 999, empty (not labelled).'
      )
    if VALUES[cell] is not None:
      labels[unit] = VALUES[cell]
  return labels


def _picture_of(cell: str, pictures: Mapping[str, Sequence[str]]) -> str:
  """Returns the path of a row's picture; if there is none, just its name."""
  parsed = urllib.parse.urlsplit(cell)
  path = parsed.path if parsed.scheme in ('http', 'https') else cell
  name = path.rpartition('/')[2]
  if not name:
    raise UserError(f'{cell!r} does not name a picture.')
  if name not in pictures and urllib.parse.unquote(name) in pictures:
    name = urllib.parse.unquote(name)
  same = pictures.get(name, ())
  if path in same:
    return path
  if len(same) > 1:
    raise UserError(f'{cell!r} could be any of {", ".join(same)}.')
  return same[0] if same else name


def _split(
  table: Table, cells: Sequence[str], name: str, val_share: float
) -> str:
  if table.split is not None:
    return table.split
  if table.split_column is not None:
    return _known(cells[table.split_column], 'split')
  # Only the file's name is hashed: pictures may be moved into folders later.
  digest = hashlib.sha256(name.rpartition('/')[2].encode()).digest()
  share = int.from_bytes(digest[:4]) / 2**32
  return 'val' if share < val_share else 'train'


def _splits(table: Table, val_share: float) -> set[str]:
  """Returns the splits that a table has."""
  if table.split is not None:
    return {table.split}
  if table.split_column is None:
    return {'train', 'val'} if val_share else {'train'}
  names = {cells[table.split_column] for _, cells in _rows(table)}
  return {_known(name, f'{table.path}: split') for name in sorted(names)}


def _known(name: str, what: str) -> str:
  """Returns the split that a name means."""
  split = split_names.canonical(name)
  if not split:
    raise UserError(split_names.unknown(what, name))
  return split


def _pictures(images: pathlib.Path) -> list[str]:
  """Lists the paths of all files below a folder."""
  return sorted(
    pathlib.Path(folder, name).relative_to(images).as_posix()
    for folder, _, names in os.walk(images)
    for name in names
    if not name.startswith('.')
  )


class Emotionet(faces.FaceCorpus):
  """Pictures of EmotioNet; see `listing` for the options."""

  LISTING = listing
