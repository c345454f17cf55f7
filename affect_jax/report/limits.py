"""What a run cannot do, as far as its own folder tells."""

from collections.abc import Iterator

import numpy as np

from affect_jax.report import confusion
from affect_jax.report import predictions
from affect_jax.report import reliability
from affect_jax.report import runs as runs_lib
from affect_jax.report import units
from affect_jax.weak import calibration

# From here on, what a run says of its certainty misleads.
CALIBRATION_ERROR = 0.1
# Shares of fewer samples are rough: 95 % intervals are wider than .2.
FEW = 100
# Readers of corpora that nobody lived.
INVENTED = 'synthetic_'
OF_ALL = (
  'It predicts how annotators, or a recipe, label such faces or utterances, '
  'not what a person feels.',
  'Other cameras, microphones, languages, ages and cultures than those of its '
  'corpora were not tested, and no score by groups of people was computed.',
)


def of_run(run: runs_lib.Run, split: str) -> list[str]:
  """Returns sentences: what is always so, then what this run shows."""
  return [*OF_ALL, *_of_training(run), *_of_scores(run, split)]


def reader(name: str) -> str:
  """Returns the name of a corpus' reader from that of its prepared data."""
  return name.split('/')[0]


def _of_training(run: runs_lib.Run) -> Iterator[str]:
  of = run.first
  data = of.signature.get('data', {})
  if len(run.seeds) == 1:
    yield 'It is one training: how much of its scores is luck is not known.'
  for corpus, facts in data.items():
    if reader(facts.get('name', '')).startswith(INVENTED):
      yield (
        f'{corpus} is invented or rendered: scores on it show that code and '
        'method work, never accuracy on people.'
      )
    if 'val' not in facts.get('samples', {'val': 0}):
      yield f'{corpus} has no validation: no checkpoint was chosen on it.'
  config = of.config
  if config.get('data', {}).get('weak_labels'):
    yield 'It learned from weak labels, too, which a model or a rule made.'
  for name, path in (
    ('weights', config.get('init', {}).get('weights')),
    ('the text model', of.signature.get('inputs', {}).get('text_model')),
  ):
    if path:
      yield f'It began with {name} {path}: their terms apply, too.'
  if any(start.get('dirty') for start in of.starts):
    yield 'Its code was changed and not committed: the commit is not all of it.'
  if not of.results:
    yield 'It is not finished.'


def _of_scores(run: runs_lib.Run, split: str) -> Iterator[str]:
  for corpus, task in run.labelled(split):
    seeds = run.predicted(split, corpus, task)
    found = predictions.pooled(seeds)
    where = f'{task} on {corpus}'
    if (samples := len(seeds[0].ids)) < FEW:
      yield f'{where}: only {samples} samples of {split} have gold.'
    if found.kind == predictions.VALUE:
      continue
    if found.kind == predictions.CLASS:
      counts = confusion.count(found)
      lost = (np.diag(counts) == 0) & (counts.sum(-1) > 0)
      absent = counts.sum(-1) == 0
      if lost.any():
        yield f'{where}: it recognises no sample of {_named(found, lost)}.'
      if absent.any():
        yield f'{where}: {split} has no sample of {_named(found, absent)}.'
    elif len(found.outputs) > 1:
      measured = units.measure(run, split, corpus, task)
      # Of these nothing is known: F1 would be 0 whatever is said.
      bare = np.array([not x.samples for x in measured])
      absent = np.array([x.samples and not x.positives for x in measured], bool)
      poor = np.array(
        [
          x.positives and max([*x.half, *x.tuned], default=0) <= x.always
          for x in measured
        ],
        bool,
      )
      if bare.any():
        yield f'{where}: {split} has no gold of {_named(found, bare)}.'
      if absent.any():
        yield (
          f'{where}: {split} has no sample in which {_named(found, absent)} is '
          'present.'
        )
      if poor.any():
        yield (
          f'{where}: {_named(found, poor)} is found no better than by saying '
          '“present” every time.'
        )
    sure, right = reliability.sure_and_right(found)
    error = calibration.calibration_error(sure, right)
    if error > CALIBRATION_ERROR:
      if found.kind == predictions.PRESENCE:
        # How sure it is of what it says, be that presence or absence.
        sure, right = np.maximum(sure, 1 - sure), (sure > 0.5) == right
      how = 'surer' if sure.mean() > right.mean() else 'less sure'
      yield (
        f'{where}: its probabilities mislead (calibration error {error:.2f}); '
        f'on the whole it is {how} than it should be.'
      )


def _named(of: predictions.Predicted, which: np.ndarray) -> str:
  return ', '.join(of.outputs[k] for k in np.flatnonzero(which))
