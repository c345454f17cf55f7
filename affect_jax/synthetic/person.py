"""Draws who is pictured and how: identity, looks, pose, light, camera.

Everything comes from numpy generators, on the host; `face` joins it into the
arrays that `render.render` reads.
"""

from collections.abc import Mapping
import dataclasses
import functools
from typing import Any

import numpy as np

from affect_jax.synthetic import affect as affect_lib
from affect_jax.synthetic import build_asset
from affect_jax.synthetic import head as head_lib

# Intensity 1 is this many times the authors' face unit: networks trained on
# photographs then agree best with the intended expression, and the face still
# looks natural.
GAIN = 1.5
# Action unit -> face units (ARKit; Left and Right follow the face's sides).
FACE_UNITS: dict[str, dict[str, float]] = {
  'AU1': {'browInnerUp': 1.15},
  'AU2': {'browOuterUp': 1.0},
  'AU4': {'browDown': 1.0},
  'AU5': {'eyeWide': 0.9},
  'AU6': {'cheekSquint': 1.3, 'eyeSquint': 0.3},
  'AU7': {'eyeSquint': 0.7, 'eyeBlink': 0.2},
  'AU9': {'noseSneer': 1.0, 'mouthUpperUp': 0.2},
  'AU10': {'mouthUpperUp': 1.0, 'noseSneer': 0.2},
  'AU12': {'mouthSmile': 0.85},
  'AU14': {'mouthDimple': 1.0},
  'AU15': {'mouthFrown': 1.2},
  'AU16': {'mouthLowerDown': 1.0},
  'AU17': {'mouthShrugLower': 1.0},
  'AU18': {'mouthPucker': 0.7},
  'AU20': {'mouthStretch': 1.1},
  'AU22': {'mouthFunnel': 1.0},
  'AU23': {
    'mouthPress': 0.3,
    'mouthRollLower': 0.3,
    'mouthRollUpper': 0.3,
    'mouthPucker': 0.45,
  },
  'AU24': {'mouthPress': 1.0, 'mouthRollLower': 0.5, 'mouthRollUpper': 0.5},
  'AU25': {'mouthLowerDown': 0.6, 'mouthUpperUp': 0.25, 'jawOpen': 0.08},
  'AU26': {'jawOpen': 0.55},
  'AU43': {'eyeBlink': 1 / GAIN},
}
# Shapes that look like an expression are weaker in an identity.
EXPRESSIVE = ('mouth-angles', 'mouth-laugh', 'eyebrows-angle', 'eyebrows-trans')
EXPRESSIVE += ('lowerlip', 'upperlip', 'eye-height', 'eye-push')
EXPRESSIVE += ('mouth-dimples',)
OPPOSITES = (('decr', 'incr'), ('down', 'up'), ('in', 'out'))
OPPOSITES += (('concave', 'convex'), ('backward', 'forward'))
OPPOSITES += (('compress', 'uncompress'),)

# Linear-light skin from fair to dark, and colours of hair and iris.
SKINS: tuple[tuple[float, ...], ...] = (
  (0.66, 0.43, 0.33),
  (0.48, 0.28, 0.19),
  (0.27, 0.14, 0.085),
)
SKINS += ((0.11, 0.058, 0.038),)
HAIRS: tuple[tuple[float, ...], ...] = (
  (0.012, 0.009, 0.008),
  (0.05, 0.026, 0.015),
  (0.13, 0.065, 0.03),
)
HAIRS += ((0.38, 0.25, 0.12), (0.20, 0.06, 0.02), (0.33, 0.32, 0.31))
IRISES: tuple[tuple[float, ...], ...]
IRISES = ((0.035, 0.018, 0.01), (0.10, 0.05, 0.02), (0.08, 0.10, 0.04))
IRISES += ((0.09, 0.17, 0.28), (0.14, 0.17, 0.19))


@dataclasses.dataclass(frozen=True, eq=False)
class Person:
  """One identity.

  Attributes:
    neutral: [V, 3] vertices of the neutral face.
    looks: Arrays of the shader: skin, lip, hair, iris, brow, hairline, beard.
  """

  neutral: np.ndarray
  looks: Mapping[str, np.ndarray]


def _ladder(colours: tuple, place: float) -> np.ndarray:
  """Returns the colour at `place` in [0, 1] along a list of colours."""
  steps = np.linspace(0, 1, len(colours))
  return np.array([np.interp(place, steps, c) for c in np.array(colours).T])


