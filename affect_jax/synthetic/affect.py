"""What a face feels: expressions, action units, valence and arousal, drawn.

An expression is a recipe of action units (EMFACS: Friesen & Ekman, 1983)
times a strength; a second expression may be blended in, and action units that
belong to neither may be added, so that no task is a function of another.
"""

from collections.abc import Mapping
import dataclasses

import numpy as np

EXPRESSIONS = ('neutral', 'anger', 'disgust', 'fear', 'happiness', 'sadness')
EXPRESSIONS += ('surprise', 'contempt')
# The twelve of Aff-Wild2, which are labelled.
ACTION_UNITS = tuple(
  f'AU{n}' for n in (1, 2, 4, 6, 7, 10, 12, 15, 23, 24, 25, 26)
)
# Rendered, too, where a recipe needs them, but not labelled.
UNLABELLED = tuple(f'AU{n}' for n in (5, 9, 14, 16, 17, 18, 20, 22, 43))
RENDERED = ACTION_UNITS + UNLABELLED

# An action unit is present if its intensity reaches this. No intensity is drawn
# within GAP, so that presence is never in doubt.
PRESENT = 0.3
GAP = (0.18, 0.42)

# Ways to show an expression at full strength: {action unit: intensity}.
RECIPES: dict[str, tuple[dict[str, float], ...]] = {
  'neutral': ({},),
  'anger': (
    {'AU4': 1.0, 'AU5': 0.5, 'AU7': 0.75, 'AU23': 0.95},
    {'AU4': 1.0, 'AU7': 0.85, 'AU17': 0.4, 'AU24': 0.95},
    {'AU4': 1.0, 'AU5': 0.6, 'AU7': 0.7, 'AU10': 0.7, 'AU16': 0.4, 'AU25': 0.9},
  ),
  'disgust': (
    {'AU9': 1.0, 'AU10': 0.95},
    {'AU9': 1.0, 'AU10': 0.85, 'AU15': 0.75, 'AU17': 0.5},
    {'AU9': 0.9, 'AU10': 1.0, 'AU7': 0.7, 'AU25': 0.8},
  ),
  'fear': (
    {'AU1': 1.0, 'AU2': 0.7, 'AU4': 0.75, 'AU5': 1.0, 'AU20': 1.0, 'AU25': 0.8},
    {'AU1': 1.0, 'AU4': 0.8, 'AU5': 1.0, 'AU20': 0.9, 'AU25': 0.8, 'AU26': 0.7},
  ),
  'happiness': (
    {'AU6': 0.85, 'AU12': 1.0},
    {'AU6': 0.9, 'AU12': 1.0, 'AU25': 0.9},
    {'AU6': 0.85, 'AU12': 0.95, 'AU25': 0.8, 'AU26': 0.7},
  ),
  'sadness': (
    {'AU1': 1.0, 'AU4': 0.75, 'AU15': 1.0},
    {'AU1': 1.0, 'AU4': 0.7, 'AU15': 0.9, 'AU17': 0.7},
    {'AU1': 1.0, 'AU15': 1.0, 'AU43': 0.35},
  ),
  'surprise': (
    {'AU1': 1.0, 'AU2': 1.0, 'AU5': 0.8, 'AU25': 0.7, 'AU26': 1.0},
    {'AU1': 0.9, 'AU2': 1.0, 'AU5': 1.0, 'AU25': 0.8},
  ),
  # On one side of the face only.
  'contempt': ({'AU12': 0.9, 'AU14': 1.0}, {'AU12': 0.8, 'AU14': 0.8}),
}
# Action units that may be added without making it another expression.
EXTRAS: dict[str, tuple[tuple[str, ...], ...]] = {
  'neutral': (
    ('AU7',),
    ('AU23',),
    ('AU23',),
    ('AU24',),
    ('AU24',),
    ('AU25',),
    ('AU25', 'AU26'),
    ('AU18',),
  ),
  'anger': (('AU10',), ('AU25',), ('AU23',), ('AU15',)),
  'disgust': (('AU4',), ('AU6',), ('AU7',), ('AU25', 'AU26')),
  'fear': (('AU10',), ('AU15',), ('AU26',), ('AU7',)),
  'happiness': (('AU7',), ('AU1', 'AU2'), ('AU25',), ('AU2',), ('AU24',)),
  'sadness': (('AU6',), ('AU7',), ('AU24',), ('AU25',), ('AU23',)),
  'surprise': (('AU12',), ('AU10',), ('AU25', 'AU26'), ('AU18',)),
  'contempt': (('AU7',), ('AU2',), ('AU25',), ('AU23',), ('AU1', 'AU2')),
}

# (valence, arousal) of an expression at full strength: placed like the means
# of AffectNet's classes (Mollahosseini et al., 2017) but at full strength.
ANCHORS = {
  'neutral': (0.0, 0.0),
  'anger': (-0.60, 0.70),
  'disgust': (-0.75, 0.30),
  'fear': (-0.45, 0.90),
  'happiness': (0.85, 0.40),
  'sadness': (-0.75, -0.50),
  'surprise': (0.20, 0.80),
  'contempt': (-0.45, 0.05),
}
# What the visible action units add at intensity 1.
UNIT_EFFECTS = {
  'AU4': (-0.05, 0.0),
  'AU6': (0.05, 0.0),
  'AU12': (0.10, 0.0),
  'AU15': (-0.05, -0.05),
  'AU25': (0.0, 0.05),
  'AU26': (0.0, 0.10),
}


