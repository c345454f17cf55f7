"""config.early_stop: ends a run that validation no longer finds better."""

from collections.abc import Mapping
import os
from typing import Any

from absl import logging

from affect_jax.errors import UserError
from affect_jax.run import folder as run_folder
from affect_jax.training import processes


def patience(config: Any) -> int:
  """Returns config.early_stop, which older configs lack; 0: never."""
  return config.get('early_stop', 0)


def check(config: Any, described: Mapping[str, Mapping[str, Any]]) -> None:
  """Raises UserError if nothing validates, or seeds train side by side.

  Args:
    config: See `configs/`.
    described: The corpora, from `load.describe`.
  """
  number = patience(config)
  if not number:
    return
  if not any(options['splits'].get('val') for options in described.values()):
    raise UserError(
      f'config.early_stop={number} needs validation, but no corpus has one: '
      'set config.data.splits.val, or --config.early_stop=0.'
    )
  if config.seeds and config.seeds_together:
    raise UserError(
      f'config.early_stop={number} ends each seed at a step of its own, which '
      'config.seeds_together=True does not allow: set one of the two to 0 or '
      'False.'
    )


def ends(config: Any, workdir: str, manager: Any) -> bool:
  """Returns whether the run ends with its latest checkpoint; says why.

  That is so if its best checkpoint is config.early_stop validations older. The
  checkpoints alone decide, so that a run that was stopped in between ends where
  it would have ended. Of equally good checkpoints the latest is the best.

  Args:
    config: See `configs/`.
    workdir: Folder of the run, to which `run_folder.STOPPED` is written.
    manager: From `checkpoint.build_manager`.
  """
  number = patience(config)
  if not number:
    return False
  best, latest = processes.from_first(
    'best and latest', lambda: (manager.best_step(), manager.latest_step())
  )
  if best is None or (latest - best) // config.eval_every < number:
    return False
  manager.wait_until_finished()
  why = (
    f'{number} validations without a better selection score than that of step '
    f'{best}'
  )
  if processes.is_first():
    run_folder.write_json(
      os.path.join(workdir, run_folder.STOPPED),
      {'step': latest, 'best_step': best, 'why': why},
    )
  logging.info(
    'Training ends at step %d of %d: %s (config.early_stop=%d).',
    latest,
    config.num_train_steps,
    why,
    number,
  )
  return True
