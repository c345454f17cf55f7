"""Predictions, submissions and labels of ABAW's challenges, in miniature."""

import numpy as np

from affect_jax import tasks
from affect_jax.abaw import __main__ as abaw
from affect_jax.evaluation import prediction_csv

EXPR_NAMES = 'Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other'


AU_NAMES = 'AU1,AU2,AU4,AU6,AU7,AU10,AU12,AU15,AU23,AU24,AU25,AU26'


EIGHT = EXPR_NAMES.lower().split(',')


AUS = AU_NAMES.split(',')


VA_HEADER = 'image_location,valence,arousal\n'


MTL_HEADER = 'image,valence,arousal,expression,aus\n'


def put(path, text):
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_text(text)
  return path


def make_run(folder, ids, seed=0, expressions=EIGHT, units=AUS):
  """RUN/predictions/test.csv as a run writes it, and what it predicts."""
  rng = np.random.default_rng(seed)
  # Other orders than ABAW's: outputs are found by name.
  kinds = (
    tasks.get_task('expression', outputs=expressions[::-1]),
    tasks.get_task('action_units', outputs=units[::-1]),
    tasks.get_task('valence_arousal', outputs=('arousal', 'valence')),
  )
  n = len(ids)
  expr = rng.dirichlet(np.ones(len(expressions)), n).astype(np.float32)
  au = rng.uniform(0, 1, (n, len(units))).astype(np.float32)
  va = rng.uniform(-1, 1, (n, 2)).astype(np.float32)
  rows = {
    'id': ids,
    'predictions': {
      'expression': expr[:, ::-1],
      'action_units': au[:, ::-1],
      'valence_arousal': va[:, ::-1],
    },
    'labels': {'expression': expr, 'action_units': au, 'valence_arousal': va},
    'weights': {
      'expression': np.zeros(n),
      'action_units': np.zeros((n, len(units))),
      'valence_arousal': np.zeros((n, 2)),
    },
  }
  path = folder / 'predictions' / 'test.csv'
  prediction_csv.write(str(path), kinds, {'faces': rows})
  return path, expr, au, va


def ids_of(video, numbers):
  return [f'{video}/{i:05d}.jpg' for i in numbers]


def run_cli(*arguments):
  abaw.main([str(x) for x in arguments])
