"""Saves states with Orbax: keeps the latest (to resume) and the best."""

from collections.abc import Iterator
import contextlib
import dataclasses
import fnmatch
import hashlib
import os
import pathlib
from typing import Any

from absl import logging
from etils import epath
import jax
import numpy as np
import orbax.checkpoint as ocp
from orbax.checkpoint.checkpoint_managers import preservation_policy

from affect_jax import user_path
from affect_jax.errors import DamagedCheckpoint
from affect_jax.errors import UserError
from affect_jax.training import parallel
from affect_jax.training import published
from affect_jax.training import train_state

HEADLINE = 'headline'


def check_name(workdir: str, *, saving: bool = True) -> None:
  """Refuses folders in which Orbax would not find its own checkpoints.

  Orbax finds parts that it saves by a glob pattern that begins with the folder,
  and parts that it reads by a URL.

  Args:
    workdir: The run's folder, absolute.
    saving: Checkpoints will be saved there, not only read.

  Raises:
    UserError: A character in the folder's path is refused.
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
  """Builds a manager that keeps the latest and the best checkpoint.

  The best has the highest selection score, see `evaluation.selection_score`.

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
  state: train_state.TrainState,
  *,
  thresholds: dict | None = None,
  headline: float | None = None,
  force: bool = False,
) -> None:
  """Saves a state, and the thresholds tuned with it on validation.

  If the latest checkpoint is of this step, nothing is saved.

  Args:
    manager: From `build_manager`.
    step: Number of finished updates.
    state: A `TrainState`, replicated on every device.
    thresholds: {corpus: {task: values}}; None if there are none.
    headline: The selection score, which `best_step` compares. None if
      validation gave none,
      or did not run because the run stops here; such a step is never the best.
    force: Save between the manager's regular steps too, as before a stop.
  """
  if step == manager.latest_step():
    return
  manager.save(
    step,
    args=ocp.args.Composite(
      state=ocp.args.StandardSave(_fields(state)),
      thresholds=ocp.args.JsonSave(thresholds or {}),
    ),
    metrics=None if headline is None else {HEADLINE: headline},
    force=force,
  )


def restore(
  manager: ocp.CheckpointManager, step: int, state: train_state.TrainState
) -> tuple[train_state.TrainState, dict]:
  """Reads (state, thresholds) of a step.

  Args:
    manager: From `build_manager`.
    step: Step of the checkpoint.
    state: Shapes, dtypes and shardings, from `build.abstract_state`.

  Raises:
    DamagedCheckpoint: It is damaged or belongs to another model.
  """
  others = sorted(s for s in manager.all_steps() if s != step)
  with _damage_named(
    os.path.join(str(manager.directory), str(step)),
    'Move that folder away to go on from '
    f'{f"step {others[-1]}" if others else "the beginning"}.',
  ):
    restored = manager.restore(
      step,
      args=ocp.args.Composite(
        state=ocp.args.StandardRestore(_fields(state)),
        thresholds=ocp.args.JsonRestore(),
      ),
    )
    thresholds = dict(restored['thresholds'] or {})
  return state.replace(**restored['state']), thresholds


@contextlib.contextmanager
def _damage_named(folder: str, advice: str) -> Iterator[None]:
  """Raises DamagedCheckpoint for whatever reading a checkpoint raises."""
  try:
    yield
  except UserError:
    raise
  except Exception as error:  # Orbax and tensorstore raise many kinds.
    raise DamagedCheckpoint(
      f'Checkpoint {folder} cannot be read: it is damaged (a full disk may '
      f'have cut it short) or belongs to another model. {advice}\n'
      f'  {type(error).__name__}: {str(error)[:500]}'
    ) from error


def _fields(state: train_state.TrainState) -> dict[str, Any]:
  """Returns what is saved: all fields that have a value.

  Checkpoints from before `balancing` and `memory` existed have no such fields.
  """
  fields = {f.name: getattr(state, f.name) for f in dataclasses.fields(state)}
  for name in ('balancing', 'memory'):
    if not jax.tree.leaves(fields[name]):
      del fields[name]
  return fields


def read_variables(
  workdir: str, step: int | None = None
) -> tuple[dict[str, Any], int]:
  """Returns variables and step of a run's best checkpoint, see `read`."""
  variables, _, step = read(workdir, step)
  return variables, step


def read(
  workdir: str, step: int | None = None
) -> tuple[dict[str, Any], dict[str, Any], int]:
  """Returns variables, thresholds and step of a run's best checkpoint.

  The best has the highest selection score; without validation it is the latest.
  The variables are moving averages (EMA) if that run kept them.

  Args:
    workdir: That run's folder, or that of a published model.
    step: Step of the checkpoint to read instead of the best.

  Raises:
    FileNotFoundError: There is no (such) checkpoint in workdir/checkpoints.
    DamagedCheckpoint: It cannot be read.
  """
  directory = str(user_path.expand(workdir) / 'checkpoints')
  if not os.path.isdir(directory):
    if published.is_in(workdir):
      return published.read(workdir, step)
    raise FileNotFoundError(f'No checkpoints in {directory}.')
  with _damage_named(directory, 'Copy the run again.'):
    manager = build_manager(workdir, 1)
    steps = sorted(manager.all_steps())
    if step is None:
      step = manager.best_step()
      step = manager.latest_step() if step is None else step
  with manager:
    if step not in steps:
      wanted = '' if step is None else f' {step}'
      raise FileNotFoundError(
        f'No checkpoint{wanted} in {directory}; it has {steps or "none"}.'
      )
    others = [s for s in steps if s != step]
    advice = f'Copy the run again, or read another step: {others or "none"}.'
    with _damage_named(os.path.join(directory, str(step)), advice):
      restored = manager.restore(
        step,
        args=ocp.args.Composite(
          state=ocp.args.StandardRestore(_on_all_devices(directory, step)),
          thresholds=ocp.args.JsonRestore(),
        ),
      )
      state = restored['state']
      source = state['ema'] or state
      variables = {'params': source['params'], **source['model_state']}
      thresholds = dict(restored['thresholds'] or {})
  logging.info('Read step %d of %s.', step, directory)
  return variables, thresholds, step


def _on_all_devices(directory: str, step: int) -> Any:
  """Returns shapes of a saved state, to be read onto every device.

  That run may have used others, or fewer: Orbax would read onto those.
  """
  saved = ocp.StandardCheckpointHandler().metadata(
    epath.Path(directory) / str(step) / 'state'
  )
  everywhere = parallel.build().replicated
  return jax.tree.map(
    lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=everywhere),
    dict(saved.tree),
  )


def digest(variables: Any) -> str:
  """Returns the SHA-256 of the numbers of variables, in 64 hex digits."""
  hashed = hashlib.sha256()
  for leaf in jax.tree.leaves(variables):
    hashed.update(np.asarray(leaf).tobytes())
  return hashed.hexdigest()
