"""Colours of the points of a face: skin, lips, eyes, hair, light.

Pixels are the last axis [.., P] and colours the first [3, P]: loops over
pixels are then contiguous, and a mask is computed once for three colours.
"""

from collections.abc import Mapping
import math

import jax
import jax.numpy as jnp

from affect_jax.synthetic import head as head_lib

Face = Mapping[str, jax.Array]


def _bump(x: jax.Array, width: float | jax.Array) -> jax.Array:
  """1 at 0, falling to 0 within about two widths."""
  return jnp.exp(-jnp.square(x / width))


def _step(x: jax.Array, softness: float) -> jax.Array:
  """0 below 0, 1 above `softness`, smooth between."""
  x = jnp.clip(x / softness, 0, 1)
  return x * x * (3 - 2 * x)


def _lines(x: jax.Array) -> jax.Array:
  """Thin lines, pi apart: a sine to the fourth power."""
  return jnp.square(jnp.square(_sine(x)))


def _sine(x: jax.Array) -> jax.Array:
  """Within 0.001 of a sine: two parabolas, which vectorise."""
  turns = x / (2 * math.pi)
  turns -= jnp.round(turns)
  wave = turns * (8 - 16 * jnp.abs(turns))
  return wave * (0.775 + 0.225 * jnp.abs(wave))


def _mix(a: jax.Array, b: jax.Array, share: jax.Array) -> jax.Array:
  return a + (b - a) * share


def _colour(*rgb: float) -> jax.Array:
  return jnp.array(rgb)[:, None]


def _folds(
  side: jax.Array, y: jax.Array, folds: jax.Array, depth: jax.Array
) -> jax.Array:
  """Darkness [P] of the lines that action units fold into the skin."""
  inner, outer, frown, smile, sneer = (folds[i] for i in range(5))
  raised = inner * _bump(side, 0.26) + outer * _bump(side - 0.42, 0.16)
  level = _lines((y + 0.1 * side * side) * 42)
  dark = raised * level * _bump(y - 7.78, 0.13)
  furrow = _bump(side - 0.065, 0.018) + 0.5 * _bump(side, 0.015)
  dark += 1.3 * frown * furrow * _bump(y - 7.5, 0.09)
  # Crow's feet fan out from the corner of the eye.
  fan = _lines((y - 7.27) * 25 / (0.2 + jnp.abs(side - 0.4)))
  dark += 1.1 * smile * fan * _bump(side - 0.60, 0.07) * _bump(y - 7.26, 0.1)
  # The raised cheek draws a crease below the eye.
  crease = _bump(y - 7.06 - 0.5 * jnp.square(side - 0.33), 0.03)
  dark += 0.8 * smile * crease * _bump(side - 0.33, 0.2)
  bridge = _lines((y + 0.5 * side) * 45)
  dark += 1.2 * sneer * bridge * _bump(side, 0.12) * _bump(y - 7.26, 0.1)
  return depth * dark


def _masks(values: jax.Array, face: Face) -> list[jax.Array]:
  """Returns how much of each paint lies on points of the skin, 9 x [P].

  Blush, lips, eyelids, inside of the mouth, brows, hair, beard; then two
  factors of brightness: folds and strands of hair.
  """
  x, y, z = values[4], values[5], values[6]
  lips, ears = jnp.maximum(values[7], 0), jnp.maximum(-values[7], 0)
  lids, mouth = jnp.maximum(values[8], 0), jnp.maximum(-values[8], 0)
  side = jnp.abs(x)
  blush = 0.5 * _bump(side - 0.52, 0.25) + 0.5 * _bump(side, 0.14)
  blush *= _bump(y - 6.95, 0.23)

  thickness, density, arch = (face['brow'][i] for i in range(3))
  along = jnp.clip((side - 0.12) / 0.46, 0, 1)
  line = 7.475 + arch * _sine(along * 2.4) - 0.03 * along * along
  width = thickness * (1 - 0.65 * along * along) + 0.004
  brow = _bump(y - line, width) * _step(side - 0.07, 0.06)
  brow *= _step(0.60 - side, 0.08) * _step(z - 0.9, 0.1)

  # The hair line: high above the forehead, falling in front of the ears.
  line = face['hairline'][0] - 0.35 * jnp.square(side)
  hair = _step(y - line, 0.10)
  reach = face['hairline'][1] - 0.35 * _step(7.55 - y, 0.3)
  temple = _step(0.95 + reach - z, 0.12) * _step(y - 6.95, 0.15)
  hair = jnp.maximum(hair, temple * face['hairline'][2])
  hair *= 1 - _step(ears - 0.1, 0.3)

  beard = _step(6.85 - y - 0.5 * jnp.square(side - 0.3), 0.25)
  beard *= (1 - _step(lips, 0.3)) * _step(0.95 - side, 0.2)
  beard *= _step(y - 5.95, 0.2) * _step(z - 0.2, 0.5)
  return [
    blush,
    0.85 * _step(lips - 0.15, 0.6),
    0.6 * lids,
    _step(mouth - 0.3, 0.5),
    jnp.clip(brow * density, 0, 1),
    hair,
    0.55 * beard * face['beard'][0],
    jnp.exp(-_folds(side, y, face['folds'], 0.5 + face['age'])),
    0.85 + 0.15 * _sine(70 * x + 9 * _sine(11 * z)),
  ]


