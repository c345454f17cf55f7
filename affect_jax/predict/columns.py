"""The native table: a row for each face of each frame, and what it holds.

  input        name of the picture or video
  frame        number of the frame, from 0
  timestamp_s  seconds, as the container says; empty for pictures
  face_id      which face, from 0; the same from frame to frame of a video
  success      1: predicted; 0: not
  reason       why not
  confidence   of the detector, in [0, 1]; 1 with --faces=whole
  face_x, face_y, face_w, face_h  the face's box in pixels; x and y are those of
               its upper left corner, below 0 where it leaves the frame
  face_px      pixels of the box's longer side
  blur         of the crop, from 0 (sharp) to 1
  yaw          degrees by which the face is turned, above 0 to the right of the
               picture; empty with --faces=whole
  quality      from 0 to 1: the worst of face_px, blur, yaw and confidence, see
               `media.quality` of all three
  valence, arousal  in [-1, 1]
  expr         the likeliest class
  p_CLASS      its probability, of all classes of the run
  AU01_p       probability that the action unit is there
  AU01_c       1 if that is above the unit's threshold, else 0

A run that lacks a task lacks its columns. A frame without a face, and a face
that is not predicted, is a row, too: what is unknown is empty, never 0.
"""

from collections.abc import Mapping, Sequence
import re
from typing import NamedTuple

import numpy as np

from affect_jax import errors
from affect_jax.media import box as box_lib

# Raise it where a column changes its meaning.
SCHEMA_VERSION = 2
OF_FACES = (
  *('input', 'frame', 'timestamp_s', 'face_id', 'success', 'reason'),
  *('confidence', 'face_x', 'face_y', 'face_w', 'face_h', 'face_px', 'blur'),
  *('yaw', 'quality'),
)
WHOLE_NUMBERS = (
  *('frame', 'face_id', 'success', 'face_x', 'face_y', 'face_w', 'face_h'),
  'face_px',
)
TEXTS = ('input', 'reason', 'expr')


class Face(NamedTuple):
  """A face of a frame, or a frame without any.

  Attributes:
    input: Name of the picture or video.
    frame: Number of the frame, from 0.
    seconds: Its time stamp; NaN if there is none.
    number: Which face; None if there is none.
    box: Where it is; None if there is none.
    blur, yaw, quality: See `media.quality`; NaN if they are not known.
    reason: Why it is not predicted; '' if it is.
    crop: f32 [S, S, 3] to predict from; None if there is a reason.
  """

  input: str
  frame: int
  seconds: float
  number: int | None = None
  box: box_lib.Box | None = None
  blur: float = float('nan')
  yaw: float = float('nan')
  quality: float = float('nan')
  reason: str = ''
  crop: np.ndarray | None = None


class Columns:
  """The columns of a run's table.

  Attributes:
    names: Of all columns, in order.
    outputs: {task: names of its outputs}, in the run's order.
    thresholds: {action unit: threshold in [0, 1]}.
  """

  def __init__(
    self,
    outputs: Mapping[str, Sequence[str]],
    thresholds: Mapping[str, float],
  ):
    self.outputs = {task: tuple(names) for task, names in outputs.items()}
    self.thresholds = dict(thresholds)
    self.of_predictions = self._of_predictions()
    self.names = (*OF_FACES, *self.of_predictions)

  def _of_predictions(self) -> tuple[str, ...]:
    # Valence and arousal come first, as tables of others have them.
    order = {'valence_arousal': 0, 'expression': 1, 'action_units': 2}
    names: list[str] = []
    for task in sorted(self.outputs, key=lambda t: order.get(t, 3)):
      outputs = self.outputs[task]
      names += ['expr'] if task == 'expression' else []
      names += [column(task, name) for name in outputs]
      if task == 'action_units':
        names += [f'{unit_name(name)}_c' for name in outputs]
    return tuple(names)

  def row(
    self, face: Face, predictions: Mapping[str, np.ndarray] | None
  ) -> list[str]:
    """Returns the cells of a row; numbers read back equal as float32.

    Args:
      face: What the row is about.
      predictions: {task: [K]}; None where there is none.

    Raises:
      errors.Diverged: A prediction is not finite.
    """
    box = face.box
    cells = [
      face.input,
      str(face.frame),
      _measured(face.seconds, 6),
      '' if face.number is None else str(face.number),
      '0' if predictions is None else '1',
      face.reason,
      *(['', '', '', '', ''] if box is None else _of_box(box)),
      '' if box is None else str(box.side),
      _measured(face.blur, 4),
      _measured(face.yaw, 1),
      _measured(face.quality, 3),
    ]
    if predictions is None:
      return cells + [''] * len(self.of_predictions)
    values = self.values(predictions)
    return cells + [_cell(values[name]) for name in self.of_predictions]

  def values(
    self, predictions: Mapping[str, np.ndarray]
  ) -> dict[str, np.float32 | int | str]:
    """Returns {column: value} of one face's predictions {task: [K]}."""
    values: dict[str, np.float32 | int | str] = {}
    for task, names in self.outputs.items():
      numbers = np.asarray(predictions[task], np.float32)
      if not np.all(np.isfinite(numbers)):
        raise errors.Diverged(
          f'A prediction of {task} is not finite: the run diverged in training.'
        )
      if task == 'expression':
        values['expr'] = names[int(np.argmax(numbers))]
      for name, number in zip(names, numbers, strict=True):
        values[column(task, name)] = number
        if task == 'action_units':
          present = number > self.thresholds[name]
          values[f'{unit_name(name)}_c'] = int(present)
    return values


def column(task: str, output: str) -> str:
  """Returns the column of an output's value or probability."""
  if task == 'expression':
    return f'p_{output}'
  return f'{unit_name(output)}_p' if task == 'action_units' else output


def unit_name(name: str) -> str:
  """Returns a unit's name as in tables of OpenFace and py-feat: 'AU01'."""
  match = re.fullmatch(r'AU(\d+)(.*)', name)
  return f'AU{int(match[1]):02d}{match[2]}' if match else name


def _of_box(box: box_lib.Box) -> list[str]:
  sides = (box.x, box.y, box.width, box.height)
  return [f'{box.confidence:.2f}', *map(str, sides)]


def _measured(value: float, digits: int) -> str:
  return '' if np.isnan(value) else f'{value:.{digits}f}'


def _cell(value: np.float32 | int | str) -> str:
  return str(value)
