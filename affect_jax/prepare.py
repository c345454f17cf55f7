"""Prepares the corpora of a config: before training, or on a cluster.

  python -m affect_jax.prepare --config=configs/aff_wild2.py \
      --config.data.path=/data/Aff-Wild2

Training does the same on its first start. Where an accelerator would wait
for it, or many machines could help, do it apart: --beam_runner and
--beam_options are those of Apache Beam (`pip install apache-beam`).
"""

import importlib
import os
import sys
from typing import Any

# Before TensorFlow is imported: only what matters.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

from absl import app
from absl import flags
from ml_collections import config_flags
import tensorflow as tf
import tensorflow_datasets as tfds

from affect_jax.data import load
from affect_jax.run import log_format

_CONFIG = config_flags.DEFINE_config_file(
  'config', None, 'Which corpora.', lock_config=True
)
_RUNNER = flags.DEFINE_string(
  'beam_runner', None, 'Beam runner, as DataflowRunner; none: this machine.'
)
_OPTIONS = flags.DEFINE_list(
  'beam_options', [], "Beam's options, as 'project=mine,region=here'."
)


def main(argv: list[str]) -> None:
  """Prepares, and prints where the records lie."""
  if len(argv) > 1:
    raise app.UsageError(f'Unknown arguments: {" ".join(argv[1:])}.')
  log_format.set_up()
  tf.config.set_visible_devices([], 'GPU')
  try:
    corpora = load.build(_CONFIG.value, _download_config())
  except (ValueError, OSError) as error:
    sys.exit(f'{type(error).__name__}: {error}')
  for corpus in corpora:
    print(f'{corpus.name}: {corpus.builder.data_dir}')


def _download_config() -> Any:
  if not _RUNNER.value and not _OPTIONS.value:
    return None
  try:
    beam = importlib.import_module('apache_beam.options.pipeline_options')
  except ImportError as error:
    raise SystemExit(
      'Apache Beam is not installed: pip install apache-beam.'
    ) from error
  options = beam.PipelineOptions([f'--{option}' for option in _OPTIONS.value])
  return tfds.download.DownloadConfig(
    try_download_gcs=False,
    beam_runner=_RUNNER.value,
    beam_options=options,
  )


if __name__ == '__main__':
  flags.mark_flag_as_required('config')
  app.run(main)
