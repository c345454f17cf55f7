"""Emotion of an utterance: one out of K, or several at once.

Two kinds of head, whatever the corpus annotates:

  categorical  One of K emotions, a softmax: labels [B, K] are distributions,
               weights [B]. MELD, IEMOCAP, MUStARD++.
  multilabel   K emotions, each there or not, sigmoids: labels [B, K] in
               [0, 1], weights [B, K]. CMU-MOSEI; and IEMOCAP in papers that
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

# Other spellings: those of expressions, and the codes of IEMOCAP.
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
  """The one spelling of an emotion's name: 'joy', 'hap' -> 'happiness'.

  Raises:
    ValueError: Neither a known name nor a synonym; lists both.
  """
  found = _spelling(name)
  if found is None:
    known = [f'{k} ({", ".join(v)})' if v else k for k, v in SYNONYMS.items()]
    raise UserError(f'Unknown emotion {name!r}; known: {"; ".join(known)}.')
  return found


ANNOTATION = annotation.Annotation(
  'presence',
  spelling=canonical_name,
  by_name=tuple(SYNONYMS),
  csvs=('utterances',),
)


def _spelling(name):
  """The canonical name, or None if neither it nor a synonym is known."""
  key = name.strip().lower()
  for canonical, synonyms in SYNONYMS.items():
    if key == canonical or key in synonyms:
      return canonical
  return None


def _named(*labels):
  return {label: canonical_name(label) for label in labels}


# {corpus: {label as its files write it: our name}}, in the order in which the
# corpus, or the paper that is named, numbers them. Labels that are not here are
# no label of that set: a reader leaves them out. ('xxx' of IEMOCAP: the
# annotators disagree.)
LABELS = {
  # The column Emotion; numbered in the README and the pickled features.
  'meld': _named(
    *('neutral', 'surprise', 'fear', 'sadness', 'joy', 'disgust', 'anger')
  ),
  # Columns 1 to 6 of "All Labels", in [0, 3]: there if above 0. Several at
  # once, or none; 'neutral' is not annotated.
  'mosei': _named('happy', 'sad', 'anger', 'surprise', 'disgust', 'fear'),
  # IEMOCAP in the order of the pickles of Tsai et al., 2019, which hold no
  # names. The excited are left out.
  'iemocap_4': _named('neu', 'hap', 'sad', 'ang'),
  # The excited being happy: the 5,531 utterances of speech papers.
  'iemocap_4_excited': {
    **_named('neu', 'hap', 'sad', 'ang'),
    'exc': 'happiness',
  },
  # Dai et al., 2021; papers on conversations have the same six.
  'iemocap_6': _named('ang', 'exc', 'fru', 'hap', 'neu', 'sad'),
  # Dai et al., 2020.
  'iemocap_9': _named(
    *('ang', 'exc', 'fea', 'sad', 'sur', 'fru', 'hap', 'neu', 'dis')
  ),
  # MUStARD++ (Ray et al., 2022): the column Explicit_Emotion, what shows.
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
  """Our names of the emotions of a corpus in `LABELS`, each once, in order.

  Raises:
    ValueError: An unknown corpus; lists the known.
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
  """The task 'emotion', with the losses of `expression` or `action_units`.

  Headlines: weighted F1 of 'categorical', as papers on MELD and IEMOCAP
  compare; macro-F1, `mean_f1`, of 'multilabel'. Papers on MOSEI report
  `weighted_accuracy` and `weighted_f1` of each emotion, see
  `metrics.emotion`; Dai et al., 2021, plain accuracy, AUC and `tuned_f1`, at
  thresholds tuned on validation, of IEMOCAP-6.

  Args:
    outputs: Names of the emotions, in order, spelt as `canonical_name` does;
      names that it does not know are allowed.
    kind: 'categorical' or 'multilabel'.
    loss: None is cross entropy, else of 'categorical' 'cross_entropy' or
      'focal', of 'multilabel' 'binary_cross_entropy', 'focal' or
      'asymmetric'.
    class_weights: Of 'categorical' only, as in `expression`, like the two
      that follow.
    label_smoothing: Share of the label that is spread evenly, in [0, 1).
    logit_adjustment: tau >= 0 of Menon et al., 2021.
    pos_weight: Of 'multilabel' only, as in `action_units`, like the four that
      follow but for focal_gamma, which both kinds have.
    focal_gamma: Focusing exponent of 'focal', >= 0.
    focal_alpha: Of 'focal': None, or the factor of positives, in [0, 1].
    gamma_neg: Focusing exponent of negatives of 'asymmetric', >= 0.
    gamma_pos: Focusing exponent of positives of 'asymmetric', >= 0.
    clip: Of 'asymmetric', in [0, 1).
    counts: Of what training draws, of 'categorical' the summed label mass [K],
      of 'multilabel' (positives [K], labelled [K]).
    weight_cap: Largest weight by counts.
    beta: Of 'effective', in [0, 1).

  Raises:
    ValueError: An unknown name, a value out of range, or an option of the
      other kind, with the choices.
  """
  outputs = base.check_outputs('emotion', outputs)
  by_name.check('kind of emotion', kind, tuple(LOSSES))
  loss = loss or LOSSES[kind][0]
  by_name.check(f'{kind} emotion loss', loss, LOSSES[kind])
  for name in outputs:
    if _spelling(name) not in (name, None):
      raise UserError(f'Write {_spelling(name)!r} for the emotion {name!r}.')
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
  named = lambda metric: functools.partial(metric, names=outputs)

  def tuned(metric):
    return lambda p, y, w, thresholds: metric(p, y, w, outputs, thresholds)

  return base.Task(
    name='emotion',
    outputs=outputs,
    loss=loss,
    predict=action_units.predict,
    metrics={
      'mean_f1': named(multilabel.mean_f1),
      'mean_weighted_accuracy': named(metrics.mean_weighted_accuracy),
      'mean_weighted_f1': named(metrics.mean_weighted_f1),
      'mean_auc': named(multilabel.mean_auc),
      'mean_accuracy': named(multilabel.mean_accuracy),
      'f1': named(multilabel.f1),
      'weighted_accuracy': named(metrics.weighted_accuracy),
      'weighted_f1': named(metrics.weighted_f1),
      'auc': named(multilabel.auc),
      'accuracy': named(multilabel.accuracy),
    },
    headline='mean_f1',
    weight_per_output=True,
    tune=named(multilabel.tune),
    tuned_metrics={
      'tuned_f1': tuned(multilabel.f1),
      'tuned_mean_f1': tuned(multilabel.mean_f1),
    },
  )


def _refuse(kind, **given):
  if wrong := [option for option, is_given in given.items() if is_given]:
    raise UserError(f'{wrong} are no options of kind {kind!r}.')
