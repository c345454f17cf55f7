"""Folders of runs that were never trained: what comparing them reads."""

import csv

import numpy as np

from affect_jax import tasks
from affect_jax.evaluation import prediction_csv
from affect_jax.evaluation import score
from affect_jax.run import folder as run_folder
from affect_jax.run import signature

OPTIONS = {
  'expression': {'outputs': ('neutral', 'happiness', 'anger')},
  'action_units': {'outputs': ('AU1', 'AU12')},
  'valence_arousal': {'outputs': ('valence', 'arousal')},
}


def rows(split, noise, seed, count, clusters=0, data_seed=0):
  """What a model predicts that errs by `noise`; golds depend on the split."""
  gold = np.random.default_rng([data_seed, *split.encode()])
  guess = np.random.default_rng([seed, *split.encode()])
  classes = np.eye(3, dtype=np.float32)[gold.integers(0, 3, count)]
  units = gold.integers(0, 2, (count, 2)).astype(np.float32)
  values = gold.uniform(-1, 1, (count, 2)).astype(np.float32)
  hard = gold.normal(size=(count, 3))
  spread = lambda k: (
    noise * (hard[:, :k] + guess.normal(size=(count, k))).astype(np.float32)
  )
  probability = lambda x: (1 / (1 + np.exp(-4 * (x - 0.5)))).astype(np.float32)
  return {
    'id': [f'{split}/{i:04d}' for i in range(count)],
    'cluster': [f'c{i % clusters}' if clusters else '' for i in range(count)],
    'labels': {
      'expression': classes,
      'action_units': units,
      'valence_arousal': values,
    },
    'predictions': {
      'expression': probability(classes + spread(3)),
      'action_units': probability(units + spread(2)),
      'valence_arousal': values + spread(2),
    },
    'weights': {
      'expression': (np.arange(count) % 5 > 0).astype(np.float32),
      'action_units': np.ones((count, 2), np.float32),
      'valence_arousal': np.ones((count, 2), np.float32),
    },
  }


def write(
  folder,
  noise=0.5,
  seed=0,
  *,
  counts=(60, 80),
  clusters=0,
  corpus='faces',
  options=OPTIONS,
  **gold,
):
  """Writes a run's folder; `counts` are of val and test. Returns its path."""
  folder.mkdir(parents=True)
  run_folder.write_json(str(folder / 'config.json'), {'seed': seed})
  signature.write(
    str(folder),
    signature.Signature(
      kind='faces', tasks=options, inputs={}, model={}, data={}, packages={}
    ),
  )
  of = [tasks.get_task(name, **x) for name, x in options.items()]
  results, thresholds = {}, {}
  for split, count in zip(('val', 'test'), counts, strict=True):
    if count:
      found = rows(split, noise, seed, count, clusters, **gold)
      if split == 'val':
        thresholds = score.tune(of, found)
      results[split] = score.score(of, found, thresholds)
      path = folder / 'predictions' / f'{split}.csv'
      prediction_csv.write(str(path), of, {corpus: found})
  run_folder.write_json(str(folder / 'results.json'), results)
  return str(folder)


def edit(folder, change, split='test'):
  """Changes the rows of a CSV, header first, in place."""
  path = f'{folder}/predictions/{split}.csv'
  with open(path, newline='') as file:
    lines = list(csv.reader(file))
  with open(path, 'w', newline='') as file:
    csv.writer(file).writerows(change(lines))
