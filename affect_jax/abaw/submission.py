"""A submission: values for every frame of a list, in order, and its file."""

from collections.abc import Sequence
import dataclasses
import pathlib

import numpy as np

from affect_jax import whole_file
from affect_jax.abaw import files
from affect_jax.errors import UserError


@dataclasses.dataclass(frozen=True)
class Filled:
  """How frames without a prediction got their values.

  Attributes:
    frames: How many, of all, took those of the nearest frame of the video.
    furthest: Number of frames between such a frame and its source, at most.
    videos: Those without any prediction: neutral, 0, no action unit.
    video_frames: How many frames they have.
  """

  frames: int
  furthest: int
  videos: tuple[str, ...]
  video_frames: int


def fill(
  predictions: files.Frames,
  names: Sequence[str],
  fill_missing_videos: bool = False,
) -> tuple[files.Frames, Filled]:
  """Values for all frames of a list, in its order.

  A frame without a prediction (no face was found, so there is no crop) takes
  that of the nearest frame of its video, the earlier of two as near.

  Args:
    predictions: Of any frames; those that are not in the list are left out.
    names: Of the frames to predict: `files.read_sample_list`.
    fill_missing_videos: Give videos without any prediction neutral, 0 and no
      action unit, instead of raising.

  Raises:
    UserError: Videos without any prediction.
  """
  known: dict[str, list[tuple[int, int]]] = {}
  for row, name in enumerate(predictions.names):
    video, number = files.key(name)
    known.setdefault(video, []).append((number, row))
  asked: dict[str, list[tuple[int, int]]] = {}
  for place, name in enumerate(names):
    video, number = files.key(name)
    asked.setdefault(video, []).append((number, place))
  missing = tuple(v for v in asked if v not in known)
  if missing and not fill_missing_videos:
    more = f' and {len(missing) - 5} more' if len(missing) > 5 else ''
    raise UserError(
      f'No frame is predicted of {len(missing)} of {len(asked)} videos: '
      f'{", ".join(missing[:5])}{more}. Predictions are of frames such as '
      f'{next(iter(predictions.names), "(none)")}. If these videos have no '
      'picture at all, --fill_missing_videos gives them neutral, 0 and no '
      'action unit.'
    )
  values = np.zeros((len(names), len(predictions.layout.columns)))
  count, furthest = 0, 0
  for video, frames in asked.items():
    if video in known:
      places = [place for _, place in frames]
      rows, gaps = _nearest([n for n, _ in frames], known[video])
      values[places] = predictions.values[rows]
      count += int(np.sum(gaps > 0))
      furthest = max(furthest, int(gaps.max()))
  filled = Filled(count, furthest, missing, sum(len(asked[v]) for v in missing))
  return files.Frames(predictions.layout, list(names), values), filled


def every_frame(names: Sequence[str]) -> list[str]:
  """The frames of a list's videos from 1 to the last that the list has."""
  last: dict[str, int] = {}
  for name in names:
    video, number = files.key(name)
    last[video] = max(last.get(video, 0), number)
  return [f'{v}/{i:05d}.jpg' for v, n in last.items() for i in range(1, n + 1)]


def write(path: str | pathlib.Path, frames: files.Frames) -> None:
  """Writes a list with the organisers' header, whole or not at all.

  Valence and arousal read back equal, in decimals without an exponent.

  Raises:
    UserError: A value is missing or out of range; names the frame.
  """
  _check(frames)
  path = pathlib.Path(path)
  path.parent.mkdir(parents=True, exist_ok=True)
  first = files.FIRST[frames.layout.task == 'mtl']
  with (
    whole_file.writing(path) as partial,
    open(partial, 'w', encoding='utf-8', newline='\n') as file,
  ):
    file.write(','.join([first, *frames.layout.header]) + '\n')
    for name, row in zip(frames.names, frames.values.tolist(), strict=True):
      file.write(','.join([name, *_cells(row, frames.layout)]) + '\n')


def write_per_video(folder: str | pathlib.Path, frames: files.Frames) -> None:
  """Writes folder/VIDEO.txt for every video, all of them or none.

  Raises:
    FileExistsError: The folder exists.
    UserError: A value is missing or out of range, or a video's frames are
      not 1, 2, ... N: rows have no names, so that none may be absent. Or the
      layout is that of the MTL challenge, which has no such files.
  """
  if frames.layout.task == 'mtl':
    raise UserError('The MTL challenge has one list, no files per video.')
  _check(frames)
  videos: dict[str, dict[int, int]] = {}
  for (video, number), row in files.index(
    frames.names, lambda i: f'row {i}'
  ).items():
    videos.setdefault(video, {})[number] = row
  for video, rows in videos.items():
    absent = sorted(set(range(1, len(rows) + 1)) - set(rows))
    if absent:
      raise UserError(
        f'{video}: frame {absent[0]} is absent; a file per video needs every '
        'frame from 1 on.'
      )
  with whole_file.writing_folder(folder) as partial:
    for video, rows in videos.items():
      path = partial / f'{video}.txt'
      path.parent.mkdir(parents=True, exist_ok=True)
      with open(path, 'w', encoding='utf-8', newline='\n') as file:
        file.write(','.join(frames.layout.header) + '\n')
        for number in sorted(rows):
          row = frames.values[rows[number]].tolist()
          file.write(','.join(_cells(row, frames.layout)) + '\n')


def _cells(row, layout):
  # Adding 0 makes 0 of -0.
  return [
    np.format_float_positional(v + 0.0, trim='0')
    if column in files.VALENCE_AROUSAL
    else str(int(v))
    for v, column in zip(row, layout.columns, strict=True)
  ]


def _check(frames):
  files.check(
    frames.values, frames.layout, lambda i: frames.names[i], labels=False
  )


def _nearest(numbers, known):
  """Rows of the known frames next to `numbers` [N], and the gaps [N]."""
  known = np.array(sorted(known))
  there, rows = known[:, 0], known[:, 1]
  numbers = np.asarray(numbers)
  after = np.searchsorted(there, numbers)
  right = np.minimum(after, len(there) - 1)
  left = np.maximum(after - 1, 0)
  to_left, to_right = np.abs(numbers - there[left]), there[right] - numbers
  # Past the last frame both are the last; `right` would be negative there.
  best = np.where(to_left <= np.abs(to_right), left, right)
  return rows[best], np.abs(numbers - there[best])
