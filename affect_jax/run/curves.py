"""Training curves: metrics.jsonl and TensorBoard events of a run."""

from collections.abc import Callable, Iterator
import contextlib
import os

from clu import metric_writers

from affect_jax.run import folder as run_folder
from affect_jax.training import processes


@contextlib.contextmanager
def writing(
  workdir: str, first_step: int
) -> Iterator[Callable[[int, dict[str, float]], None]]:
  """Yields a function of (step, {name: value}), which adds a point to each.

  Of several processes, the first writes.

  Args:
    workdir: The run's folder.
    first_step: Points of later steps, from before a resume, are dropped.
  """
  path = os.path.join(workdir, 'metrics.jsonl')
  if processes.is_first():
    run_folder.truncate_jsonl(path, first_step)
  # No LoggingWriter: `table` logs the lines that people read.
  writer = metric_writers.AsyncMultiWriter(
    [metric_writers.SummaryWriter(workdir)] if processes.is_first() else []
  )

  def write(step: int, values: dict[str, float]) -> None:
    writer.write_scalars(step, values)
    if processes.is_first():
      run_folder.append_jsonl(path, step, values)

  with metric_writers.ensure_flushes(writer):
    yield write