def _skin(masks: list[jax.Array], face: Face) -> jax.Array:
  """Albedo [3, P] of skin with lips, brows and hair painted on."""
  blush, lips, lids, mouth, brow, hair, beard, folds, strand = (
    mask[None] for mask in masks
  )
  colour = face['skin'][:, None] * (1 + blush * _colour(0.10, -0.10, -0.08))
  colour = _mix(colour, face['lip'][:, None], lips)
  colour = _mix(colour, face['skin'][:, None] * 0.7, lids)
  colour = _mix(colour, _colour(0.16, 0.03, 0.03), mouth)
  colour = _mix(colour, face['hair'][:, None] * 0.6, brow) * folds
  colour = _mix(colour, face['hair'][:, None] * strand, hair)
  return _mix(colour, face['hair'][:, None], beard)


def _eye(values: jax.Array, face: Face) -> jax.Array:
  """Albedo [3, P] of an eyeball: white, iris, pupil by distance to its axis."""
  x, y = jnp.abs(values[4:5]) - 0.3077, values[5:6] - 7.2875
  radius = jnp.sqrt(x * x + y * y + 1e-9)
  iris = 1 - _step(radius - 0.056, 0.012)
  colour = _mix(_colour(0.82, 0.80, 0.78), face['iris'][:, None], iris)
  colour *= 1 - 0.6 * _bump(radius - 0.061, 0.008)
  return colour * _step(radius - 0.022, 0.008)


def shade(
  values: jax.Array, part: jax.Array, face: Face, size: int
) -> jax.Array:
  """Linear light [3, P] of each pixel.

  Args:
    values: [9, P]: normal (3), concavity, place on the neutral head (3), and
      masks: lips (negative: ears), eyelids (negative: inside of the mouth).
    part: [P] part of the head, -1 for the background.
    face: One face, see `person.face`.
    size: Height and width of the picture.
  """
  normal = values[:3]
  normal /= jnp.sqrt((normal * normal).sum(0, keepdims=True)) + 1e-9
  part = part[None]
  is_eye = (part == head_lib.LEFT_EYE) | (part == head_lib.RIGHT_EYE)
  is_skin = part == head_lib.SKIN
  masks, eye = _masks(values, face), _eye(values, face)

  lambert = (normal * face['light'][:, None]).sum(0, keepdims=True)
  half = face['light'] + jnp.array([0.0, 0.0, 1.0])
  half /= jnp.linalg.norm(half) + 1e-9
  glance = (normal * half[:, None]).sum(0, keepdims=True)
  # Powers of 16 and 64 by squaring.
  glance = jnp.maximum(glance, 0) ** 16
  shine = jnp.where(is_eye, 0.9 * glance**4, face['gloss'] * glance)
  shine *= jnp.where(is_skin | is_eye, 1, 0.2)
  hollow = jnp.clip(values[3:4], -0.1, 0.16)
  open_sky = jnp.where(is_skin, jnp.exp(-5 * hollow), 1)
  sky = 0.7 + 0.3 * normal[1:2]
  # Compute it once, not again for each of the three colours.
  masks, eye, lambert, shine, open_sky, sky = jax.lax.optimization_barrier(
    (masks, eye, lambert, shine, open_sky, sky)
  )

  colour = jnp.where(is_eye, eye, _skin(masks, face))
  colour = jnp.where(part == head_lib.TEETH, _colour(0.75, 0.72, 0.65), colour)
  colour = jnp.where(part == head_lib.TONGUE, _colour(0.5, 0.16, 0.15), colour)
  dark = face['hair'][:, None] * 0.3
  colour = jnp.where(part == head_lib.LASHES, dark, colour)
  # Wrapped, and redder where light ends: light travels under the skin.
  wrap = _colour(0.35, 0.2, 0.15)
  diffuse = jnp.maximum((lambert + wrap) / (1 + wrap), 0)
  key = face['light_colour'][:, None]
  light = (diffuse * key + sky * face['ambient'][:, None]) * open_sky
  colour = colour * light + shine * key

  pixel = jnp.arange(size * size)[None]
  across, up = pixel % size / size - 0.5, 0.5 - pixel // size / size
  slope = face['back_slope']
  share = jnp.clip(0.5 + slope[0] * across + slope[1] * up, 0, 1)
  back = _mix(face['back'][0][:, None], face['back'][1][:, None], share)
  return jnp.where(part < 0, back, colour)


def _noise(seed: jax.Array, shape: tuple[int, ...]) -> jax.Array:
  """Approximately normal noise from an integer hash: cheap, exact anywhere."""
  x = jnp.arange(math.prod(shape), dtype=jnp.uint32)
  x = x * jnp.uint32(2654435761) + seed
  total = jnp.zeros(x.shape, jnp.float32)
  for _ in range(2):
    x = (x ^ (x >> 16)) * jnp.uint32(0x45D9F3B)
    x = (x ^ (x >> 16)) * jnp.uint32(0x45D9F3B)
    x = x ^ (x >> 16)
    total += (x & 0xFFFF).astype(jnp.float32) + (x >> 16).astype(jnp.float32)
  return ((total / 65535 - 2) * 1.732).reshape(shape)


def develop(picture: jax.Array, face: Face) -> jax.Array:
  """Linear light [H, W, 3] -> a picture uint8 [H, W, 3] with sensor noise."""
  exposed = picture * face['exposure']
  # A soft shoulder, so that bright skin keeps its shading.
  exposed = exposed * (1 + exposed / 4) / (1 + exposed)
  value = jnp.exp(jnp.log(jnp.maximum(exposed, 1e-6)) / 2.2)
  value += face['noise'] * _noise(face['seed'], picture.shape)
  return jnp.clip(value * 255 + 0.5, 0, 255).astype(jnp.uint8)
