"""Evaluates a run and predicts with it, again and again, while it trains.

  python experiments/long_runs/soak_use.py FOLDER OUTPUT

FOLDER/run is the run. Ends when FOLDER/done exists; then writes to OUTPUT how
often it did what, and what went wrong.
"""

import collections
import json
import os
import pathlib
import sys
import time
import traceback

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

import ml_collections
import numpy as np

from affect_jax import evaluate
from affect_jax.errors import UserError
from affect_jax.predict import predictor
from affect_jax.run import folder as run_folder

PICTURES = 256


def main() -> None:
  """Uses the run until it is done."""
  folder, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
  workdir = folder / 'run'
  counts: collections.Counter = collections.Counter()
  tracebacks, messages = [], []
  pictures = np.random.default_rng(0).integers(
    0, 256, (PICTURES, 32, 32, 3), np.uint8
  )
  while not list(workdir.glob('checkpoints/*/_CHECKPOINT_METADATA')):
    time.sleep(1)
  done = False
  while not done:
    done = (folder / 'done').exists()
    for name, use in (
      ('evaluated', lambda: _evaluate(workdir)),
      ('predicted', lambda: _predict(workdir, pictures)),
    ):
      try:
        use()
        counts[name] += 1
      except (UserError, FileNotFoundError) as error:
        counts[f'not {name}'] += 1
        messages.append(str(error))
      except Exception:
        tracebacks.append(traceback.format_exc())
      time.sleep(2)
    output.write_text(
      json.dumps(
        {
          'counts': counts,
          'messages': sorted(set(messages)),
          'tracebacks': tracebacks,
        },
        indent=2,
      )
    )


def _evaluate(workdir: pathlib.Path) -> None:
  content = run_folder.read_json(str(workdir / 'config.json'))
  config = ml_collections.ConfigDict(content)
  evaluate.evaluate_best(config, str(workdir))


def _predict(workdir: pathlib.Path, pictures: np.ndarray) -> None:
  model = predictor.Predictor(workdir)
  for _ in range(5):
    model.predict(list(pictures))


if __name__ == '__main__':
  main()
