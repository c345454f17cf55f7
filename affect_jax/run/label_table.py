"""A table of weak labels for a config, made once.

NAME.json beside NAME.parquet has its teachers.
"""

from collections.abc import Sequence
import pathlib
from typing import Any

from affect_jax.errors import UserError
from affect_jax.run import folder as run_folder
from affect_jax.run import label_report
from affect_jax.run import labelling
from affect_jax.weak import table


def ensure(
  path: pathlib.Path,
  config: Any,
  teachers: Sequence[str],
  batch_size: int = 64,
) -> None:
  """Writes the table, whole or not at all, unless it exists; prints a report.

  Args:
    path: NAME.parquet.
    config: See `configs/`; its training samples are labelled.
    teachers: Folders of runs, or of seeds.
    batch_size: Samples at a time.

  Raises:
    UserError: The table is there, by other teachers; see also
      `labelling.label`.
  """
  about = str(path.with_suffix('.json'))
  if path.exists():
    # Older tables have no such file.
    before = (run_folder.read_json(about) or {}).get('teachers', teachers)
    if sorted(before) != sorted(teachers):
      raise UserError(
        f'{path} was labelled by {" and ".join(before)}, not by '
        f'{" and ".join(teachers)}: name those again, or give another '
        '--workdir.'
      )
  else:
    path.parent.mkdir(parents=True, exist_ok=True)
    labels, reports = labelling.label(config, teachers, batch_size=batch_size)
    # First: a table is never without its teachers.
    run_folder.write_json(about, {'teachers': list(teachers)})
    table.write(path, labels)
    label_report.show(reports, str(path))
