"""Trains and evaluates: python -m affect_jax.main --config=FILE --workdir=DIR.

Any setting can be overridden: --config.learning_rate=.01
--config.tasks="('expression',)". Run again, a run goes on where it stopped.
"""

import os
import sys

# Before TensorFlow is imported: only what matters.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

from absl import app
from absl import flags
from absl import logging
import jax
from ml_collections import config_flags
import tensorflow as tf

from affect_jax import defaults
from affect_jax import evaluate
from affect_jax import train
from affect_jax import user_path
from affect_jax.errors import UserError
from affect_jax.run import folder as run_folder
from affect_jax.run import log_format
from affect_jax.training import interrupt
from affect_jax.training import job

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
  'train: train, or go on training, then evaluate. evaluate: rebuild results '
  'and predictions from the best checkpoint.',
)
_DISTRIBUTED = flags.DEFINE_bool(
  'distributed',
  False,
  'One of several processes, which a cluster manager (SLURM, Open MPI, a TPU '
  'pod) has started. Without one, give the three flags below.',
)
_COORDINATOR = flags.DEFINE_string(
  'coordinator',
  None,
  'HOST:PORT, the machine of process 0 and a free port there.',
)
_NUM_PROCESSES = flags.DEFINE_integer(
  'num_processes', None, 'How many processes the run has.', lower_bound=1
)
_PROCESS_ID = flags.DEFINE_integer(
  'process_id', None, 'Which of them this is, from 0.', lower_bound=0
)


def main(argv: list[str]) -> None:
  """Runs one config; errors a user can mend end without a traceback."""
  if len(argv) > 1:
    raise app.UsageError(f'Unknown arguments {argv[1:]}.')
  # TensorFlow only reads data; it must not take the accelerators' memory.
  for kind in ('GPU', 'TPU'):
    tf.config.set_visible_devices([], kind)
  log_format.set_up()
  logging.info('Devices: %s', ', '.join(str(d) for d in jax.devices()))
  workdir = str(user_path.expand(str(_WORKDIR.value)))
  try:
    if _MODE.value == 'train':
      train.train_and_evaluate(_CONFIG.value, workdir)
    else:
      run_folder.claim(workdir, _CONFIG.value, defaults.get_config())
      evaluate.evaluate_best(_CONFIG.value, workdir)
  except interrupt.Interrupted as stopped:
    logging.info('%s', stopped)
    sys.exit(stopped.exit_code)
  except (ValueError, OSError, FloatingPointError) as error:
    logging.debug('%s', error, exc_info=True)
    sys.exit(f'{type(error).__name__}: {error}')


def in_a_job(argv: list[str]) -> None:
  """`main`, in one process or as one of several."""
  address = (_COORDINATOR.value, _NUM_PROCESSES.value, _PROCESS_ID.value)
  with job.ending_together():
    if _DISTRIBUTED.value or any(x is not None for x in address):
      try:
        job.start(*address)
      except UserError as error:
        sys.exit(f'{type(error).__name__}: {error}')
    main(argv)


def run() -> None:
  """The entry point."""
  flags.mark_flags_as_required(['config', 'workdir'])
  app.run(in_a_job)


if __name__ == '__main__':
  run()
