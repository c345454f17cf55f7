"""What a command is asked to do with media, and the file that keeps it."""

from collections.abc import Mapping, Sequence
import dataclasses
import os
import pathlib
from typing import Any

from affect_jax import by_name
from affect_jax.errors import UserError
from affect_jax.media import inputs as inputs_lib
from affect_jax.predict import columns as columns_lib
from affect_jax.run import folder as run_folder

FACES = ('detect', 'whole')
# Beside the settings: what may differ when a command goes on.
_NOTES = (
  *('run', 'finished', 'counts', 'packages', 'affect_jax'),
  *('neutral_face', 'overlay'),
)
MEDIAN = 'median'


@dataclasses.dataclass(frozen=True)
class Settings:
  """How faces come out of media.

  Attributes:
    faces: 'detect' finds them; 'whole' takes pictures and frames as crops.
    margin: Of the crop around a face, see `media.box.cut`. The default is what
      `media.margin` finds in rendered faces.
    detect_side: Pixels of a frame's longer side that the detector sees.
    min_confidence: Of the detector: below it there is no face.
    min_quality: A face below it is not predicted, see `media.quality`.
    every: Read every n-th frame of a video.
    smooth: Seconds over which values are smoothed; 0: not. See `over_time`.
    neutral: A file of a person's neutral face, from which values begin;
      'median': the running median is that face; '': none.
  """

  faces: str = 'detect'
  margin: float = 0.1
  detect_side: int = 640
  min_confidence: float = 0.6
  min_quality: float = 0.0
  every: int = 1
  smooth: float = 0.0
  neutral: str = ''

  def __post_init__(self):
    by_name.check('--faces', self.faces, FACES)
    if not -0.5 <= self.margin <= 4:
      raise UserError(f'--margin={self.margin} must be in [-0.5, 4].')
    if not 0 <= self.min_quality <= 1:
      raise UserError(f'--min_quality={self.min_quality} must be in [0, 1].')
    if self.every < 1 or self.detect_side < 16:
      raise UserError(
        f'--every={self.every} must be at least 1, and '
        f'--detect_side={self.detect_side} at least 16.'
      )
    if not 0 <= self.smooth < float('inf'):
      raise UserError(f'--smooth={self.smooth} must be seconds, 0 or more.')

  @property
  def is_running(self) -> bool:
    """Whether the neutral face is the running median."""
    return self.neutral == MEDIAN


def claim(
  path: pathlib.Path,
  output: pathlib.Path,
  partial: pathlib.Path,
  content: Mapping[str, Any],
) -> bool:
  """Claims an output for these settings; returns whether it is finished.

  Args:
    path: The JSON file that keeps the settings.
    output: The table that they are of.
    partial: Its rows until it is whole.
    content: The settings, and notes that may differ.

  Raises:
    UserError: The JSON file or the table is of other settings, or of another
      program. The message names every difference.
  """
  old = run_folder.read_json(str(path))
  if old is None:
    for there in (output, partial):
      if there.exists():
        raise UserError(
          f'{there} exists, and nothing says how it was made: it has no '
          f'{path.name} beside it. Give another --output, or remove the file.'
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    write(path, content, finished=False)
    return False
  if not isinstance(old, dict) or 'schema_version' not in old:
    raise UserError(
      f'{path} exists, and not from this command. Give another --output.'
    )
  new = run_folder.plain(dict(content))
  if lines := [
    f'{key} {_short(old, key)} there, {_short(new, key)} now'
    for key in _differences(old, new)
  ]:
    raise UserError(
      f'{output} is of other settings ({"; ".join(lines)}). Give another '
      f'--output, or remove {path.name} and the tables beside it.'
    )
  if output.exists():
    return True
  write(path, content, finished=False, overlay=old.get('overlay', ''))
  return False


def overlay_of(path: pathlib.Path) -> str:
  """Returns the name of the overlay that this output has; '' if none."""
  old = run_folder.read_json(str(path))
  return old.get('overlay', '') if isinstance(old, dict) else ''


def read(path: pathlib.Path) -> dict[str, Any]:
  """Reads the settings that `write` wrote."""
  return run_folder.read_json(str(path))


def write(
  path: pathlib.Path,
  content: Mapping[str, Any],
  *,
  finished: bool,
  counts: Mapping[str, int] | None = None,
  overlay: str = '',
) -> None:
  """Writes the settings, whole or not at all."""
  notes = {'finished': finished, 'overlay': overlay}
  notes |= {'counts': counts} if counts else {}
  run_folder.write_json(str(path), {**content, **notes})


def begin_overlay(path: pathlib.Path, name: str) -> None:
  """Notes the name of an overlay that this output has from now on."""
  old = read(path)
  if old['overlay'] != name:
    run_folder.write_json(str(path), {**old, 'overlay': name})


def finish(
  path: pathlib.Path,
  content: Mapping[str, Any],
  *,
  counts: Mapping[str, int] | None = None,
) -> None:
  """Says that the table is whole; what was known before of it is kept."""
  old = read(path)
  if not old['finished']:
    counts = counts or old.get('counts')
    overlay = old['overlay']
    write(path, content, finished=True, counts=counts, overlay=overlay)


def describe(
  settings: Settings,
  inputs: Sequence[inputs_lib.Input],
  columns: columns_lib.Columns,
  of_run: Mapping[str, Any],
  *,
  output: pathlib.Path,
  table_format: str,
  neutral_face: Mapping[str, float],
) -> dict[str, Any]:
  """Returns what the file beside the output says.

  Args:
    settings: How faces come out of media.
    inputs: All pictures and videos.
    columns: Of the native table.
    of_run: Of the run: `Predictor.describe`.
    output: The table.
    table_format: Its format.
    neutral_face: {column: value} of it, of `neutral.of_settings`.
  """
  return {
    'schema_version': columns_lib.SCHEMA_VERSION,
    'output': output.name,
    'format': table_format,
    'columns': list(columns.names),
    **of_run,
    'thresholds': columns.thresholds,
    'settings': dataclasses.asdict(settings),
    'neutral_face': dict(neutral_face),
    'inputs': {
      'count': len(inputs),
      'bytes': sum(
        os.path.getsize(item.path) for item in inputs if item.camera is None
      ),
      'first': inputs[0].name,
      'last': inputs[-1].name,
    },
  }


def _differences(old: Any, new: Any, prefix: str = '') -> list[str]:
  """Returns the dotted keys whose values differ."""
  if not isinstance(old, dict) or not isinstance(new, dict):
    return [] if old == new else [prefix]
  return [
    name
    for key in sorted(old.keys() | new.keys())
    if prefix or key not in _NOTES
    for name in _differences(
      old.get(key), new.get(key), f'{prefix}.{key}' if prefix else key
    )
  ]


def _short(content: Any, key: str) -> str:
  for part in key.split('.'):
    content = content.get(part) if isinstance(content, dict) else None
  text = repr(content)
  return text if len(text) <= 60 else f'{text[:57]}...'
