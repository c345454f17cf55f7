"""Which weak labels count in training, and how much.

Each rule turns confidences into factors in [0, 1], which the weights of labels
are multiplied by. c is the likeliest class, m its probability (of something
that is present or absent: the larger of p and 1 - p, of two classes). Rules
that learning methods apply to batches, with running means, are applied here to
all labels of a task by the same teachers, with their means.

  all         every label counts
  fixed       m >= threshold, or the threshold of class c in `per_class`.
              FixMatch (Sohn et al., 2020): .95
  ss_mfar     m >= max(threshold, .97 * a_c), where a_c is the mean m of gold
              samples of c that the teacher has right (its validation): the
              threshold of SS-MFAR (Gera and Balasubramanian, 2022) once its
              ramp 1 / (1 + exp(-epoch)) has ended. They use .8
  flexmatch   m >= threshold * b / (2 - b), b = n_c / max n, where n_c is how
              many labels of c have m >= threshold (Zhang et al., 2021): .95
  freematch   m >= mean(m) * p_c / max p, where p is the mean distribution
              (Wang et al., 2023)
  softmatch   exp(-(m - mu)^2 / (2 var / 2^2)) below mu, 1 above: mean and
              variance of m (Chen et al., 2023)

Values have no classes: `all`, and `fixed` on their confidence, work.

Of what may be present, and of values, each output has a confidence of its own.
Where it is 0, nothing is said: such an output never counts, and no mean or
number above is made of it. Rules and combined tables abstain so; and so does a
network in a value whose CCC on its own validation is not above 0.
"""

from collections.abc import Callable, Mapping
import dataclasses
from typing import Any

import numpy as np

from affect_jax import by_name
from affect_jax.errors import UserError
from affect_jax.weak import table

# The largest weight of a weak label: 1 is gold, and this is not.
LARGEST = np.float32(1 - 2**-10)


@dataclasses.dataclass(frozen=True)
class Classes:
  """Confidences of labels of classes, or of one thing that may be present.

  Attributes:
    confidence: m [N].
    chosen: c [N], numbers of classes.
    mean: Mean distribution [K].
    right: a_c [K], or None.
    teacher: Who labelled, for messages.
  """

  confidence: np.ndarray
  chosen: np.ndarray
  mean: np.ndarray
  right: np.ndarray | None = None
  teacher: str = ''


def _all(classes, threshold, per_class):
  return np.ones_like(classes.confidence)


def _fixed(classes, threshold, per_class):
  thresholds = np.full(len(classes.mean), threshold)
  for i, value in per_class.items():
    thresholds[i] = value
  return classes.confidence >= thresholds[classes.chosen]


def _ss_mfar(classes, threshold, per_class):
  if classes.right is None:
    raise UserError(
      "config.weak.rule='ss_mfar' needs what a teacher had right on its "
      f'validation, which {classes.teacher or "a table without teachers"} does '
      'not tell: runs with a predictions/val.csv do; rules, combined tables '
      'and those of other programs never do. Leave its labels out, or take '
      'another rule, for this task alone with config.weak.by_task.'
    )
  limits = np.maximum(threshold, 0.97 * classes.right)
  return classes.confidence >= limits[classes.chosen]


def _flexmatch(classes, threshold, per_class):
  sure = classes.chosen[classes.confidence >= threshold]
  counts = np.bincount(sure, minlength=len(classes.mean))
  learned = counts / max(counts.max(), 1)
  return (
    classes.confidence >= (threshold * learned / (2 - learned))[classes.chosen]
  )


def _freematch(classes, threshold, per_class):
  limits = classes.confidence.mean() * classes.mean / classes.mean.max()
  return classes.confidence >= limits[classes.chosen]


def _softmatch(classes, threshold, per_class):
  m = classes.confidence
  below = np.minimum(m - m.mean(), 0)
  return np.exp(-(below**2) / (2 * max(m.var(), 1e-12) / 2**2))


RULES: dict[str, Callable[..., np.ndarray]] = {
  'all': _all,
  'fixed': _fixed,
  'ss_mfar': _ss_mfar,
  'flexmatch': _flexmatch,
  'freematch': _freematch,
  'softmatch': _softmatch,
}


def check(
  *,
  rule: str = 'all',
  threshold: float = 0.95,
  weight: float = 1.0,
  temperature: float = 1.0,
) -> None:
  """Raises UserError if an option of `weigh` is unknown or out of range."""
  by_name.check('config.weak.rule', rule, tuple(RULES))
  if not 0 <= threshold <= 1:
    raise UserError(f'config.weak.threshold={threshold} must be in [0, 1].')
  if not 0 <= weight <= 1:
    raise UserError(
      f'config.weak.weight={weight} must be in [0, 1]: gold counts 1.'
    )
  if not temperature > 0:
    raise UserError(f'config.weak.temperature={temperature} must be positive.')


