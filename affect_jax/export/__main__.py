"""The command line of the export; see the docstring of the package."""

import itertools

from absl import flags
import numpy as np
from rich import console as rich_console
from rich import table as rich_table

from affect_jax import export
from affect_jax import user_path
from affect_jax.errors import UserError
from affect_jax.media import inputs
from affect_jax.run import command
from affect_jax.run import picture_rules

_WORKDIR = flags.DEFINE_string('workdir', None, 'Folder of a face run.')
_OUTPUT = flags.DEFINE_string('output', None, 'A new folder for the files.')
_FORMAT = flags.DEFINE_list(
  'format', ['onnx'], f'Some of {", ".join(export.PRECISIONS)}.'
)
_PRECISION = flags.DEFINE_enum(
  'precision', 'float32', ('float32', 'float16', 'int8'), 'Type of the numbers.'
)
_PICTURES = flags.DEFINE_string(
  'pictures', '', 'Folder of pictures that int8 learns ranges from.'
)
_ONNXRUNTIME_WEB = flags.DEFINE_string(
  'onnxruntime_web',
  '',
  'For --format=web: folder of the npm package onnxruntime-web; otherwise npm '
  'fetches it.',
)
_STEP = flags.DEFINE_integer('step', None, 'Checkpoint; otherwise the best.')
# So many pictures tell the ranges; they are read 32 at a time.
MOST = 512


def main() -> None:
  """Exports, and prints a table of the files."""
  # Late: --help need not wait seconds for TensorFlow and JAX.
  from affect_jax.export import write

  workdir = str(user_path.expand(str(_WORKDIR.value)))
  output = user_path.expand(str(_OUTPUT.value))
  rows = write.write(
    workdir,
    output,
    _FORMAT.value,
    _PRECISION.value,
    step=_STEP.value,
    onnxruntime_web=_ONNXRUNTIME_WEB.value,
    pictures=_read(workdir) if _PICTURES.value else (),
  )
  table = rich_table.Table(title=f'{workdir} as {_PRECISION.value}')
  columns = ('MB', 'largest difference', 'ms for 1', 'ms for 32')
  for title in ('file', *columns):
    table.add_column(title, justify='left' if title == 'file' else 'right')
  for row in rows:
    times = [f'{x:.1f}' if x else '–' for x in (row.one, row.many)]
    table.add_row(
      row.file, f'{row.megabytes:.1f}', f'{row.difference:.1e}', *times
    )
  rich_console.Console().print(table)
  print(f'{output}: {", ".join(r.file for r in rows)} and model.json.')


def _read(workdir: str) -> list[np.ndarray]:
  """Reads the pictures of a folder as the run reads them, in batches."""
  from affect_jax.data import clips
  from affect_jax.export import program

  trained = program.load(workdir, _STEP.value)
  size = trained.signature.inputs['image_size']
  load = clips.make_load(size, True, picture_rules.read(workdir))
  found = inputs.find([_PICTURES.value])
  images = (load(item.path) for item in found if item.is_picture)
  readable = [x for x in itertools.islice(images, MOST) if x is not None]
  if not readable:
    raise UserError(
      f'--pictures={_PICTURES.value} holds no picture that can be read.'
    )
  stacked = np.stack(readable)
  return [stacked[i : i + 32] for i in range(0, len(stacked), 32)]


if __name__ == '__main__':
  command.run(main, required=['workdir', 'output'], about=export.__doc__ or '')
