"""Emotion of an utterance: one out of K, or several at once.

Two kinds of head learn from any corpus:

  categorical  One of K emotions, by a softmax: labels [B, K] are
               distributions, weights [B]. MELD, IEMOCAP, MUStARD++.
  multilabel   K emotions, each present or absent, by sigmoids: labels [B, K]
               in [0, 1], weights [B, K]. CMU-MOSEI; and IEMOCAP in papers that
               follow Tsai et al., 2019.
"""

from collections.abc import Sequence
import dataclasses
import functools
from typing import Any

from affect_jax import by_name
from affect_jax.errors import UserError
from affect_jax.metrics import classification
from affect_jax.metrics import emotion as metrics
from affect_jax.metrics import multilabel
from affect_jax.tasks import action_units
from affect_jax.tasks import annotation
from affect_jax.tasks import base
from affect_jax.tasks import expression

LOSSES = {
  'categorical': expression.LOSSES,
  'multilabel': action_units.LOSSES,
}

# Synonyms besides those of expressions, such as the codes of IEMOCAP.
_MORE = {
  'neutral': ('neutral state', 'neu'),
  'anger': ('ang',),
  'disgust': ('dis',),
  'fear': ('fea',),
  'happiness': ('hap',),
  'surprise': ('sur',),
  'other': ('oth',),
  'excitement': ('excited', 'exc'),
  'frustration': ('frustrated', 'fru'),
  'ridicule': (),
}
SYNONYMS = {
  name: (*expression.SYNONYMS.get(name, ()), *_MORE.get(name, ()))
  for name in {**expression.SYNONYMS, **_MORE}
}


def canonical_name(name: str) -> str:
  """Returns an emotion's canonical name: 'joy', 'hap' -> 'happiness'.

  Raises:
    UserError: The name is neither known nor a synonym; the message lists both.
  """
  canonical = _spelling(name)
  if canonical is None:
    known = [f'{k} ({", ".join(v)})' if v else k for k, v in SYNONYMS.items()]
    raise UserError(f'Unknown emotion {name!r}; known: {"; ".join(known)}.')
  return canonical


ANNOTATION = annotation.Annotation(
  'presence',
  spelling=canonical_name,
  by_name=tuple(SYNONYMS),
  csvs=('utterances',),
)


def _spelling(name):
  """Returns the canonical name, or None if the name is unknown."""
  key = name.strip().lower()
  for canonical, synonyms in SYNONYMS.items():
    if key == canonical or key in synonyms:
      return canonical
  return None


def _named(*labels):
  return {label: canonical_name(label) for label in labels}


# {corpus: {label in its files: our name}}, in the order in which the corpus, or
# the paper named, numbers them. A reader leaves out any other label, such as
# IEMOCAP's 'xxx', where the annotators disagree.
LABELS = {
  # The column Emotion; numbered in the README and the pickled features.
  'meld': _named(
    *('neutral', 'surprise', 'fear', 'sadness', 'joy', 'disgust', 'anger')
  ),
  # Columns 1 to 6 of "All Labels", in [0, 3]: present if above 0. Several or
  # none may be present; 'neutral' is not annotated.
  'mosei': _named('happy', 'sad', 'anger', 'surprise', 'disgust', 'fear'),
  # The order of the pickles of Tsai et al., 2019, which hold no names. 'exc'
  # is left out.
  'iemocap_4': _named('neu', 'hap', 'sad', 'ang'),
  # 'exc' counts as happiness: the 5,531 utterances of speech papers.
  'iemocap_4_excited': {
    **_named('neu', 'hap', 'sad', 'ang'),
    'exc': 'happiness',
  },
  # Dai et al., 2021; papers on conversations use the same six.
  'iemocap_6': _named('ang', 'exc', 'fru', 'hap', 'neu', 'sad'),
  # Dai et al., 2020.
  'iemocap_9': _named(
    *('ang', 'exc', 'fea', 'sad', 'sur', 'fru', 'hap', 'neu', 'dis')
  ),
  # MUStARD++ (Ray et al., 2022): the column Explicit_Emotion, what is shown.
  'mustard_plus_plus': _named(
    *('Anger', 'Disgust', 'Excitement', 'Fear', 'Frustration'),
    *('Happiness', 'Neutral', 'Sadness', 'Surprise'),
  ),
  # Implicit_Emotion, what is meant: 226 of 601 sarcastic utterances ridicule.
  'mustard_plus_plus_implicit': _named(
    *('Anger', 'Disgust', 'Excitement', 'Fear', 'Frustration'),
    *('Happiness', 'Neutral', 'Ridicule', 'Sadness', 'Surprise'),
  ),
}


def names(corpus: str) -> tuple[str, ...]:
  """Returns the emotions of a corpus in `LABELS`, each once, in order.

  Raises:
    UserError: Unknown corpus; the message lists the known ones.
  """
  by_name.check('labels of emotion', corpus, tuple(LABELS))
  return tuple(dict.fromkeys(LABELS[corpus].values()))


