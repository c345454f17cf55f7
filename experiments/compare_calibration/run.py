"""Does `compare` keep what it says? 2,000 simulated comparisons a row.

  python experiments/compare_calibration/run.py

writes results.json and table.md beside this file, in about a quarter of an hour
on one core. simulation.py says what is simulated.
"""

import argparse
import dataclasses
import math
import pathlib
import time

import numpy as np
import simulation

from affect_jax import whole_file
from affect_jax.run import folder as run_folder

HERE = pathlib.Path(__file__).parent
# With 399, a continuous exact test has p <= .05 in just 5 % of cases.
DRAWS = 399
TRUTHS = ('same', 'other', 'better')
WORLDS = (
  *(
    simulation.World(*size, truth)
    for size in (
      ('samples', 200),
      ('samples', 1000),
      ('equal', 10),
      ('unequal', 30),
      ('unequal', 100),
    )
    for truth in TRUTHS
    if (*size, truth) != ('samples', 1000, 'other')  # The slowest.
  ),
  simulation.World('equal', 6),
  *(
    simulation.World(*size, truth, seeds, of_seeds)
    for size in (('samples', 200), ('unequal', 50))
    for seeds, of_seeds, truth in (
      (3, 0.3, 'same'),
      (5, 0.0, 'same'),
      (5, 0.1, 'same'),
      (5, 0.3, 'same'),
    )
  ),
  simulation.World('unequal', 50, 'better', 5, 0.1),
)


def simulate(world: simulation.World, times: int) -> dict:
  """Returns shares of `times` comparisons, in percent, by metric."""
  rng = np.random.default_rng(0)
  truth = np.zeros(len(simulation.METRICS))
  if world.truth != 'same':
    truth = simulation.true_difference(world, rng)
  counts = {k: np.zeros(len(truth)) for k in ('p', 'swaps', 'in', 'percent')}
  for _ in range(times):
    found = simulation.analyse(simulation.draw(world, rng), DRAWS, rng)
    e = found.estimate
    counts['p'] += e.p <= 0.05
    counts['swaps'] += found.swaps <= 0.05
    counts['in'] += (e.low <= truth) & (truth <= e.high)
    low, high = found.percentiles
    counts['percent'] += (low <= truth) & (truth <= high)
  shares = {k: (100 * v / times).tolist() for k, v in counts.items()}
  return {
    **dataclasses.asdict(world),
    'true difference': truth.tolist(),
    'p <= .05': shares['p'],
    'interval covers': shares['in'],
    'p of swaps alone <= .05': shares['swaps'],
    'percentiles cover': shares['percent'],
  }


def _line(row: dict) -> str:
  join = lambda values, form: ' '.join(
    '–' if math.isnan(v) else form.format(v) for v in values
  )
  cells = [
    f'{row["count"]} {row["sizes"]}',
    f'{row["seeds"]}' + f' (±{row["of_seeds"]})' * (row['seeds'] > 1),
    row['truth'],
    join(row['true difference'], '{:+.3f}'),
    join(row['p <= .05'], '{:.1f}'),
    join(row['interval covers'], '{:.1f}'),
    join(row['p of swaps alone <= .05'], '{:.1f}'),
    join(row['percentiles cover'], '{:.1f}'),
  ]
  return f'| {" | ".join(cells)} |'


def main() -> None:
  """Simulates all worlds."""
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument('--times', type=int, default=2000)
  parser.add_argument('--output', type=pathlib.Path, default=HERE)
  args = parser.parse_args()
  names = ', '.join(simulation.METRICS)
  lines = [
    '| clusters | seeds | B | true difference | p ≤ .05 | interval covers | '
    'swaps alone: p ≤ .05 | percentiles cover |',
    '|---' * 8 + '|',
  ]
  rows, start = [], time.monotonic()
  for world in WORLDS:
    rows.append(simulate(world, args.times))
    lines.append(_line(rows[-1]))
    print(f'{time.monotonic() - start:.0f} s {lines[-1]}', flush=True)
  text = f'Each cell: {names}. Shares are in percent.\n\n' + '\n'.join(lines)
  whole_file.write_text(args.output / 'table.md', text + '\n')
  run_folder.write_json(
    str(args.output / 'results.json'),
    {'times': args.times, 'draws': DRAWS, 'worlds': rows},
  )


if __name__ == '__main__':
  main()
