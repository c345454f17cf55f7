"""AffectNet: faces from the web with 8 expressions, valence and arousal.

Mohammad Mahoor's laboratory at the University of Denver grants access, for
research, on request: http://mohammadmahoor.com/affectnet/. `path` is the
folder of either release:

  original   Manually_Annotated_file_lists/{training,validation}.csv
             Manually_Annotated_Images/689/737d....jpg
             or Manually_Annotated/Manually_Annotated_Images/...
  2021       {train_set,val_set}/images/<id>.jpg
             {train_set,val_set}/annotations/<id>_{exp,val,aro,lnd}.npy

Codes of expressions, in both: 0 neutral, 1 happy, 2 sad, 3 surprise, 4 fear,
5 disgust, 6 anger, 7 contempt; in the original also 8 none, 9 uncertain and
10 no face, which are not expression labels. -2 means no valence or no arousal.

Pictures are used as they are. Those of 2021 are said to be crops of faces of
224 x 224 pixels: 287,651 of train and 4,000 of val (283,901 and 3,500 without
contempt). Those of the original have any size and format, and the list gives
the box of the face (face_x, ..., face_height). Whether they are cropped already
could not be checked here: look at some before you train on them.

Labels of the test set are not public: published numbers are accuracies on
val, with 8 classes or, without contempt, 7. Reference, for 8 and 7: 62.09 and
65.69 % (DAN, arXiv:2109.07270), 63.13 and 66.51 % (HSEmotion, enet_b2_8_best).
"""

from collections.abc import Iterator, Mapping
import functools
import os
import pathlib

import numpy as np

from affect_jax import by_name
from affect_jax import user_path
from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import faces
from affect_jax.corpora.files import cells as cells_lib
from affect_jax.corpora.files import numpy_file
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError
from affect_jax.tasks import expression as expression_lib

# By code; the last three are not expression labels.
CODES = (
  *('neutral', 'happiness', 'sadness', 'surprise', 'fear', 'disgust'),
  *('anger', 'contempt', 'none', 'uncertain', 'no face'),
)
NO_VALUE = -2
CLASSES = {8: expression_lib.AFFECTNET_8, 7: expression_lib.BASIC_7}
# The columns of a list without a header line.
PICTURE = 'subDirectory_filePath'
LABELS = ('expression', 'valence', 'arousal')
COLUMNS = (
  *(PICTURE, 'face_x', 'face_y', 'face_width', 'face_height'),
  *('facial_landmarks', *LABELS),
)
LISTS = 'Manually_Annotated_file_lists'
IMAGES = (
  'Manually_Annotated_Images',
  'Manually_Annotated/Manually_Annotated_Images',
)
# Train and val of each release, below its folder.
SPLIT_PATHS = {
  'original': (f'{LISTS}/training.csv', f'{LISTS}/validation.csv'),
  '2021': ('train_set', 'val_set'),
}
UNLABELLED = 'rows without any label'
NO_PICTURE = 'labels without a picture'
NO_LABEL = 'pictures without any label'

Stream = Iterator[face_listing.Sample | face_listing.LeftOut]


