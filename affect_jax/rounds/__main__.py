"""The command line of the rounds; see the docstring of the package."""

from absl import flags
from ml_collections import config_flags

from affect_jax import rounds
from affect_jax import user_path
from affect_jax.run import command

_CONFIG = config_flags.DEFINE_config_file(
  'config', None, 'A file of configs/.', lock_config=True
)
_WORKDIR = flags.DEFINE_string('workdir', None, 'Folder of all rounds.')
_ROUNDS = flags.DEFINE_integer('rounds', 1, 'Rounds after round 0.', 1)
_TEACHERS = flags.DEFINE_list(
  'teachers', None, 'Runs that label for round 1, instead of round 0.'
)
_ANYWAY = flags.DEFINE_bool(
  'anyway', False, 'Do all rounds, even if one does not gain.'
)


def main() -> None:
  """Trains the rounds, and prints their gains."""
  # Late: --help need not wait seconds for TensorFlow and JAX.
  from affect_jax.rounds import train

  train.train(
    _CONFIG.value,
    workdir(),
    rounds=_ROUNDS.value or 0,
    teachers=[str(user_path.expand(t)) for t in _TEACHERS.value or ()],
    anyway=bool(_ANYWAY.value),
  )


def workdir() -> str:
  """Returns the folder of the rounds."""
  return str(user_path.expand(str(_WORKDIR.value)))


if __name__ == '__main__':
  command.run(
    main,
    required=['config', 'workdir'],
    folder=workdir,
    about=rounds.__doc__ or '',
  )
