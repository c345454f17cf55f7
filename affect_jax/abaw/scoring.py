"""The rules of the ABAW challenges, edition by edition."""

import dataclasses

import numpy as np

from affect_jax import by_name
from affect_jax.abaw import files
from affect_jax.errors import UserError
from affect_jax.metrics import challenge
from affect_jax.metrics import classification
from affect_jax.metrics import multilabel
from affect_jax.metrics import regression


@dataclasses.dataclass(frozen=True)
class Rules:
  """What an edition predicts, and how it scores.

  Attributes:
    layouts: {task: columns}.
    expression_f1: Share of macro-F1 in P_EXPR; the rest is accuracy.
    action_unit_f1: Share of mean F1 in P_AU; the rest is accuracy.
  """

  layouts: dict[str, files.Layout]
  expression_f1: float = 1.0
  action_unit_f1: float = 1.0


def _by_task(*layouts):
  return {x.task: x for x in layouts}


_SINCE_3 = Rules(_by_task(files.VA, files.EXPR_8, files.AU_12, files.MTL))
# The editions that had no challenge of a task score it as the others do.
EDITIONS = {
  'abaw1': Rules(_by_task(files.VA, files.EXPR_7, files.AU_8), 0.67, 0.5),
  'abaw2': Rules(_by_task(files.VA, files.EXPR_7, files.AU_12), 0.67, 0.5),
  **{f'abaw{n}': _SINCE_3 for n in range(3, 9)},
}


def get_layout(edition: str, task: str) -> files.Layout:
  """The columns of a task in an edition; ValueError if it has no such task."""
  layouts = by_name.get('edition', edition, EDITIONS).layouts
  return by_name.get('task', task, layouts, of=edition)


def score(
  submission: files.Frames, labels: files.Frames, edition: str
) -> dict[str, float]:
  """Scores a submission by the rules of an edition, in float64.

  P_VA is the mean CCC of valence and arousal over all frames of all videos.
  P_EXPR is macro-F1 over 8 classes, P_AU the mean F1 of the positives over 12
  units, P_MTL the sum of the three. ABAW 1 and 2 have 7 classes, and ABAW 1
  has 8 units: there P_EXPR is .67 macro-F1 + .33 accuracy, P_AU is .5 mean F1
  + .5 accuracy, over all decisions on units together (the organisers' own
  program is not public: this is what participants' code computes).

  Each label counts on its own: valence where valence is annotated, AU1 where
  AU1 is. Code around the MTL challenge differs: HSEmotion takes valence and
  arousal where both are annotated, and units where all 12 are, which leaves
  out the rows that are annotated in part.

  An output without any label is left out of the mean it belongs to, and
  its number of labels is 0 in the result.

  Args:
    submission: From `files.read_submission`.
    labels: From `files.read_labels`. The tasks that both have are scored.
    edition: 'abaw1' to 'abaw8'.

  Returns:
    {'P_VA', 'P_EXPR', 'P_AU', 'P_MTL': of the tasks at hand, 'valence/ccc',
    'arousal/ccc', 'expression/macro_f1', 'expression/accuracy',
    'expression/f1/CLASS', 'action_units/mean_f1', 'action_units/accuracy',
    'action_units/f1/AU1', ..., 'labels/COLUMN': how many counted, 'frames':
    annotated, 'extra_frames': submitted frames that are not annotated}.

  Raises:
    UserError: An unknown edition; columns that are not the edition's; no
      task in common; annotated frames that the submission lacks.
  """
  for what, frames in (('submission', submission), ('labels', labels)):
    expected = get_layout(edition, frames.layout.task)
    if frames.layout != expected:
      raise UserError(
        f'The {what} have the columns {",".join(frames.layout.header)}; in '
        f'{edition} they are {",".join(expected.header)}.'
      )
  columns = [c for c in labels.layout.columns if c in submission.layout.columns]
  if not columns:
    raise UserError(
      f'The submission is of the task {submission.layout.task}, the labels '
      f'are of {labels.layout.task}: there is nothing to score.'
    )
  gold = labels.values[:, [labels.layout.columns.index(c) for c in columns]]
  places = [submission.layout.columns.index(c) for c in columns]
  annotated = np.flatnonzero(~np.isnan(gold).all(axis=1))
  rows = _match(submission.names, [labels.names[i] for i in annotated.tolist()])
  gold, predicted = gold[annotated], submission.values[rows][:, places]
  rules = EDITIONS[edition]
  scores: dict[str, float] = {}
  if 'valence' in columns:
    scores |= _valence_arousal(predicted[:, :2], gold[:, :2])
  if 'expression' in columns:
    i = columns.index('expression')
    classes = labels.layout.classes or submission.layout.classes
    scores |= _expression(predicted[:, i], gold[:, i], classes, rules)
  if units := [c for c in columns if c.startswith('AU')]:
    i = columns.index(units[0])
    scores |= _action_units(predicted[:, i:], gold[:, i:], units, rules)
  if {'P_VA', 'P_EXPR', 'P_AU'} <= scores.keys():
    scores['P_MTL'] = challenge.p_mtl(
      scores['P_VA'], scores['P_EXPR'], scores['P_AU']
    )
  for column, count in zip(columns, (~np.isnan(gold)).sum(axis=0), strict=True):
    scores[f'labels/{column}'] = int(count)
  scores['frames'] = len(annotated)
  scores['extra_frames'] = len(submission.names) - len(annotated)
  return scores


