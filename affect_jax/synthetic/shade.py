"""Colours of the points of a face: skin, lips, eyes, hair, light."""

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


def _mix(a: jax.Array, b: jax.Array, share: jax.Array) -> jax.Array:
  return a + (b - a) * share


def _skin(values: jax.Array, face: Face) -> jax.Array:
  """Albedo [P, 3] of skin with lips, brows and hair painted on."""
  x, y, z = (values[:, i : i + 1] for i in (4, 5, 6))
  lips, lids, mouth, ears = (values[:, i : i + 1] for i in (7, 8, 9, 10))
  side = jnp.abs(x)
  colour = jnp.broadcast_to(face['skin'][None], values[:, :3].shape)
  # Blood under thin skin: cheeks, nose and ears are redder.
  red = 0.5 * _bump(side - 0.52, 0.25) * _bump(y - 6.95, 0.25)
  red += 0.5 * _bump(side, 0.14) * _bump(y - 6.95, 0.2)
  colour *= 1 + red * jnp.array([[0.10, -0.10, -0.08]])
  colour = _mix(colour, face['lip'][None], _step(lips - 0.15, 0.6) * 0.85)
  colour = _mix(colour, face['skin'][None] * 0.7, 0.6 * lids)
  inside = jnp.array([[0.16, 0.03, 0.03]])
  colour = _mix(colour, inside, _step(mouth - 0.3, 0.5))

  thickness, density, arch = (face['brow'][i] for i in range(3))
  along = jnp.clip((side - 0.12) / 0.46, 0, 1)
  line = 7.475 + arch * jnp.sin(along * 2.4) - 0.03 * along * along
  width = thickness * (1 - 0.65 * along * along) + 0.004
  brow = _bump(y - line, width) * _step(side - 0.07, 0.06)
  brow *= _step(0.60 - side, 0.08) * _step(z - 0.9, 0.1)
  colour = _mix(
    colour, face['hair'][None] * 0.6, jnp.clip(brow * density, 0, 1)
  )

  colour *= jnp.exp(-_folds(side, y, face['folds'], 0.5 + face['age']))

  # The hair line: high above the forehead, falling in front of the ears.
  line = face['hairline'][0] - 0.35 * jnp.square(side)
  hair = _step(y - line, 0.10)
  reach = face['hairline'][1] - 0.35 * _step(7.55 - y, 0.3)
  temple = _step(0.95 + reach - z, 0.12) * _step(y - 6.95, 0.15)
  hair = jnp.maximum(hair, temple * face['hairline'][2])
  hair *= 1 - _step(ears - 0.1, 0.3)
  strand = 0.85 + 0.15 * jnp.sin(70 * x + 9 * jnp.sin(11 * z))
  colour = _mix(colour, face['hair'][None] * strand, hair)
  beard = _step(6.85 - y - 0.5 * jnp.square(side - 0.3), 0.25)
  beard *= (1 - _step(lips, 0.3)) * face['beard'][0] * _step(0.95 - side, 0.2)
  beard *= _step(y - 5.95, 0.2)
  return _mix(colour, face['hair'][None], 0.55 * beard * _step(z - 0.2, 0.5))


def _folds(
  side: jax.Array, y: jax.Array, folds: jax.Array, depth: jax.Array
) -> jax.Array:
  """Darkness [P, 1] of the lines that action units fold into the skin."""
  inner, outer, frown, smile, sneer = (folds[i] for i in range(5))
  # Sines to a high power: thin, evenly spaced lines.
  level = jnp.square(jnp.square(jnp.sin((y + 0.1 * side * side) * 42)))
  raised = inner * _bump(side, 0.26) + outer * _bump(side - 0.42, 0.16)
  dark = raised * level * _bump(y - 7.78, 0.13)
  furrow = _bump(side - 0.065, 0.018) + 0.5 * _bump(side, 0.015)
  dark += 1.3 * frown * furrow * _bump(y - 7.5, 0.09)
  corner = jnp.square(jnp.sin((y - 7.27) * 50 / (0.3 + jnp.abs(side - 0.3))))
  dark += 0.9 * smile * corner * _bump(side - 0.60, 0.07) * _bump(y - 7.26, 0.1)
  bridge = jnp.square(jnp.sin((y + 0.5 * side) * 60))
  dark += 1.2 * sneer * bridge * _bump(side, 0.12) * _bump(y - 7.26, 0.1)
  return depth * dark


