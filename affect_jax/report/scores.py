"""The first section: which runs there are, and their scores."""

from collections.abc import Mapping, Sequence
from typing import Any

from affect_jax.evaluation import seed_summary
from affect_jax.evaluation import table
from affect_jax.report import contents
from affect_jax.report import runs as runs_lib
from affect_jax.report import style

# Corpora and splits are one word in results.json.
Summaries = Sequence[Mapping[str, Mapping[str, Mapping[str, Any]]]]


def section(
  runs: Sequence[runs_lib.Run], split: str
) -> contents.Section | None:
  """Shows each run, and what it scores on `split`; None without any score.

  Mean and standard deviation over seeds are those of `seed_summary`.
  """
  summaries: Summaries = [
    seed_summary.summarise(
      dict(enumerate(seed.results for seed in run.seeds.values()))
    )['splits']
    for run in runs
  ]
  if not any(summaries):
    return None
  keys = list(dict.fromkeys(key for x in summaries for key in x))
  tasks = list(dict.fromkeys(task for run in runs for task in run.tasks))
  best = {
    t: next(filter(None, (r.headline(t) for r in runs)), '') for t in tasks
  }
  chosen = [
    (key, f'{task}/{metric}')
    for key in keys
    if key.split('/')[0] == split
    for task, metric in best.items()
    if metric
  ]
  several = any(len(run.seeds) > 1 for run in runs)
  sentences = [
    f'Scores count gold labels of {split} only. The checkpoint was chosen on '
    'validation.'
  ]
  if several:
    sentences.append(
      '“std” is the standard deviation over the seeds of a run; a difference '
      'smaller than it may be luck.'
    )
  else:
    sentences.append('One training per run: how much is luck cannot be told.')
  everything = [
    (key, name)
    for key in keys
    for name in dict.fromkeys(n for x in summaries for n in x.get(key, {}))
    if name.split('/')[1:2] != ['confusion']
    and name not in seed_summary.LEFT_OUT
  ]
  shown = [
    (key, name)
    for key, name in everything
    if table.is_shown(name, [_mean(x, key, name) for x in summaries])
  ]
  parts = [
    _rows('scores', f'What counts, on {split}', runs, summaries, chosen),
    _rows(
      'scores_more',
      'More scores, of all splits',
      runs,
      summaries,
      shown,
      is_folded=True,
    ),
    _rows(
      'scores_all', 'All scores', runs, summaries, everything, on_page=False
    ),
  ]
  return contents.Section(
    'scores', 'Scores', sentences, [x for x in parts if x.rows]
  )


def _mean(summary, key: str, name: str) -> float | None:
  return summary.get(key, {}).get(name, {}).get('mean')


def _rows(name, title, runs, summaries, wanted, **how) -> contents.Table:
  several = [len(run.seeds) > 1 for run in runs]
  columns = ['split', 'task', 'metric']
  if has_outputs := any(x.count('/') > 1 for _, x in wanted):
    columns.append('output')
  for run, more in zip(runs, several, strict=True):
    columns += (
      [run.name, f'{run.letter} std' if run.suffix else 'std']
      if more
      else [run.name]
    )
  rows = []
  for key, metric in wanted:
    cells: list[Any] = []
    for summary, more in zip(summaries, several, strict=True):
      found = summary.get(key, {}).get(metric, {})
      cells.append(found.get('mean'))
      if more:
        cells.append(found.get('std'))
    if any(x is not None for x in cells):
      # Headlines, which are of no task, have one part.
      parts = (
        ['', *metric.split('/')] if '/' not in metric else metric.split('/')
      )
      task, of, *output = parts
      heads = [key, task, style.spoken(of)]
      if has_outputs:
        heads.append('/'.join(output))
      rows.append([*heads, *cells])
  return contents.Table(name, title, columns, rows, **how)


def overview(runs: Sequence[runs_lib.Run]) -> contents.Table:
  """Returns a table of the runs: what each is, in a row."""
  rows = []
  for run in runs:
    of = run.first
    steps = [
      max((s for points in x.curves.values() for s, _ in points), default=None)
      for x in run.seeds.values()
    ]
    known = [s for s in steps if s is not None]
    rows.append(
      [
        run.letter,
        run.path,
        of.signature.get('kind'),
        ', '.join(run.tasks) or None,
        ', '.join(of.signature.get('data', {})) or None,
        ', '.join(str(k) for k in run.seeds if k is not None)
        or str(of.config.get('seed', contents.NOTHING)),
        max(known, default=None),
      ]
    )
  return contents.Table(
    'runs',
    'Runs',
    ('', 'folder', 'kind', 'tasks', 'corpora', 'seeds', 'steps'),
    rows,
  )