def _match(names, wanted):
  """Rows of the wanted frames; ValueError if any is not among the names."""
  known = files.index(names, lambda row: f'row {row} of the submission')
  rows = [known.get(files.key(name)) for name in wanted]
  missing = [n for n, row in zip(wanted, rows, strict=True) if row is None]
  if missing:
    raise UserError(
      f'The submission lacks {len(missing):,} of {len(wanted):,} annotated '
      f'frames; the first is {missing[0]}.'
    )
  if not wanted:
    raise UserError('No frame is annotated: there is nothing to score.')
  return np.array(rows)


def _valence_arousal(predicted, gold):
  weights, gold = _weights(gold)
  names = files.VALENCE_AROUSAL
  ccc = regression.ccc(predicted, gold, weights, names)
  mean = regression.mean_ccc(predicted, gold, weights, names)
  return {'P_VA': mean} | {f'{k}/ccc': v for k, v in ccc.items()}


def _expression(predicted, gold, classes, rules):
  weights, gold = _weights(gold)
  one_hot = np.eye(len(classes))
  triple = one_hot[predicted.astype(int)], one_hot[gold.astype(int)], weights
  f1 = classification.macro_f1(*triple)
  accuracy = classification.accuracy(*triple)
  share = rules.expression_f1
  return {
    'P_EXPR': f1 if share == 1 else share * f1 + (1 - share) * accuracy,
    'expression/macro_f1': f1,
    'expression/accuracy': accuracy,
  } | {
    f'expression/f1/{name}': value
    for name, value in classification.per_class_f1(*triple, classes).items()
  }


def _action_units(predicted, gold, units, rules):
  weights, gold = _weights(gold)
  f1 = multilabel.mean_f1(predicted, gold, weights, units)
  # One column: over all decisions, not a mean over units.
  p, y, w = (x.reshape(-1, 1) for x in (predicted, gold, weights))
  accuracy = multilabel.accuracy(p, y, w, ['all'])['all']
  share = rules.action_unit_f1
  return {
    'P_AU': f1 if share == 1 else share * f1 + (1 - share) * accuracy,
    'action_units/mean_f1': f1,
    'action_units/accuracy': accuracy,
  } | {
    f'action_units/f1/{name}': value
    for name, value in multilabel.f1(predicted, gold, weights, units).items()
  }


def _weights(gold):
  """(1 where annotated else 0, the labels with 0 elsewhere)."""
  there = ~np.isnan(gold)
  return there.astype(np.float64), np.where(there, gold, 0)