def _eye(values: jax.Array, face: Face, turn: jax.Array) -> jax.Array:
  """Albedo [P, 3] of an eyeball: white, iris, pupil by angle from its axis."""
  x, y = jnp.abs(values[:, 4:5]) - 0.3077, values[:, 5:6] - 7.2875
  radius = jnp.sqrt(x * x + y * y + 1e-9)
  white = jnp.array([[0.82, 0.80, 0.78]])
  colour = _mix(white, face['iris'][None], 1 - _step(radius - 0.056, 0.012))
  colour *= 1 - 0.6 * _bump(radius - 0.061, 0.008)
  colour *= _step(radius - 0.022, 0.008)
  return colour


def shade(
  values: jax.Array, part: jax.Array, face: Face, turn: jax.Array, size: int
) -> jax.Array:
  """Linear light [P, 3] of each pixel.

  Args:
    values: [P, 11]: normal (3), concavity, place on the neutral head (3), and
      masks of lips, eyelids, inside of the mouth and ears.
    part: [P] part of the head, -1 for the background.
    face: One face, see `affect.face`.
    turn: [3, 3] the head's rotation.
    size: Height and width of the picture.
  """
  normal = values[:, :3]
  normal /= jnp.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
  part = part[:, None]
  is_eye = (part == head_lib.LEFT_EYE) | (part == head_lib.RIGHT_EYE)
  colour = _skin(values, face)
  colour = jnp.where(is_eye, _eye(values, face, turn), colour)
  teeth, tongue = (
    jnp.array([[0.75, 0.72, 0.65]]),
    jnp.array([[0.5, 0.16, 0.15]]),
  )
  colour = jnp.where(part == head_lib.TEETH, teeth, colour)
  colour = jnp.where(part == head_lib.TONGUE, tongue, colour)
  colour = jnp.where(part == head_lib.LASHES, face['hair'][None] * 0.3, colour)

  lambert = (normal * face['light'][None]).sum(1, keepdims=True)
  # Wrapped, and redder where light ends: light travels under the skin.
  wrap = jnp.array([[0.35, 0.2, 0.15]])
  diffuse = jnp.maximum((lambert + wrap) / (1 + wrap), 0)
  sky = 0.7 + 0.3 * normal[:, 1:2]
  light = diffuse * face['light_colour'][None] + sky * face['ambient'][None]
  hollow = jnp.clip(values[:, 3:4], -0.1, 0.16)
  is_skin = part == head_lib.SKIN
  light *= jnp.where(is_skin, jnp.exp(-5 * hollow), 1)
  half = face['light'] + jnp.array([0.0, 0.0, 1.0])
  half /= jnp.linalg.norm(half) + 1e-9
  glance = jnp.maximum((normal * half[None]).sum(1, keepdims=True), 0)
  shine = jnp.where(is_eye, 0.9 * glance**60, face['gloss'] * glance**16)
  shine *= jnp.where(is_skin | is_eye, 1, 0.2)
  colour = colour * light + shine * face['light_colour'][None]

  pixel = jnp.arange(size * size)
  across = (pixel % size / size - 0.5)[:, None]
  up = (0.5 - pixel // size / size)[:, None]
  slope = face['back_slope']
  share = jnp.clip(0.5 + slope[0] * across + slope[1] * up, 0, 1)
  back = _mix(face['back'][0][None], face['back'][1][None], share)
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
  value = jnp.power(jnp.maximum(exposed, 1e-6), 1 / 2.2)
  value += face['noise'] * _noise(face['seed'], picture.shape)
  return jnp.clip(value * 255 + 0.5, 0, 255).astype(jnp.uint8)