def factors(
  labels: table.WeakLabels,
  *,
  rule: str = 'all',
  threshold: float = 0.95,
  per_class: Mapping[str, float] | None = None,
  balanced: bool = False,
) -> np.ndarray:
  """Returns how much each label counts, in [0, 1]: of the shape of confidence.

  Args:
    labels: N labels.
    rule: A key of RULES.
    threshold: See above.
    per_class: {output: threshold} for `fixed`.
    balanced: Of each class keep only as many as the rarest class that has any
      has, the most confident ones.

  Raises:
    UserError: A class is unknown, or the rule needs what nothing tells.
  """
  given = dict(per_class or {})
  for name in given:
    by_name.check('config.weak.per_class', name, labels.outputs)
  chosen = {labels.outputs.index(k): v for k, v in given.items()}
  if not len(labels.ids):
    return np.zeros(labels.confidence.shape, np.float32)
  if labels.kind == 'value':
    if rule != 'fixed':
      threshold = 0.0
    kept = (labels.confidence >= threshold) & (labels.confidence > 0)
    return kept.astype(np.float32)
  if labels.kind == 'class':
    classes = Classes(
      labels.confidence,
      labels.labels.argmax(-1),
      labels.labels.mean(0),
      labels.right,
      labels.teacher,
    )
    found = RULES[rule](classes, threshold, chosen).astype(np.float32)
    return _balanced(found, classes) if balanced else found
  columns = np.zeros(labels.confidence.shape, np.float32)
  for k in range(len(labels.outputs)):
    speaks = labels.confidence[:, k] > 0
    if not speaks.any():
      continue
    p = labels.labels[speaks, k]
    limit = chosen.get(k, threshold)
    classes = Classes(
      labels.confidence[speaks, k],
      (p > 0.5).astype(int),
      np.array([1 - p.mean(), p.mean()]),
      None if labels.right is None else labels.right[2 * k : 2 * k + 2],
      labels.teacher,
    )
    found = RULES[rule](classes, limit, {}).astype(np.float32)
    columns[speaks, k] = _balanced(found, classes) if balanced else found
  return columns


def _balanced(found: np.ndarray, classes: Classes) -> np.ndarray:
  counts = np.bincount(classes.chosen[found > 0], minlength=len(classes.mean))
  present = counts[counts > 0]
  if not len(present):
    return found
  kept = np.zeros_like(found)
  for c in np.flatnonzero(counts):
    rows = np.flatnonzero((classes.chosen == c) & (found > 0))
    best = np.argsort(-classes.confidence[rows], kind='stable')
    rows = rows[best[: present.min()]]
    kept[rows] = found[rows]
  return kept


def weigh(
  labels: table.WeakLabels,
  *,
  weight: float = 1.0,
  by_confidence: bool = False,
  hard: bool = False,
  temperature: float = 1.0,
  **options: Any,
) -> tuple[np.ndarray, np.ndarray]:
  """Returns the labels and weights that training reads.

  Args:
    labels: N labels.
    weight: λ, what a label counts relative to gold; at most LARGEST counts.
    by_confidence: λ times the confidence instead.
    hard: Labels become the likeliest class, or present or absent.
    temperature: Soft labels become p^(1 / T), normalised: below 1 is sharper.
    **options: See `factors`.

  Returns:
    (labels f32 [N, K], weights f32 of the shape of confidence).

  Raises:
    UserError: See `factors` and `check`.
  """
  check(
    weight=weight,
    temperature=temperature,
    **{k: options[k] for k in ('rule', 'threshold') if k in options},
  )
  chosen = factors(labels, **options)
  weights = weight * chosen
  if by_confidence:
    weights = weights * np.minimum(labels.confidence, 1)
  values = labels.labels
  if labels.kind == 'class':
    values = (
      np.eye(values.shape[1])[values.argmax(-1)]
      if hard
      else _sharper(values, temperature)
    )
  elif labels.kind == 'presence':
    both = np.stack([1 - values, values], -1)
    values = (values > 0.5) if hard else _sharper(both, temperature)[..., 1]
  return (
    values.astype(np.float32),
    np.minimum(weights, LARGEST).astype(np.float32),
  )


def _sharper(p: np.ndarray, temperature: float) -> np.ndarray:
  if temperature == 1:
    return p
  powers = np.power(p.astype(np.float64), 1 / temperature)
  return powers / powers.sum(-1, keepdims=True)
