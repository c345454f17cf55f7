"""The command line of the doctor; see the docstring of the package."""

from absl import flags
from ml_collections import config_flags

from affect_jax import doctor
from affect_jax.doctor import duplicates
from affect_jax.run import command

_CONFIG = config_flags.DEFINE_config_file(
  'config', None, 'A file of configs/.', lock_config=True
)
_OUT = flags.DEFINE_string(
  'out', '', 'Folder for report.html, report.txt, doctor.json, duplicates.csv.'
)
_NEAR_DISTANCE = flags.DEFINE_integer(
  'near_distance',
  duplicates.NEAR_DISTANCE,
  'How many of the 64 bits of their dHashes may differ in near duplicates.',
  lower_bound=0,
  upper_bound=duplicates.MAX_DISTANCE,
)
_SAMPLE = flags.DEFINE_integer(
  'sample',
  0,
  'How many samples of each split to read; 0: all.',
  lower_bound=0,
)
_STRICT = flags.DEFINE_bool(
  'strict', False, 'Every duplicate across splits is an error.'
)


def main() -> int:
  """Examines the corpora of one config; 1 on leakage or damage."""
  # Late: --help need not wait seconds for TensorFlow and JAX.
  from affect_jax.doctor import visit

  result = visit.visit(
    _CONFIG.value,
    out=_OUT.value,
    near_distance=_NEAR_DISTANCE.value,
    sample=_SAMPLE.value,
    strict=_STRICT.value,
  )
  return result.report['exit_code']


if __name__ == '__main__':
  command.run(
    main,
    required=['config'],
    folder=lambda: _OUT.value,
    about=doctor.__doc__ or '',
  )
