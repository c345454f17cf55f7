"""A table of weak labels for a config, made once."""

from collections.abc import Sequence
import pathlib
from typing import Any

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
    UserError: See `labelling.label`.
  """
  if not path.exists():
    labels, reports = labelling.label(config, teachers, batch_size=batch_size)
    table.write(path, labels)
    label_report.show(reports, str(path))
