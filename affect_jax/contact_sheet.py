r"""Draws pictures of a corpus with their labels, to see what the tasks are.

  python -m affect_jax.contact_sheet --config=configs/quickstart.py \
      --split=train --out=sheet.png

Grey is not annotated.
"""

from collections.abc import Mapping, Sequence
import pathlib
import re
from typing import Any

from absl import flags
from ml_collections import config_flags
import numpy as np
from PIL import Image
from PIL import ImageDraw
from PIL import ImageFont

from affect_jax import user_path
from affect_jax import whole_file
from affect_jax.errors import UserError
from affect_jax.run import command

CELL, PAD, LINE = 168, 12, 17
BACKGROUND, CARD, INK, FAINT = '#f3f4f6', '#ffffff', '#1f2937', '#9ca3af'
UNKNOWN, TRACK = '#d1d5db', '#e5e7eb'
# One colour per kind of annotation, used throughout the sheet.
COLOURS = {
  'expression': '#7c3aed',
  'action_units': '#0f766e',
  'valence_arousal': '#c2410c',
}
MISSING = 'not annotated'


def draw(
  examples: Sequence[Mapping[str, Any]],
  outputs: Mapping[str, Sequence[str]],
  columns: int = 6,
) -> Image.Image:
  """Draws a sheet of pictures, each with its labels below.

  Classes are words (with a share, if the label is a distribution), action units
  are numbers in cells, and other values are bars from 0 towards the ends of
  their range. Labels that are not annotated are grey.

  Args:
    examples: Decoded records of a corpus: 'image' uint8 [H, W, 3] of any
      size, and labels and weights as in `builders.records`.
    outputs: {task: names of its columns}, as in the corpus' metadata.
    columns: Number of pictures side by side.

  Raises:
    UserError: There are no examples.
  """
  if not examples:
    raise UserError('A contact sheet needs at least one example.')
  columns = min(columns, len(examples))
  heights = {
    task: _lines(task, names) * LINE for task, names in outputs.items()
  }
  cell_height = CELL + PAD // 2 + sum(heights.values()) + PAD
  rows = -(-len(examples) // columns)
  top = PAD + LINE + 6
  sheet = Image.new(
    'RGB',
    (PAD + columns * (CELL + PAD), top + rows * (cell_height + PAD) + PAD),
    BACKGROUND,
  )
  pen = ImageDraw.Draw(sheet)
  _legend(pen, outputs)
  for i, example in enumerate(examples):
    x = PAD + i % columns * (CELL + PAD)
    y = top + PAD + i // columns * (cell_height + PAD)
    pen.rounded_rectangle((x, y, x + CELL, y + cell_height), 8, fill=CARD)
    _picture(sheet, np.asarray(example['image']), x, y)
    line = y + CELL + PAD // 2
    for task, names in outputs.items():
      labels = np.asarray(example[task], np.float32)
      weights = np.broadcast_to(example[task + '_weights'], labels.shape)
      _task(pen, x + 8, line, task, names, labels, weights)
      line += heights[task]
  return sheet


def _font(size: int = 12) -> Any:
  return ImageFont.load_default(size)


def _lines(task: str, names: Sequence[str]) -> int:
  """Returns how many lines of text a task takes below each picture."""
  # Late, here and below: --help need not wait seconds for JAX.
  from affect_jax import tasks

  if _are_units(names):
    return 1 + -(-len(names) // 6)
  return 1 if tasks.get_annotation(task).kind == 'class' else len(names)


def _are_units(names: Sequence[str]) -> bool:
  """Returns whether names are action units, whose numbers fit into cells."""
  return all(re.fullmatch(r'AU\d+[LR]?', name) for name in names)


def _legend(pen: Any, outputs: Mapping[str, Sequence[str]]) -> None:
  x = PAD
  for task in outputs:
    pen.ellipse((x, PAD + 2, x + 10, PAD + 12), fill=COLOURS.get(task, INK))
    text = task.replace('_', ' ')
    pen.text((x + 15, PAD), text, fill=INK, font=_font())
    x += 15 + int(pen.textlength(text, _font())) + 18
  pen.text((x, PAD), f'grey: {MISSING}', fill=FAINT, font=_font())


def _picture(sheet: Image.Image, pixels: np.ndarray, x: int, y: int) -> None:
  picture = Image.fromarray(pixels).convert('RGB')
  picture.thumbnail((CELL, CELL), Image.Resampling.LANCZOS)
  scale = CELL / max(picture.size)
  size = [max(1, round(side * scale)) for side in picture.size]
  picture = picture.resize((size[0], size[1]), Image.Resampling.BICUBIC)
  mask = Image.new('L', picture.size, 0)
  # Only the upper corners are round: labels follow below on the same card.
  ImageDraw.Draw(mask).rounded_rectangle(
    (0, 0, size[0] - 1, size[1] + 8), 8, fill=255
  )
  sheet.paste(
    picture, (x + (CELL - size[0]) // 2, y + (CELL - size[1]) // 2), mask
  )


def _task(
  pen: Any,
  x: int,
  y: int,
  task: str,
  names: Sequence[str],
  labels: np.ndarray,
  weights: np.ndarray,
) -> None:
  """Draws the labels of one task at (x, y)."""
  from affect_jax import tasks

  colour = COLOURS.get(task, INK)
  width = CELL - 16
  annotation = tasks.get_annotation(task)
  if annotation.kind == 'class':
    pen.ellipse((x, y + 4, x + 8, y + 12), fill=colour if weights[0] else TRACK)
    text, fill = MISSING, FAINT
    if weights[0] > 0:
      best = int(labels.argmax())
      share = '' if labels[best] > 0.995 else f' {labels[best]:.0%}'
      weak = '' if weights[0] == 1 else f' (weight {weights[0]:.2g})'
      text, fill = names[best] + share + weak, colour
    pen.text((x + 13, y), text, fill=fill, font=_font(14))
  elif _are_units(names):
    _units(pen, x, y, names, labels, weights, colour)
  else:
    for i, name in enumerate(names):
      line = (x, y + i * LINE, width)
      ends = (annotation.low, annotation.high)
      _bar(pen, line, name, labels[i], weights[i], ends, colour)


def _units(
  pen: Any,
  x: int,
  y: int,
  names: Sequence[str],
  labels: np.ndarray,
  weights: np.ndarray,
  colour: str,
) -> None:
  """Draws action units, six a line: present filled, absent not, unknown '?'."""
  pen.text(
    (x, y),
    'AU' if np.any(weights > 0) else f'AU  {MISSING}',
    fill=colour if np.any(weights > 0) else FAINT,
    font=_font(),
  )
  step = (CELL - 16) / 6
  for i, name in enumerate(names):
    left = x + i % 6 * step
    up = y + LINE + i // 6 * LINE
    box = (left, up, left + step - 3, up + LINE - 3)
    text = name.removeprefix('AU')
    if weights[i] <= 0:
      fill, outline, ink = None, None, UNKNOWN
      text = '?' if np.any(weights > 0) else text
    elif labels[i] >= 0.5:
      fill, outline, ink = colour, colour, CARD
    else:
      fill, outline, ink = None, TRACK, FAINT
    pen.rounded_rectangle(box, 4, fill=fill, outline=outline)
    centre = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    pen.text(centre, text, fill=ink, font=_font(11), anchor='mm')


def _bar(
  pen: Any,
  place: tuple[int, int, int],
  name: str,
  value: float,
  weight: float,
  ends: tuple[float, float],
  colour: str,
) -> None:
  """Draws a value as a bar from 0 towards an end of its range, and a number."""
  x, y, width = place
  known = weight > 0
  pen.text((x, y), name[:12], fill=colour if known else FAINT, font=_font())
  left = x + max(52, int(pen.textlength(name[:12], _font())) + 6)
  right, row = x + width - 36, y + 8
  pen.rounded_rectangle((left, row - 3, right, row + 3), 3, fill=TRACK)
  if not known:
    pen.text((x + width, y), '?', fill=FAINT, font=_font(), anchor='ra')
    return
  low, high = ends
  start, end = (
    left + (float(np.clip(v, low, high)) - low) / (high - low) * (right - left)
    for v in (0, value)
  )
  pen.rectangle((min(start, end), row - 3, max(start, end), row + 3), colour)
  pen.line((start, row - 5, start, row + 5), fill=INK)
  pen.text((x + width, y), f'{value:+.2f}', fill=INK, font=_font(), anchor='ra')


def save(sheet: Image.Image, out: str | pathlib.Path) -> None:
  """Writes the picture whole or not at all."""
  out = user_path.expand(out)
  out.parent.mkdir(parents=True, exist_ok=True)
  with whole_file.writing(out) as partial:
    sheet.save(partial)


def read(
  config: Any, split: str, count: int
) -> tuple[list[Mapping[str, Any]], Mapping[str, Sequence[str]]]:
  """Reads the first pictures of a split of the (first) configured corpus.

  Returns:
    Examples and outputs, as `draw` takes them.

  Raises:
    UserError: The corpus has no pictures.
  """
  # Imported here, as tests and notebooks use `draw` without a corpus.
  import tensorflow_datasets as tfds

  from affect_jax.data import load
  from affect_jax.data import streams

  corpus = load.build(load.of_frames(config))[0]
  builder = corpus.builder
  if 'image' not in builder.info.features:
    raise UserError(
      f'{corpus.name} holds utterances; a contact sheet shows pictures. '
      '`python -m affect_jax.doctor` examines utterances.'
    )
  count = min(count, streams.split_size(builder, split))
  examples = tfds.as_numpy(builder.as_dataset(split=f'{split}[:{count}]'))
  return list(examples), builder.info.metadata['outputs']


def main() -> None:
  """Draws the first pictures of a split of the (first) configured corpus."""
  examples, outputs = read(
    _CONFIG.value, _SPLIT.value, _ROWS.value * _COLUMNS.value
  )
  save(draw(examples, outputs, _COLUMNS.value), str(_OUT.value))
  print(f'{_OUT.value}: {len(examples)} pictures of {_SPLIT.value}.')


if __name__ == '__main__':
  _CONFIG = config_flags.DEFINE_config_file(
    'config', None, 'A file of configs/: its first corpus.'
  )
  _SPLIT = flags.DEFINE_string('split', 'train', 'Split of the corpus.')
  _OUT = flags.DEFINE_string('out', None, 'The picture to write.')
  _ROWS = flags.DEFINE_integer('rows', 5, 'Rows of pictures.', lower_bound=1)
  _COLUMNS = flags.DEFINE_integer('columns', 6, 'Columns.', lower_bound=1)
  command.run(main, required=['config', 'out'])
