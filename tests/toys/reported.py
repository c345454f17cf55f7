"""Folders of runs that were never trained, with all that a report reads."""

import json

from toys import compared

TASKS = tuple(compared.OPTIONS)


def write(folder, noise=0.5, seed=0, *, steps=(10, 20), **how):
  """Writes what `compared.write` does, and the files that it lacks."""
  compared.write(folder, noise, seed, clusters=12, **how)
  results = json.loads((folder / 'results.json').read_text())
  change(
    folder / 'config.json',
    learning_rate=0.01 * noise,
    data={'corpus': 'faces', 'weak_labels': ['weak.parquet']},
  )
  change(
    folder / 'signature.json',
    data={
      'faces': {
        'name': 'synthetic_faces/0/1.0.0',
        'samples': {'train': 90, 'val': 60, 'test': 80},
        'skipped': {'unreadable': 3},
      }
    },
    inputs={'image_size': 32},
  )
  points = []
  for step in steps:
    values = {f'train/loss/{task}': seed + 1 / step for task in TASKS}
    values['train/loss'] = sum(values.values())
    values['train/cosine/expression/action_units'] = 0.3 - step / 25
    points.append({'step': step, **values})
    scores = {
      f'val/{name}': value
      for name, value in results['val'].items()
      if value is not None
    }
    points.append({'step': step, **scores})
  lines = [json.dumps(point) for point in points]
  (folder / 'metrics.jsonl').write_text('\n'.join(lines) + '\n')
  start = {'step': 0, 'commit': 'abc123', 'dirty': True, 'devices': ['cpu']}
  save(folder / 'environment.json', {'starts': [start]})
  return str(folder)


def seeds(folder, noise=0.5, numbers=(0, 1), **how):
  """Writes a run for each seed."""
  for number in numbers:
    write(folder / f'seed_{number}', noise, number, **how)
  return str(folder)


def with_all(folder, noise=0.5):
  """Writes seeds that have a grid of modalities and quality of weak labels."""
  seeds(folder, noise)
  for number in (0, 1):
    run = folder / f'seed_{number}'
    scores = json.loads((run / 'results.json').read_text())['test']
    poor = {k: None if v is None else v / 2 for k, v in scores.items()}
    grid = {'text': poor, 'text+audio': scores}
    save(run / 'subsets.json', {'test': grid})
  labeller = {
    'name': 'teacher',
    'scored': 40,
    'coverage': 0.8,
    'score': 0.7,
    'low': 0.6,
    'high': 0.8,
    'calibration_error': 0.05,
  }
  one = {
    'corpus': 'faces',
    'task': 'expression',
    'output': '',
    'metric': 'accuracy',
    'gold': 50,
    'commonest': 0.4,
    'labellers': [labeller],
    'agreement': [[1.0]],
    'both': [[40]],
  }
  save(folder / 'quality.json', {'split': 'train', 'results': [one]})
  return str(folder)


def save(path, content):
  path.write_text(json.dumps(content))


def change(path, **values):
  """Changes some values of a file of JSON."""
  save(path, {**json.loads(path.read_text()), **values})
