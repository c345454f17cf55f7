"""Stops a run whose loss or gradient is no number any more."""

from collections.abc import Mapping, Sequence
import math
from typing import Any

import jax
import numpy as np

from affect_jax import errors


def check(
  step: int, ids: Sequence[np.ndarray], logs: Mapping[str, Any]
) -> None:
  """Stops a run that diverged.

  Args:
    step: Number of the update.
    ids: Ids [B] of the batch of each run.
    logs: Its losses and gradient norm, or [S] those of the runs. Only 'loss'
      and 'grad_norm', into which all others go, are fetched if they are finite.

  Raises:
    errors.Diverged: A loss or the gradient norm is not finite; the message
      names the step, the task and the samples.
  """
  totals = jax.device_get((logs['loss'], logs['grad_norm']))
  if np.isfinite(totals).all():
    return
  finite = np.isfinite(np.atleast_2d(np.transpose(totals))).all(1)
  lane = int(np.argmin(finite))
  of_run = {k: float(np.atleast_1d(v)[lane]) for k, v in logs.items()}
  # The cosine with an absent task is no number, and no sign of anything.
  bad = [
    k
    for k, v in of_run.items()
    if not (math.isfinite(v) or k.startswith('cosine/'))
  ]
  tasks = [k.removeprefix('loss/') for k in bad if k.startswith('loss/')]
  names = ', '.join(x.decode() for x in ids[lane].ravel())
  of = f', run {lane + 1} of {len(ids)}' if len(ids) > 1 else ''
  raise errors.Diverged(
    f'Step {step}{of}: {", ".join(bad)} not finite (task: '
    f'{", ".join(tasks) or "none; the gradient alone"}). A lower '
    'config.learning_rate or config.clip_norm often helps; this step was not '
    f'saved. Samples of the batch: {names}'
  )
