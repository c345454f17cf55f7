"""A rasteriser and shader in pure JAX: parameters of faces -> pictures.

A triangle covers a rectangle of pixels; all rectangles of a picture are laid
end to end in one list of fixed length, so that the work follows the area on
the screen whatever the sizes of the triangles. One scatter-max of
(nearness, triangle) into the picture is the z-buffer.
"""

from collections.abc import Mapping
import functools

import jax
import jax.numpy as jnp
import numpy as np

from affect_jax.synthetic import head as head_lib
from affect_jax.synthetic import shade

# Rendered at this many samples per pixel and axis, then averaged by area.
SUPERSAMPLE = 1.5
# Slots for candidate pixels, per pixel of the (supersampled) picture.
SLOTS_PER_PIXEL = 3.5
DISTANCE = 9.0  # decimetres from the camera to the eyes
HALF_WIDTH = 0.94  # decimetres from the middle to the edge of the picture
CENTRE = (0.0, -0.29, 0.3)  # what stands in the middle, from between the eyes


@functools.cache
def _mesh() -> dict[str, np.ndarray]:
  """Constant arrays of the mesh that the compiled renderer closes over."""
  head = head_lib.load()
  # Two triangles a quad; triangle t belongs to quad t // 2.
  triangles = head.quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
  part = np.repeat(head.part, 2)
  masks = [head.masks[k] for k in ('lips', 'eyelids', 'inside-mouth', 'ears')]
  return {
    'triangles': triangles,
    'part': part,
    'both_sides': part == head_lib.LASHES,
    'quads': head.quads,
    'incident': head.incident,
    'units': head.units.reshape(len(head.units), -1),
    'paint': np.concatenate([head.vertices, np.stack(masks, 1)], axis=1),
    'left_eye': head.vertices_of(head_lib.LEFT_EYE),
    'right_eye': head.vertices_of(head_lib.RIGHT_EYE),
  }


def _take(table: jax.Array, index: jax.Array | np.ndarray) -> jax.Array:
  """table[index] with the table computed first.

  XLA would otherwise compute a row of the table again for every reader.
  """
  table, index = jax.lax.optimization_barrier((table, index))
  return table.at[index].get(mode='promise_in_bounds')


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


def _deform(face: Mapping[str, jax.Array]) -> jax.Array:
  """Vertices [V, 3] with expression and gaze, before the head turns."""
  mesh = _mesh()
  moved = (face['units'] @ mesh['units']).reshape(-1, 3)
  vertices = face['neutral'] + moved
  for eye in (mesh['left_eye'], mesh['right_eye']):
    ball = face['neutral'][eye]
    centre = ball.mean(0, keepdims=True)
    turn = _rotation(face['gaze'][0], face['gaze'][1], jnp.zeros(()))
    vertices = vertices.at[eye].set((ball - centre) @ turn.T + centre)
  return vertices


def _normals(vertices: jax.Array) -> tuple[jax.Array, jax.Array]:
  """Normals [V, 3] and concavity [V, 1] (positive in folds and hollows)."""
  mesh = _mesh()
  corners = _take(vertices, mesh['quads'])
  across = corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]
  normals = jnp.cross(*across)
  around = jnp.concatenate([normals, corners.mean(1)], 1)
  around = _take(around, mesh['incident']).sum(1)
  normal = around[:, :3]
  normal /= jnp.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
  offset = around[:, 3:] / mesh['incident'].shape[1] - vertices
  size = jnp.linalg.norm(corners[:, 2] - corners[:, 0], axis=1)
  size = _take(size[:, None], mesh['incident'][:, 0]) + 0.02
  return normal, (offset * normal).sum(1, keepdims=True) / size


def _project(
  vertices: jax.Array, face: Mapping[str, jax.Array], size: int
) -> tuple[jax.Array, jax.Array]:
  """Turned vertices [V, 3] and their places (column, row, nearness) [V, 3]."""
  turn = _rotation(*face['pose'])
  pivot = jnp.array([[0.0, -0.35, -0.2]])
  turned = (vertices - pivot) @ turn.T + pivot
  placed = turned - jnp.array([CENTRE])
  scale = DISTANCE / (DISTANCE - placed[:, 2:]) * face['zoom'] / HALF_WIDTH
  x = placed[:, :1] * scale + face['shift'][0]
  y = placed[:, 1:2] * scale + face['shift'][1]
  half = size / 2
  place = jnp.concatenate([half + half * x, half - half * y, placed[:, 2:]], 1)
  return turn, place


