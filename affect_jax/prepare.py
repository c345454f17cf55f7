r"""Prepares the corpora of a config: before training, or on a cluster.

  python -m affect_jax.prepare --config=configs/aff_wild2.py \
      --config.data.path=/data/Aff-Wild2

Training does the same on its first start. Prepare separately if an accelerator
would wait for it, or if many machines can help: --beam_runner and
--beam_options are those of Apache Beam (`pip install apache-beam`).
"""

import importlib
from typing import Any

from absl import flags
from ml_collections import config_flags

from affect_jax import errors
from affect_jax.run import command

_CONFIG = config_flags.DEFINE_config_file(
  'config', None, 'A file of configs/: its corpora.', lock_config=True
)
_RUNNER = flags.DEFINE_string(
  'beam_runner', None, 'Beam runner, as DataflowRunner; none: this machine.'
)
_OPTIONS = flags.DEFINE_list(
  'beam_options', [], "Beam's options, as 'project=mine,region=here'."
)


def main() -> None:
  """Prepares the corpora, and prints the folders of their records."""
  # Late: --help need not wait seconds for TensorFlow and JAX.
  from affect_jax.data import load

  for corpus in load.build(_CONFIG.value, _download_config()):
    print(f'{corpus.name}: {corpus.builder.data_dir}')


def _download_config() -> Any:
  if not _RUNNER.value and not _OPTIONS.value:
    return None
  import tensorflow_datasets as tfds

  try:
    beam = importlib.import_module('apache_beam.options.pipeline_options')
  except ImportError as error:
    raise errors.MissingExtra(
      'Apache Beam is not installed: pip install apache-beam.'
    ) from error
  options = beam.PipelineOptions([f'--{option}' for option in _OPTIONS.value])
  return tfds.download.DownloadConfig(
    try_download_gcs=False,
    beam_runner=_RUNNER.value,
    beam_options=options,
  )


if __name__ == '__main__':
  command.run(main, required=['config'])
