"""Writes the tables, the claims and the figure."""

from collections.abc import Mapping, Sequence
import pathlib
from typing import Any

import arms as arms_lib
import claims
import correlation
import numpy as np
import settings as settings_lib

from affect_jax import whole_file
from affect_jax.comparison import paired_seeds
from affect_jax.run import folder as run_folder


def write(
  root: pathlib.Path,
  arms: Sequence[arms_lib.Arm],
  seeds: Sequence[int],
  about: Mapping[str, Any],
) -> None:
  """Writes results.json, table.md, claims.md and figure.png into `root`."""
  scores = paired_seeds.read(root, {a.name: a.corpora[0] for a in arms}, seeds)
  rows = _gains(scores)
  decided = claims.decide(scores)
  together = correlation.measure(root, seeds[0])
  run_folder.write_json(
    str(root / 'results.json'),
    {
      **about,
      'test': _plain(scores),
      'gains': rows,
      'correlations': together,
      'claims': decided,
    },
  )
  text = f'{_table(scores)}\n{_gain_table(rows)}\n{_curve_table(scores)}\n'
  text += ''.join(f"- {k}: Cramér's V {v:.2f}\n" for k, v in together.items())
  whole_file.write_text(root / 'table.md', text)
  lines = ''.join(f'{i}. {line}.\n' for i, line in enumerate(decided, 1))
  whole_file.write_text(root / 'claims.md', lines)
  print(f'{text}\n{lines}')
  _draw(root / 'figure.png', scores, rows)


def write_contrast(
  root: pathlib.Path,
  arms: Sequence[arms_lib.Arm],
  seeds: Sequence[int],
  about: Mapping[str, Any],
) -> None:
  """Writes results.json and table.md of a few arms into `root`."""
  scores = paired_seeds.read(root, {a.name: a.corpora[0] for a in arms}, seeds)
  rows = _gains(scores)
  run_folder.write_json(
    str(root / 'results.json'),
    {**about, 'test': _plain(scores), 'gains': rows},
  )
  text = f'{_table(scores)}\n{_gain_table(rows)}'
  whole_file.write_text(root / 'table.md', text)
  print(text)


def _plain(scores) -> dict[str, Any]:
  return {
    arm: {m: v.tolist() for m, v in of_arm.items() if m in settings_lib.METRICS}
    for arm, of_arm in scores.items()
  }


def _gains(scores) -> list[dict[str, Any]]:
  """Returns the gains of all arms of several tasks over one task alone.

  And those of weak labels over gold alone, of the same tasks.
  """
  pairs = [
    (metric, arm, claims.single_of(metric))
    for arm in scores
    if arm.startswith(('multi/', 'curve/sarcasm'))
    for metric in settings_lib.METRICS
  ] + [
    (metric, arm, 'multi/gold')
    for arm in scores
    if arm.startswith('multi/weak')
    for metric in settings_lib.METRICS
  ]
  rows = [
    {'arm': arm, 'over': before, **row}
    for metric, arm, before in pairs
    if (row := paired_seeds.gain(scores, metric, before, arm))
  ]
  paired_seeds.add_holm(rows)
  return rows


def _table(scores) -> str:
  metrics = {
    m: name
    for m, name in settings_lib.METRICS.items()
    if any(len(paired_seeds.of(scores, arm, m)) for arm in scores)
  }
  lines = [
    f'| arm | {" | ".join(metrics.values())} |',
    '|---' * (len(metrics) + 1) + '|',
  ]
  for arm in scores:
    cells = []
    for metric in metrics:
      values = paired_seeds.of(scores, arm, metric)
      spread = f' ± {values.std(ddof=1):.3f}' if len(values) > 1 else ''
      cells.append(f'{values.mean():.3f}{spread}' if len(values) else '')
    lines.append(f'| {arm} | {" | ".join(cells)} |')
  return '\n'.join(lines) + '\n'