def build(
  outputs: Sequence[str] = expression.BASIC_7,
  kind: str = 'categorical',
  loss: str | None = None,
  class_weights: Sequence[float] | str | None = None,
  label_smoothing: float = 0.0,
  logit_adjustment: float = 0.0,
  pos_weight: Sequence[float] | str | None = None,
  focal_gamma: float = 2.0,
  focal_alpha: float | None = None,
  gamma_neg: float = 4.0,
  gamma_pos: float = 1.0,
  clip: float = 0.05,
  counts: Any = None,
  weight_cap: float | None = None,
  beta: float = 0.9999,
) -> base.Task:
  """Builds the task 'emotion', with losses of `expression` or `action_units`.

  The headline of 'categorical' is the weighted F1, by which papers on MELD and
  IEMOCAP compare; that of 'multilabel' is the macro-F1, `mean_f1`. Papers on
  MOSEI report `weighted_accuracy` and `weighted_f1` of each emotion, see
  `metrics.emotion`. On IEMOCAP-6, Dai et al., 2021, report accuracy, AUC and
  `tuned_f1`, at thresholds tuned on validation.

  Args:
    outputs: Canonical names of the emotions, in order; see `canonical_name`.
      Unknown names are allowed.
    kind: 'categorical' or 'multilabel'.
    loss: None for cross entropy; or 'cross_entropy' or 'focal' of
      'categorical'; or 'binary_cross_entropy', 'focal' or 'asymmetric' of
      'multilabel'.
    class_weights: For 'categorical' only; see `expression`.
    label_smoothing: For 'categorical' only: share of the label that is spread
      evenly, in [0, 1).
    logit_adjustment: For 'categorical' only: tau >= 0 of Menon et al., 2021.
    pos_weight: For 'multilabel' only; see `action_units`.
    focal_gamma: Focusing exponent of 'focal', >= 0.
    focal_alpha: For 'focal' of 'multilabel' only: None, or the factor of
      positives, in [0, 1].
    gamma_neg: Focusing exponent for negatives in 'asymmetric', >= 0.
    gamma_pos: Focusing exponent for positives in 'asymmetric', >= 0.
    clip: Option of 'asymmetric', in [0, 1).
    counts: Counts in the samples that training draws: summed label mass [K]
      for 'categorical', (positives [K], labelled [K]) for 'multilabel'.
    weight_cap: Largest weight computed from counts.
    beta: Option of 'effective', in [0, 1).

  Raises:
    UserError: A name is unknown, a value is out of range, or an option belongs
      to the other kind; the message lists the choices.
  """
  outputs = base.check_outputs('emotion', outputs)
  by_name.check('kind of emotion', kind, tuple(LOSSES))
  loss = loss or LOSSES[kind][0]
  by_name.check(f'{kind} emotion loss', loss, LOSSES[kind])
  for name in outputs:
    if _spelling(name) not in (name, None):
      raise UserError(
        f'emotion: write {_spelling(name)!r} instead of {name!r}.'
      )
  if kind == 'categorical':
    _refuse(
      kind,
      pos_weight=pos_weight is not None,
      focal_alpha=focal_alpha is not None,
    )
    task = expression.build(
      outputs,
      loss,
      class_weights=class_weights,
      label_smoothing=label_smoothing,
      focal_gamma=focal_gamma,
      counts=counts,
      weight_cap=weight_cap,
      beta=beta,
      logit_adjustment=logit_adjustment,
    )
    return dataclasses.replace(
      task,
      name='emotion',
      metrics={'weighted_f1': classification.weighted_f1, **task.metrics},
      headline='weighted_f1',
    )
  _refuse(
    kind,
    class_weights=class_weights is not None,
    label_smoothing=label_smoothing != 0,
    logit_adjustment=logit_adjustment != 0,
  )
  return _multilabel(
    outputs,
    action_units.make_loss(
      outputs,
      loss,
      pos_weight=pos_weight,
      focal_gamma=focal_gamma,
      focal_alpha=focal_alpha,
      gamma_neg=gamma_neg,
      gamma_pos=gamma_pos,
      clip=clip,
      counts=counts,
      weight_cap=weight_cap,
      beta=beta,
    ),
  )


def _multilabel(outputs, loss):
  with_names = lambda metric: functools.partial(metric, names=outputs)

  def tuned(metric):
    return lambda p, y, w, thresholds: metric(p, y, w, outputs, thresholds)

  return base.Task(
    name='emotion',
    outputs=outputs,
    loss=loss,
    predict=action_units.predict,
    metrics={
      'mean_f1': with_names(multilabel.mean_f1),
      'mean_weighted_accuracy': with_names(metrics.mean_weighted_accuracy),
      'mean_weighted_f1': with_names(metrics.mean_weighted_f1),
      'mean_auc': with_names(multilabel.mean_auc),
      'mean_accuracy': with_names(multilabel.mean_accuracy),
      'f1': with_names(multilabel.f1),
      'weighted_accuracy': with_names(metrics.weighted_accuracy),
      'weighted_f1': with_names(metrics.weighted_f1),
      'auc': with_names(multilabel.auc),
      'accuracy': with_names(multilabel.accuracy),
    },
    headline='mean_f1',
    weight_per_output=True,
    tune=with_names(multilabel.tune),
    tuned_metrics={
      'tuned_f1': tuned(multilabel.f1),
      'tuned_mean_f1': tuned(multilabel.mean_f1),
    },
  )


def _refuse(kind, **given):
  if wrong := [option for option, is_given in given.items() if is_given]:
    raise UserError(
      f'{wrong} do not apply to config.emotion.kind={kind!r}: leave them at '
      'their defaults.'
    )
