"""Draws what is predicted onto a frame: boxes, and a panel beside it."""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image
from PIL import ImageDraw
from PIL import ImageFont

from affect_jax.predict import columns as columns_lib

# Okabe and Ito's colours, told apart by the colour-blind; one for each face.
COLOURS = (*('#e69f00', '#56b4e9', '#009e73', '#f0e442', '#d55e00', '#cc79a7'),)
_BACK, _TEXT, _LINE = '#181818', '#f0f0f0', '#808080'
# Height of a frame in pixels: a smaller one is enlarged, and in a larger one,
# letters and lines are larger by as much.
_HEIGHT = 360
# Largest height and width: larger frames, as of photographs, are made smaller.
_MOST_HEIGHT, _MOST_WIDTH = 2160, 4096
# Pixels in a frame of that height.
_PANEL, _LETTERS, _SQUARE, _BAR, _ROOM = 260, 11, 84, 11, 8


class Drawing:
  """Draws frames of one size.

  Attributes:
    size: (width, height) of what is drawn, both even, as codecs ask for.
  """

  def __init__(self, columns: columns_lib.Columns, width: int, height: int):
    """Plans the panel.

    Args:
      columns: Of the rows to come.
      width, height: Of the frames to come.
    """
    self._zoom = min(
      max(1, -(-_HEIGHT // height)), _MOST_HEIGHT / height, _MOST_WIDTH / width
    )
    self._frame = (
      max(1, round(width * self._zoom)),
      max(1, round(height * self._zoom)),
    )
    self._scale = self._frame[1] / _HEIGHT
    full = (self._frame[0] + self._px(_PANEL), self._frame[1])
    self.size = (full[0] // 2 * 2, max(2, full[1] // 2 * 2))
    self._font = ImageFont.load_default(self._px(_LETTERS))
    outputs = columns.outputs
    self._units = [
      (columns_lib.unit_name(name), columns.thresholds[name])
      for name in outputs.get('action_units', ())
    ]
    self._has_square = 'valence_arousal' in outputs
    left = _SQUARE + 2 * _LETTERS if self._has_square else 0
    self._block = (2 * _LETTERS) + _ROOM + max(left, _BAR * len(self._units))

  def draw(
    self, image: np.ndarray, rows: Sequence[Mapping[str, str]]
  ) -> Image.Image:
    """Returns a frame with its faces.

    Args:
      image: uint8 [H, W, 3]; another size than planned is brought to it.
      rows: Of the native table, of this frame.
    """
    canvas = Image.new('RGB', self.size, _BACK)
    canvas.paste(Image.fromarray(image).resize(self._frame), (0, 0))
    draw = ImageDraw.Draw(canvas)
    faces = [row for row in rows if row['face_id']]
    for row in faces:
      self._box(draw, row)
    # The largest have a block; those of the others are in the table.
    faces.sort(key=lambda row: (-int(row['face_px']), int(row['face_id'])))
    most = max(1, (_HEIGHT - 2 * _LETTERS) // self._block)
    shown = sorted(faces[:most], key=lambda row: int(row['face_id']))
    for i, row in enumerate(shown):
      self._face(draw, row, i * self._block)
    if not faces:
      self._words(draw, _ROOM, _LETTERS / 2, rows[0]['reason'])
    if more := len(faces) - len(shown):
      self._words(draw, _ROOM, _HEIGHT - 2 * _LETTERS, f'and {more} more')
    if time := rows[0]['timestamp_s']:
      at = (self._px(4), self._frame[1] - self._px(4))
      self._label(draw, at, f'{float(time):.2f} s')
    return canvas

  def _box(self, draw: ImageDraw.ImageDraw, row: Mapping[str, str]) -> None:
    x, y, w, h = (round(int(row[f'face_{k}']) * self._zoom) for k in 'xywh')
    box = (x, y, x + max(1, w), y + max(1, h))
    line = self._px(2)
    # Black around it, so that it is seen on any background.
    draw.rectangle(box, outline='black', width=2 * line)
    draw.rectangle(box, outline=_colour(row), width=line)
    said = row.get('expr') or row['reason']
    at = (max(0, x), max(self._px(2 * _LETTERS), y - line))
    self._label(draw, at, f'{row["face_id"]} {said}'.strip())

  def _face(
    self, draw: ImageDraw.ImageDraw, row: Mapping[str, str], top: float
  ) -> None:
    """Draws the block of a face in the panel, from `top` on."""
    left, colour = _ROOM, _colour(row)
    y = top + _LETTERS / 2
    self._rectangle(
      draw, (left, y + 2, left + _LETTERS, y + 2 + _LETTERS), fill=colour
    )
    said = f'face {row["face_id"]}'
    if name := row.get('expr'):
      said += f'   {name} {float(row[f"p_{name}"]):.2f}'
    self._words(draw, left + 2 * _LETTERS, y, said)
    y += 2 * _LETTERS
    if row['success'] != '1':
      self._words(draw, left, y, row['reason'])
      return
    if self._has_square:
      self._values(draw, row, left, y)
      left += _SQUARE + 2 * _LETTERS
    for i, (unit, threshold) in enumerate(self._units):
      self._unit(draw, row, unit, threshold, left, y + i * _BAR)

  def _values(
    self,
    draw: ImageDraw.ImageDraw,
    row: Mapping[str, str],
    left: float,
    top: float,
  ) -> None:
    """Draws valence to the right and arousal upwards, as a dot in a square."""
    middle, half = (left + _SQUARE / 2, top + _SQUARE / 2), _SQUARE / 2
    edges = (left, top, left + _SQUARE, top + _SQUARE)
    self._rectangle(draw, edges, outline=_LINE, width=self._px(1))
    for cross in (
      (left, middle[1], left + _SQUARE, middle[1]),
      (middle[0], top, middle[0], top + _SQUARE),
    ):
      draw.line(self._in_panel(cross), fill=_LINE, width=self._px(1))
    valence, arousal = (
      float(row.get(name) or 0) for name in ('valence', 'arousal')
    )
    x, y, r = middle[0] + half * valence, middle[1] - half * arousal, 4
    dot = self._in_panel((x - r, y - r, x + r, y + r))
    draw.ellipse(dot, fill=_colour(row), outline='white', width=self._px(1))
    said = f'V {valence:+.2f}  A {arousal:+.2f}'
    self._words(draw, left, top + _SQUARE + 2, said)

  def _unit(
    self,
    draw: ImageDraw.ImageDraw,
    row: Mapping[str, str],
    unit: str,
    threshold: float,
    left: float,
    top: float,
  ) -> None:
    """Draws a unit's probability: a full bar if it is there, else a hollow."""
    self._words(draw, left, top, unit)
    left, right = left + 4 * _LETTERS, _PANEL - _ROOM
    low, high = top + 3, top + _BAR
    at = lambda share: left + share * (right - left)
    self._rectangle(draw, (left, low, right, high), fill='#303030')
    value = float(row[f'{unit}_p'])
    is_there = row[f'{unit}_c'] == '1'
    self._rectangle(
      draw,
      (left, low, at(value), high),
      fill=_colour(row) if is_there else None,
      outline=_colour(row),
      width=self._px(1),
    )
    tick = self._in_panel((at(threshold), low - 2, at(threshold), high + 2))
    draw.line(tick, fill='white', width=self._px(1))

  def _label(
    self, draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str
  ) -> None:
    """Writes on the picture, on black, above a point; none leaves the frame."""
    box = draw.textbbox(at, text, font=self._font, anchor='lb')
    shift = min(0, self._frame[0] - box[2] - self._px(2))
    draw.rectangle(
      (box[0] + shift - 2, box[1], box[2] + shift + 2, box[3] + 1), fill='black'
    )
    draw.text((at[0] + shift, at[1]), text, _TEXT, font=self._font, anchor='lb')

  def _words(
    self, draw: ImageDraw.ImageDraw, left: float, top: float, text: str
  ) -> None:
    """Writes in the panel; what does not fit is cut off."""
    x, y, *_ = self._in_panel((left, top, left, top))
    draw.text((x, y), text, _TEXT, font=self._font)

  def _rectangle(
    self,
    draw: ImageDraw.ImageDraw,
    edges: tuple[float, float, float, float],
    **options,
  ) -> None:
    draw.rectangle(self._in_panel(edges), **options)

  def _in_panel(
    self, edges: tuple[float, float, float, float]
  ) -> tuple[float, float, float, float]:
    """Returns pixels of the canvas from units of the panel."""
    x0, y0, x1, y1 = (self._scale * edge for edge in edges)
    return (x0 + self._frame[0], y0, x1 + self._frame[0], y1)

  def _px(self, size: float) -> int:
    return max(1, round(size * self._scale))


def _colour(row: Mapping[str, str]) -> str:
  """Returns a face's colour; grey if it is not predicted."""
  if row['success'] != '1':
    return '#b0b0b0'
  return COLOURS[int(row['face_id']) % len(COLOURS)]
