"""The label files of Aff-Wild2: where every edition of it keeps them.

What their lines say is known to `aff_wild2_labels`.
"""

from collections.abc import Iterator, Sequence, Set
import dataclasses
import os
import pathlib
import re

from affect_jax.corpora import aff_wild2_labels
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError

# Folders and files as the editions and their mirrors spell them.
_CHALLENGES = {
  'valence_arousal': r'va([ _-]?estimation)?[ _-]?(challenge|set)',
  'expression': (
    r'expr(ession)?([ _-]?(classification|recognition))?[ _-]?(challenge|set)'
  ),
  'action_units': r'au([ _-]?detection)?[ _-]?(challenge|set)',
}
_SPLITS = {
  'train': r'train(ing)?([ _-]?set)?',
  'val': r'val(id(ation)?)?([ _-]?set)?',
}
_TEST_FOLDER = r'test(ing)?([ _-]?set)?'
_LIST_END = r'([ _-]?annotations?)?([ _-]?\d\d)?\.txt'
_MTL_FOLDER = r'(mtl|multi[ _-]?task([ _-]?learning)?)([ _-]?challenge)?'

EXPECTED = (
  'VA_Estimation_Challenge, EXPR_Classification_Challenge (or '
  'EXPR_Recognition_Challenge), AU_Detection_Challenge with Train_Set and '
  'Validation_Set (ABAW1: VA_Set, EXPR_Set, AU_Set with Training_Set and '
  'Validation_Set), or train_set.txt and validation_set.txt (or '
  'training_set_annotations.txt and validation_set_annotations.txt), also in '
  'MTL_Challenge or in a folder with "annotation" in its name'
)


@dataclasses.dataclass(frozen=True, slots=True)
class LabelFile:
  """A file of labels: of one video, or a list of pictures of many.

  Attributes:
    path: Where it is.
    split: 'train' or 'val'.
    video: Name of the video; '' for a list.
    columns: Of its lines; in a list, of what follows the picture.
  """

  path: pathlib.Path
  split: str
  video: str
  columns: aff_wild2_labels.Columns


def find(root: pathlib.Path, layout: str) -> list[LabelFile]:
  """The label files below a folder, all of one layout.

  Args:
    root: Folder of the corpus.
    layout: 'challenges', 'mtl', or 'auto': the one that is there.

  Raises:
    FileNotFoundError: there are none; says what was looked for.
    ValueError: both layouts, two files for the same, an unknown folder or
      header.
  """
  if not root.is_dir():
    raise FileNotFoundError(
      f'{root}: no such folder; the annotations of Aff-Wild2 are expected '
      f'here: {EXPECTED}.'
    )
  challenges = _challenge_files(root) if layout != 'mtl' else []
  lists = _lists(root) if layout != 'challenges' else []
  if challenges and lists:
    raise UserError(
      f'{root} has the labels of the challenges ({challenges[0].path.parent}) '
      f"and the MTL lists ({lists[0].path}): choose layout='challenges' or "
      "layout='mtl'."
    )
  if not challenges and not lists:
    raise FileNotFoundError(
      f'{root}: no annotations of Aff-Wild2 (layout={layout!r}). Looked for '
      f'{EXPECTED}. Found: {_some(_names(root))}.'
    )
  return challenges or lists


def outputs(files: Sequence[LabelFile]) -> dict[str, tuple[str, ...]]:
  """{task: names of its outputs} of all files.

  Raises:
    ValueError: files of different editions; names two of them.
  """
  first: dict[str, tuple[tuple[str, ...], pathlib.Path]] = {}
  for file in files:
    for task, names in file.columns.outputs().items():
      known, path = first.setdefault(task, (names, file.path))
      if set(known) != set(names):
        raise UserError(
          f'Two editions are mixed: {task} is {",".join(known)} in {path}, '
          f'but {",".join(names)} in {file.path}. Keep one of them.'
        )
  return {task: names for task, (names, _) in first.items()}


def fingerprints(
  root: pathlib.Path, files: Sequence[LabelFile]
) -> dict[str, str]:
  """{list, or folder of label files: what changes when they do}."""
  found: dict[str, dict[str, str]] = {}
  for file in files:
    path = file.path.relative_to(root)
    key = path.parent / '*.txt' if file.video else path
    found.setdefault(key.as_posix(), {})[path.name] = sources.sha256(file.path)
  return {key: sources.fingerprint(files=f) for key, f in found.items()}


