"""F1 of outputs that are present or absent, as action units, and thresholds."""

from collections.abc import Mapping, Sequence
import dataclasses

import numpy as np

from affect_jax.metrics import multilabel
from affect_jax.report import contents
from affect_jax.report import predictions
from affect_jax.report import runs as runs_lib
from affect_jax.report import style


@dataclasses.dataclass(frozen=True)
class Output:
  """Scores of one output, of each seed.

  Attributes:
    name: Its name.
    samples: With gold, and
    positives: of them with the output present.
    half: F1 at a threshold of .5.
    tuned: F1 at the threshold of each seed; [] if none is tuned.
    thresholds: Tuned on validation.
  """

  name: str
  samples: int
  positives: int
  half: Sequence[float]
  tuned: Sequence[float]
  thresholds: Sequence[float]

  @property
  def always(self) -> float:
    """F1 of saying 'present' every time."""
    return 2 * self.positives / max(self.samples + self.positives, 1)


def section(
  runs: Sequence[runs_lib.Run], split: str
) -> contents.Section | None:
  """Draws bars for each run, corpus and task of several such outputs."""
  figures, rows = [], []
  for run, corpus, task, found in runs_lib.each(runs, split):
    outputs = found[0].outputs
    if found[0].kind != predictions.PRESENCE or len(outputs) < 2:
      continue
    measured = measure(run, split, corpus, task)
    name = f'units_{run.letter}_{corpus}_{task}'
    title = f'{task} on {corpus}{run.suffix}'
    figures.append(contents.Figure(name, title, _bars(measured)))
    rows += [
      [run.letter, corpus, task, x.name, x.samples, x.positives]
      + [_mean(v) for v in (x.half, x.tuned, x.thresholds)]
      + [x.always]
      for x in measured
    ]
  if not figures:
    return None
  table = contents.Table(
    'units',
    'F1 of each output',
    (
      *('run', 'corpus', 'task', 'output', 'samples', 'present'),
      *('F1 at .5', 'F1 at threshold', 'threshold', 'F1 of always present'),
    ),
    rows,
    is_folded=True,
  )
  sentences = [
    'F1 of the presence of each output. Thresholds were tuned on validation'
    f'{", which they flatter" if split == "val" else ""}. The tick is what '
    'saying “present” every time would reach: a bar that ends before it has '
    'learned nothing of use.'
  ]
  if any(len(run.seeds) > 1 for run in runs):
    sentences.append('Bars are means over seeds, whiskers their whole range.')
  return contents.Section(
    'units', 'F1 and thresholds', sentences, [*figures, table]
  )


def measure(
  run: runs_lib.Run, split: str, corpus: str, task: str
) -> list[Output]:
  """Measures each output of a task whose outputs are present or absent.

  An output is tuned if results.json has its tuned F1; its threshold is that of
  `multilabel.tune` on predictions/val.csv, which the run's own came from.
  """
  found = run.predicted(split, corpus, task)
  thresholds: dict[str, list[float]] = {}
  for seed in run.predicted('val', corpus, task):
    for output, cut in _tune(seed).items():
      if cut is not None:
        thresholds.setdefault(output, []).append(cut)
  halves = [_f1(seed) for seed in found]
  outputs = []
  for k, name in enumerate(found[0].outputs):
    tuned = run.scores(split, corpus, f'{task}/tuned_f1/{name}')
    gold = found[0].gold[:, k]
    outputs.append(
      Output(
        name=name,
        samples=int(np.isfinite(gold).sum()),
        positives=int((gold > 0.5).sum()),
        half=[x[name] for x in halves if np.isfinite(x[name])],
        tuned=tuned,
        thresholds=thresholds.get(name, []) if tuned else [],
      )
    )
  return outputs


def _triple(of: predictions.Predicted):
  known = np.isfinite(of.gold)
  return of.predicted, np.where(known, of.gold, 0), known.astype(np.float64)


def _f1(of: predictions.Predicted) -> Mapping[str, float]:
  return multilabel.f1(*_triple(of), of.outputs)


def _tune(of: predictions.Predicted) -> Mapping[str, float | None]:
  return multilabel.tune(*_triple(of), of.outputs)


def _mean(values: Sequence[float]) -> float | None:
  return float(np.mean(values)) if values else None


def _bars(measured: Sequence[Output]):
  has_tuned = any(x.tuned for x in measured)
  drawn, axes = style.new(1.3 + (0.42 if has_tuned else 0.3) * len(measured))
  ax = axes[0, 0]
  height = 0.38 if has_tuned else 0.6
  kinds = [('F1 at .5', 'half', style.COLOURS[0], '')]
  if has_tuned:
    kinds.append(('F1 at its threshold t', 'tuned', style.COLOURS[4], '////'))
  for i, (label, kind, colour, hatch) in enumerate(kinds):
    at = np.arange(len(measured)) + (i - (len(kinds) - 1) / 2) * height
    values = [getattr(x, kind) for x in measured]
    means = [_mean(v) or 0 for v in values]
    spread = [
      [m - min(v, default=m) for m, v in zip(means, values, strict=True)],
      [max(v, default=m) - m for m, v in zip(means, values, strict=True)],
    ]
    several = any(len(v) > 1 for v in values)
    ax.barh(
      at,
      means,
      height,
      xerr=spread if several else None,
      label=label,
      color=colour,
      hatch=hatch,
      edgecolor='white',
      linewidth=0,
      error_kw={'linewidth': 1},
    )
  ax.plot(
    [x.always for x in measured],
    range(len(measured)),
    linestyle='',
    marker='|',
    markersize=14,
    markeredgewidth=1.6,
    color='black',
    label='F1 of always “present”',
  )
  for i, x in enumerate(measured):
    if x.thresholds:
      low, high = min(x.thresholds), max(x.thresholds)
      cut = f'{low:.2f}' if low == high else f'{low:.2f}–{high:.2f}'
      ax.text(1.01, i, f't {cut}', va='center', fontsize=8)
  ax.set_yticks(
    range(len(measured)), [f'{x.name} ({x.positives:,})' for x in measured]
  )
  ax.invert_yaxis()
  ax.grid(False, axis='y')
  ax.set_xlim(0, 1)
  ax.set_xlabel('F1 (0 to 1)')
  # As a label of the axis it would be longer than a few bars.
  ax.set_title('output (samples where it is present)', loc='left')
  style.legend(drawn, ax)
  return drawn
