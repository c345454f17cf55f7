"""A rasteriser and shader in pure JAX: parameters of faces -> pictures.

The pixels that a triangle may cover are cut into tiles of TILE x TILE. The
tiles of all triangles form one list of fixed length, so that the work grows
with the area on the screen. A scatter-max of (nearness, triangle) into the
picture is the z-buffer. Coordinates are the first axis of arrays ([3, V]):
loops over vertices and pixels are then contiguous.
"""

from collections.abc import Mapping
import functools

import jax
import jax.numpy as jnp
import numpy as np

from affect_jax.synthetic import head as head_lib
from affect_jax.synthetic import shade

# Samples per pixel and axis, which are then averaged by area.
SUPERSAMPLE = 1.5
TILE = 4
# Triangles are numbered in this many columns, see `_starts`.
COLUMNS = 640
DISTANCE = 9.0  # decimetres from the camera to the eyes
HALF_WIDTH = 0.94  # decimetres from the middle to the edge of the picture
CENTRE = (0.0, -0.29, 0.3)  # the picture's middle, from between the eyes


@functools.cache
def _mesh() -> dict[str, np.ndarray]:
  """Returns constant arrays of the mesh, which the compiled renderer holds."""
  head = head_lib.load()
  # A quad is two triangles; triangle t belongs to quad t // 2. The last ones,
  # of one point each, fill up the columns.
  triangles = head.quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
  spare = -len(triangles) % COLUMNS
  triangles = np.pad(triangles, ((0, spare), (0, 0)))
  part = np.pad(np.repeat(head.part, 2), (0, spare))
  # Two masks share a channel if no triangle touches both.
  lips = head.masks['lips'] - head.masks['ears']
  lids = head.masks['eyelids'] - head.masks['inside-mouth']
  eyes = np.zeros((2, 1, len(head.vertices)), np.float32)
  eyes[0, 0, head.vertices_of(head_lib.LEFT_EYE)] = 1
  eyes[1, 0, head.vertices_of(head_lib.RIGHT_EYE)] = 1
  return {
    'triangles': np.ascontiguousarray(triangles.T),
    'part': part,
    'both_sides': part == head_lib.LASHES,
    'quads': np.ascontiguousarray(head.quads.T),
    'incident': np.ascontiguousarray(head.incident.T),
    'units': head.units.swapaxes(1, 2).reshape(len(head.units), -1),
    'paint': np.concatenate([head.vertices.T, lips[None], lids[None]]),
    'eyes': eyes,
  }


def _take(table: jax.Array, index: jax.Array | np.ndarray) -> jax.Array:
  """Returns table[..., index], with the table computed first.

  XLA would otherwise compute entries of the table again for every reader.
  """
  table, index = jax.lax.optimization_barrier((table, index))
  return table.at[..., index].get(mode='promise_in_bounds')


def _rotation(yaw: jax.Array, pitch: jax.Array, roll: jax.Array) -> jax.Array:
  """Matrix [3, 3] that turns by roll, then pitch, then yaw (radians)."""
  cy, sy = jnp.cos(yaw), jnp.sin(yaw)
  cp, sp = jnp.cos(pitch), jnp.sin(pitch)
  cr, sr = jnp.cos(roll), jnp.sin(roll)
  one, zero = jnp.ones_like(cy), jnp.zeros_like(cy)
  y = jnp.stack([cy, zero, sy, zero, one, zero, -sy, zero, cy]).reshape(3, 3)
  p = jnp.stack([one, zero, zero, zero, cp, -sp, zero, sp, cp]).reshape(3, 3)
  r = jnp.stack([cr, -sr, zero, sr, cr, zero, zero, zero, one]).reshape(3, 3)
  return y @ p @ r


def _turn(matrix: jax.Array, points: jax.Array) -> jax.Array:
  """matrix [3, 3] @ points [3, V], as plain sums that fuse with the rest."""
  x, y, z = (matrix[:, i : i + 1] * points[i : i + 1] for i in range(3))
  return x + y + z


def _deform(face: Mapping[str, jax.Array]) -> jax.Array:
  """Vertices [3, V] with expression and gaze, before the head turns."""
  mesh = _mesh()
  neutral = face['neutral'].T
  vertices = neutral + (face['units'] @ mesh['units']).reshape(3, -1)
  turn = _rotation(face['gaze'][0], face['gaze'][1], jnp.zeros(()))
  for eye in mesh['eyes']:
    centre = (neutral * eye).sum(1, keepdims=True) / eye.sum()
    turned = _turn(turn, neutral - centre) + centre
    vertices = jnp.where(eye > 0, turned, vertices)
  return vertices


