r"""Trains a network and prints its scores; the same command goes on.

  python -m affect_jax.main --config=configs/quickstart.py \
      --workdir=runs/quickstart

learns from rendered faces: minutes on a CPU, and nothing to download. Your own
faces: --config=configs/faces_csv.py --config.data.path=faces.csv. Any setting
of affect_jax/defaults.py can be overridden: --config.learning_rate=.01
--config.tasks="('expression',)". What a run leaves, and what settings do,
stands in affect_jax/training/README.md.
"""

import contextlib
from typing import Any

from absl import flags
from absl import logging
from ml_collections import config_flags

from affect_jax import user_path
from affect_jax.errors import UserError
from affect_jax.run import command
from affect_jax.run import folder as run_folder
from affect_jax.training import interrupt

# All else is imported where it is used: JAX and TensorFlow take seconds, for
# which --help and what is wrong with the command line need not wait.

_CONFIG = config_flags.DEFINE_config_file(
  'config', None, 'A file of configs/.', lock_config=True
)
_WORKDIR = flags.DEFINE_string(
  'workdir', None, 'Folder of the run: checkpoints, metrics, results.'
)
_MODE = flags.DEFINE_enum(
  'mode',
  'train',
  ['train', 'evaluate'],
  'train: train, or continue training, then evaluate. evaluate: rebuild '
  'results and predictions from the best checkpoint.',
)
_DISTRIBUTED = flags.DEFINE_bool(
  'distributed',
  False,
  'This is one of several processes that a cluster manager (SLURM, Open MPI, a '
  'TPU pod) started. Without a cluster manager, give --coordinator, '
  '--num_processes and --process_id.',
)
_COORDINATOR = flags.DEFINE_string(
  'coordinator',
  None,
  'HOST:PORT: the machine of process 0, and a free port there.',
)
_NUM_PROCESSES = flags.DEFINE_integer(
  'num_processes', None, 'Number of processes of the run.', lower_bound=1
)
_PROCESS_ID = flags.DEFINE_integer(
  'process_id', None, 'Number of this process, from 0.', lower_bound=0
)


def join() -> None:
  """Joins the other processes, if this is one of several."""
  address = (_COORDINATOR.value, _NUM_PROCESSES.value, _PROCESS_ID.value)
  if _DISTRIBUTED.value or any(x is not None for x in address):
    from affect_jax.training import job

    job.start(*address)


def ending_together() -> contextlib.AbstractContextManager:
  """Returns a context that ends all processes if one fails."""
  from affect_jax.training import job

  return job.ending_together()


def main() -> int | None:
  """Trains or evaluates one config; returns the exit code, None for 0."""
  import jax

  logging.info('Devices: %s', ', '.join(str(d) for d in jax.devices()))
  try:
    run(_CONFIG.value)
  except interrupt.Interrupted as stopped:
    logging.info('%s', stopped)
    return stopped.exit_code
  return None


def run(config: Any) -> None:
  """Trains or evaluates one run, one for each seed, or those of a sweep."""
  from affect_jax import defaults
  from affect_jax import evaluate
  from affect_jax import seeds
  from affect_jax import sweep
  from affect_jax import train
  from affect_jax.run import settled

  if _MODE.value == 'train':
    start = train.train_and_evaluate
    if config.sweep:
      start = sweep.train_and_evaluate
    elif config.seeds:
      start = seeds.train_and_evaluate
    start(config, workdir())
    return
  run_folder.require(workdir())
  if config.sweep:
    raise UserError(
      '--mode=evaluate is for one point of a sweep: give its folder, '
      f'{workdir()}/point_N, and its settings without config.sweep.'
    )
  if config.seeds:
    seeds.evaluate_best(config, workdir())
  else:
    config = settled.settle(config, workdir())
    run_folder.claim(workdir(), config, defaults.get_config())
    evaluate.evaluate_best(config, workdir())


def workdir() -> str:
  """Returns the run's folder."""
  return str(user_path.expand(str(_WORKDIR.value)))


if __name__ == '__main__':
  command.run(
    main,
    required=['config', 'workdir'],
    folder=workdir,
    around=ending_together,
    join=join,
  )
