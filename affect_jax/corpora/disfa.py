"""DISFA: 27 people watching videos; 12 action units, 0 to 5, in every frame.

The University of Denver grants access, for research, on request:
http://mohammadmahoor.com/disfa/. `path` is the folder that holds

  ActionUnit_Labels/SN001/SN001_au1.txt    lines `frame,intensity`
  Videos_LeftCamera/LeftVideoSN001_comp.avi
  frames/SN001/00001.jpg                   made from the videos; see FFMPEG

Labels count frames from 1, and so does ffmpeg: frames/SN001/00001.jpg is the
first. JAA-Net and ME-GraphAU number their pictures from 0: `first_frame=0`.
A unit is present where its intensity is 2 or more (`threshold`).

Usual protocol: 8 of the units (`action_units=8`), 3 folds of 9 people, each
tested once by a model that was trained on the other 18; the score is the mean
F1 over units, averaged over folds. The folds are those of ME-GraphAU
(tool/DISFA_image_label_process.py of CVI-SZU/ME-GraphAU): `fold` 0, 1, 2 is
its 1, 2, 3. Published reference: 63.1 (ResNet-50) and 62.4 (Swin-B), by
ME-GraphAU (arXiv:2205.01782), on crops of the faces. The videos show more than
the face: to compare, put crops into the folder of frames, under the same names.
"""

from collections.abc import Iterator, Mapping, Sequence
import functools
import os
import pathlib
import re

from affect_jax import by_name
from affect_jax import user_path
from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import faces
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError
from affect_jax.tasks import action_units as units_lib
from affect_jax.tasks import base

# The people who are tested in folds 1, 2, 3 of ME-GraphAU.
FOLDS = (
  (3, 29, 23, 25, 8, 5, 7, 17, 4),
  (13, 18, 11, 28, 12, 6, 31, 21, 24),
  (2, 10, 1, 26, 27, 32, 30, 9, 16),
)
ACTION_UNITS = {12: units_lib.DISFA_12, 8: units_lib.DISFA_8}
MAX_INTENSITY = 5
LABELS = 'ActionUnit_Labels'
FFMPEG = (
  'for v in Videos_LeftCamera/LeftVideoSN*_comp.avi; do s=${v#*LeftVideo}; '
  's=${s%_comp.avi}; mkdir -p frames/$s; ffmpeg -i $v -fps_mode passthrough '
  '-q:v 2 frames/$s/%05d.jpg; done'
)
_FRAME = re.compile(r'0*(\d+)\.(jpe?g|png|bmp)', re.IGNORECASE)


def listing(
  path: str | pathlib.Path,
  *,
  fold: int = 0,
  threshold: int = 2,
  action_units: int | Sequence[str] = 12,
  images: str | pathlib.Path = 'frames',
  first_frame: int = 1,
) -> face_listing.Listing:
  """Lists DISFA as train (two folds) and val (the third), split by people.

  The id of a frame is 'SN001/00001', numbered as in the labels. A frame that is
  not in a unit's file has no label for this unit. Labels without a picture,
  pictures without a label and people without labels are left out and counted,
  by person.

  Args:
    path: The folder that holds `ActionUnit_Labels`.
    fold: 0, 1 or 2: the fold that becomes val.
    threshold: Smallest intensity that counts as present: 1 to 5.
    action_units: 12, 8, or names among the 12.
    images: Folder of pictures, relative to `path` or absolute: one folder
      per person, in it <frame>.jpg, .png or .bmp with any leading zeros.
    first_frame: Number of the picture of the first frame: 1 or 0.

  Raises:
    FileNotFoundError: labels or pictures are missing; the message says how to
      make pictures from the videos.
    UserError: an option is out of range; when a split is streamed: up to 20
      bad rows, by file and line.
  """
  by_name.check('fold', str(fold), ('0', '1', '2'))
  by_name.check('threshold', str(threshold), ('1', '2', '3', '4', '5'))
  by_name.check('first_frame', str(first_frame), ('0', '1'))
  units = _units(action_units)
  root = user_path.expand(path)
  if not (root / LABELS).is_dir():
    raise FileNotFoundError(
      f'{root / LABELS}: no such folder; the labels of DISFA are expected here.'
    )
  images = user_path.expand(images, root)
  if not images.is_dir():
    raise FileNotFoundError(
      f'{images}: no such folder. DISFA comes as videos; to make the pictures, '
      f'run in {root}:\n  {FFMPEG}'
    )
  subjects = _subjects(root)
  labels = {
    file.name: sources.sha256(file)
    for subject in subjects
    for file in _files(root, subject, units).values()
  }
  splits = {
    'train': [s for i, f in enumerate(FOLDS) for s in f if i != fold],
    'val': list(FOLDS[fold]),
  }
  return face_listing.Listing(
    root=images,
    outputs={'action_units': units},
    splits={
      split: functools.partial(
        _stream,
        [_name(n) for n in sorted(numbers)],
        subjects,
        root,
        images,
        units,
        threshold,
        first_frame,
      )
      for split, numbers in splits.items()
    },
    sources={
      LABELS: sources.fingerprint(**labels),
      'pictures': sources.fingerprint(
        **{s: sorted(_names(images / s)) for s in subjects}
      ),
      'fold': str(fold),
      'threshold': str(threshold),
      'action_units': ', '.join(units),
      'first_frame': str(first_frame),
    },
  )


