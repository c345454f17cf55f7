"""What a run says of a person's neutral face, from a file of it."""

import pathlib
import tempfile
from typing import Any

import numpy as np

from affect_jax.errors import UserError
from affect_jax.media import inputs as inputs_lib
from affect_jax.predict import faces
from affect_jax.predict import journal as journal_lib
from affect_jax.predict import over_time
from affect_jax.predict import settings as settings_lib
from affect_jax.predict import stream


def of_settings(
  predictor: Any, settings: settings_lib.Settings, batch_size: int
) -> dict[str, float]:
  """Returns {column: median over the file's rows}; {} if no file is given.

  Args:
    predictor: A `predictor.Predictor`.
    settings: Whose `neutral` names a picture, a video or a folder of them.
    batch_size: Faces at a time.

  Raises:
    UserError: There is no such file, no face in it, or more than one at once.
  """
  path = settings.neutral
  if not path or settings.is_running:
    return {}
  try:
    inputs = inputs_lib.find([path])
  except UserError as error:
    text = str(error).removeprefix(f'--input={path}: ')
    raise UserError(f'--neutral={path}: {text}') from None
  columns = predictor.columns
  with tempfile.TemporaryDirectory() as folder:
    table = pathlib.Path(folder, 'neutral.csv')
    journal = journal_lib.Journal(table, columns.names)
    journal.open()
    stream.write(
      faces.of_inputs(inputs, predictor, settings),
      predictor,
      journal,
      batch_size=batch_size,
      every=settings.every,
    )
    journal.close()
    rows = list(journal_lib.read(table))
  found = [row for row in rows if row['success'] == '1']
  if not found:
    raise UserError(
      f'--neutral={path}: no face is predicted in it: {rows[0]["input"]} '
      f'{rows[0]["reason"]}.'
    )
  seen = set()
  for row in found:
    frame = (row['input'], row['frame'])
    if frame in seen:
      raise UserError(
        f'--neutral={path}: several faces in frame {frame[1]} of {frame[0]}; '
        'cut out the one that is meant.'
      )
    seen.add(frame)
  values = [over_time.read(row, columns) for row in found]
  return {
    name: float(np.median([v[name] for v in values])) for name in values[0]
  }
