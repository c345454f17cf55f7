"""What label models make of labellers whose confusion matrices are known.

  python experiments/label_models/run.py

writes results.json and table.md beside this file, in less than ten minutes of
one core. simulation.py says what is simulated.
"""

import argparse
from importlib import metadata
import itertools
import json
import pathlib
import time

import numpy as np
import simulation

from affect_jax import whole_file
from affect_jax.run import environment
from affect_jax.weak import label_models

HERE = pathlib.Path(__file__).parent
NUM = 5000
SEEDS = 3
CLASSES, LABELLERS = (2, 3, 7), (3, 5, 10, 20)
ABSTENTION = (0.0, 0.2, 0.4, 0.6, 0.8)
COPIES = (0, 1, 2, 4)
# Of five labellers, beside copies of the first.
INDEPENDENT = 5
MODELS = ('majority', 'dawid_skene', 'one_coin_dawid_skene')
# What is asked for.
MAX_ERROR, MAX_LOSS = 0.02, 0.005


def measure(gold: np.ndarray, votes: np.ndarray, classes: int) -> dict:
  """Returns how right the models are, and what they believe of labellers."""
  labelled = (votes >= 0).any(1)
  found = {'met': label_models.met(votes), 'auto': label_models.choose(votes)}
  for model in MODELS:
    shares = label_models.combine(model, votes, classes)
    right = simulation.accuracy(shares, gold)[labelled].mean()
    believed = label_models.believed(votes, shares)
    errors = np.abs(believed - simulation.accuracies(votes, gold))
    found[model] = {
      'accuracy': float(right),
      'mean_error': float(errors.mean()),
      'max_error': float(errors.max()),
    }
  return found


def simulate(
  classes: int, labellers: int, abstention: float, seed: int, copies: int = 0
) -> dict:
  """Returns `measure` of one drawn world."""
  rng = np.random.default_rng(
    [classes, labellers, round(100 * abstention), seed]
  )
  matrices = simulation.draw(rng, classes, labellers)
  shares = rng.dirichlet(np.full(classes, 5.0))
  gold = rng.choice(classes, NUM, p=shares)
  votes = simulation.votes_of(rng, matrices, gold, abstention)
  votes = np.concatenate([votes, *[votes[:, :1]] * copies], 1)
  return measure(gold, votes, classes)


def gain(of: dict, model: str) -> float:
  """Returns by how much a model is better than majority."""
  used = of['auto'] if model == 'auto' else model
  return of[used]['accuracy'] - of['majority']['accuracy']


def row(name: list, seeds: list[dict]) -> list[str]:
  """Makes a row of the table, of all seeds; bold where a bound is missed."""
  cells = [*map(str, name), f'{np.mean([s["met"] for s in seeds]):,.0f}']
  cells.append(
    f'{100 * np.mean([s["majority"]["accuracy"] for s in seeds]):.1f}'
  )
  for model in ('dawid_skene', 'one_coin_dawid_skene', 'auto'):
    gains = [gain(s, model) for s in seeds]
    text = f'{100 * np.mean(gains):+.1f} ({100 * min(gains):+.1f})'
    cells.append(f'**{text}**' if min(gains) < -MAX_LOSS else text)
  for model in ('dawid_skene', 'one_coin_dawid_skene'):
    mean = np.mean([s[model]['mean_error'] for s in seeds])
    most = max(s[model]['max_error'] for s in seeds)
    text = f'{mean:.3f} ({most:.3f})'
    cells.append(f'**{text}**' if mean > MAX_ERROR else text)
  return cells


HEAD = ['met', 'majority', 'dawid_skene', 'one_coin', 'auto']
HEAD += ['error of dawid_skene', 'of one_coin']


def lines(first: list[str], rows: list[list[str]]) -> list[str]:
  return [
    '| ' + ' | '.join(cells) + ' |'
    for cells in [first + HEAD, ['---'] * len(first + HEAD), *rows]
  ]


def main() -> None:
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument('--seeds', type=int, default=SEEDS)
  parser.add_argument('--out', type=pathlib.Path, default=HERE)
  args = parser.parse_args()
  start = time.process_time()
  results, rows, copied = [], [], []
  for cell in itertools.product(CLASSES, LABELLERS, ABSTENTION):
    seeds = [simulate(*cell, seed) for seed in range(args.seeds)]
    results.append({'cell': cell, 'copies': 0, 'seeds': seeds})
    rows.append(row([*cell[:2], f'{cell[2]:.0%}'], seeds))
    print(*rows[-1], sep=' | ', flush=True)
  for classes, copies in itertools.product(CLASSES, COPIES):
    cell = (classes, INDEPENDENT, 0.2)
    seeds = [simulate(*cell, seed, copies) for seed in range(args.seeds)]
    results.append({'cell': cell, 'copies': copies, 'seeds': seeds})
    copied.append(row([classes, copies], seeds))
    print(*copied[-1], sep=' | ', flush=True)
  seconds = time.process_time() - start
  table = ['Independent labellers.', '']
  table += lines(['classes', 'labellers', 'abstention'], rows)
  table += [
    '',
    f'{INDEPENDENT} labellers at 20 %, and copies of the first.',
    '',
  ]
  table += lines(['classes', 'copies'], copied)
  whole_file.write_text(args.out / 'table.md', '\n'.join(table) + '\n')
  content = {
    'environment': {
      **environment.describe({}),
      **{p: metadata.version(p) for p in ('crowd-kit', 'pandas')},
    },
    'seeds': args.seeds,
    'samples': NUM,
    'cpu_seconds': seconds,
    'results': results,
  }
  whole_file.write_text(
    args.out / 'results.json', json.dumps(content, indent=1) + '\n'
  )
  print(f'{seconds:.0f} s of one core.')


if __name__ == '__main__':
  main()
