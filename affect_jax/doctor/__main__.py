"""The command line of the doctor; see the package's text."""

from collections.abc import Sequence
import os
import sys

# Before TensorFlow is imported: only what matters.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

from absl import app
from absl import flags
from absl import logging
from ml_collections import config_flags
import tensorflow as tf

from affect_jax.doctor import duplicates
from affect_jax.doctor import visit
from affect_jax.run import log_format

_CONFIG = config_flags.DEFINE_config_file(
  'config', None, 'A file of configs/.', lock_config=True
)
_OUT = flags.DEFINE_string(
  'out', '', 'Folder for report.txt, doctor.json and duplicates.csv.'
)
_NEAR_DISTANCE = flags.DEFINE_integer(
  'near_distance',
  duplicates.NEAR_DISTANCE,
  'Bits of 64 that the dHashes of near duplicates may differ in.',
  lower_bound=0,
  upper_bound=duplicates.MAX_DISTANCE,
)
_SAMPLE = flags.DEFINE_integer(
  'sample', 0, 'Read only so many samples of each split; 0: all.', lower_bound=0
)
_STRICT = flags.DEFINE_bool(
  'strict', False, 'Every duplicate across splits is an error.'
)


def main(argv: Sequence[str]) -> None:
  """Runs one config; errors a user can mend end without a traceback."""
  if len(argv) > 1:
    raise app.UsageError(f'Unknown arguments {argv[1:]}.')
  # TensorFlow only reads data; it must not take the accelerators' memory.
  for kind in ('GPU', 'TPU'):
    tf.config.set_visible_devices([], kind)
  log_format.set_up()
  try:
    result = visit.visit(
      _CONFIG.value,
      out=_OUT.value,
      near_distance=_NEAR_DISTANCE.value,
      sample=_SAMPLE.value,
      strict=_STRICT.value,
    )
  except (ValueError, OSError) as error:
    logging.debug('%s', error, exc_info=True)
    sys.exit(f'{type(error).__name__}: {error}')
  sys.exit(result.report['exit_code'])


def run() -> None:
  """The entry point."""
  flags.mark_flag_as_required('config')
  app.run(main)


if __name__ == '__main__':
  run()
