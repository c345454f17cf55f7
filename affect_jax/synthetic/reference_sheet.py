"""Draws what each expression and action unit looks like.

  python -m affect_jax.synthetic.reference_sheet OUT.png [--size=128]

Rows of identities show the eight expressions at full strength; then one face
shows every labelled action unit alone, at intensity 1.
"""

import argparse

import numpy as np
from PIL import Image
from PIL import ImageDraw
from PIL import ImageFont

from affect_jax.synthetic import affect
from affect_jax.synthetic import person


def _expression(name: str) -> affect.Affect:
  mix = {} if name == 'neutral' else {name: 1.0}
  drawn = affect.affect(mix, affect.RECIPES[name][0], expression=name)
  return affect.one_sided(drawn, left=True) if name == 'contempt' else drawn


def draw(size: int = 128, identities: int = 6) -> Image.Image:
  """Draws `identities` rows of expressions, then the action units."""
  columns = len(affect.EXPRESSIONS)
  people = [
    person.draw_person(np.random.default_rng((7, i))) for i in range(identities)
  ]
  shown = [
    (p, _expression(name), name) for p in people for name in affect.EXPRESSIONS
  ]
  for who in people[:2]:
    for unit in ('AU0', *affect.ACTION_UNITS, 'AU5', 'AU9', 'AU20'):
      units = {} if unit == 'AU0' else {unit: 1.0}
      drawn = affect.affect({}, units, expression='neutral')
      shown.append((who, drawn, 'neutral' if unit == 'AU0' else unit))
  faces = [person.face(p, drawn, None) for p, drawn, _ in shown]
  batch = {k: np.stack([f[k] for f in faces]) for k in faces[0]}
  # Late: --help need not wait for JAX.
  from affect_jax.synthetic import render

  pictures = np.asarray(render.render(batch, size=size))

  label = 18
  rows = -(-len(shown) // columns)
  sheet = Image.new('RGB', (columns * size, rows * (size + label)), 'white')
  pen = ImageDraw.Draw(sheet)
  font = ImageFont.load_default(12)
  for i, (_, _, name) in enumerate(shown):
    x, y = i % columns * size, i // columns * (size + label)
    sheet.paste(Image.fromarray(pictures[i]), (x, y + label))
    pen.text((x + 4, y + 2), name, fill='#222222', font=font)
  return sheet


def main() -> None:
  """Runs the command line in the docstring of this module."""
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument('out')
  parser.add_argument('--size', type=int, default=128)
  parser.add_argument('--identities', type=int, default=6)
  options = parser.parse_args()
  draw(options.size, options.identities).save(options.out)


if __name__ == '__main__':
  main()
