"""How the gradients of tasks agree on the parameters that they share."""

from collections.abc import Sequence

import numpy as np

from affect_jax.report import contents
from affect_jax.report import runs as runs_lib
from affect_jax.report import style

LOGGED = 'train/cosine/'


def section(runs: Sequence[runs_lib.Run]) -> contents.Section | None:
  """Draws the cosine of each pair of tasks; None where none is logged."""
  figures, rows = [], []
  for run in runs:
    pairs = _pairs(run)
    if not pairs:
      continue
    drawn, axes = style.new(3.2 + 0.09 * len(pairs))
    ax = axes[0, 0]
    ax.axhline(0, color='#555555', linewidth=1)
    for i, pair in enumerate(pairs):
      name = pair.replace('/', ' and ')
      points = [
        x.curves[LOGGED + pair]
        for x in run.seeds.values()
        if LOGGED + pair in x.curves
      ]
      style.band(ax, points, i, name)
      values = np.array([v for of_seed in points for _, v in of_seed])
      rows.append(
        [run.name, name, float(values.mean()), float((values < 0).mean())]
        + [len(values)]
      )
    ax.set_xlabel('step (updates of the weights)')
    ax.set_ylabel('cosine (−1 to 1)')
    style.legend(drawn, ax)
    figures.append(
      contents.Figure(
        f'cosines_{run.letter}',
        f'{run.name}, {run.seeds_in_words}',
        drawn,
      )
    )
  if not figures:
    return None
  table = contents.Table(
    'cosines',
    'Cosines of gradients',
    ('run', 'tasks', 'mean cosine', 'share below 0', 'logged'),
    rows,
  )
  sentences = [
    "The cosine between two tasks' gradients on the shared parameters, at each "
    'logged step. Below 0 the tasks pull apart: what one learns the other '
    'forgets. Near 0 they do not care for each other.'
  ]
  return contents.Section(
    'cosines', 'Gradients of the tasks', sentences, [*figures, table]
  )


def _pairs(run: runs_lib.Run) -> list[str]:
  names = (n for x in run.seeds.values() for n in x.curves)
  found = (n.removeprefix(LOGGED) for n in names if n.startswith(LOGGED))
  return list(dict.fromkeys(found))