def folders(images: pathlib.Path, videos: Set[str]) -> list[tuple[str, int]]:
  """[(name, time of its last change in ns), ...] of the folders of crops.

  Raises:
    FileNotFoundError: no folder, or none of a labelled video.
  """
  if not images.is_dir():
    raise FileNotFoundError(
      f'{images}: no such folder; the crops <video>/00001.jpg are expected '
      'here. Say images=... if they are elsewhere.'
    )
  with os.scandir(images) as entries:
    found = sorted(
      (e.name, e.stat().st_mtime_ns) for e in entries if e.is_dir()
    )
  if videos and not videos & {name for name, _ in found}:
    names = ', '.join(name for name, _ in found[:5]) or 'no folder'
    raise FileNotFoundError(
      f'{images}: none of the {len(videos)} videos with labels has a folder '
      f'of crops here, such as {min(videos)}; found: {names}.'
    )
  return found


def crops(folder: pathlib.Path) -> tuple[frozenset[int], int]:
  """(numbers of the frames in a folder, how many other files it has)."""
  frames, others = set(), 0
  if folder.is_dir():
    with os.scandir(folder) as entries:
      for entry in entries:
        if match := aff_wild2_labels.FRAME.fullmatch(f'_/{entry.name}'):
          frames.add(int(match[2]))
        elif not entry.name.startswith('.'):
          others += 1
  return frozenset(frames), others


def _challenge_files(root: pathlib.Path) -> list[LabelFile]:
  found: dict[tuple[str, str], LabelFile] = {}
  for task, pattern in _CHALLENGES.items():
    for challenge in _matching(_places(root), pattern, folders=True):
      for split, path in _split_files(challenge):
        file = LabelFile(
          path, split, path.stem, aff_wild2_labels.columns(path, task)
        )
        other = found.setdefault((task, file.video), file)
        if other is not file:
          raise UserError(
            f'Two label files of {task} for the video {file.video}: '
            f'{other.path} and {path}. Keep one of them.'
          )
  return list(found.values())


def _split_files(challenge: pathlib.Path) -> Iterator[tuple[str, pathlib.Path]]:
  """Yields (split, label file); a folder of unknown name is an error."""
  for folder in _names(challenge, folders=True):
    split = next((s for s, p in _SPLITS.items() if _fits(p, folder)), '')
    if not split and not _fits(_TEST_FOLDER, folder):
      raise UserError(
        f'{challenge / folder}: unknown folder; Train_Set (or Training_Set) '
        'and Validation_Set are expected.'
      )
    for name in _names(challenge / folder) if split else ():
      if name.lower().endswith('.txt'):
        yield split, challenge / folder / name


def _lists(root: pathlib.Path) -> list[LabelFile]:
  places = list(_places(root))
  places += _matching(places, _MTL_FOLDER, folders=True)
  found = []
  for split, pattern in _SPLITS.items():
    paths = _matching(places, pattern + _LIST_END, folders=False)
    if len(paths) > 1:
      raise UserError(
        f'Two lists of {split}: {paths[0]} and {paths[1]}. Keep one of them.'
      )
    found += [
      LabelFile(p, split, '', aff_wild2_labels.columns(p, 'mtl')) for p in paths
    ]
  return found


def _places(folder: pathlib.Path) -> Iterator[pathlib.Path]:
  """The folder, and folders in it such as '6th ABAW Annotations'."""
  yield folder
  for name in _names(folder, folders=True):
    if 'annotation' in name.lower():
      yield from _places(folder / name)


def _matching(places, pattern, *, folders):
  return [
    place / name
    for place in places
    for name in _names(place, folders=folders)
    if _fits(pattern, name)
  ]


def _fits(pattern: str, name: str) -> bool:
  return re.fullmatch(pattern, name, re.IGNORECASE) is not None


def _names(folder: pathlib.Path, folders: bool | None = None) -> list[str]:
  """Sorted names in a folder; hidden ones, such as macOS' ._x, are not."""
  with os.scandir(folder) as entries:
    return sorted(
      e.name
      for e in entries
      if not e.name.startswith('.')
      and (folders is None or e.is_dir() == folders)
    )


def _some(names: Sequence[str], most: int = 8) -> str:
  """The first few names, for an error."""
  more = f' and {len(names) - most} more' if len(names) > most else ''
  return ', '.join(names[:most]) + more if names else 'nothing'