def _gain_table(rows) -> str:
  lines = [
    '| arm | over | metric | gain [95 %] | Holm p | spread (p) |',
    '|---|---|---|---|---|---|',
  ]
  for r in rows:
    lines.append(
      f'| {r["arm"]} | {r["over"]} | {settings_lib.METRICS[r["metric"]]} | '
      f'{r["gain"]:+.3f} [{r["low"]:+.3f}, {r["high"]:+.3f}] | '
      f'{r["holm"]:.2g} | {r["ratio"]:.2f} × ({r["spread_p"]:.2f}) |'
    )
  return '\n'.join(lines) + '\n'


def _curve_table(scores) -> str:
  lines = [
    '| gold sentiment of MELD | metric | gold alone | gold and weak | share of '
    'the gain of all gold that weak labels recover |',
    '|---|---|---|---|---|',
  ]
  for metric in [m for m in settings_lib.METRICS if m.startswith('meld')]:
    for percent in arms_lib.SHARES[:-1]:
      row = claims.curve(scores, metric, percent)
      if row:
        lines.append(
          f'| {percent} % | {settings_lib.METRICS[metric]} | '
          f'{row["base"].mean():.3f} | {row["weak"].mean():.3f} | '
          f'{row["share"]:.2f} [{row["low"]:.2f}, {row["high"]:.2f}] |'
        )
  return '\n'.join(lines) + '\n'


def _draw(path: pathlib.Path, scores, rows) -> None:
  """Draws gains with their intervals, and the curves over shares of gold."""
  try:
    import matplotlib
  except ImportError:
    print('No figure: pip install matplotlib.')
    return
  matplotlib.use('Agg')
  from matplotlib import pyplot

  figure, (left, right) = pyplot.subplots(
    1, 2, figsize=(11, 4.5), layout='constrained'
  )
  arms = list(dict.fromkeys(r['arm'] for r in rows))
  metrics = list(settings_lib.METRICS)
  rows = [r for r in rows if r['over'] != 'multi/gold']
  for i, arm in enumerate(arms):
    of_arm = [r for r in rows if r['arm'] == arm]
    y = [
      metrics.index(r['metric']) + 0.12 * (i - len(arms) / 2) for r in of_arm
    ]
    x = [100 * r['gain'] for r in of_arm]
    ends = [[100 * (r['gain'] - r['low']) for r in of_arm]]
    ends.append([100 * (r['high'] - r['gain']) for r in of_arm])
    left.errorbar(x, y, xerr=ends, fmt='o', label=arm, capsize=2, markersize=4)
  left.axvline(0, color='#aaaaaa', zorder=0)
  left.set_yticks(range(len(metrics)), list(settings_lib.METRICS.values()))
  left.set_xlabel('points gained over the task alone, 95 % interval')
  if arms:
    left.legend(fontsize=8)
  for metric, marker in zip(
    [m for m in metrics if m.startswith('meld')], 'os', strict=True
  ):
    for kind, line in (('gold', '--'), ('weak', '-')):
      points = [
        (p, paired_seeds.of(scores, f'curve/{kind}_{p}', metric))
        for p in arms_lib.SHARES
      ]
      points = [(p, v) for p, v in points if len(v)]
      if points:
        right.errorbar(
          [p for p, _ in points],
          [v.mean() for _, v in points],
          yerr=[1.96 * _error(v) for _, v in points],
          fmt=marker + line,
          label=f'{settings_lib.METRICS[metric]}, {kind}',
          capsize=2,
          markersize=4,
        )
  right.set_xlabel('% of gold sentiment')
  right.set_ylabel('weighted F1, 95 % interval over seeds')
  if right.has_data():
    right.legend(fontsize=8)
  with whole_file.writing(path) as partial:
    figure.savefig(partial, dpi=110)
  pyplot.close(figure)


def _error(values: np.ndarray) -> float:
  if len(values) < 2:
    return 0.0
  return float(values.std(ddof=1) / np.sqrt(len(values)))
