"""How figures look: colours that the colour-blind tell apart, units, files."""

from collections.abc import Iterator, Sequence
import contextlib
import io
from typing import Any

import matplotlib
from matplotlib import figure
import numpy as np

# Okabe & Ito, 2008. Yellow comes last: it is pale on paper.
COLOURS = (
  *('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9'),
  *('#000000', '#F0E442'),
)
# Prints in grey tell lines apart by these.
LINES = ('-', '--', '-.', ':')
MARKERS = ('o', 's', '^', 'D', 'v', 'P', 'X', '*')
# From dark to light in grey, too.
MAP = 'viridis'
# In inches: three fit beside each other, and one on a phone.
WIDTH = 4.0
_SETTINGS: Any = {
  'font.size': 9,
  'axes.titlesize': 9,
  'axes.spines.top': False,
  'axes.spines.right': False,
  'axes.grid': True,
  'grid.color': '#e3e6e8',
  'grid.linewidth': 0.6,
  'axes.axisbelow': True,
  'legend.frameon': False,
  'legend.fontsize': 8,
  'figure.facecolor': 'white',
  'figure.dpi': 100,
  # The same data make the same bytes; letters look alike without their font.
  'svg.hashsalt': 'affect_jax',
  'svg.fonttype': 'path',
  'path.simplify_threshold': 0.5,
}
_UNITS = {
  'ccc': '−1 to 1',
  'pearson': '−1 to 1',
  'mae': "in the labels' unit",
  'rmse': "in the labels' unit",
}
_SHORT = ('ccc', 'f1', 'uar', 'auc', 'mae', 'rmse')


@contextlib.contextmanager
def applied() -> Iterator[None]:
  """Draws and saves with these settings inside of the block."""
  with matplotlib.rc_context(_SETTINGS):
    yield


def new(
  height: float,
  rows: int = 1,
  columns: int = 1,
  width: float = WIDTH,
  **how: Any,
) -> tuple[figure.Figure, np.ndarray]:
  """Returns a figure of a size in inches, and its axes [rows, columns]."""
  # Without pyplot there is no window, and nothing to close.
  drawn = figure.Figure((width, height), layout='constrained')
  return drawn, drawn.subplots(rows, columns, squeeze=False, **how)


def look(index: int) -> dict[str, Any]:
  """Returns colour, line and marker of the i-th of several."""
  return {
    'color': COLOURS[index % len(COLOURS)],
    'linestyle': LINES[index % len(LINES)],
    'marker': MARKERS[index % len(MARKERS)],
    'markersize': 3.5,
    'linewidth': 1.5,
  }


def spoken(metric: str) -> str:
  """Returns a metric's name as people say it: 'macro_f1' -> 'macro F1'."""
  words = metric.split('_')
  return ' '.join(w.upper() if w in _SHORT else w for w in words)


def with_unit(metric: str) -> str:
  """Returns the label of a metric's axis: its name and range."""
  unit = _UNITS.get(metric.removeprefix('mean_'), '0 to 1')
  return f'{spoken(metric)} ({unit})'


def band(
  axes: Any,
  points: Sequence[Sequence[tuple[int, float]]],
  index: int,
  name: str,
) -> None:
  """Draws the mean of several seeds over steps, and their range as a band.

  Args:
    axes: Where to.
    points: [(step, value)] of each seed; one may lack steps of others.
    index: Which of several lines it is.
    name: For the legend.
  """
  at: dict[int, list[float]] = {}
  for of_seed in points:
    for step, value in of_seed:
      at.setdefault(step, []).append(value)
  steps = sorted(at)
  values = [at[step] for step in steps]
  every = max(1, len(steps) // 12)
  axes.plot(
    steps,
    [np.mean(x) for x in values],
    label=name,
    markevery=every,
    **look(index),
  )
  if len(points) > 1:
    colour = look(index)['color']
    low, high = ([f(x) for x in values] for f in (min, max))
    if len(steps) > 1:
      axes.fill_between(steps, low, high, color=colour, alpha=0.2, linewidth=0)
    else:
      # A band over one step would have no width.
      axes.vlines(steps, low, high, color=colour, linewidth=1.5)


def legend(drawn: figure.Figure, axes: Any, columns: int = 2) -> None:
  """Puts the legend of some axes below the figure."""
  handles, names = axes.get_legend_handles_labels()
  longest = max(map(len, names), default=0)
  drawn.legend(
    handles,
    names,
    loc='outside lower center',
    ncols=1 if longest > 28 else min(columns, len(names)),
  )


def heat(
  axes: Any, values: np.ndarray, texts: Sequence[Sequence[str]], **how: Any
) -> Any:
  """Draws a matrix [rows, columns] with a text in each cell."""
  image = axes.imshow(values, cmap=MAP, aspect='auto', **how)
  axes.grid(False)
  size = 8 if max(values.shape) < 10 else 6.5
  for (i, j), value in np.ndenumerate(values):
    pale = np.isfinite(value) and image.norm(value) > 0.6
    colour = 'black' if pale or not np.isfinite(value) else 'white'
    axes.text(
      j, i, texts[i][j], ha='center', va='center', color=colour, fontsize=size
    )
  return image


def to_svg(drawn: figure.Figure) -> bytes:
  """Returns the figure as SVG, without the time."""
  out = io.BytesIO()
  drawn.savefig(out, format='svg', metadata={'Date': None})
  return out.getvalue()


def to_png(drawn: figure.Figure) -> bytes:
  """Returns the figure as PNG, for slides and documents."""
  out = io.BytesIO()
  drawn.savefig(out, format='png', dpi=150, metadata={'Software': None})
  return out.getvalue()
