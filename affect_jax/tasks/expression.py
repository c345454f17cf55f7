"""Categorical expression of a face: one of K classes, or a mix of several."""

from collections.abc import Sequence
import functools

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from affect_jax import by_name
from affect_jax.errors import UserError
from affect_jax.metrics import classification
from affect_jax.tasks import annotation
from affect_jax.tasks import base
from affect_jax.tasks import class_weights as class_weights_lib
from affect_jax.tasks import losses

# Six basic expressions (Ekman, 1992) and neutral; the order of Aff-Wild2.
BASIC_7 = (
  'neutral',
  'anger',
  'disgust',
  'fear',
  'happiness',
  'sadness',
  'surprise',
)
AFFWILD2_8 = (*BASIC_7, 'other')
AFFECTNET_8 = (*BASIC_7, 'contempt')

LOSSES = ('cross_entropy', 'focal')

# Other spellings of the names above, in corpora and models.
SYNONYMS = {
  'neutral': ('neutrality', 'calm', 'natural'),
  'anger': ('angry',),
  'disgust': ('disgusted',),
  'fear': ('fearful', 'afraid', 'scared'),
  'happiness': ('happy', 'joy', 'joyful'),
  'sadness': ('sad',),
  'surprise': ('surprised',),
  'contempt': ('contemptuous',),
  'other': ('others',),
}


def canonical_name(name: str) -> str:
  """Returns an expression's canonical name: 'Happy' -> 'happiness'.

  Raises:
    UserError: The name is neither known nor a synonym; the message lists both.
  """
  key = name.strip().lower()
  for canonical, synonyms in SYNONYMS.items():
    if key == canonical or key in synonyms:
      return canonical
  known = [f'{k} ({", ".join(v)})' for k, v in SYNONYMS.items()]
  raise UserError(f'Unknown expression {name!r}; known: {"; ".join(known)}.')


ANNOTATION = annotation.Annotation(
  'class', tuple(SYNONYMS), spelling=canonical_name, csvs=('faces',)
)


def loss(
  outputs: jax.Array,
  labels: jax.Array,
  weights: jax.Array,
  *,
  class_weights: np.ndarray | None = None,
  label_smoothing: float = 0.0,
  focal_gamma: float = 0.0,
  logit_offsets: np.ndarray | None = None,
) -> jax.Array:
  """Returns the softmax cross entropy, see `losses.softmax_cross_entropy`.

  Args:
    outputs: Logits [B, K].
    labels: Distributions [B, K].
    weights: [B].
    class_weights: None, or [K].
    label_smoothing: In [0, 1).
    focal_gamma: 0 gives cross entropy, above 0 the focal loss.
    logit_offsets: None, or [K], added to the logits here but not in `predict`:
      tau * log(prior) gives logit adjustment (Menon et al., 2021).
  """
  if logit_offsets is not None:
    outputs = outputs.astype(jnp.float32) + jnp.asarray(logit_offsets)[None, :]
  return losses.softmax_cross_entropy(
    outputs,
    labels,
    weights,
    class_weights=class_weights,
    label_smoothing=label_smoothing,
    focal_gamma=focal_gamma,
  )


def predict(outputs: jax.Array) -> jax.Array:
  """Maps logits [B, K] to probabilities [B, K], which sum to 1 in each row."""
  return jax.nn.softmax(outputs.astype(jnp.float32), axis=-1)


def build(
  outputs: Sequence[str] = BASIC_7,
  loss: str = 'cross_entropy',
  class_weights: Sequence[float] | str | None = None,
  label_smoothing: float = 0.0,
  focal_gamma: float = 2.0,
  counts: npt.ArrayLike | None = None,
  weight_cap: float | None = None,
  beta: float = 0.9999,
  logit_adjustment: float = 0.0,
) -> base.Task:
  """Builds the task 'expression'; `expression/macro_f1` is P_EXPR of ABAW.

  Args:
    outputs: Canonical names of the classes, in order; see `canonical_name`.
      Unknown names are allowed.
    loss: 'cross_entropy' or 'focal'.
    class_weights: None, one number per class, 'balanced' (N / (K * n_c) of
      `counts`) or 'effective' (by effective numbers, see `class_weights`).
    label_smoothing: Share of the label that is spread evenly, in [0, 1).
    focal_gamma: Focusing exponent of 'focal', >= 0.
    counts: Summed label mass of each class [K] in the samples that training
      draws; only 'balanced', 'effective' and logit_adjustment read it.
    weight_cap: Largest weight computed from counts, also the weight of absent
      classes; None: no limit.
    beta: Option of 'effective', in [0, 1): 0 gives equal weights, values near 1
      give 'balanced'.
    logit_adjustment: tau >= 0 of Menon et al., 2021, "Long-tail learning via
      logit adjustment": the training loss sees logits + tau * log(prior of
      `counts`), predictions see the logits. With tau 1, predictions are those
      for equally common classes: UAR and macro-F1 rise with rare classes, and
      accuracy falls. 0 turns it off.

  Raises:
    UserError: A name is unknown or a value is out of range; the message lists
      the choices.
  """
  outputs = base.check_outputs('expression', outputs)
  by_name.check('expression loss', loss, LOSSES)
  base.check_range('label_smoothing', label_smoothing, 0, 1, open_end=True)
  base.check_range('focal_gamma', focal_gamma, 0)
  base.check_range('beta', beta, 0, 1, open_end=True)
  base.check_range('logit_adjustment', logit_adjustment, 0)
  if len(outputs) < 2:
    raise UserError(
      f'A softmax needs two or more classes in `outputs`, not {outputs}.'
    )
  for name in outputs:
    for canonical, synonyms in SYNONYMS.items():
      if name != canonical and name.lower() in (canonical, *synonyms):
        raise UserError(f'expression: write {canonical!r} instead of {name!r}.')
  offsets = None
  if logit_adjustment:
    if isinstance(class_weights, str):
      raise UserError(
        f'class_weights={class_weights!r} and logit_adjustment='
        f'{logit_adjustment} both compensate for rare classes: set only one.'
      )
    offsets = logit_adjustment * class_weights_lib.log_priors(counts, outputs)
  numbers = class_weights_lib.resolve(
    'class_weights',
    class_weights,
    outputs,
    counts=counts,
    cap=weight_cap,
    beta=beta,
  )
  return base.Task(
    name='expression',
    outputs=outputs,
    loss=functools.partial(
      _loss,
      class_weights=numbers,
      label_smoothing=label_smoothing,
      focal_gamma=focal_gamma if loss == 'focal' else 0.0,
      logit_offsets=offsets,
    ),
    predict=predict,
    metrics={
      'macro_f1': classification.macro_f1,
      'accuracy': classification.accuracy,
      'uar': classification.uar,
      'f1': functools.partial(classification.per_class_f1, names=outputs),
      'confusion': functools.partial(classification.confusion, names=outputs),
    },
    headline='macro_f1',
    weight_per_output=False,
  )


_loss = loss  # Inside `build`, `loss` is the option.
