"""How good weak labels are, as `label.quality --json` measured it."""

from collections.abc import Mapping, Sequence
from typing import Any

from affect_jax.report import contents
from affect_jax.report import runs as runs_lib
from affect_jax.report import style


def section(runs: Sequence[runs_lib.Run]) -> contents.Section | None:
  """Draws what each such JSON in a run's folder says; None if there is none."""
  figures, rows = [], []
  for run in runs:
    for file, content in run.quality.items():
      split = content.get('split', 'train')
      for one in content['results']:
        labellers = [x for x in one['labellers'] if x['score'] is not None]
        # Tasks of one value have an output of their own name.
        parts = dict.fromkeys(x for x in (one['task'], one['output']) if x)
        name = '/'.join(parts)
        rows += [
          [run.letter, file, one['corpus'], name, x['name']]
          + [x.get(k) for k in _NUMBERS]
          for x in one['labellers']
        ]
        if labellers:
          figures.append(
            contents.Figure(
              f'weak_{run.letter}_{file}_{one["corpus"]}_{name}',
              f'{name} of {one["corpus"]}, {split}: {one["gold"]:,} with gold',
              _points(one, labellers),
              f'From {file}{run.suffix}.',
            )
          )
  if not rows:
    return None
  table = contents.Table(
    'weak',
    'Labellers',
    ('run', 'file', 'corpus', 'task', 'labeller', 'scored', 'coverage', 'score')
    + ('low', 'high', 'calibration error'),
    rows,
    is_folded=True,
  )
  sentences = [
    'Each labeller against gold, where it speaks, with the 95 % interval as if '
    'samples were independent; in brackets the share of samples that it labels.'
  ]
  return contents.Section(
    'weak', 'Quality of weak labels', sentences, [*figures, table]
  )


_NUMBERS = ('scored', 'coverage', 'score', 'low', 'high', 'calibration_error')


def _points(one: Mapping[str, Any], labellers: Sequence[Mapping[str, Any]]):
  drawn, axes = style.new(1.1 + 0.34 * len(labellers))
  ax = axes[0, 0]
  for i, x in enumerate(labellers):
    low, high = (x['score'] if x[k] is None else x[k] for k in ('low', 'high'))
    ax.plot((low, high), (i, i), color=style.COLOURS[0], linewidth=2)
    ax.plot(x['score'], i, 'o', color=style.COLOURS[0])
  if one.get('commonest') is not None:
    ax.axvline(
      one['commonest'],
      color='black',
      linestyle='--',
      linewidth=1,
      label='always the most frequent label',
    )
    style.legend(drawn, ax)
  share = lambda x: '' if x is None else f' ({x:.0%})'
  ax.set_yticks(
    range(len(labellers)),
    [f'{_short(x["name"])}{share(x["coverage"])}' for x in labellers],
  )
  ax.set_ylim(len(labellers) - 0.5, -0.5)
  is_value = one['metric'] == 'ccc'
  ax.set_xlabel('CCC (−1 to 1)' if is_value else 'accuracy (0 to 1)')
  return drawn


def _short(name: str) -> str:
  return name if len(name) <= 30 else f'…{name[-29:]}'
