"""Learning curves: training loss and validation score of each task."""

from collections.abc import Sequence

from affect_jax.report import contents
from affect_jax.report import runs as runs_lib
from affect_jax.report import style


def section(runs: Sequence[runs_lib.Run]) -> contents.Section | None:
  """Draws a figure for each task, and one for what chooses checkpoints.

  None if no run logged anything of it.
  """
  tasks = list(dict.fromkeys(task for run in runs for task in run.tasks))
  figures = [x for task in ['', *tasks] if (x := _figure(runs, task, tasks))]
  if not figures:
    return None
  sentences = [
    'Above, the loss of the logged training batches, which falls; below, the '
    'score on the whole validation split, which rises where learning carries '
    'over to other samples.'
  ]
  if any(len(run.seeds) > 1 for run in runs):
    sentences.append('Lines are means over seeds, bands their whole range.')
  return contents.Section('curves', 'Learning curves', sentences, figures)


def _figure(
  runs: Sequence[runs_lib.Run], task: str, tasks: Sequence[str]
) -> contents.Figure | None:
  panels = [('train/loss' + f'/{task}' * bool(task), 'loss (no unit)')]
  if task:
    metrics = (run.headline(task) for run in runs)
    metric = next(filter(None, metrics), None)
    end = f'/{task}/{metric}'
    label = style.with_unit(metric or '')
  else:
    # Several corpora have a selection score, one has a headline.
    end, label = _chooser(runs), 'score (no unit)'
  names = [
    name
    for run in runs
    for seed in run.seeds.values()
    for name in seed.curves
    if name.startswith('val/') and f'/{name.partition("/")[2]}'.endswith(end)
  ]
  # 'val/CORPUS/TASK/METRIC' if there are several corpora.
  names = [
    n for n in dict.fromkeys(names) if n.count('/') <= end.count('/') + 1
  ]
  panels += [(name, label) for name in names]
  drawn = [
    (name, label, found)
    for name, label in panels
    if any(found := [_points(run, name) for run in runs])
  ]
  if not drawn or (not task and len(tasks) == 1):
    return None
  figure, axes = style.new(1.0 + 1.45 * len(drawn), len(drawn), sharex=True)
  for ax, (name, label, found) in zip(axes[:, 0], drawn, strict=True):
    for i, (run, points) in enumerate(zip(runs, found, strict=True)):
      if points:
        style.band(ax, points, i, run.name)
    ax.set_ylabel(label)
    ax.set_title(_title(name, end), loc='left')
  axes[-1, 0].set_xlabel('step (updates of the weights)')
  if len(runs) > 1:
    most = max(axes[:, 0], key=lambda a: len(a.get_legend_handles_labels()[1]))
    style.legend(figure, most)
  return contents.Figure(
    f'curves_{task or "all_tasks"}',
    task or 'all tasks',
    figure,
    ''
    if task
    else 'The loss that is minimised, and the score that chooses '
    'the checkpoint.',
  )


def _points(run: runs_lib.Run, name: str) -> list[Sequence[tuple[int, float]]]:
  return [x.curves[name] for x in run.seeds.values() if name in x.curves]


def _chooser(runs: Sequence[runs_lib.Run]) -> str:
  logged = {n for r in runs for x in r.seeds.values() for n in x.curves}
  return '/selection' if 'val/selection' in logged else '/headline'


def _title(name: str, end: str) -> str:
  if name.startswith('train/'):
    return 'training'
  corpus = name.removeprefix('val/').removesuffix(end.lstrip('/')).strip('/')
  return f'validation on {corpus}' if corpus else 'validation'
