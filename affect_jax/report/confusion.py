"""Confusion matrices: what is taken for what."""

from collections.abc import Sequence

import numpy as np

from affect_jax.report import contents
from affect_jax.report import predictions
from affect_jax.report import runs as runs_lib
from affect_jax.report import style


def section(
  runs: Sequence[runs_lib.Run], split: str
) -> contents.Section | None:
  """Draws a matrix for each run, corpus and task of classes; None without any.

  A task of one yes-or-no label has the classes no and yes.
  """
  parts: list[contents.Figure | contents.Table] = []
  for run, corpus, task, seeds in runs_lib.each(runs, split):
    found = predictions.pooled(seeds)
    if names := _classes(found):
      parts += _matrix(run, corpus, task, names, count(found))
  if not parts:
    return None
  sentences = [
    'Rows are gold classes, columns what was predicted. Colours and the upper '
    'number are shares of the row (those of the diagonal are recalls); the '
    'lower number counts samples.'
  ]
  if any(len(run.seeds) > 1 for run in runs):
    sentences.append('Counts are summed over the seeds of a run.')
  return contents.Section('confusion', 'Confusion matrices', sentences, parts)


def count(of: predictions.Predicted) -> np.ndarray:
  """Returns how many samples of each gold class are predicted as each: [K, K].

  Of one yes-or-no label, [2, 2] of no and yes; above .5 is yes.
  """
  if of.kind == predictions.CLASS:
    k = len(of.outputs)
    gold, said = of.gold.argmax(-1), of.predicted.argmax(-1)
  else:
    k = 2
    gold, said = (x[:, 0] > 0.5 for x in (of.gold, of.predicted))
  return np.bincount(gold * k + said, minlength=k * k).reshape(k, k)


def _classes(of: predictions.Predicted) -> list[str]:
  if of.kind == predictions.CLASS:
    return list(of.outputs)
  one = of.kind == predictions.PRESENCE and len(of.outputs) == 1
  return [f'no {of.outputs[0]}', of.outputs[0]] if one else []


def _matrix(run, corpus, task, names, counts):
  totals = counts.sum(-1, keepdims=True)
  shares = np.where(totals > 0, counts / np.maximum(totals, 1), np.nan)
  side = 0.52 * len(names)
  drawn, axes = style.new(
    1.1 + max(side, 1.5), width=max(style.WIDTH, 1.9 + 1.1 * side)
  )
  ax = axes[0, 0]
  texts = [
    [
      f'{s:.2f}\n{n:,}' if np.isfinite(s) else '–'
      for s, n in zip(*x, strict=True)
    ]
    for x in zip(shares, counts, strict=True)
  ]
  image = style.heat(ax, shares, texts, vmin=0, vmax=1)
  ax.set_xticks(range(len(names)), names, rotation=40, ha='right')
  ax.set_yticks(
    range(len(names)),
    [f'{n} ({t:,})' for n, t in zip(names, totals[:, 0], strict=True)],
  )
  ax.set_xlabel('predicted class')
  ax.set_ylabel('gold class (samples)')
  drawn.colorbar(image, label='share of the row (0 to 1)', shrink=0.9)
  name = f'confusion_{run.letter}_{corpus}_{task}'
  title = f'{task} on {corpus}{run.suffix}'
  table = contents.Table(
    name,
    f'{title}: samples by gold class (rows) and predicted class',
    ['gold', *names],
    [[n, *map(int, row)] for n, row in zip(names, counts, strict=True)],
    on_page=False,
  )
  return contents.Figure(name, title, drawn), table
