"""Draws the README's first picture: a frame, predictions, and the label sheet.

  python experiments/quickstart/picture.py --workdir=runs/quickstart

renders two people that the run has never seen into one frame, finds their faces
as `affect_jax.predict` does, predicts them with the run, and draws the labels
beside it, of which some are withheld. Needs the extra `video`.
"""

import argparse
import pathlib

import numpy as np
from PIL import Image
from PIL import ImageDraw

import affect_jax
from affect_jax import contact_sheet
from affect_jax.media import box as box_lib
from affect_jax.media import detector
from affect_jax.synthetic import annotate
from affect_jax.synthetic import gallery

FACE, BORDER, TITLE = 216, 24, 26
# Numbers of the faces; both people differ.
FACES = (10, 32)
# The longer side of the detector's boxes is what the corpus shows.
MARGIN = 0.0
LEGEND = 'expression, action units, valence and arousal; grey: not annotated'
WITHHELD = annotate.Flaws(missing_au={'AU23': 1.0, 'AU24': 1.0})


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument('--workdir', required=True, help="the quickstart's run")
  parser.add_argument('--faces', type=int, nargs=2, default=FACES)
  parser.add_argument(
    '--out',
    type=pathlib.Path,
    default=pathlib.Path(__file__).with_name('frame.png'),
  )
  arguments = parser.parse_args()
  frame, labels = _frame(arguments.faces)
  boxes = detector.detect(frame)
  crops = [box_lib.cut(frame, box, MARGIN) for box in boxes]
  said = affect_jax.load(arguments.workdir).predict(crops)
  thresholds = said.columns.thresholds
  predicted = []
  for i, crop in enumerate(crops):
    example = {'image': crop}
    for task, names in annotate.OUTPUTS.items():
      values = said.arrays[task][i]
      if task == 'action_units':
        values = values >= [thresholds[name] for name in names]
      example |= {task: values, f'{task}_weights': np.ones(len(names))}
      if task == 'expression':
        example[f'{task}_weights'] = np.ones(1)
    predicted.append(example)
  _compose(frame, boxes, predicted, labels).save(arguments.out, optimize=True)
  print(f'Wrote {arguments.out}: {arguments.out.stat().st_size / 1e3:.0f} kB.')


def _frame(faces):
  """Renders the faces into uint8 [H, W, 3]; returns it and their labels."""
  drawn = [gallery.draw(0, 'test', i, 1) for i in faces]
  pictures = gallery.pictures([face for _, face in drawn], FACE)
  frame = np.full(
    (FACE + 2 * BORDER, len(faces) * (FACE + BORDER) + BORDER, 3), 96, np.uint8
  )
  labels = []
  for i, (picture, (shown, _)) in enumerate(zip(pictures, drawn, strict=True)):
    x = BORDER + i * (FACE + BORDER)
    frame[BORDER : BORDER + FACE, x : x + FACE] = picture
    rng = gallery.generator(gallery.LABELS, 0, 'test', faces[i])
    flaws = WITHHELD if i else annotate.Flaws(missing_task={'expression': 1.0})
    labels.append({'image': picture, **annotate.annotate(shown, rng, flaws)})
  return frame, labels


def _compose(frame, boxes, predicted, labels):
  """Puts frame, predictions and labels side by side."""
  left = Image.fromarray(frame)
  pen = ImageDraw.Draw(left)
  for number, box in enumerate(boxes):
    corners = (box.x, box.y, box.x + box.width, box.y + box.height)
    pen.rectangle(corners, outline='#facc15', width=3)
    pen.text((box.x + 6, box.y + 4), f'face {number}', fill='#facc15')
  sheets = [
    ('a frame', left),
    ('what the run predicts', _sheet(predicted)),
    ('the label sheet', _sheet(labels)),
  ]
  height = TITLE + max(sheet.height for _, sheet in sheets)
  whole = Image.new(
    'RGB', (sum(s.width for _, s in sheets), height), contact_sheet.BACKGROUND
  )
  pen = ImageDraw.Draw(whole)
  x = 0
  for title, sheet in sheets:
    pen.text(
      (x + contact_sheet.PAD, 8),
      title,
      fill=contact_sheet.INK,
      font_size=14,
    )
    whole.paste(sheet, (x, TITLE))
    x += sheet.width
  pen.text((contact_sheet.PAD, height - 24), LEGEND, fill=contact_sheet.FAINT)
  # Of few colours, the file is small: those of faces, and rare ones of text.
  palette = [
    *(whole.quantize(208, Image.Quantize.MEDIANCUT).getpalette() or ()),
    *(whole.quantize(48, Image.Quantize.MAXCOVERAGE).getpalette() or ()),
  ]
  colours = Image.new('P', (1, 1))
  colours.putpalette(palette)
  return whole.quantize(palette=colours, dither=Image.Dither.NONE)


def _sheet(examples):
  """Draws a sheet without its first line, which needs more columns."""
  sheet = contact_sheet.draw(examples, annotate.OUTPUTS, len(examples))
  return sheet.crop((0, contact_sheet.LINE + 10, *sheet.size))


if __name__ == '__main__':
  main()