def _stream(
  subjects: Sequence[str],
  labelled: Sequence[str],
  root: pathlib.Path,
  images: pathlib.Path,
  units: Sequence[str],
  threshold: int,
  first_frame: int,
) -> Iterator[face_listing.Sample | face_listing.LeftOut]:
  """Streams the samples of some people; memory holds one person at a time."""
  problems = sources.Problems(root / LABELS)
  for subject in subjects:
    if subject not in labelled:
      yield face_listing.LeftOut('people without labels', subject)
      continue
    labels = _labels(_files(root, subject, units), threshold, problems)
    pictures, others = _pictures(images / subject, problems)
    if first_frame and 0 in pictures:
      problems.add(
        f'{images / subject / pictures[0]}: the pictures are numbered from 0: '
        'set first_frame=0. With 1, each would get the labels of the frame '
        'before.'
      )
    missing = 0
    for frame, frame_labels in sorted(labels.items()):
      picture = pictures.pop(frame - 1 + first_frame, None)
      if picture is None:
        missing += 1
        continue
      yield face_listing.Sample(
        id=f'{subject}/{frame:05d}',
        picture=f'{subject}/{picture}',
        subject=subject,
        labels=frame_labels,
      )
    for reason, count in (
      ('labels without a picture', missing),
      ('pictures without any label', len(pictures)),
      ('files that are not <frame>.jpg, .png or .bmp', others),
    ):
      if count:
        yield face_listing.LeftOut(reason, subject, count)
  problems.check()


def _labels(
  files: Mapping[str, pathlib.Path],
  threshold: int,
  problems: sources.Problems,
) -> dict[int, dict[str, float]]:
  """Reads {frame: {unit: 0 or 1}} of one person."""
  by_frame: dict[int, dict[str, float]] = {}
  for unit, path in files.items():
    for line, cells in sources.read_rows(path):
      if not ''.join(cells).strip():
        continue
      try:
        frame, intensity = _row(cells)
      except ValueError as e:
        problems.add(f'{path}:{line}: {e}')
        continue
      labels = by_frame.setdefault(frame, {})
      if unit in labels:
        problems.add(f'{path}:{line}: frame {frame} appears twice.')
      labels[unit] = float(intensity >= threshold)
  return by_frame


def _row(cells: Sequence[str]) -> tuple[int, int]:
  """Parses a row: frame, from 1, and intensity, 0 to 5."""
  text = ','.join(cells)
  if len(cells) != 2:
    raise UserError(f'{text!r} is not `frame,intensity`.')
  frame, intensity = (cell.strip() for cell in cells)
  if not (frame.isascii() and frame.isdigit() and int(frame) > 0):
    raise UserError(f'frame {frame!r} is not a whole number >= 1.')
  if intensity not in map(str, range(MAX_INTENSITY + 1)):
    raise UserError(f'intensity {intensity!r} is not one of 0, 1, 2, 3, 4, 5.')
  return int(frame), int(intensity)


def _pictures(
  folder: pathlib.Path, problems: sources.Problems
) -> tuple[dict[int, str], int]:
  """Returns {number: file name}, and how many other files there are."""
  names: dict[int, str] = {}
  others = 0
  for name in sorted(_names(folder)):
    match = _FRAME.fullmatch(name)
    if match is None:
      others += 1
      continue
    number = int(match[1])
    if number in names:
      problems.add(
        f'{folder / name}: {names[number]} has the same number {number}.'
      )
    names[number] = name
  return names, others


def _names(folder: pathlib.Path) -> list[str]:
  """Lists the file names in a folder; [] if there is no such folder."""
  if not folder.is_dir():
    return []
  return [n for n in os.listdir(folder) if not n.startswith('.')]


def _subjects(root: pathlib.Path) -> list[str]:
  """Lists the names of the people who have labels."""
  known = {_name(n) for fold in FOLDS for n in fold}
  subjects = sorted(n for n in os.listdir(root / LABELS) if n.startswith('SN'))
  if unknown := sorted(set(subjects) - known):
    raise UserError(
      f'{root / LABELS}: {", ".join(unknown)} is not in DISFA; known: '
      f'{", ".join(sorted(known))}.'
    )
  if not subjects:
    raise FileNotFoundError(
      f'{root / LABELS}: no folder of a person (SN001, ...) in it.'
    )
  return subjects


def _files(
  root: pathlib.Path, subject: str, units: Sequence[str]
) -> dict[str, pathlib.Path]:
  """Finds {unit: its file of labels} of one person."""
  folder = root / LABELS / subject
  return {
    unit: sources.existing(
      folder / f'{subject}_{unit.lower()}.txt', f'the labels of {unit}'
    )
    for unit in units
  }


def _units(option: int | Sequence[str]) -> tuple[str, ...]:
  if isinstance(option, int):
    by_name.check('number of action units', str(option), ('12', '8'))
    return ACTION_UNITS[option]
  units = base.check_outputs('action_units', option)
  for unit in units:
    by_name.check('action unit of DISFA', unit, ACTION_UNITS[12])
  return units


def _name(number: int) -> str:
  return f'SN{number:03d}'


class Disfa(faces.FaceCorpus):
  """Pictures of DISFA; see `listing` for the options."""

  LISTING = listing
