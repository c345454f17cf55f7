"""Ways to quote a test score, and what each adds to the honest one."""

from collections.abc import Mapping, Sequence
import math
import pathlib
from typing import Any

import numpy as np

from affect_jax import whole_file
from affect_jax.evaluation import score
from affect_jax.run import folder as run_folder

# Points by which each model of MMSA's table of MOSI (weighted F1, < 0 against
# > 0; results/result-stat.md at commit a94e65d, read in its order) beats the
# best one before it: LF-DNN, TFN, LMF, MulT, MISA, Self-MM. Its median is what
# we call a typical published gain.
PUBLISHED = (0.12, 0.48, 0.04, 1.80, 2.63, 1.85)
TYPICAL = float(np.median(PUBLISHED)) / 100
RESAMPLES = 10_000
# A paper may train this many seeds, and quote the best.
FEW = 5

COLUMNS = {
  'epoch': 'best test epoch of each metric',
  'setting': 'setting tuned on test',
  'seed': f'best of {FEW} seeds',
  'swapped': 'arguments of weighted F1 swapped',
  'all': 'all of these',
}


def measure(
  epochs: Sequence[Sequence[Sequence[Mapping[str, Any]]]],
  metrics: Mapping[str, bool],
) -> dict[str, Any]:
  """Measures the habits on one corpus.

  Args:
    epochs: [setting][seed][epoch] -> {split: {metric: score}}.
    metrics: {metric: whether higher is better}.

  Returns:
    {'setting': chosen on validation, 'metrics': {metric: {'honest': mean over
    seeds, 'std', COLUMN: {'gain', 'low', 'high'}}}}. Gains are what the habit
    adds to the honest score, positive where it flatters, with the 95 % interval
    of a bootstrap over seeds.

    Honest: the setting whose mean headline on validation, at each seed's best
    epoch on validation, is highest; of each seed, test at that epoch; their
    mean.
  """
  headline = _array(epochs, 'val', score.HEADLINE)  # [setting, seed, epoch]
  epoch = headline.argmax(2)
  at_epoch = lambda x: np.take_along_axis(x, epoch[..., None], 2)[..., 0]
  val = at_epoch(headline)
  number = val.shape[1]
  draws = np.random.default_rng(0).integers(number, size=(RESAMPLES, number))
  found = {}
  for metric, higher in metrics.items():
    sign = 1 if higher else -1
    test = _array(epochs, 'test', metric, sign)
    swapped = None
    if f'{metric} swapped' in epochs[0][0][0]['test']:
      swapped = _array(epochs, 'test', f'{metric} swapped')
    scores = {
      'val': val,
      'test': at_epoch(test),
      'best': test.max(2),
      'swapped': None if swapped is None else at_epoch(swapped),
      'swapped_best': (test if swapped is None else swapped).max(2),
    }
    gains = _gains(scores, np.arange(number))
    resampled = [_gains(scores, seeds) for seeds in draws]
    chosen = int(val.mean(1).argmax())
    found[metric] = {
      'honest': sign * float(scores['test'][chosen].mean()),
      'std': float(scores['test'][chosen].std(ddof=1)),
      **{
        habit: _interval(gain, [r[habit] for r in resampled])
        for habit, gain in gains.items()
      },
    }
  return {'setting': chosen, 'metrics': found}


def _gains(scores, seeds) -> dict[str, float]:
  """Returns what each habit adds to the honest score of these seeds.

  Args:
    scores: {name: [setting, seed]}; at each seed's best epoch on validation, or
      the best on test.
    seeds: Indices of the seeds, which may repeat.
  """
  of: Any = {k: None if v is None else v[:, seeds] for k, v in scores.items()}
  chosen = of['val'].mean(1).argmax()
  honest = of['test'][chosen].mean()
  gains = {
    'epoch': of['best'][chosen].mean() - honest,
    'setting': of['test'].mean(1).max() - honest,
    'seed': _best_of_few(of['test'][chosen]) - honest,
  }
  if of['swapped'] is not None:
    gains['swapped'] = of['swapped'][chosen].mean() - honest
  every = of['swapped_best']
  gains['all'] = _best_of_few(every[every.mean(1).argmax()]) - honest
  return gains


def _array(epochs, split, metric, sign=1) -> np.ndarray:
  """Returns sign * scores [setting, seed, epoch]; -inf where undefined."""
  values = np.array(
    [
      [[e[split][metric] for e in seed] for seed in setting]
      for setting in epochs
    ],
    float,
  )
  return np.where(np.isnan(values), -np.inf, sign * values)


def _best_of_few(values: np.ndarray) -> float:
  """Expected maximum of FEW of the values [S], without replacement."""
  number = len(values)
  # The largest has rank r in C(r - 1, FEW - 1) of all choices.
  chances = [math.comb(r, min(FEW, number) - 1) for r in range(number)]
  return float(np.average(np.sort(values), weights=chances))


def _interval(gain: float, resampled: Sequence[float]) -> dict[str, float]:
  low, high = np.quantile(resampled, (0.025, 0.975))
  return {'gain': float(gain), 'low': float(low), 'high': float(high)}


def write(root: pathlib.Path, results: Mapping[str, Any]) -> None:
  """Writes results.json and table.md, and prints the table."""
  run_folder.write_json(str(root / 'results.json'), dict(results))
  lines = []
  for corpus, found in results['corpora'].items():
    lines += [
      f'**{corpus}**, {len(found["seeds"])} seeds; setting '
      f'{found["setting"] + 1} chosen on validation',
      '',
      f'| metric | honest | {" | ".join(COLUMNS.values())} |',
      '|---' * (2 + len(COLUMNS)) + '|',
    ]
    for metric, row in found['metrics'].items():
      cells = [f'{row["honest"]:.3f} ± {row["std"]:.3f}']
      for habit in COLUMNS:
        if habit not in row:
          cells.append('')
          continue
        of = row[habit]
        share = f', {of["gain"] / TYPICAL:.0%}' if _is_share(metric) else ''
        cells.append(
          f'{of["gain"]:+.3f} [{of["low"]:+.3f}, {of["high"]:+.3f}]{share}'
        )
      lines.append(f'| {metric} | {" | ".join(cells)} |')
    lines.append('')
  text = '\n'.join(lines)
  whole_file.write_text(root / 'table.md', text)
  print(text)


def _is_share(metric: str) -> bool:
  """Returns whether the metric is in points, as published gains are."""
  return not metric.endswith(('mae', 'pearson'))
