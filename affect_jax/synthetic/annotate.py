"""Annotates as people do: some labels are withheld, some are wrong."""

from collections.abc import Mapping
import dataclasses

import numpy as np

from affect_jax import by_name
from affect_jax.errors import UserError
from affect_jax.synthetic import affect as affect_lib

OUTPUTS: dict[str, tuple[str, ...]] = {
  'expression': affect_lib.EXPRESSIONS,
  'action_units': affect_lib.ACTION_UNITS,
  'valence_arousal': ('valence', 'arousal'),
}
# Like the training set of s-Aff-Wild2, of which 36.6 % carry all three
# labels, and where rare classes are annotated less.
MISSING_TASK = {
  'expression': 0.24,
  'action_units': 0.25,
  'valence_arousal': 0.25,
}
MISSING_CLASS = {
  'anger': 0.25,
  'disgust': 0.3,
  'fear': 0.3,
  'sadness': 0.1,
  'surprise': 0.2,
}
MISSING_AU = {'AU15': 0.1, 'AU23': 0.2, 'AU24': 0.2, 'AU26': 0.1}
# Standard deviation of a wrong valence or arousal around the right one.
JITTER = 0.4


@dataclasses.dataclass(frozen=True)
class Flaws:
  """Shares in [0, 1] of labels that are withheld or wrong.

  Attributes:
    missing_task: {task: share of its labels withheld}.
    missing_class: {expression: further share withheld of its labels}.
    missing_au: {action unit: further share withheld of its labels}.
    label_noise: Share of labels that are wrong: another expression, an action
      unit flipped, valence and arousal moved by noise of deviation JITTER.
  """

  missing_task: Mapping[str, float] = dataclasses.field(default_factory=dict)
  missing_class: Mapping[str, float] = dataclasses.field(default_factory=dict)
  missing_au: Mapping[str, float] = dataclasses.field(default_factory=dict)
  label_noise: float = 0.0


def check(flaws: Flaws) -> None:
  """Raises UserError if a name is unknown or a share is not in [0, 1]."""
  known = {
    'missing_task': tuple(OUTPUTS),
    'missing_class': affect_lib.EXPRESSIONS,
    'missing_au': affect_lib.ACTION_UNITS,
  }
  shares = [('label_noise', flaws.label_noise)]
  for option, names in known.items():
    for name, share in getattr(flaws, option).items():
      if name not in names:
        raise by_name.unknown('name', name, names, of=option)
      shares.append((f'{option}[{name!r}]', share))
  for name, share in shares:
    if not 0 <= share <= 1:
      raise UserError(f'{name} is {share}; a share lies in [0, 1].')


def annotate(
  drawn: affect_lib.Affect, rng: np.random.Generator, flaws: Flaws
) -> dict[str, np.ndarray]:
  """Returns labels and weights, by the names of `builders.records`.

  The same numbers are drawn whatever the flaws, so that a larger share
  withholds the same labels and more.
  """
  expression = drawn.expression
  present = affect_lib.presence(drawn.intensities)
  circumplex = drawn.valence_arousal
  wrong = rng.random(1 + len(present) + 1) < flaws.label_noise
  other = rng.integers(1, len(affect_lib.EXPRESSIONS))
  jitter = rng.normal(0, JITTER, 2)
  missing, by_class = rng.random(len(OUTPUTS)), rng.random()
  by_unit = rng.random(len(present))

  if wrong[0]:
    expression = (expression + other) % len(affect_lib.EXPRESSIONS)
  present = np.where(wrong[1:-1], 1 - present, present)
  if wrong[-1]:
    circumplex = np.clip(circumplex + jitter, -1, 1)

  kept = {
    task: float(u >= flaws.missing_task.get(task, 0.0))
    for task, u in zip(OUTPUTS, missing, strict=True)
  }
  name = affect_lib.EXPRESSIONS[drawn.expression]
  by_class_kept = by_class >= flaws.missing_class.get(name, 0.0)
  by_unit_share = [
    flaws.missing_au.get(u, 0.0) for u in OUTPUTS['action_units']
  ]
  labels = {
    'expression': np.eye(len(affect_lib.EXPRESSIONS))[expression],
    'action_units': present,
    'valence_arousal': circumplex,
  }
  weights = {
    'expression': np.array(kept['expression'] * by_class_kept),
    'action_units': kept['action_units'] * (by_unit >= by_unit_share),
    'valence_arousal': np.full(2, kept['valence_arousal']),
  }
  found = {}
  for task in OUTPUTS:
    found[task] = (labels[task] * weights[task]).astype(np.float32)
    found[task + '_weights'] = weights[task].astype(np.float32)
  return found