def _normals(vertices: jax.Array) -> tuple[jax.Array, jax.Array]:
  """Normals [3, V] and concavity [1, V] (positive in folds and hollows)."""
  mesh = _mesh()
  corners = [_take(vertices, index) for index in mesh['quads']]
  diagonal = corners[2] - corners[0]
  (ax, ay, az), (bx, by, bz) = diagonal, corners[3] - corners[1]
  normals = jnp.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])
  middle = (corners[0] + corners[1] + corners[2] + corners[3]) / 4
  around = jnp.concatenate([normals, middle])
  n, e, s, w = (_take(around, index) for index in mesh['incident'])
  around = n + e + s + w
  normal = around[:3]
  normal /= jnp.sqrt((normal * normal).sum(0, keepdims=True)) + 1e-12
  offset = around[3:] / len(mesh['incident']) - vertices
  size = jnp.sqrt((diagonal * diagonal).sum(0))
  size = _take(size, mesh['incident'][0])[None] + 0.02
  return normal, (offset * normal).sum(0, keepdims=True) / size


def _project(
  vertices: jax.Array, face: Mapping[str, jax.Array], size: int
) -> tuple[jax.Array, jax.Array]:
  """The head's turn [3, 3] and vertices' (column, row, nearness) [3, V]."""
  turn = _rotation(*face['pose'])
  pivot = jnp.array([[0.0], [-0.35], [-0.2]])
  placed = _turn(turn, vertices - pivot) + pivot - jnp.array(CENTRE)[:, None]
  scale = DISTANCE / (DISTANCE - placed[2]) * face['zoom'] / HALF_WIDTH
  x = placed[0] * scale + face['shift'][0]
  y = placed[1] * scale + face['shift'][1]
  half = size / 2
  return turn, jnp.stack([half + half * x, half - half * y, placed[2]])


def _doubled_area(a: jax.Array, b: jax.Array, c: jax.Array) -> jax.Array:
  """Returns doubled signed areas of triangles, < 0 if they face the camera.

  Corners are [2 or more, ...].
  """
  # Rows grow downwards.
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _corners(place: jax.Array, triangle: jax.Array) -> list[jax.Array]:
  """Returns three corners of triangles, each [n, ...], from place [n, V]."""
  tables = jnp.asarray(_mesh()['triangles'])
  return [_take(place, _take(table, triangle)) for table in tables]


def _boxes(
  a: jax.Array, b: jax.Array, c: jax.Array, size: int
) -> tuple[jax.Array, jax.Array]:
  """First pixel and number of pixels (column, row) [2, ...] of triangles."""
  low = jnp.minimum(jnp.minimum(a, b), c)[:2]
  high = jnp.maximum(jnp.maximum(a, b), c)[:2]
  # Pixel i is sampled at i + 0.5.
  first = jnp.clip(jnp.ceil(low - 0.5), 0, size)
  last = jnp.clip(jnp.floor(high - 0.5), -1, size - 1)
  return first, jnp.maximum(last - first + 1, 0)


def _tiles(place: jax.Array, size: int) -> jax.Array:
  """Number of tiles [T] (int32) that each triangle may cover."""
  mesh = _mesh()
  a, b, c = (_take(place[:2], index) for index in mesh['triangles'])
  tiles = jnp.ceil(_boxes(a, b, c, size)[1] / TILE)
  area = _doubled_area(a, b, c)
  seen = jnp.where(mesh['both_sides'], jnp.abs(area) > 1e-6, area < -1e-6)
  return jnp.where(seen, tiles[0] * tiles[1], 0).astype(jnp.int32)


def _slots(size: int) -> int:
  """Length of the list of tiles: 10 % above what close faces need."""
  return round(1000 + 52 * size + 0.23 * size * size)


def _starts(tiles: jax.Array) -> tuple[jax.Array, jax.Array]:
  """Returns the first slot [T] of each triangle's tiles, and the slots in use.

  Slots go to triangle 0, COLUMNS, 2 COLUMNS, ..., then 1, COLUMNS + 1, ...:
  most of the sum then adds long rows at once.
  """
  rows = list(tiles.reshape(-1, COLUMNS))
  before = [jnp.zeros_like(rows[0])]
  for row in rows:
    before.append(before[-1] + row)
  ends = jnp.cumsum(before[-1])
  first = ends - before.pop()
  return jnp.concatenate([b + first for b in before]), ends[-1]


