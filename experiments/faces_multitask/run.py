"""Compares uni-task with multi-task, starts, augmentations and losses.

  python experiments/faces_multitask/run.py --workdir=runs/faces_multitask

trains every arm of arms.py with every seed, on rendered faces with labels as
incomplete as those of s-Aff-Wild2, and writes results.json, table.md and
figure.png into the folder of the corpus. The same command continues where it
stopped. --reduced shows how it works in under 15 minutes. Real faces:

  ... --config.data=fer2013 --config.path=fer2013.csv
  ... --config.data=aff_wild2 --config.path=/data/Aff-Wild2

If an arm starts from FER2013 (or from rendered faces), pre-training runs first;
without --config.fer2013=fer2013.csv arms that need FER2013 are left out.
"""

import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

from absl import app
from absl import flags
from absl import logging
import arms as arms_lib
import ml_collections
from ml_collections import config_flags
import summary

from affect_jax import seeds as seeds_lib
from affect_jax import user_path
from affect_jax.errors import UserError
from affect_jax.run import command
from affect_jax.run import config_flag
from affect_jax.run import environment
from affect_jax.run import folder as run_folder

# Arms that --reduced trains.
REDUCED = ('tasks/expr', 'tasks/au', 'tasks/va', 'tasks/all', 'augment/none')


def get_settings() -> ml_collections.ConfigDict:
  """Returns what flags --config.NAME=VALUE can set, with its defaults."""
  return ml_collections.ConfigDict(
    {
      'data': 'synthetic_faces',
      'path': '',
      'fer2013': '',  # The CSV to pre-train on.
      'data_dir': '',
      'groups': ('tasks', 'start', 'augment', 'loss'),
      'seeds': (0, 1, 2),
      'steps': 0,  # 0 means those of the corpus, see arms.CORPORA.
    }
  )


_SETTINGS = config_flags.DEFINE_config_dict(
  'config', config_flag.checked('config', get_settings())
)
_WORKDIR = flags.DEFINE_string('workdir', None, 'Folder of all runs.')
_REDUCED = flags.DEFINE_bool(
  'reduced', False, 'Few arms, few steps, two seeds: under 15 minutes.'
)
_SUMMARY = flags.DEFINE_bool(
  'summary', False, 'Only summarise the finished runs; train nothing.'
)


def main() -> None:
  """Trains what is missing, then summarises."""
  settings = _SETTINGS.value
  if settings.data not in arms_lib.CORPORA:
    raise app.UsageError(
      f'--config.data is {settings.data!r}; known: {[*arms_lib.CORPORA]}.'
    )
  chosen = _chosen(settings)
  steps = settings.steps or arms_lib.CORPORA[settings.data]
  steps = 60 if _REDUCED.value else steps
  seeds = (0, 1) if _REDUCED.value else tuple(settings.seeds)
  folder = os.path.join(
    user_path.expand(str(_WORKDIR.value)),
    settings.data + ('_reduced' if _REDUCED.value else ''),
  )
  if not _SUMMARY.value:
    for number, arm in enumerate(chosen, 1):
      logging.info('== arm %d of %d: %s', number, len(chosen), arm.folder)
      _train(settings, folder, arm, seeds, steps)
  results = {
    arm.folder: [r for s in seeds if (r := _results(folder, arm, s))]
    for arm in chosen
  }
  chosen = [arm for arm in chosen if results[arm.folder]]
  if not chosen:
    raise UserError(
      f'{folder}: nothing is finished, there is nothing to sum up.'
    )
  about = {
    'corpus': settings.data,
    'steps': steps,
    'seeds': list(seeds),
    'commits_of_runs': run_folder.commits(
      _workdir(folder, arm, seed) for arm in chosen for seed in seeds
    ),
    'environment': environment.describe({}),
  }
  summary.write(folder, chosen, results, about)


def _chosen(settings) -> list[arms_lib.Arm]:
  arms = [
    arm
    for arm in arms_lib.arms(settings.data)
    if arm.group in settings.groups or arm.folder == 'tasks/all'
  ]
  if _REDUCED.value:
    arms = [arm for arm in arms if arm.folder in REDUCED]
  if _SUMMARY.value:  # What is finished needs no data.
    return arms
  for arm in arms:
    if arm.pretrained_on == 'fer2013' and not settings.fer2013:
      logging.warning(
        'Left out: %s; it needs --config.fer2013=fer2013.csv.', arm.folder
      )
  return [a for a in arms if a.pretrained_on != 'fer2013' or settings.fer2013]


def _workdir(folder: str, arm: arms_lib.Arm, seed: int) -> str:
  return os.path.join(folder, arm.folder, f'seed_{seed}')


def _results(folder: str, arm: arms_lib.Arm, seed: int):
  path = os.path.join(_workdir(folder, arm, seed), 'results.json')
  return run_folder.read_json(path)


def _train(settings, folder, arm, seeds, steps) -> None:
  config = arms_lib.base_config(settings.data, settings.path, steps=steps)
  config.update_from_flattened_dict(dict(arm.changes))
  config.seeds = seeds
  config.data.data_dir = settings.data_dir
  if arm.pretrained_on:
    config.init.checkpoint_workdir = _pretrained(
      settings, folder, arm.pretrained_on, seeds, steps
    )
  seeds_lib.train_and_evaluate(config, os.path.join(folder, arm.folder))


def _pretrained(settings, folder, corpus, seeds, steps) -> str:
  """Returns the folder of runs on another corpus; trains them if need be."""
  path = settings.fer2013 if corpus == 'fer2013' else ''
  config = arms_lib.base_config(corpus, path, steps=steps)
  config.seeds = seeds
  config.data.data_dir = settings.data_dir
  # Pictures have the size of the run that starts from this one.
  config.image_size = arms_lib.base_config(
    settings.data, '', steps=steps
  ).image_size
  workdir = os.path.join(folder, 'pretrained', corpus)
  seeds_lib.train_and_evaluate(config, workdir)
  return workdir


if __name__ == '__main__':
  command.run(main, required=['workdir'])