def draw_person(rng: np.random.Generator) -> Person:
  """Draws an identity: ancestry, sex, age, features, colours."""
  ancestry = rng.dirichlet([0.35] * 3)
  male = float(np.clip(rng.beta(0.4, 0.4), 0.02, 0.98))
  old = 0.7 * rng.random() ** 2
  child = 0.3 * rng.random() if rng.random() < 0.15 else 0.0
  ages = np.array([child, 1 - child - old * (1 - child), old * (1 - child)])
  sexes = np.array([1 - male, male])
  weight = rng.normal(0, 0.5)
  sizes = np.clip([-weight, 1 - abs(weight), weight], 0, 0.8)
  weights = {}
  for s, sex in enumerate(build_asset.SEXES):
    for g, age in enumerate(build_asset.AGES):
      for a, name in enumerate(build_asset.ANCESTRIES):
        weights[f'{name}-{sex}-{age}'] = ancestry[a] * sexes[s] * ages[g]
      for w, name in enumerate(build_asset.WEIGHTS):
        share = sexes[s] * ages[g] * sizes[w]
        weights[f'universal-{sex}-{age}-averagemuscle-{name}'] = share
  weights.update(_features(rng))

  darkness = ancestry @ np.array([0.82, 0.34, 0.1]) + rng.normal(0, 0.1)
  skin = _ladder(SKINS, float(np.clip(darkness, 0, 1)))
  skin = skin * (1 + rng.normal(0, 0.04, 3))
  lip = skin * rng.uniform(0.55, 0.85) * np.array([1.15, 0.62, 0.68])
  dark_hair = darkness + rng.normal(0, 0.12) > 0.27
  hair = HAIRS[rng.integers(2) if dark_hair else rng.integers(5)]
  if old > 0.3 and rng.random() < 0.7:
    hair = HAIRS[5]
  iris = IRISES[rng.integers(2) if dark_hair else rng.integers(5)]
  bearded = male > 0.6 and child == 0 and rng.random() < 0.3
  looks = {
    'skin': skin,
    'lip': lip,
    'hair': np.array(hair) * rng.uniform(0.8, 1.2),
    'iris': np.array(iris) * rng.uniform(0.8, 1.2),
    # thickness (dm), density, arch (dm)
    'brow': np.array(
      [
        rng.uniform(0.018, 0.03) + 0.008 * male,
        rng.uniform(0.65, 1.0),
        rng.uniform(0.01, 0.055),
      ]
    ),
    # height (dm), how far forward the temples reach, how much hair there
    'hairline': np.array(
      [rng.uniform(7.92, 8.12), rng.normal(0, 0.06), rng.random() > 0.25]
    ),
    'beard': np.array([rng.uniform(0.3, 1.0) if bearded else 0.0]),
    'age': np.array(old),
  }
  return Person(head_lib.identity(weights), looks)


@functools.cache
def _detail_shapes() -> tuple[tuple[tuple[str, str], ...], np.ndarray]:
  """Returns pairs (shape, opposite or '') that are drawn, and their spreads."""
  names = head_lib.load().shape_names
  pairs, spreads = [], []
  for name in names:
    if name.startswith(('universal', *build_asset.ANCESTRIES, 'r-')):
      continue
    stem, _, end = name.rpartition('-')
    if any(end == b for _, b in OPPOSITES):
      continue  # drawn with its opposite
    other = next((f'{stem}-{b}' for a, b in OPPOSITES if a == end), '')
    pairs.append((name, other if other in names else ''))
    spreads.append(0.05 if any(e in name for e in EXPRESSIVE) else 0.16)
  return tuple(pairs), np.array(spreads)


def _features(rng: np.random.Generator) -> dict[str, float]:
  """Draws weights of the detail shapes, equal on both sides of the face."""
  weights: dict[str, float] = {}
  pairs, spreads = _detail_shapes()
  values = np.clip(rng.normal(0, spreads), -0.4, 0.4).tolist()
  for (name, other), value in zip(pairs, values, strict=True):
    chosen = name if value > 0 else other
    if not chosen:
      continue
    weights[chosen] = abs(value)
    if chosen.startswith('l-'):
      weights['r-' + chosen.removeprefix('l-')] = abs(value)
  return weights


@functools.cache
def _columns() -> dict[str, int]:
  """Returns {face unit: its index in the weights}."""
  return {n: i for i, n in enumerate(head_lib.load().unit_names)}


