"""Rules that label one task from the gold of another.

  emotion_to_sentiment    polarity of an emotion; surprise has none
  expression_to_units     action units of prototypical expressions: Du, Tao and
                          Martinez, 2014, table 1, the share of people who show
                          them (1: all). Others of the table's units are not
                          labelled; a neutral face shows none of them
  expression_to_valence   where expressions lie: Russell and Mehrabian, 1977,
                          table 1, in [-1, 1]

A rule abstains where it has nothing to say.
"""

from collections.abc import Mapping, Sequence
import dataclasses

import numpy as np

from affect_jax import by_name
from affect_jax.errors import UserError
from affect_jax.weak import table

POLARITY = {
  'neutral': 'neutral',
  'happiness': 'positive',
  'excitement': 'positive',
  'anger': 'negative',
  'contempt': 'negative',
  'disgust': 'negative',
  'fear': 'negative',
  'frustration': 'negative',
  'ridicule': 'negative',
  'sadness': 'negative',
}
UNITS = {
  'happiness': {'AU12': 1.0, 'AU25': 1.0, 'AU6': 0.51},
  'sadness': {
    **{'AU4': 1.0, 'AU15': 1.0},
    **{'AU1': 0.6, 'AU6': 0.5, 'AU11': 0.26, 'AU17': 0.67},
  },
  'fear': {
    **{'AU1': 1.0, 'AU4': 1.0, 'AU20': 1.0, 'AU25': 1.0},
    **{'AU2': 0.57, 'AU5': 0.63, 'AU26': 0.33},
  },
  'anger': {
    **{'AU4': 1.0, 'AU7': 1.0, 'AU24': 1.0},
    **{'AU10': 0.26, 'AU17': 0.52, 'AU23': 0.29},
  },
  'surprise': {
    **{'AU1': 1.0, 'AU2': 1.0, 'AU25': 1.0, 'AU26': 1.0},
    'AU5': 0.66,
  },
  'disgust': {
    **{'AU9': 1.0, 'AU10': 1.0, 'AU17': 1.0},
    **{'AU4': 0.31, 'AU24': 0.26},
  },
}
ALL_UNITS = tuple(
  sorted({u for of in UNITS.values() for u in of}, key=lambda u: int(u[2:]))
)
# (valence, arousal).
PLACES = {
  'neutral': (0.0, 0.0),
  'happiness': (0.81, 0.51),
  'sadness': (-0.63, -0.27),
  'fear': (-0.64, 0.60),
  'anger': (-0.51, 0.59),
  'surprise': (0.40, 0.67),
  'disgust': (-0.60, 0.35),
}


@dataclasses.dataclass(frozen=True)
class Rule:
  """From the classes of one task to another.

  Attributes:
    source, target: Names of tasks.
    kind: Of the target, see `tasks.annotation`.
    outputs: Of the target.
    says: {class of the source: (label [K], how sure it is [K], 0: abstains)}.
  """

  source: str
  target: str
  kind: str
  outputs: tuple[str, ...]
  says: Mapping[str, tuple[np.ndarray, np.ndarray]]


def _polarity() -> Rule:
  names = ('negative', 'neutral', 'positive')
  says = {
    emotion: (np.eye(3)[names.index(polarity)], np.ones(3))
    for emotion, polarity in POLARITY.items()
  }
  return Rule('emotion', 'sentiment_class', 'class', names, says)


def _units() -> Rule:
  says = {'neutral': (np.zeros(len(ALL_UNITS)), np.ones(len(ALL_UNITS)))}
  for name, shares in UNITS.items():
    label = np.array([shares.get(u, 0.0) for u in ALL_UNITS])
    sure = np.array([float(u in shares) for u in ALL_UNITS])
    says[name] = (label, sure * np.maximum(label, 1 - label))
  return Rule('expression', 'action_units', 'presence', ALL_UNITS, says)


def _places() -> Rule:
  says = {k: (np.array(v), np.ones(2)) for k, v in PLACES.items()}
  names = ('valence', 'arousal')
  return Rule('expression', 'valence_arousal', 'value', names, says)


RULES = {
  'emotion_to_sentiment': _polarity,
  'expression_to_units': _units,
  'expression_to_valence': _places,
}


def apply(
  name: str,
  ids: np.ndarray,
  classes: Sequence[str],
  labels: np.ndarray,
  weights: np.ndarray,
  *,
  corpus: str = '',
  version: str = '',
) -> table.WeakLabels:
  """Labels samples by a rule; those on which it abstains are left out.

  A sample whose gold is a mix of classes gets the mean of what the rule says of
  each, if it speaks of more than half of the mix.

  Args:
    name: A key of RULES.
    ids: [N].
    classes: Names of the source's classes.
    labels: Gold distributions [N, classes].
    weights: [N]; 1 is gold.
    corpus, version: See `table.WeakLabels`.

  Raises:
    UserError: Unknown rule, or it knows none of the classes.
  """
  rule = by_name.get('rule', name, RULES)()
  known = [c for c in classes if c in rule.says]
  if not known:
    raise UserError(
      f'The rule {name!r} speaks of {sorted(rule.says)}, and {rule.source} has '
      f'{list(classes)}.'
    )
  mix = labels[:, [classes.index(c) for c in known]]
  mass = mix.sum(-1, keepdims=True)
  kept = (weights == 1) & (mass[:, 0] > 0.5 * labels.sum(-1))
  mix = (mix / np.where(mass > 0, mass, 1))[kept]
  says, sure = (
    np.stack([rule.says[c][i] for c in known]).astype(np.float64)
    for i in (0, 1)
  )
  speaks = (sure > 0).astype(np.float64)
  spoken = mix @ speaks
  values = mix @ (says * speaks) / np.where(spoken > 0, spoken, 1)
  confidence = mix @ sure
  if rule.kind == 'class':
    confidence = values.max(-1)
  return table.WeakLabels(
    task=rule.target,
    kind=rule.kind,
    outputs=rule.outputs,
    ids=ids[kept],
    labels=values.astype(np.float32),
    confidence=np.clip(confidence, 0, 1).astype(np.float32),
    corpus=corpus,
    version=version,
    teacher=name,
  )
