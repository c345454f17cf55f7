"""Reliability diagrams: is a run right as often as it says?"""

from collections.abc import Sequence

import numpy as np

from affect_jax.report import contents
from affect_jax.report import predictions
from affect_jax.report import runs as runs_lib
from affect_jax.report import style
from affect_jax.weak import calibration

# Those of `calibration_error`, Naeini et al., 2015.
BINS = 15


def section(
  runs: Sequence[runs_lib.Run], split: str
) -> contents.Section | None:
  """Draws a diagram for each corpus and task with probabilities; or None."""
  said: dict[tuple[str, str], list] = {}
  for run, corpus, task, seeds in runs_lib.each(runs, split):
    found = predictions.pooled(seeds)
    if found.kind != predictions.VALUE:
      said.setdefault((corpus, task), []).append((run, found))
  figures, rows = [], []
  for (corpus, task), of in said.items():
    drawn, errors = _diagram(runs, of)
    kind = of[0][1].kind
    figures.append(
      contents.Figure(
        f'reliability_{corpus}_{task}', f'{task} on {corpus}', drawn
      )
    )
    rows += [
      [run.letter, corpus, task, _WHAT[kind], n, error]
      for (run, _), (n, error) in zip(of, errors, strict=True)
    ]
  if not figures:
    return None
  sentences = [
    'On the dashed diagonal, what is said with a probability of .7 is so in 7 '
    'of 10 cases. Below it, probabilities are too high, above it too low. The '
    'steps below each diagram count the predictions of each probability. The '
    'calibration error is the mean distance from the diagonal over '
    f'{BINS} bins, weighted by their predictions; 0 is perfect.'
  ]
  table = contents.Table(
    'reliability',
    'Calibration',
    ('run', 'corpus', 'task', 'probability of', 'predictions')
    + ('calibration error',),
    rows,
  )
  return contents.Section(
    'reliability', 'Calibration', sentences, [*figures, table]
  )


_WHAT = {
  predictions.CLASS: 'the predicted class',
  predictions.PRESENCE: 'presence',
}


def sure_and_right(of: predictions.Predicted) -> tuple[np.ndarray, np.ndarray]:
  """Returns probabilities [M] and whether what they are of is so [M].

  Of one class out of K, the probability of the predicted class, M = N; of K
  outputs that are present or absent, that of presence, for all gold labels.
  """
  if of.kind == predictions.CLASS:
    guess = of.predicted.argmax(-1)
    return of.predicted.max(-1), guess == of.gold.argmax(-1)
  known = np.isfinite(of.gold)
  return of.predicted[known], of.gold[known] > 0.5


def _diagram(runs, of):
  drawn, (top, bottom) = style.new(4.3, 2, sharex=True, height_ratios=(3, 1))
  top, bottom = top[0], bottom[0]
  top.plot((0, 1), (0, 1), color='#555555', linewidth=1, linestyle='--')
  edges = np.linspace(0, 1, BINS + 1)
  errors = []
  for run, found in of:
    index = list(runs).index(run)
    sure, right = sure_and_right(found)
    # Bins as those of `calibration_error`: (0, 1/15], ...
    bins = np.clip(np.ceil(sure * BINS).astype(int) - 1, 0, BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    there = counts > 0
    shares, means = (
      np.bincount(bins, x, BINS)[there] / counts[there] for x in (right, sure)
    )
    error = calibration.calibration_error(sure, right, BINS)
    errors.append((len(sure), error))
    top.plot(
      means,
      shares,
      label=f'{run.name}: calibration error {error:.3f}',
      **style.look(index),
    )
    bottom.stairs(
      counts, edges, color=style.look(index)['color'], linewidth=1.4
    )
  kind = of[0][1].kind
  top.set_ylim(-0.02, 1.02)
  top.set_xlim(0, 1)
  top.set_ylabel(
    'share that is right (0 to 1)'
    if kind == predictions.CLASS
    else 'share with gold “present” (0 to 1)'
  )
  bottom.set_ylabel('samples')
  bottom.set_xlabel(f'probability of {_WHAT[kind]} (0 to 1)')
  style.legend(drawn, top, columns=1)
  return drawn, errors
