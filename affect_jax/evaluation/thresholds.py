"""From which probability on an action unit counts as present."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from affect_jax.errors import UserError

TUNED = 'tuned'


def of_units(
  outputs: Mapping[str, Sequence[str]],
  tuned: Mapping[str, Any],
  threshold: float | str,
  corpus: str = '',
) -> dict[str, float]:
  """Returns {action unit: threshold}, {} if the run has no units.

  A unit without a tuned threshold (validation had no positive of it, or there
  was no validation) has .5.

  Args:
    outputs: {task: names of its outputs}.
    tuned: {corpus: {task: {output: threshold or None}}}, from validation.
    threshold: In [0, 1], for all; or 'tuned'.
    corpus: Whose tuned thresholds; '': the mean over all that have one.

  Raises:
    UserError: The threshold is out of range, or the run does not know the
      corpus.
  """
  units = outputs.get('action_units', ())
  if threshold != TUNED:
    try:
      number = float(threshold)
    except ValueError:
      number = float('nan')
    if not 0 <= number <= 1:
      raise UserError(
        f"--threshold={threshold} must be in [0, 1], or '{TUNED}'."
      )
    return {name: number for name in units}
  if corpus and corpus not in tuned:
    known = ', '.join(tuned) or 'none'
    raise UserError(
      f'The run has no thresholds of {corpus!r}; it has those of {known}.'
    )
  chosen = [corpus] if corpus else list(tuned)
  found = [tuned[c].get('action_units', {}) for c in chosen]
  values = {n: [x[n] for x in found if x.get(n) is not None] for n in units}
  return {n: float(np.mean(x)) if x else 0.5 for n, x in values.items()}