def listing(
  path: str | pathlib.Path, *, classes: int = 8
) -> face_listing.Listing:
  """Lists AffectNet as train and val, as far as they are present.

  Subjects are unknown. The id of a picture is its path in the list, or
  'train_set/<id>'. Rows without any label, labels without a picture, pictures
  without a label and repeated rows are left out and counted. If an array of the
  2021 release is missing, so is its label.

  The corpus is prepared anew when a list or the names of files change, but not
  when an array of the 2021 release changes under the same name.

  Args:
    path: The folder of a release.
    classes: 8, or 7: pictures of contempt then have no expression label, but
      keep valence and arousal.

  Raises:
    FileNotFoundError: both releases, or the pictures, are missing.
    UserError: an option is out of range, or both releases are present; when a
      split is streamed: up to 20 bad rows or arrays, by file and value.
  """
  by_name.check('number of classes', str(classes), ('8', '7'))
  root = user_path.expand(path)
  release = _release(root)
  splits = {
    split: root / name
    for split, name in zip(('train', 'val'), SPLIT_PATHS[release], strict=True)
    if (root / name).exists()
  }
  if release == 'original':
    images = _images(root)
    checksums = {table.name: sources.sha256(table) for table in splits.values()}
    checksums['pictures'] = sources.fingerprint(
      folders=[[n, sources.fingerprint(files=f)] for n, f in _folders(images)]
    )
    streams = {
      split: functools.partial(_from_list, root, images, classes, splits, split)
      for split in splits
    }
  else:
    checksums = {
      f'{f.name}/{part}': sources.fingerprint(files=sorted(_names(f / part)))
      for f in splits.values()
      for part in ('images', 'annotations')
    }
    streams = {
      split: functools.partial(_from_arrays, classes, folder)
      for split, folder in splits.items()
    }
  return face_listing.Listing(
    root=root,
    outputs={'expression': CLASSES[classes], 'valence_arousal': LABELS[1:]},
    splits=streams,
    sources={**checksums, 'release': release, 'classes': str(classes)},
  )


def _from_list(
  root: pathlib.Path,
  images: pathlib.Path,
  classes: int,
  splits: Mapping[str, pathlib.Path],
  split: str,
) -> Stream:
  """Streams the samples of a list of the original release."""
  table = splits[split]
  problems = sources.Problems(table)
  seen: dict[str, tuple[int, int]] = {}
  for line, cells in _rows(table):
    try:
      labels = {}
      for key in LABELS:
        labels |= _label(key, cells[key], classes)
      name = cells[PICTURE]
      if not name:
        raise UserError(f'{PICTURE} is empty.')
    except ValueError as e:
      problems.add(f'{table}:{line}: {e}')
      continue
    # A hash of the labels saves memory: there are half a million rows.
    row = hash(tuple(labels.items()))
    first, other = seen.setdefault(name, (line, row))
    if first != line:
      if other == row:
        yield face_listing.LeftOut('repeated rows')
      else:
        problems.add(
          f'{table}:{line}: {name!r} is already in line {first}, with other '
          'labels.'
        )
    elif not labels:
      yield face_listing.LeftOut(UNLABELLED)
    elif not (images / name).is_file():
      yield face_listing.LeftOut(NO_PICTURE)
    else:
      picture = (images / name).relative_to(root).as_posix()
      yield face_listing.Sample(name, picture, '', labels)
  problems.check()
  if not seen:
    raise UserError(f'{table}: the list has no rows.')
  if split != next(iter(splits)):
    return
  # Pictures that no list names belong to no split; the first counts them.
  named = set(seen)
  for path in splits.values():
    if path != table:
      named.update(cells[PICTURE] for _, cells in _rows(path))
  folders = _folders(images)
  rest = sum(f'{name}/{f}' not in named for name, fs in folders for f in fs)
  if rest:
    yield face_listing.LeftOut(NO_LABEL, '', rest)


def _from_arrays(classes: int, folder: pathlib.Path) -> Stream:
  """Streams train_set or val_set of the 2021 release, ordered by number."""
  arrays = folder / 'annotations'
  problems = sources.Problems(arrays)
  pictures = {pathlib.Path(n).stem: n for n in _names(folder / 'images')}
  ids = {
    name[: -len('_exp.npy')]
    for name in _names(arrays)
    if name.endswith(('_exp.npy', '_val.npy', '_aro.npy'))
  }
  for number in sorted(ids, key=lambda i: (len(i), i)):
    labels = {}
    for name in LABELS:
      path = arrays / f'{number}_{name[:3]}.npy'
      try:
        labels |= _label(name, _value(path), classes)
      except FileNotFoundError:
        continue
      except ValueError as e:
        problems.add(f'{path}: {e}')
    if not labels:
      yield face_listing.LeftOut(UNLABELLED)
    elif number not in pictures:
      yield face_listing.LeftOut(NO_PICTURE)
    else:
      picture = f'{folder.name}/images/{pictures[number]}'
      yield face_listing.Sample(f'{folder.name}/{number}', picture, '', labels)
  problems.check()
  if rest := len(pictures.keys() - ids):
    yield face_listing.LeftOut(NO_LABEL, '', rest)


