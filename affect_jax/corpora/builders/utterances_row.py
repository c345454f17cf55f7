"""Reads a row of a user's own CSV of utterances."""

import collections
from collections.abc import Mapping, Sequence
import dataclasses
import pathlib
import re

from affect_jax.corpora.builders import label_columns
from affect_jax.corpora.features import sequences
from affect_jax.corpora.files import cells as cells_lib
from affect_jax.corpora.files import missing
from affect_jax.corpora.files import mojibake
from affect_jax.corpora.files import same_path
from affect_jax.corpora.files import split_names
from affect_jax.errors import UserError

LAST_TURN = 2**31 - 1
ALONE = 'turns of no dialogue (not read)'


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
  """One utterance; cells that the CSV leaves empty are '' or None.

  Attributes:
    line: Line in the CSV.
    id: As in the CSV.
    split: One of SPLITS.
    text: What was said.
    files: {modality: path as in the CSV}.
    stats: (size in bytes, mtime in ns) of each file.
    dialogue: As in the CSV.
    turn: Its number in the dialogue.
    speaker: As in the CSV.
    labels: One for each of the table's columns of labels.
  """

  line: int
  id: str
  split: str
  text: str
  files: Mapping[str, str]
  stats: Sequence[tuple[int, int]]
  dialogue: str
  turn: int | None
  speaker: str
  labels: tuple[label_columns.Label, ...]

  @property
  def is_labelled(self) -> bool:
    """Something is annotated."""
    return any(label is not None for label in self.labels)


def read(
  line: int,
  cells: Mapping[str, str],
  columns: Sequence[label_columns.Column],
  folder: pathlib.Path,
  understood: collections.Counter,
) -> tuple[Row, list[str]]:
  """Reads a row, and what is wrong with it; adds to `understood`."""
  alone = bool(cells.get('dialogue')) and missing.is_missing(cells['dialogue'])
  cells = cells_lib.without_words(cells, understood)
  text = mojibake.mended(cells.get('text', ''))
  understood[mojibake.MENDED] += text != cells.get('text', '')
  problems = []
  if not cells['id']:
    problems.append('id is empty, or a word such as nan.')
  split = split_names.canonical(cells['split'])
  if not split:
    problems.append(split_names.unknown('split', cells['split']))
  files = {m: cells[m] for m in sequences.SUFFIXES if cells.get(m)}
  stats = []
  for modality, file in files.items():
    try:
      files[modality], stat = found(modality, file, folder)
      stats.append(stat)
      understood[same_path.FOUND] += files[modality] != file
    except ValueError as e:
      problems.append(f'{modality} {file!r}: {e}')
  turn = cells.get('turn', '')
  # pandas writes 1 as 1.0 where another row of the column is empty.
  whole = re.fullmatch(r'(\d+)([.,]0*)?', turn, re.ASCII)
  if turn and not (whole and int(whole[1]) <= LAST_TURN):
    problems.append(f'turn {turn!r} is not a whole number >= 0.')
    whole = None
  if turn and alone:  # A number of nothing, which pandas left there.
    whole = None
    understood[ALONE] += 1
  elif turn and not cells.get('dialogue'):
    problems.append(f'turn is {turn!r}, but dialogue is empty.')
  labels, wrong = label_columns.read(columns, cells, understood)
  problems += wrong
  return Row(
    line=line,
    id=cells['id'],
    split=split,
    text=text,
    files=files,
    stats=stats,
    dialogue=cells.get('dialogue', ''),
    turn=int(whole[1]) if whole else None,
    speaker=cells.get('speaker', ''),
    labels=labels,
  ), problems


def found(
  modality: str, file: str, folder: pathlib.Path
) -> tuple[str, tuple[int, int]]:
  """Returns the path of a feature file, as it exists, and (size, mtime)."""
  suffixes = sequences.SUFFIXES[modality]
  if not file.lower().endswith(suffixes):
    raise UserError(
      f'not a file of features or a recording; known are {", ".join(suffixes)}'
      + ('; ffmpeg converts others to .wav.' if modality == 'audio' else '.')
    )
  try:
    return file, same_path.stat(folder / file)
  except (OSError, ValueError):
    others = same_path.find(folder, file)
    if len(others) == 1:
      return others[0], same_path.stat(folder / others[0])
    hint = r' (use / and not \ in paths)' if '\\' in file else ''
    hint = hint or same_path.several(others)
    raise UserError(f'no such file in {folder}{hint}.') from None
