"""The head: reads `head.npz`, and makes the heads of identities.

Lengths are decimetres, x to the picture's right (the head's left), y up, z
towards the viewer. `Head.vertices` is the androgynous head that every shape
displaces; painting (brows, hair, folds) is placed in its coordinates, so that
paint moves with the skin.
"""

from collections.abc import Mapping
import dataclasses
import functools
import hashlib
import pathlib

import numpy as np

PATH = pathlib.Path(__file__).with_name('head.npz')
SKIN, LEFT_EYE, RIGHT_EYE, TEETH, TONGUE, LASHES = range(6)
# Every identity is scaled to this distance of eyes and chin, so that its face
# fills the picture.
EYES_TO_CHIN = 1.13


@dataclasses.dataclass(frozen=True, eq=False)
class Head:
  """The asset, unpacked.

  Attributes:
    vertices: [V, 3] float32, decimetres.
    quads: [Q, 4] int32 vertices of each face.
    part: [Q] int32: SKIN, LEFT_EYE, RIGHT_EYE, TEETH, TONGUE or LASHES.
    incident: [V, 4] int32 quads around a vertex (repeated at edges; if more
      than four meet, the first four).
    masks: {'lips', 'eyelids', 'inside-mouth', 'ears': [V] float32 in [0, 1]}.
    units: [52, V, 3] float32 displacements of the face units (ARKit names).
    unit_names: Their names.
    shapes: [S, V * 3] float32 displacements of the identity shapes.
    shape_names: Their names.
    chin: Index of the vertex at the tip of the chin.
  """

  vertices: np.ndarray
  quads: np.ndarray
  part: np.ndarray
  incident: np.ndarray
  masks: Mapping[str, np.ndarray]
  units: np.ndarray
  unit_names: tuple[str, ...]
  shapes: np.ndarray
  shape_names: tuple[str, ...]
  chin: int

  def vertices_of(self, part: int) -> np.ndarray:
    """Returns the indices of the vertices of one part, e.g. LEFT_EYE."""
    return np.unique(self.quads[self.part == part])


def asset_sha256() -> str:
  """Returns the asset's checksum, a part of each rendered corpus' version."""
  return hashlib.sha256(PATH.read_bytes()).hexdigest()


@functools.cache
def load() -> Head:
  """Reads the committed asset (no pickles)."""
  with np.load(PATH, allow_pickle=False) as file:
    arrays = dict(file)
  vertices = arrays['vertices']
  quads = arrays['quads'].astype(np.int32)
  names, units = _shapes(arrays, 'units')
  macro_names, macros = _shapes(arrays, 'macros')
  detail_names, details = _shapes(arrays, 'details')
  central = (np.abs(vertices[:, 0]) < 0.03) & (vertices[:, 2] > 1.0)
  central &= vertices[:, 1] < 6.5
  chin = int(np.argmin(np.where(central, vertices[:, 1], np.inf)))
  return Head(
    vertices=vertices,
    quads=quads,
    part=arrays['part'].astype(np.int32),
    incident=_incident(quads, len(vertices)),
    masks={
      str(n): m.astype(np.float32) / 255
      for n, m in zip(arrays['mask_names'], arrays['masks'].T, strict=True)
    },
    units=units,
    unit_names=names,
    shapes=np.concatenate([macros, details]).reshape(
      len(macros) + len(details), -1
    ),
    shape_names=macro_names + detail_names,
    chin=chin,
  )


def _shapes(
  arrays: Mapping[str, np.ndarray], kind: str
) -> tuple[tuple[str, ...], np.ndarray]:
  """Unpacks names and dense displacements [S, V, 3] of one kind of shapes."""
  low, high = arrays[kind + '_low'], arrays[kind + '_high']
  moves = (high.astype(np.int16) << 8 | low).T.astype(np.float32) / 1000
  names = tuple(str(n) for n in arrays[kind + '_names'])
  index = np.cumsum(arrays[kind + '_steps'].astype(np.int64))
  shape = np.repeat(np.arange(len(names)), arrays[kind + '_counts'])
  dense = np.zeros((len(names), *arrays['vertices'].shape), np.float32)
  dense[shape, index] = moves
  return names, dense


def _incident(quads: np.ndarray, count: int) -> np.ndarray:
  around: list[list[int]] = [[] for _ in range(count)]
  for number, quad in enumerate(quads):
    for vertex in quad:
      around[vertex].append(number)
  return np.array([(a * 4)[:4] for a in around], np.int32)


@functools.cache
def _vertices_of(*parts: int) -> np.ndarray:
  return np.concatenate([load().vertices_of(part) for part in parts])


def identity(weights: Mapping[str, float]) -> np.ndarray:
  """Returns vertices [V, 3] of a neutral face, centred between the eyes.

  Args:
    weights: {shape: weight}, names of `Head.shape_names`.

  Raises:
    ValueError: An unknown shape has a weight other than 0.
  """
  head = load()
  chosen = [head.shape_names.index(n) for n, w in weights.items() if w]
  amounts = np.array([w for w in weights.values() if w], np.float32)
  # Not `@`, as the order of BLAS' sums depends on its threads.
  moves = np.einsum('s,sn->n', amounts, head.shapes[chosen])
  vertices = head.vertices + moves.reshape(-1, 3)
  # Shapes of the mouth do not move teeth and tongue, which then pierce the
  # lips; made slightly narrower and moved back, they do not.
  for part, back in ((TEETH, 0.07), (TONGUE, 0.13)):
    inside = _vertices_of(part)
    vertices[inside] *= np.array([[0.92, 1, 1]], np.float32)
    vertices[inside, 2] -= np.float32(back)
  centre = vertices[_vertices_of(LEFT_EYE, RIGHT_EYE)].mean(0)
  vertices -= centre
  vertices *= np.float32(EYES_TO_CHIN) / -vertices[head.chin, 1]
  return vertices.astype(np.float32)