def _triangle_rows(place: jax.Array, size: int) -> tuple[jax.Array, jax.Array]:
  """What the pixels need of each triangle [T, 12], and pixels covered [T].

  A row is barycentric planes (2 x 3), nearness plane (3), first column, first
  row, width; planes are relative to the first pixel of the rectangle.
  """
  mesh = _mesh()
  a, b, c = (_take(place, mesh['triangles'][:, i]) for i in range(3))
  low = jnp.minimum(jnp.minimum(a, b), c)[:, :2]
  high = jnp.maximum(jnp.maximum(a, b), c)[:, :2]
  # Pixel i is sampled at i + 0.5.
  first = jnp.clip(jnp.ceil(low - 0.5), 0, size)
  last = jnp.clip(jnp.floor(high - 0.5), -1, size - 1)
  extent = jnp.maximum(last - first + 1, 0)
  e1, e2 = b - a, c - a
  area = e1[:, 0] * e2[:, 1] - e1[:, 1] * e2[:, 0]
  # Rows grow downwards, so a triangle that faces the viewer has area < 0.
  seen = jnp.where(mesh['both_sides'], jnp.abs(area) > 1e-6, area < -1e-6)
  covered = jnp.where(seen, extent[:, 0] * extent[:, 1], 0)
  inverse = 1 / jnp.where(seen, area, 1)
  offset = first + 0.5 - a[:, :2]
  ub, vb = e2[:, 1] * inverse, -e2[:, 0] * inverse
  uc, vc = -e1[:, 1] * inverse, e1[:, 0] * inverse
  wb = ub * offset[:, 0] + vb * offset[:, 1]
  wc = uc * offset[:, 0] + vc * offset[:, 1]
  rows = [ub, vb, wb, uc, vc, wc]
  for i in range(3):
    origin = a[:, 2] if i == 2 else 0
    rows.append(rows[i] * e1[:, 2] + rows[i + 3] * e2[:, 2] + origin)
  rows += [first[:, 0], first[:, 1], jnp.maximum(extent[:, 0], 1)]
  return jnp.stack(rows, axis=1), covered.astype(jnp.int32)


def _visible(place: jax.Array, size: int) -> tuple[jax.Array, jax.Array]:
  """Nearest triangle of each pixel [P] (-1: none), and `_triangle_rows`."""
  rows, covered = _triangle_rows(place, size)
  count = rows.shape[0]
  slots = int(SLOTS_PER_PIXEL * size * size) + count
  ends = jnp.cumsum(covered)
  starts = ends - covered
  # Mark where each triangle's slots begin, then carry the mark along.
  marks = jnp.zeros(slots, jnp.int32)
  target = jnp.where(covered > 0, starts, slots)
  marks = marks.at[target].max(jnp.arange(count), mode='drop')
  owner = jax.lax.associative_scan(jnp.maximum, marks)
  table = jnp.concatenate([rows, starts.astype(jnp.float32)[:, None]], axis=1)
  row = _take(table, owner)
  slot = jnp.arange(slots)
  step = slot.astype(jnp.float32) - row[:, 12]
  # The small addition keeps exact multiples from rounding down a row.
  down = jnp.floor((step + 0.5) / row[:, 11])
  right = step - down * row[:, 11]
  b = row[:, 0] * right + row[:, 1] * down + row[:, 2]
  c = row[:, 3] * right + row[:, 4] * down + row[:, 5]
  near = row[:, 6] * right + row[:, 7] * down + row[:, 8]
  inside = (b >= 0) & (c >= 0) & (b + c <= 1) & (slot < ends[-1])
  near = jnp.clip((near + 3) / 5 * (1 << 16), 0, (1 << 16) - 1)
  key = near.astype(jnp.int32) * (1 << 14) + owner + 1
  pixel = (row[:, 10] + down) * size + row[:, 9] + right
  pixel = jnp.where(inside, pixel, size * size).astype(jnp.int32)
  buffer = jnp.zeros(size * size, jnp.int32).at[pixel].max(key, mode='drop')
  return (buffer & ((1 << 14) - 1)) - 1, rows


def _render_one(face: Mapping[str, jax.Array], size: int) -> jax.Array:
  mesh = _mesh()
  full = round(size * SUPERSAMPLE)
  vertices = _deform(face)
  normals, concavity = _normals(vertices)
  turn, place = _project(vertices, face, full)
  nearest, rows = _visible(place, full)
  index = jnp.maximum(nearest, 0)
  row = _take(rows, index)
  pixel = jnp.arange(full * full)
  right = (pixel % full).astype(jnp.float32) - row[:, 9]
  down = (pixel // full).astype(jnp.float32) - row[:, 10]
  b = row[:, 0:1] * right[:, None] + row[:, 1:2] * down[:, None] + row[:, 2:3]
  c = row[:, 3:4] * right[:, None] + row[:, 4:5] * down[:, None] + row[:, 5:6]
  attributes = jnp.concatenate(
    [normals @ turn.T, concavity, jnp.asarray(mesh['paint'])], axis=1
  )
  corner = _take(jnp.asarray(mesh['triangles']), index)
  values = (
    _take(attributes, corner[:, 0]) * (1 - b - c)
    + _take(attributes, corner[:, 1]) * b
    + _take(attributes, corner[:, 2]) * c
  )
  part = jnp.where(nearest < 0, -1, jnp.asarray(mesh['part'])[index])
  values, part = jax.lax.optimization_barrier((values.T, part))
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
  """Pictures uint8 [B, size, size, 3] of a batch of faces.

  Args:
    faces: Arrays with a leading axis B, see `affect.face`.
    size: Height and width in pixels.
  """
  # One after the other on a CPU: a picture's arrays then stay in its cache,
  # twice as fast, and no picture depends on its neighbours in the batch.
  at_once = 1 if jax.default_backend() == 'cpu' else 64
  return jax.lax.map(
    lambda face: _render_one(face, size), dict(faces), batch_size=at_once
  )
