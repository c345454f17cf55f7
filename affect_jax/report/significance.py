"""Is one run better than another? The table of `affect_jax.compare`."""

from collections.abc import Sequence
import shlex

from affect_jax import errors
from affect_jax.report import contents
from affect_jax.report import runs as runs_lib


def section(
  runs: Sequence[runs_lib.Run], split: str, draws: int
) -> contents.Section | None:
  """Compares each run with the first, by the headline metric of each task.

  Further metrics would take much longer, and make Holm's p larger. None with
  one run, or without draws. Where runs cannot be compared, the section says
  why.
  """
  if len(runs) < 2 or not draws:
    return None
  title = 'Is it better?'
  paths = [run.path for run in runs]
  try:
    # Not above: it imports JAX, which one run does without.
    from affect_jax.comparison import compare
    from affect_jax.comparison import formats

    found = compare.compare(
      paths,
      split=split,
      draws=draws,
      metrics=_headlines(runs),
    )
  except (errors.UserError, errors.MissingExtra) as error:
    return contents.Section(
      'significance', title, [f'These runs cannot be compared: {error}'], []
    )
  several = any(r.better is not None for r in found.rows)
  rows = []
  names = {run.letter: run.name for run in runs}
  for r in found.rows:
    numbers = [r.mean_a, r.mean_b, r.difference, r.low, r.high, r.p, r.holm]
    more = [r.better] if several else []
    rows.append([names[r.b], r.metric, *numbers, *more])
  table = contents.Table(
    'significance',
    f'Differences from {runs[0].name}, on {split}',
    ('run', 'metric', 'mean of A', 'its mean', 'difference', 'low', 'high')
    + ('p', 'Holm p')
    + (('chance to be better',) if several else ()),
    rows,
    'Difference: its mean minus that of A, with the 95 % interval from low to '
    'high. Holm p is adjusted for all rows; a small one, as below .05, says '
    'that the difference is hardly luck.',
  )
  command = shlex.join(['python', '-m', 'affect_jax.compare', *paths])
  sentences = [*formats.sentences(found), f'All metrics: {command}']
  return contents.Section('significance', title, sentences, [table])


def _headlines(runs: Sequence[runs_lib.Run]) -> list[str]:
  shared = [t for t in runs[0].tasks if all(t in run.tasks for run in runs)]
  return [f'{t}/{metric}' for t in shared if (metric := runs[0].headline(t))]
