"""Writes a finished native table as a submission to the ABAW challenges."""

from collections.abc import Iterable, Mapping
import csv
import pathlib
import tempfile

from absl import logging

from affect_jax import by_name
from affect_jax import file_kind
from affect_jax.abaw import files
from affect_jax.abaw import predictions
from affect_jax.abaw import submission
from affect_jax.errors import UserError
from affect_jax.media import inputs as inputs_lib
from affect_jax.predict import columns as columns_lib
from affect_jax.predict import journal

_NEEDS = {
  'va': ('valence_arousal', files.VALENCE_AROUSAL),
  'expr': ('expression', files.EXPR_7.classes),
  'au': ('action_units', files.AU_12.columns),
}
LAYOUTS = {
  'va': files.VA,
  'expr': files.EXPR_8,
  'au': files.AU_12,
  'mtl': files.MTL,
}


def layout_of(
  outputs: Mapping[str, Iterable[str]], task: str = ''
) -> files.Layout:
  """Returns the layout that a run can fill, in the editions since ABAW 3.

  Args:
    outputs: {task: names of its outputs}.
    task: 'va', 'expr', 'au' or 'mtl'; '': that of all three if the run has
      them, else the only one that it has.

  Raises:
    UserError: The task is unknown, the run lacks an output, or it has two tasks
      of three, and none is chosen.
  """
  lacking = {
    name: [x for x in needed if x not in outputs.get(of, ())]
    for name, (of, needed) in _NEEDS.items()
  }
  has = [name for name, absent in lacking.items() if not absent]
  if not task:
    if not has or len(has) == 2:
      raise UserError(
        'ABAW needs valence and arousal (va), the 7 expressions (expr) or all '
        f'12 action units (au); this run has {" and ".join(has) or "none"}'
        f'{": choose one by --abaw_task" if has else ""}.'
      )
    task = 'mtl' if len(has) == 3 else has[0]
  by_name.check('--abaw_task', task, LAYOUTS)
  for name in _NEEDS if task == 'mtl' else (task,):
    if lacking[name]:
      raise UserError(
        f'ABAW needs {", ".join(lacking[name])} for {task}, which this run has '
        'not learned.'
      )
  return LAYOUTS[task]


def check(inputs: Iterable[inputs_lib.Input]) -> None:
  """Raises UserError if frames would have no name, or two the same."""
  seen: dict[str, str] = {}
  for item in inputs:
    name = _frame_name(item.name, 0)
    try:
      files.key(name)
    except UserError as error:
      raise UserError(
        f'{error}. Give the folder above those of the videos.'
      ) from None
    other = seen.setdefault(name, item.name)
    if other != item.name:
      raise UserError(
        f'{other} and {item.name} are one video by their names: rename one.'
      )


def write(
  source: pathlib.Path,
  target: pathlib.Path,
  columns: columns_lib.Columns,
  layout: files.Layout,
) -> None:
  """Writes one row for each frame of a native table, whole or not at all.

  Of several faces of an input, the one counts whose sides, summed over all
  frames, are the longest. A frame without it takes the values of the nearest
  that has it; an input without any face is neutral, 0 and no action unit.

  Args:
    source: The native table. Pictures have names such as video/00001.jpg.
    target: The submission.
    columns: Of the native table.
    layout: See `layout_of`.
  """
  main = _main_faces(source)
  outputs = [(t, o) for t, names in columns.outputs.items() for o in names]
  asked: list[str] = []
  of_videos: list[str] = []
  with tempfile.TemporaryDirectory() as folder:
    # What `python -m affect_jax.abaw submit` reads of a run.
    path = pathlib.Path(folder, 'predictions.csv')
    with open(path, 'w', newline='', encoding='utf-8') as file:
      rows = csv.writer(file)
      rows.writerow(
        ['id', 'corpus', *(f'predicted/{t}/{o}' for t, o in outputs)]
      )
      for row in journal.read(source):
        name = _frame_name(row['input'], int(row['frame']))
        names = asked if name == row['input'] else of_videos
        if not names or names[-1] != name:
          names.append(name)
        if row['success'] == '1' and row['face_id'] == main[row['input']]:
          cells = (row[columns_lib.column(t, o)] for t, o in outputs)
          rows.writerow([name, '', *cells])
    predicted = predictions.read(path, layout, columns.thresholds)
  # Also the frames that --every passed over.
  asked += submission.every_frame(of_videos)
  frames, filled = submission.fill(predicted, asked, fill_missing_videos=True)
  submission.write(target, frames)
  if filled.frames:
    logging.info(
      '%d of %d frames took the values of the nearest with a face.',
      filled.frames,
      len(asked),
    )
  if filled.videos:
    logging.warning(
      'No face in %s: neutral, 0 and no action unit.', ', '.join(filled.videos)
    )


def _main_faces(source: pathlib.Path) -> dict[str, str]:
  """Returns {input: its main face}; '' if none is predicted."""
  sizes: dict[str, dict[str, int]] = {}
  for row in journal.read(source):
    of_input = sizes.setdefault(row['input'], {})
    if row['success'] == '1':
      face = row['face_id']
      of_input[face] = of_input.get(face, 0) + int(row['face_px'])
  return {
    name: max(faces, key=lambda k: faces[k], default='')
    for name, faces in sizes.items()
  }


def _frame_name(name: str, frame: int) -> str:
  """Returns a frame's name as challenges have it; pictures keep theirs."""
  if name.lower().endswith(file_kind.PICTURES):
    return name
  video = pathlib.PurePosixPath(name).with_suffix('')
  return f'{video}/{frame + 1:05d}.jpg'