@dataclasses.dataclass(frozen=True, eq=False)
class Affect:
  """Exact annotation of one face, and what to render.

  Attributes:
    expression: Index into EXPRESSIONS.
    mix: [8] float32, strength of each expression; sums to 1 with neutral.
    intensities: [12] float32 in [0, 1], of the stronger side of the face.
    valence_arousal: [2] float32 in [-1, 1].
    left, right: {action unit of RENDERED: intensity} by side of the face.
  """

  expression: int
  mix: np.ndarray
  intensities: np.ndarray
  valence_arousal: np.ndarray
  left: Mapping[str, float]
  right: Mapping[str, float]


def presence(intensities: np.ndarray) -> np.ndarray:
  """Intensities [..., 12] -> 1 where present, else 0 (float32)."""
  return (intensities >= PRESENT).astype(np.float32)


def open_gap(intensity: float) -> float:
  """Moves an intensity in [0, 1] out of GAP; keeps 0, 1, order and presence."""
  low, high = GAP
  if intensity < PRESENT:
    return intensity * low / PRESENT
  return high + (intensity - PRESENT) * (1 - high) / (1 - PRESENT)


def valence_arousal(mix: np.ndarray, intensities: np.ndarray) -> np.ndarray:
  """Returns valence and arousal [2] in [-1, 1].

  They are the sum of ANCHORS weighted by the mix, plus UNIT_EFFECTS times the
  intensities, clipped.

  Args:
    mix: [8] strength of each expression.
    intensities: [12] of the action units.
  """
  value = mix @ np.array([ANCHORS[e] for e in EXPRESSIONS])
  for unit, effect in UNIT_EFFECTS.items():
    value = value + intensities[ACTION_UNITS.index(unit)] * np.array(effect)
  return np.clip(value, -1, 1).astype(np.float32)


def affect(
  mix: Mapping[str, float],
  units: Mapping[str, float],
  *,
  expression: str,
  left: float = 1.0,
  right: float = 1.0,
) -> Affect:
  """Returns the annotation of a face that shows `units`.

  Args:
    mix: {expression: strength}; neutral fills up to 1.
    units: {action unit: intensity in [0, 1]}.
    expression: The label.
    left: Factor of the intensities on the face's left side.
    right: Factor on its right side; one of the two should be 1.
  """
  strengths = np.array([mix.get(e, 0.0) for e in EXPRESSIONS], np.float32)
  strengths[0] = 1 - strengths[1:].sum()
  intensities = np.array([units.get(u, 0.0) for u in ACTION_UNITS], np.float32)
  return Affect(
    expression=EXPRESSIONS.index(expression),
    mix=strengths,
    intensities=intensities,
    valence_arousal=valence_arousal(strengths, intensities),
    left={u: v * left for u, v in units.items()},
    right={u: v * right for u, v in units.items()},
  )


def draw(rng: np.random.Generator) -> Affect:
  """Draws a face's affect: all expressions are equally likely."""
  expression = EXPRESSIONS[rng.integers(len(EXPRESSIONS))]
  # Mostly clear; a face in ten is weaker than 0.5.
  strength = 1 - 0.55 * rng.random() ** 1.2
  units = {
    unit: strength * value * rng.uniform(0.85, 1.1)
    for unit, value in _variant(expression, rng).items()
  }
  mix = {} if expression == 'neutral' else {expression: strength}
  if mix and expression != 'contempt' and rng.random() < 0.2:
    others = EXPRESSIONS[1:-1]
    second = others[rng.integers(len(others))]
    share = rng.uniform(0.15, 0.4)
    if second != expression:
      mix = {expression: strength * (1 - share), second: strength * share}
      for unit, value in _variant(second, rng).items():
        units[unit] = max(units.get(unit, 0), strength * share * value)
  chances = rng.random(2) < (0.5, 0.15)
  for _ in range(int(chances.sum())):
    extras = EXTRAS[expression]
    for unit in extras[rng.integers(len(extras))]:
      units[unit] = max(units.get(unit, 0), rng.uniform(0.55, 1))
  units = {u: open_gap(min(v, 1.0)) for u, v in units.items()}

  sides = [1.0, 1.0]
  if rng.random() < 0.25:
    sides[rng.integers(2)] = rng.uniform(0.6, 1)
  drawn = affect(
    mix, units, expression=expression, left=sides[0], right=sides[1]
  )
  if expression == 'contempt':
    drawn = one_sided(drawn, left=bool(rng.integers(2)))
  return drawn


def one_sided(drawn: Affect, *, left: bool) -> Affect:
  """Returns the same affect with AU12 and AU14 on one side, as in contempt."""
  still = dict(drawn.right if left else drawn.left)
  strong = dict(drawn.left if left else drawn.right)
  for unit in ('AU12', 'AU14'):
    full = max(drawn.left.get(unit, 0), drawn.right.get(unit, 0))
    strong[unit], still[unit] = full, 0.0
  left_side, right_side = (strong, still) if left else (still, strong)
  return dataclasses.replace(drawn, left=left_side, right=right_side)


def _variant(expression: str, rng: np.random.Generator) -> dict[str, float]:
  variants = RECIPES[expression]
  return variants[rng.integers(len(variants))]