def _rows(table: pathlib.Path) -> Iterator[tuple[int, dict[str, str]]]:
  """Yields (line, {column: cell}) of a list, with or without a header."""
  columns = COLUMNS
  for i, (line, cells) in enumerate(sources.read_rows(table)):
    cells = [cell.strip() for cell in cells]
    if i == 0 and cells[0] == PICTURE:
      columns = tuple(cells)
      if set(LABELS) - set(columns):
        raise UserError(
          f'{table}:1: the header is {columns}; it needs {LABELS}.'
        )
    elif len(cells) != len(columns):
      raise UserError(f'{table}:{line}: {len(cells)} cells, not {columns}.')
    else:
      yield line, dict(zip(columns, cells, strict=True))


def _label(key: str, text: str, classes: int) -> dict[str, str | float]:
  """Returns {key: label}, or {} if there is none."""
  try:
    value = cells_lib.to_number(text)
  except ValueError:
    raise UserError(f'{key} {text!r} is not a number.') from None
  if key == 'expression':
    if value not in range(len(CODES)):
      known = ', '.join(f'{i} {n}' for i, n in enumerate(CODES))
      raise UserError(f'expression {text!r} is unknown; known: {known}.')
    name = CODES[int(value)]
    return {key: name} if name in CLASSES[classes] else {}
  if value == NO_VALUE:
    return {}
  if not -1 <= value <= 1:
    raise UserError(f'{key} {text!r} is neither in [-1, 1] nor -2 (none).')
  return {key: value}


def _value(path: pathlib.Path) -> str:
  """Reads the one string or number that an array holds; never unpickles."""
  with numpy_file.opened(path, subject='') as found:
    array = np.asarray(found)
  if array.size != 1:
    raise UserError(f'the array has {array.size} values, not one.')
  value = array.item()
  return value.decode('latin-1') if isinstance(value, bytes) else str(value)


def _release(root: pathlib.Path) -> str:
  """Returns the name of the release that is in a folder."""
  releases = [
    name
    for name, paths in SPLIT_PATHS.items()
    if any((root / p).exists() for p in paths)
  ]
  if len(releases) == 1:
    return releases[0]
  if releases:
    raise UserError(
      f'{root} holds both releases; set `path` to the folder of one.'
    )
  raise FileNotFoundError(
    f'{root}: no AffectNet in this folder; it should hold {LISTS}/training.csv '
    '(the original) or train_set (the release of 2021).'
  )


def _images(root: pathlib.Path) -> pathlib.Path:
  for name in IMAGES:
    if (root / name).is_dir():
      return root / name
  raise FileNotFoundError(
    f'{root}: no folder of pictures; {" or ".join(IMAGES)} is expected.'
  )


def _folders(images: pathlib.Path) -> Iterator[tuple[str, list[str]]]:
  """Yields (name, file names) of the folders of pictures, one at a time."""
  for name in sorted(_names(images)):
    if (images / name).is_dir():
      yield name, sorted(_names(images / name))


def _names(folder: pathlib.Path) -> list[str]:
  if not folder.is_dir():
    raise FileNotFoundError(f'{folder}: no such folder of AffectNet.')
  return [n for n in os.listdir(folder) if not n.startswith('.')]


class Affectnet(faces.FaceCorpus):
  """Pictures of AffectNet; see `listing` for the options."""

  LISTING = listing