def _owners(tiles: jax.Array, slots: int) -> tuple[jax.Array, jax.Array]:
  """Returns each slot's triangle (-1: none) and the tile's number within it."""
  starts, used = _starts(tiles)
  count = len(tiles)
  # Mark where each triangle's tiles begin, then carry the mark along.
  number = np.arange(count)
  order = number % COLUMNS * (count // COLUMNS) + number // COLUMNS
  target = jnp.where(tiles > 0, starts, slots)
  marks = jnp.zeros(slots, jnp.int32)
  marks = marks.at[target].max(jnp.asarray(order, jnp.int32), mode='drop')
  order = jax.lax.associative_scan(jnp.maximum, marks)
  height = count // COLUMNS
  owner = order % height * COLUMNS + order // height
  slot = jnp.arange(slots)
  step = slot - _take(starts, owner)
  return jnp.where(slot < used, owner, -1), step


def _visible(place: jax.Array, size: int) -> jax.Array:
  """Returns the nearest triangle of each pixel [P], -1: none."""
  slots = _slots(size)
  owner, step = _owners(_tiles(place, size), slots)
  a, b, c = _corners(place, jnp.maximum(owner, 0))
  first, extent = _boxes(a, b, c, size)
  across = jnp.maximum(jnp.ceil(extent[0] / TILE), 1)
  # The small addition keeps exact multiples from rounding down a row.
  down = jnp.floor((step + 0.5) / across)
  left, top = first[0] + TILE * (step - down * across), first[1] + TILE * down
  width = jnp.where(owner < 0, 0, first[0] + extent[0] - left)
  height = first[1] + extent[1] - top
  planes = _planes(a, b, c, left, top)
  nearness = a[2], b[2] - a[2], c[2] - a[2]
  # Compute these once for each tile, not again for each of its pixels.
  known = [*planes[0], *planes[1], *nearness, left, top, width, height]
  known = jax.lax.optimization_barrier(jnp.stack(known))[:, None]
  nearness, (left, top, width, height) = known[6:9], known[9:]
  within = np.arange(TILE * TILE, dtype=np.float32)[:, None]
  right, down = within % TILE, within // TILE
  u, v = (p[0] * right + p[1] * down + p[2] for p in (known[:3], known[3:6]))
  near = nearness[0] + u * nearness[1] + v * nearness[2]
  near = jnp.clip((near + 3) / 5 * (1 << 16), 0, (1 << 16) - 1)
  # Drop pixels outside the triangle's rectangle, which lies in the picture.
  inside = (u >= 0) & (v >= 0) & (u + v <= 1)
  inside &= (right < width) & (down < height)
  key = near.astype(jnp.int32) * (1 << 14) + owner[None] + 1
  pixel = jnp.where(inside, (top + down) * size + left + right, size * size)
  pixel = pixel.astype(jnp.int32)
  pixel, key = jax.lax.optimization_barrier((pixel.ravel(), key.ravel()))
  buffer = jnp.zeros(size * size + 1, jnp.int32)
  buffer = buffer.at[pixel].max(key, mode='promise_in_bounds')
  return (buffer[:-1] & ((1 << 14) - 1)) - 1


def _planes(
  a: jax.Array, b: jax.Array, c: jax.Array, column: jax.Array, row: jax.Array
) -> tuple[tuple[jax.Array, ...], tuple[jax.Array, ...]]:
  """Returns the shares of corners b and c in the pixels around (column, row).

  Each is (change per pixel to the right, change per pixel down, share in this
  pixel).
  """
  area = _doubled_area(a, b, c)
  inverse = 1 / jnp.where(area == 0, 1, area)
  ub, vb = (c[1] - a[1]) * inverse, (a[0] - c[0]) * inverse
  uc, vc = (a[1] - b[1]) * inverse, (b[0] - a[0]) * inverse
  x, y = column + 0.5 - a[0], row + 0.5 - a[1]
  return (ub, vb, ub * x + vb * y), (uc, vc, uc * x + vc * y)


def _render_one(face: Mapping[str, jax.Array], size: int) -> jax.Array:
  mesh = _mesh()
  full = round(size * SUPERSAMPLE)
  vertices = _deform(face)
  normals, concavity = _normals(vertices)
  turn, place = _project(vertices, face, full)
  nearest = _visible(place, full)
  index = jnp.maximum(nearest, 0)
  a, b, c = _corners(place[:2], index)
  pixel = np.arange(full * full)
  row, column = (jnp.float32(x) for x in np.divmod(pixel, full))
  (*_, u), (*_, v) = _planes(a, b, c, column, row)
  attributes = jnp.concatenate(
    [_turn(turn, normals), concavity, jnp.asarray(mesh['paint'])]
  )
  a, b, c = _corners(attributes, index)
  values = a * (1 - u - v)[None] + b * u[None] + c * v[None]
  part = jnp.where(nearest < 0, -1, _take(jnp.asarray(mesh['part']), index))
  values, part = jax.lax.optimization_barrier((values, part))
  colour = shade.shade(values, part, face, full).reshape(3, full, full)
  average = jnp.asarray(_average(full, size))
  picture = jnp.einsum('yi,xj,cij->yxc', average, average, colour)
  return shade.develop(picture, face)


def _average(full: int, size: int) -> np.ndarray:
  """Weights [size, full] of the samples that each pixel covers."""
  edges = np.arange(size + 1) * full / size
  low = np.maximum(edges[:-1, None], np.arange(full)[None])
  high = np.minimum(edges[1:, None], np.arange(full)[None] + 1)
  overlap = np.maximum(high - low, 0)
  return (overlap / overlap.sum(1, keepdims=True)).astype(np.float32)


@functools.partial(jax.jit, static_argnames='size')
def render(faces: Mapping[str, jax.Array], size: int) -> jax.Array:
  """Renders a batch of faces: uint8 [B, size, size, 3].

  Args:
    faces: Arrays with a leading axis B, see `person.face`.
    size: Height and width in pixels.
  """
  # A CPU renders one after the other: a picture's arrays then stay in its
  # cache, twice as fast, and no picture depends on others in the batch.
  at_once = None if jax.default_backend() == 'cpu' else 64
  return jax.lax.map(
    lambda face: _render_one(face, size), dict(faces), batch_size=at_once
  )
