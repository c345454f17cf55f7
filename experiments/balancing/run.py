r"""Compares all ways to balance tasks: scores, cost, agreement of gradients.

  python experiments/balancing/run.py --workdir=runs/balancing \
      --config.meld=MELD --config.text_model=MINILM

trains every method with every seed on rendered faces, on invented utterances
and, if it has a path, on MELD, and writes results.json and table.md of each
corpus. The same command goes on where it stopped. --reduced shows how it works
in under 15 minutes. Validation chooses nothing: every run is that of its last
step, and reads test once.
"""

import json
import os
import pathlib
import subprocess
import sys

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

from absl import flags
from absl import logging
import ml_collections
from ml_collections import config_flags
import settings as settings_lib
import summary

from affect_jax import multitask
from affect_jax import seeds as seeds_lib
from affect_jax import user_path
from affect_jax.run import command
from affect_jax.run import config_flag
from affect_jax.run import environment
from affect_jax.run import folder as run_folder

# What --reduced trains: one method of each kind.
REDUCED = ('fixed', 'uncertainty', 'pcgrad')


def get_settings() -> ml_collections.ConfigDict:
  """Returns what flags --config.NAME=VALUE can set, with its defaults."""
  return ml_collections.ConfigDict(
    {
      'corpora': tuple(settings_lib.CORPORA),
      'methods': (),  # () means all.
      'meld': '',
      'text_model': '',  # Folder of MiniLM, or another BERT.
      'data_dir': '',
      'seeds': (0, 1, 2, 3, 4),
      'steps': 0,  # 0 means those of the corpus, see settings.py.
    }
  )


_SETTINGS = config_flags.DEFINE_config_dict(
  'config', config_flag.checked('config', get_settings())
)
_WORKDIR = flags.DEFINE_string('workdir', None, 'Folder of all runs.')
_REDUCED = flags.DEFINE_bool(
  'reduced', False, 'Three methods, two seeds, 20 steps: under 15 minutes.'
)
_SUMMARY = flags.DEFINE_bool(
  'summary', False, 'Only summarise the finished runs; train nothing.'
)
_COST = flags.DEFINE_bool(
  'cost', True, 'Measure processor time and memory of updates too.'
)


def main() -> None:
  """Trains what is missing, then summarises each corpus."""
  settings = _SETTINGS.value
  of_all = settings.methods or (
    REDUCED if _REDUCED.value else tuple(multitask.METHODS)
  )
  seeds = settings.seeds[:2] if _REDUCED.value else settings.seeds
  root = user_path.expand(str(_WORKDIR.value))
  # What is finished needs no data.
  there = settings.meld or _SUMMARY.value
  corpora = [c for c in settings.corpora if c != 'meld' or there]
  for corpus in corpora:
    # Alone, there is nothing to balance.
    alone = corpus == 'action_units'
    methods = (summary.REFERENCE,) if alone else of_all
    folder = root / (corpus + ('_reduced' if _REDUCED.value else ''))
    if not _SUMMARY.value:
      for number, method in enumerate(methods, 1):
        logging.info(
          '== %s: method %d of %d, %s', corpus, number, len(methods), method
        )
        config = settings_lib.CORPORA[corpus](settings)
        steps = settings.steps or (20 if _REDUCED.value else 0)
        if steps:
          settings_lib.set_steps(config, steps)
        config.balancing.name = method
        config.seeds = tuple(seeds)
        seeds_lib.train_and_evaluate(config, str(folder / method))
      if _COST.value and not alone:
        _measure_cost(settings, corpus, methods, folder / 'cost.json')
    summary.write(
      folder,
      methods,
      {
        'corpus': corpus,
        'seeds': list(seeds),
        'commits_of_runs': run_folder.commits(
          seeds_lib.folder(str(folder / m), s) for m in methods for s in seeds
        ),
        'environment': environment.describe({}),
      },
    )


def _measure_cost(settings, corpus, methods, path: pathlib.Path) -> None:
  """Writes {method: its cost}, all of one process, unless all are there."""
  if set(methods) <= set(summary.read_costs(path)):
    return
  given = {
    'corpus': corpus,
    'methods': [
      summary.REFERENCE,
      *(m for m in methods if m != summary.REFERENCE),
    ],
    **{k: settings[k] for k in ('meld', 'text_model', 'data_dir')},
  }
  done = subprocess.run(
    [
      sys.executable,
      str(pathlib.Path(__file__).with_name('cost.py')),
      json.dumps(given),
    ],
    check=True,
    stdout=subprocess.PIPE,
    text=True,
  )
  costs = json.loads(done.stdout.splitlines()[-1])
  run_folder.write_json(str(path), costs)


if __name__ == '__main__':
  command.run(main, required=['workdir'])
