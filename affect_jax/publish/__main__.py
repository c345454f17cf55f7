"""The command line of publishing; see the docstring of the package."""

from absl import flags

from affect_jax import user_path
from affect_jax.run import command

_WORKDIR = flags.DEFINE_string('workdir', None, 'Folder of a finished run.')
_OUTPUT = flags.DEFINE_string(
  'output', None, 'A folder: new, or of a published model.'
)
_UPLOAD = flags.DEFINE_string(
  'upload', '', 'OWNER/NAME on huggingface.co that gets the files, too.'
)
_LICENSE = flags.DEFINE_string(
  'license', 'other', 'Licence of the weights, as huggingface.co names it.'
)


def main() -> None:
  """Publishes, and prints the scores."""
  # Late: --help need not wait seconds for TensorFlow and JAX.
  from affect_jax.publish import scores
  from affect_jax.publish import write

  output = user_path.expand(str(_OUTPUT.value))
  about = write.write(
    str(_WORKDIR.value),
    output,
    repository=_UPLOAD.value,
    license_name=_LICENSE.value,
  )
  for name, x in about['scores'].items():
    print(f'{name} on validation: {scores.in_words(x)}')
  print(f'{output}: published.')
  if _UPLOAD.value:
    print(f'https://huggingface.co/{_UPLOAD.value}: uploaded.')


if __name__ == '__main__':
  command.run(main, required=['workdir', 'output'])