def unit_weights(drawn: affect_lib.Affect) -> np.ndarray:
  """Returns the weights [52] of the face units that show an affect."""
  columns = _columns()
  weights = [0.0] * len(columns)
  for unit in affect_lib.RENDERED:
    left, right = drawn.left.get(unit, 0.0), drawn.right.get(unit, 0.0)
    for name, share in FACE_UNITS[unit].items():
      if name in columns:
        weights[columns[name]] += GAIN * share * max(left, right)
      else:
        weights[columns[name + 'Left']] += GAIN * share * left
        weights[columns[name + 'Right']] += GAIN * share * right
  for side in ('Left', 'Right'):
    blink, squint = (columns[n + side] for n in ('eyeBlink', 'eyeSquint'))
    # Together they would push the lids through each other.
    weights[blink] = min(weights[blink], 1.0)
    weights[squint] = min(weights[squint], 1.5 - weights[blink])
  weights[columns['jawOpen']] = min(weights[columns['jawOpen']], 0.9)
  return np.array(weights, np.float32)


def _light(rng: np.random.Generator, skin: np.ndarray) -> dict[str, Any]:
  azimuth, height = rng.normal(0, 0.6), rng.normal(0.45, 0.3)
  direction = np.array(
    [
      np.sin(azimuth) * np.cos(height),
      np.sin(height),
      np.cos(azimuth) * np.cos(height),
    ]
  )
  warmth = rng.normal(0, 0.09)
  colour = np.array([1 + warmth, 1.0, 1 - warmth])
  key = rng.uniform(0.6, 1.3)
  # Cameras expose dark skin longer, though not fully.
  exposure = rng.uniform(0.85, 1.2) * (0.34 / skin.mean()) ** 0.3
  return {
    'light': direction,
    'light_colour': colour * key,
    'ambient': (2 - colour) * (1.45 - key) * rng.uniform(0.7, 1.0),
    'gloss': rng.uniform(0.03, 0.14),
    'exposure': 1.3 * exposure,
  }


def face(
  person: Person,
  drawn: affect_lib.Affect,
  rng: np.random.Generator | None,
) -> dict[str, np.ndarray]:
  """Returns the arrays of one picture, for `render.render`.

  Args:
    person: The person in the picture.
    drawn: The affect that the face shows.
    rng: Draws pose, gaze, light, background and noise; None: a plain portrait
      from the front.
  """
  units = unit_weights(drawn)
  if rng is None:
    plain = np.random.default_rng(0)
    camera = _light(plain, person.looks['skin'])
    camera |= {
      'light': np.array([0.38, 0.42, 0.82]),
      'light_colour': np.array([0.95, 0.93, 0.9]),
      'ambient': np.array([0.42, 0.43, 0.45]),
      'gloss': np.array(0.08),
      'exposure': 1.3 * (0.34 / person.looks['skin'].mean()) ** 0.3,
      'pose': np.zeros(3),
      'gaze': np.zeros(2),
      'zoom': np.array(1.0),
      'shift': np.zeros(2),
      'back': np.array([[0.30, 0.36, 0.42], [0.10, 0.13, 0.17]]),
      'back_slope': np.array([0.3, 0.9]),
      'noise': np.array(0.0),
    }
    seed = 0
  else:
    camera = _light(rng, person.looks['skin'])
    pose = rng.normal(0, (0.24, 0.10, 0.07))
    camera |= {
      'pose': np.clip(pose, (-0.6, -0.25, -0.2), (0.6, 0.25, 0.2)),
      'gaze': rng.normal(0, (0.14, 0.08)),
      'zoom': rng.uniform(0.97, 1.09),
      'shift': rng.normal(0, 0.025, 2),
      'back': rng.random((2, 3)) ** 2 * rng.uniform(0.2, 1.0),
      'back_slope': rng.normal(0, 0.8, 2),
      'noise': rng.uniform(0.0, 0.025),
    }
    seed = int(rng.integers(2**32))
  # The lids follow the eyes. Pitch is positive where the eyes look down.
  down = float(camera['gaze'][1]) / 0.5
  for side in ('Left', 'Right'):
    name = ('eyeLookDown' if down > 0 else 'eyeLookUp') + side
    units[_columns()[name]] += abs(down)

  def strongest(*names: str) -> float:
    sides = (drawn.left, drawn.right)
    return max(side.get(n, 0.0) for n in names for side in sides)

  arrays = {
    'neutral': person.neutral,
    'units': units,
    # Skin folds: inner and outer forehead, between the brows, by the eyes,
    # on the nose.
    'folds': np.array(
      [strongest(a) for a in ('AU1', 'AU2', 'AU4', 'AU6', 'AU9')]
    ),
    **person.looks,
    **camera,
  }
  arrays = {k: np.asarray(v, np.float32) for k, v in arrays.items()}
  return arrays | {'seed': np.asarray(seed, np.uint32)}
