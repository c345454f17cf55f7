r"""Tests the claims of weakly-supervised multi-task learning on real corpora.

  python experiments/weak_supervision/run.py --workdir=runs/weak \
      --config.meld=MELD --config.mosi=mosi.npz --config.mustard=MUSTARD \
      --config.text_model=MINILM

trains every arm of arms.py with every seed, teachers before students, and
writes results.json, table.md, claims.md and figure.png. The same command goes
on where it stopped. --reduced shows how it works in under 15 minutes;
--fine_tuned trains the contrast whose text model is not frozen, and writes its
results.json and table.md into WORKDIR/fine_tuned. Without paths, those below
AFFECT_SHARED_DATA are taken.

Validation chooses each run's checkpoint; test is read once for it. A student
learns from the teachers of its own seed, so that the spread over seeds is that
of the whole procedure.
"""

import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

import pathlib
import time

from absl import app
from absl import flags
from absl import logging
import arms as arms_lib
import ml_collections
from ml_collections import config_flags
import settings as settings_lib
import summary

from affect_jax import train
from affect_jax import user_path
from affect_jax.run import command
from affect_jax.run import config_flag
from affect_jax.run import environment
from affect_jax.run import folder as run_folder
from affect_jax.run import label_table

REDUCED_STEPS = 60


def get_settings() -> ml_collections.ConfigDict:
  """Returns what flags --config.NAME=VALUE can set, with its defaults."""
  shared = os.environ.get('AFFECT_SHARED_DATA', '')
  path = lambda name: os.path.join(shared, name) if shared else ''
  return ml_collections.ConfigDict(
    {
      'meld': path('meld'),
      'mosi': path('mosi/mosi.npz'),
      'mustard': path('mustard'),
      'mustard_folds': 'mustard_5fold.npz',
      'text_model': '',  # Folder of MiniLM, or another BERT.
      'data_dir': '',
      'seeds': (0, 1, 2, 3, 4, 5, 6, 7),
      'balancing': 'uncertainty',
      'only': (),  # Beginnings of names of arms; () means all.
    }
  )


_SETTINGS = config_flags.DEFINE_config_dict(
  'config', config_flag.checked('config', get_settings())
)
_WORKDIR = flags.DEFINE_string('workdir', None, 'Folder of all runs.')
_REDUCED = flags.DEFINE_bool(
  'reduced', False, 'Few arms, few steps, three seeds: under 15 minutes.'
)
_FINE_TUNED = flags.DEFINE_bool(
  'fine_tuned', False, 'Fine-tune the text model: MUStARD and MOSI, 5 seeds.'
)
_SUMMARY = flags.DEFINE_bool(
  'summary', False, 'Only summarise the finished runs; train nothing.'
)


def main() -> None:
  """Trains what is missing, then summarises."""
  settings = _SETTINGS.value
  for name in (*settings_lib.CORPORA, 'text_model'):
    if not settings[name] and not _SUMMARY.value:
      raise app.UsageError(f'Give --config.{name}=PATH.')
  root = user_path.expand(str(_WORKDIR.value))
  if _FINE_TUNED.value:
    root, chosen = root / 'fine_tuned', arms_lib.fine_tuned()
  else:
    chosen = arms_lib.arms(settings.balancing)
  seeds = tuple(settings.seeds)[: 5 if _FINE_TUNED.value else None]
  if _REDUCED.value:
    root, seeds = root / 'reduced', seeds[:3]
    kept = ('single', 'multi/gold', 'multi/weak')
    chosen = [a for a in chosen if a.name.startswith(kept)]
    chosen = [a for a in chosen if not a.name.endswith(('twice', 'balanced'))]
  if settings.only:
    chosen = [a for a in chosen if a.name.startswith(tuple(settings.only))]
  if not _SUMMARY.value:
    _train_all(chosen, seeds, settings, root)
  elif not root.is_dir():
    raise app.UsageError(f'{root}: nothing is finished.')
  about = {
    'seeds': list(seeds),
    'weak': dict(arms_lib.WEAK),
    'balancing': settings.balancing,
    'commits_of_runs': run_folder.commits(
      str(root / a.name / f'seed_{s}') for a in chosen for s in seeds
    ),
    'environment': environment.describe({}),
  }
  write = summary.write_contrast if _FINE_TUNED.value else summary.write
  write(root, chosen, seeds, about)


def _train_all(chosen, seeds, settings, root: pathlib.Path) -> None:
  number = len(chosen) * len(seeds)
  start, done, trained = time.monotonic(), 0, 0
  # Seed by seed: an early stop leaves whole seeds.
  for seed in seeds:
    for arm in chosen:
      done += 1
      workdir = root / arm.name / f'seed_{seed}'
      if (workdir / 'results.json').exists():
        continue
      left = ''
      if trained:
        each = (time.monotonic() - start) / trained / 60
        left = f', {each * (number - done + 1):.0f} min left'
      logging.info(
        '== %s, seed %d: run %d of %d%s', arm.name, seed, done, number, left
      )
      _train(arm, seed, settings, root, workdir)
      trained += 1


def _train(arm, seed, settings, root, workdir) -> None:
  config = settings_lib.build(
    arm.corpora,
    arm.tasks,
    settings,
    text='tokens' if _FINE_TUNED.value else 'sentence',
    steps=REDUCED_STEPS if _REDUCED.value else 0,
  )
  config.seed = seed
  config.update_from_flattened_dict(
    {k: v for k, v in arm.changes.items() if k != 'data.gold_share'}
  )
  config.data.gold_share = dict(arm.changes.get('data.gold_share', {}))
  if arm.teachers:
    path = root / (arm.labels or arm.name) / f'seed_{seed}.parquet'
    teachers = [str(root / t / f'seed_{seed}') for t in arm.teachers]
    label_table.ensure(path, config, teachers, batch_size=256)
    config.data.weak_labels = (str(path),)
  train.train_and_evaluate(config, str(workdir))


if __name__ == '__main__':
  command.run(main, required=['workdir'])
