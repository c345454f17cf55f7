"""Values against gold: valence and arousal, sentiment."""

from collections.abc import Sequence

from matplotlib import colors
import numpy as np

from affect_jax.metrics import regression
from affect_jax.report import contents
from affect_jax.report import predictions
from affect_jax.report import runs as runs_lib
from affect_jax.report import style

# Usual scales; others end where their numbers do.
SCALES = ((-1, 1), (-3, 3))
PLANE = ('valence', 'arousal')


def section(
  runs: Sequence[runs_lib.Run], split: str
) -> contents.Section | None:
  """Draws each output against gold, and the plane of valence and arousal."""
  figures = []
  for run, corpus, task, seeds in runs_lib.each(runs, split):
    found = predictions.pooled(seeds)
    if found.kind == predictions.VALUE:
      about = f'on {corpus}{run.suffix}'
      name = f'density_{run.letter}_{corpus}_{task}'
      if all(x in found.outputs for x in PLANE):
        figures.append(_plane(found, name, about))
      figures += _against_gold(found, name, task, about)
  if not figures:
    return None
  sentences = [
    'How many samples lie where. On the diagonal a prediction equals gold; a '
    'cloud that is flatter than it shows predictions that keep to the middle.'
  ]
  if any(len(run.seeds) > 1 for run in runs):
    sentences.append('Samples of all seeds of a run are counted together.')
  return contents.Section('density', 'Values against gold', sentences, figures)


def scale(gold: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
  """Returns the ends of the axes: the smallest usual scale of the gold.

  Without one that fits, the ends of all numbers. Predictions beyond a usual
  scale are drawn at its ends.
  """
  low, high = float(np.nanmin(gold)), float(np.nanmax(gold))
  for ends in SCALES:
    if ends[0] <= low and high <= ends[1]:
      return ends
  return min(low, float(predicted.min())), max(high, float(predicted.max()))


def _count(x: np.ndarray, y: np.ndarray, ends: tuple[float, float]):
  """Returns counts [cells, cells], by y and x, and the edges of the cells."""
  cells = int(np.clip(np.sqrt(len(x)) / 1.5, 8, 32))
  edges = np.linspace(*ends, cells + 1)
  counts, *_ = np.histogram2d(
    np.clip(y, *ends), np.clip(x, *ends), bins=[edges, edges]
  )
  return counts, edges


def _draw(ax, counts, edges, most):
  ax.grid(False)
  ax.set_aspect('equal')
  ax.locator_params(nbins=5)
  return ax.pcolormesh(
    edges,
    edges,
    np.where(counts > 0, counts, np.nan),
    cmap=style.MAP,
    norm=colors.LogNorm(1, max(most, 2)),
    # One picture instead of a thousand squares.
    rasterized=True,
  )


def _bar(drawn, image, axes):
  bar = drawn.colorbar(
    image, ax=axes, label='samples in a cell', shrink=0.85, format='{x:,.0f}'
  )
  bar.ax.minorticks_off()


def _plane(of, name, about):
  columns = [of.outputs.index(x) for x in PLANE]
  both = np.isfinite(of.gold[:, columns]).all(-1)
  gold, said = of.gold[both][:, columns], of.predicted[both][:, columns]
  ends = scale(gold, said)
  drawn, axes = style.new(3.4, columns=2, width=6.4, sharex=True, sharey=True)
  counted = [_count(x[:, 0], x[:, 1], ends) for x in (gold, said)]
  most = max(counts.max() for counts, _ in counted)
  for ax, (counts, edges), title in zip(
    axes[0], counted, ('gold', 'predicted'), strict=True
  ):
    image = _draw(ax, counts, edges, most)
    ax.set_title(title, loc='left')
    ax.set_xlabel(f'valence ({_ends(ends)})')
  axes[0, 0].set_ylabel(f'arousal ({_ends(ends)})')
  _bar(drawn, image, axes[0])
  return contents.Figure(
    f'{name}_plane',
    f'Valence and arousal {about}',
    drawn,
    f'{both.sum():,} samples with both.',
  )


def _against_gold(of, name, task, about):
  figures = []
  known = np.isfinite(of.gold)
  of_all = (of.predicted, np.where(known, of.gold, 0), known.astype(float))
  ccc = regression.ccc(*of_all, of.outputs)
  mae = regression.mae(*of_all, of.outputs)
  for k, output in enumerate(of.outputs):
    if not known[:, k].any():
      continue
    gold, said = of.gold[known[:, k], k], of.predicted[known[:, k], k]
    ends = scale(gold, said)
    drawn, axes = style.new(3.6)
    ax = axes[0, 0]
    counts, edges = _count(gold, said, ends)
    image = _draw(ax, counts, edges, counts.max())
    ax.plot(ends, ends, color=style.COLOURS[1], linewidth=1.2, linestyle='--')
    ax.set_xlabel(f'gold {output} ({_ends(ends)})')
    ax.set_ylabel(f'predicted {output} ({_ends(ends)})')
    _bar(drawn, image, ax)
    outside = int(((said < ends[0]) | (said > ends[1])).sum())
    more = f' {outside:,} beyond the scale lie at its ends.' if outside else ''
    # Tasks of one value have an output of their own name.
    what = output if output == task else f'{task}: {output}'
    figures.append(
      contents.Figure(
        f'{name}_{output}',
        f'{what} {about}',
        drawn,
        f'{len(gold):,} samples: CCC {ccc[output]:.3f}, mean absolute error '
        f'{mae[output]:.3f}.{more}',
      )
    )
  return figures


def _ends(ends: tuple[float, float]) -> str:
  return f'{ends[0]:.3g} to {ends[1]:.3g}'.replace('-', '−')
