"""The label files of Aff-Wild2: where each edition keeps them.

`aff_wild2_labels` reads their lines.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
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
    path: Its path.
    split: 'train' or 'val'.
    video: Name of the video; '' for a list.
    columns: The columns of its lines; in a list, those after the picture.
  """

  path: pathlib.Path
  split: str
  video: str
  columns: aff_wild2_labels.Columns


def find(root: pathlib.Path, layout: str) -> list[LabelFile]:
  """Finds the label files below a folder, all of one layout.

  Args:
    root: Folder of the corpus.
    layout: 'challenges', 'mtl', or 'auto': the one that is found.

  Raises:
    FileNotFoundError: there are none; the message says what was looked for.
    UserError: both layouts are present, two files hold the same labels, or a
      folder or header is unknown.
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
      f'{root} has both the labels of the challenges '
      f'({challenges[0].path.parent}) and the MTL lists ({lists[0].path}): '
      "choose layout='challenges' or "
      "layout='mtl'."
    )
  if not challenges and not lists:
    raise FileNotFoundError(
      f'{root}: no annotations of Aff-Wild2 (layout={layout!r}). Looked for '
      f'{EXPECTED}. Found: {_some(_names(root))}.'
    )
  return challenges or lists


def outputs(files: Sequence[LabelFile]) -> dict[str, tuple[str, ...]]:
  """Returns {task: names of its outputs} of all files.

  Raises:
    UserError: the files are of different editions; the message names two.
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
  """Returns {list, or folder of label files: a hash of their contents}."""
  checksums: dict[str, dict[str, str]] = {}
  for file in files:
    path = file.path.relative_to(root)
    key = path.parent / '*.txt' if file.video else path
    folder = checksums.setdefault(key.as_posix(), {})
    folder[path.name] = sources.sha256(file.path)
  return {key: sources.fingerprint(files=f) for key, f in checksums.items()}


def folders(images: pathlib.Path, videos: Set[str]) -> list[tuple[str, int]]:
  """Lists (name, time of its last change in ns) of the folders of crops.

  Raises:
    FileNotFoundError: there is no such folder, or no labelled video has a
      folder in it.
  """
  if not images.is_dir():
    raise FileNotFoundError(
      f'{images}: no such folder; the crops <video>/00001.jpg are expected '
      'here. Set images=... if they are elsewhere.'
    )
  with os.scandir(images) as entries:
    crop_folders = sorted(
      (e.name, e.stat().st_mtime_ns) for e in entries if e.is_dir()
    )
  if videos and not videos & {name for name, _ in crop_folders}:
    names = ', '.join(name for name, _ in crop_folders[:5]) or 'no folder'
    raise FileNotFoundError(
      f'{images}: none of the {len(videos)} videos with labels has a folder '
      f'of crops here, such as {min(videos)}; found: {names}.'
    )
  return crop_folders


def crops(folder: pathlib.Path) -> tuple[frozenset[int], int]:
  """Returns the frame numbers in a folder, and how many other files it has."""
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
  files: dict[tuple[str, str], LabelFile] = {}
  for task, pattern in _CHALLENGES.items():
    for challenge in _matching(
      _annotation_folders(root), pattern, folders=True
    ):
      for split, path in _split_files(challenge):
        file = LabelFile(
          path, split, path.stem, aff_wild2_labels.columns(path, task)
        )
        other = files.setdefault((task, file.video), file)
        if other is not file:
          raise UserError(
            f'Two label files of {task} for the video {file.video}: '
            f'{other.path} and {path}. Keep one of them.'
          )
  return list(files.values())


def _split_files(challenge: pathlib.Path) -> Iterator[tuple[str, pathlib.Path]]:
  """Yields (split, label file); raises ValueError for an unknown folder."""
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
  searched = list(_annotation_folders(root))
  searched += _matching(searched, _MTL_FOLDER, folders=True)
  lists = []
  for split, pattern in _SPLITS.items():
    paths = _matching(searched, pattern + _LIST_END, folders=False)
    if len(paths) > 1:
      raise UserError(
        f'Two lists of {split}: {paths[0]} and {paths[1]}. Keep one of them.'
      )
    lists += [
      LabelFile(p, split, '', aff_wild2_labels.columns(p, 'mtl')) for p in paths
    ]
  return lists


def _annotation_folders(folder: pathlib.Path) -> Iterator[pathlib.Path]:
  """Yields the folder, and folders in it such as '6th ABAW Annotations'."""
  yield folder
  for name in _names(folder, folders=True):
    if 'annotation' in name.lower():
      yield from _annotation_folders(folder / name)


def _matching(
  parents: Iterable[pathlib.Path], pattern: str, *, folders: bool
) -> list[pathlib.Path]:
  """Lists what in some folders has a name that matches a pattern."""
  return [
    parent / name
    for parent in parents
    for name in _names(parent, folders=folders)
    if _fits(pattern, name)
  ]


def _fits(pattern: str, name: str) -> bool:
  return re.fullmatch(pattern, name, re.IGNORECASE) is not None


def _names(folder: pathlib.Path, folders: bool | None = None) -> list[str]:
  """Lists the names in a folder, sorted, without hidden ones (macOS' ._x)."""
  with os.scandir(folder) as entries:
    return sorted(
      e.name
      for e in entries
      if not e.name.startswith('.')
      and (folders is None or e.is_dir() == folders)
    )


def _some(names: Sequence[str], most: int = 8) -> str:
  """Joins the first few names, for an error message."""
  more = f' and {len(names) - most} more' if len(names) > most else ''
  return ', '.join(names[:most]) + more if names else 'nothing'
