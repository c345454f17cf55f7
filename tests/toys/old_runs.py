"""Data and configs of the runs of tests/golden/old_runs.zip.

Everything is relative to the working directory, as paths stand in config.json.
"""

import csv
import os
import pathlib

import numpy as np

from toys import training

NAMES = ('faces', 'utterances')
# Of ResNet-18, so that checkpoints are small.
WIDTHS = (4, 6, 8, 12)
DIMS = {'audio': 3, 'vision': 2}


def write_data():
  """Writes faces/ and utterances/; nothing depends on when that was."""
  faces, utterances = (pathlib.Path(name) for name in NAMES)
  training.write_faces_csv(faces)
  r = np.random.default_rng(0)
  utterances.mkdir()
  with open(utterances / 'utterances.csv', 'w', newline='') as file:
    rows = csv.writer(file)
    rows.writerow(['id', 'split', *DIMS, 'text', 'sentiment', 'sarcasm'])
    for split, count in (('train', 24), ('val', 10), ('test', 9)):
      for i in range(count):
        score = r.uniform(-3, 3)
        files = {name: f'{split}{i}_{name}.npy' for name in DIMS}
        for name, dim in DIMS.items():
          x = r.normal(size=(4 + i % 5, dim)) + score
          np.save(utterances / files[name], x.astype(np.float32))
        sentiment = f'{score:.3f}' if i % 4 else ''
        sarcasm = int(score > 0) if i % 3 else ''
        cells = [f'{split}{i}', split, *files.values(), 'words']
        rows.writerow([*cells, sentiment, sarcasm])
  for folder in (faces, utterances):
    for path in folder.iterdir():
      os.utime(path, (1.7e9, 1.7e9))


def config(name):
  """The settings of one of NAMES."""
  from affect_jax import defaults

  c = defaults.get_config()
  c.data.corpus = f'{name}_csv'
  c.data.path = f'{name}/{name}.csv'
  c.data.data_dir = 'data'
  c.batch_size, c.num_train_steps, c.schedule.warmup_steps = 8, 4, 1
  c.eval_every, c.log_every = 2, 1
  c.log_gradients = False
  if name == 'faces':
    c.image_size, c.model.stem = 16, 'small'
    c.augment = ('flip',)
    c.learning_rate = 0.01
  else:
    c.tasks = ('sentiment', 'sarcasm')
    c.utterance.fusion, c.utterance.boundaries = 'concat', (16,)
  return c
