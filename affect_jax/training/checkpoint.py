"""Orbax: keep the latest state (to resume) and the best (to report)."""

import fnmatch
import os
import pathlib
from typing import Any

from absl import logging
import orbax.checkpoint as ocp
from orbax.checkpoint.checkpoint_managers import preservation_policy

from affect_jax import user_path
from affect_jax.errors import UserError
from affect_jax.training import parallel

HEADLINE = 'headline'


def check_name(workdir: str, *, saving: bool = True) -> None:
  """Refuses folders in which Orbax does not find its own checkpoints.

  It looks for the parts that it has saved by a pattern that begins with the
  folder, and for those that it reads by a URL.

  Args:
    workdir: The run's folder, absolute.
    saving: Checkpoints are to be saved there, and not only read.

  Raises:
    UserError: Names the folder and its characters.
  """
  for name in pathlib.Path(workdir).parts:
    if '\\' in name:
      refused = 'a backslash'
    elif saving and not fnmatch.fnmatchcase(name, name):
      refused = "'[' before ']', which is a pattern"
    else:
      continue
    raise UserError(
      f'{workdir}: {name!r} has {refused}, and Orbax could not read its '
      'checkpoints there. Give another --workdir, or a symbolic link to this '
      'one.'
    )


def build_manager(workdir: str, save_every: int) -> ocp.CheckpointManager:
  """Keeps the latest checkpoint and that of the best validation headline.

  Args:
    workdir: The run's folder; checkpoints lie in workdir/checkpoints/STEP.
    save_every: Steps between saves.
  """
  check_name(workdir, saving=False)
  best = lambda metrics: metrics[HEADLINE]
  options = ocp.CheckpointManagerOptions(
    save_interval_steps=save_every,
    best_fn=best,
    # With max_to_keep alone, best_fn would delete the latest.
    preservation_policy=preservation_policy.AnyPreservationPolicy(
      [
        preservation_policy.LatestN(1),
        preservation_policy.BestN(
          get_metric_fn=best, n=1, keep_checkpoints_without_metrics=False
        ),
      ]
    ),
  )
  directory = str(user_path.expand(workdir) / 'checkpoints')
  return ocp.CheckpointManager(directory, options=options)


def save(
  manager: ocp.CheckpointManager,
  step: int,
  state: Any,
  *,
  thresholds: dict | None = None,
  headline: float | None = None,
  force: bool = False,
) -> None:
  """Saves a state, and the thresholds tuned with it on validation.

  A step that is saved already is left alone.

  Args:
    manager: From `build_manager`.
    step: Number of finished updates.
    state: A `TrainState`, whole on every device.
    thresholds: {corpus: {task: values}}; None: there are none.
    headline: What `best_step` goes by; None: validation gave none, or this
      save is for a stop between two of them. It is never the best then.
    force: Save between the manager's regular steps too, as before a stop.
  """
  if step == manager.latest_step():
    return
  manager.save(
    step,
    args=ocp.args.Composite(
      state=ocp.args.StandardSave(state),
      thresholds=ocp.args.JsonSave(thresholds or {}),
    ),
    metrics=None if headline is None else {HEADLINE: headline},
    force=force,
  )


def restore(
  manager: ocp.CheckpointManager, step: int, state: Any
) -> tuple[Any, dict]:
  """Reads (state, thresholds) of a step.

  Args:
    manager: From `build_manager`.
    step: Which checkpoint.
    state: Shapes, dtypes and shardings: `build.abstract_state`.

  Raises:
    ValueError: The checkpoint is damaged or of another model; names it.
  """
  try:
    restored = manager.restore(
      step,
      args=ocp.args.Composite(
        state=ocp.args.StandardRestore(state),
        thresholds=ocp.args.JsonRestore(),
      ),
    )
  except Exception as error:  # Orbax and tensorstore raise many kinds.
    folder = os.path.join(str(manager.directory), str(step))
    others = sorted(s for s in manager.all_steps() if s != step)
    raise UserError(
      f'Checkpoint {folder} cannot be read: it is damaged (cut short, a full '
      'disk?) or belongs to another model. Move that folder away to go on '
      f'from {"step " + str(others[-1]) if others else "the beginning"}.\n'
      f'  {type(error).__name__}: {str(error)[:500]}'
    ) from error
  return restored['state'], dict(restored['thresholds'] or {})


def read_variables(
  workdir: str, step: int | None = None
) -> tuple[dict[str, Any], int]:
  """Variables and step of a run's best checkpoint, see `read`."""
  variables, _, step = read(workdir, step)
  return variables, step


def read(
  workdir: str, step: int | None = None
) -> tuple[dict[str, Any], dict[str, Any], int]:
  """Variables, thresholds and step of a run's best checkpoint.

  The best is that of the highest headline on validation, or the latest.

  Averages (EMA) are taken where that run kept them.

  Args:
    workdir: That run's folder.
    step: Another of its checkpoints.

  Raises:
    FileNotFoundError: There is no (such) checkpoint in workdir/checkpoints.
  """
  directory = str(user_path.expand(workdir) / 'checkpoints')
  if not os.path.isdir(directory):
    raise FileNotFoundError(f'No checkpoints in {directory}.')
  with build_manager(workdir, 1) as manager:
    if step is None:
      step = manager.best_step()
      step = manager.latest_step() if step is None else step
    if step not in (steps := sorted(manager.all_steps())):
      wanted = '' if step is None else f' {step}'
      raise FileNotFoundError(f'No checkpoint{wanted} in {directory}: {steps}.')
    # That run may have had other devices than there are now.
    anywhere = ocp.args.StandardRestore(
      fallback_sharding=parallel.build().replicated
    )
    both = manager.restore(
      step,
      args=ocp.args.Composite(
        state=anywhere, thresholds=ocp.args.JsonRestore()
      ),
    )
  logging.info('Read step %d of %s.', step, directory)
  state = both['state']
  kept = state['ema'] or state
  variables = {'params': kept['params'], **kept['model_state']}
  return variables, dict(both['thresholds'] or {}), step
