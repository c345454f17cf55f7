r"""Compares ways to learn three tasks of faces from few labels.

  python experiments/faces_weak/run.py --workdir=runs/faces_weak \
      --config.fer2013=fer2013.csv

trains every arm of arms.py with every seed, teachers before students, and
writes results.json, table.md, fer2013.md and figure.png. The same command goes
on where it stopped; --reduced shows how it works in under 15 minutes. Without
--config.fer2013 the arms with FER2013 are left out.

Every run is that of its last step, and reads test once. A student learns from
the teachers of its own seed. Where machines train a part of the seeds each,
copy their WORKDIR/seeds into one, and give --summary and all seeds there.
"""

import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

import time

from absl import flags
from absl import logging
import arms as arms_lib
import ml_collections
from ml_collections import config_flags
import seed_file
import summary

from affect_jax import train
from affect_jax import user_path
from affect_jax.run import command
from affect_jax.run import config_flag
from affect_jax.run import label_table

REDUCED_STEPS, REDUCED_SHARE = 40, 20


def get_settings() -> ml_collections.ConfigDict:
  """Returns what flags --config.NAME=VALUE can set, with its defaults."""
  return ml_collections.ConfigDict(
    {
      'fer2013': '',  # FER2013's CSV.
      'data_dir': '',
      'seeds': (0, 1, 2, 3, 4),
      'only': (),  # Beginnings of names of arms; () means all.
    }
  )


_SETTINGS = config_flags.DEFINE_config_dict(
  'config', config_flag.checked('config', get_settings())
)
_WORKDIR = flags.DEFINE_string('workdir', None, 'Folder of all runs.')
_REDUCED = flags.DEFINE_bool(
  'reduced', False, 'One share, few steps, two seeds: under 15 minutes.'
)
_SUMMARY = flags.DEFINE_bool(
  'summary', False, 'Only summarise the finished runs; train nothing.'
)


def main() -> None:
  """Trains what is missing, then summarises."""
  settings = _SETTINGS.value
  root = user_path.expand(str(_WORKDIR.value))
  seeds, steps = tuple(settings.seeds), arms_lib.STEPS
  chosen = arms_lib.arms(bool(settings.fer2013))
  if _REDUCED.value:
    root, seeds, steps = root / 'reduced', seeds[:2], REDUCED_STEPS
    chosen = [a for a in chosen if a.share == REDUCED_SHARE]
  if settings.only:
    chosen = [a for a in chosen if a.name.startswith(tuple(settings.only))]
  seed_file.check(root, seeds, steps)
  if not _SUMMARY.value:
    _train_all(chosen, seeds, steps, settings, root)
  for seed in seeds:
    seed_file.write(root, seed, steps, [*summary.METRICS, summary.FER])
  summary.write(root, seeds)


def _train_all(chosen, seeds, steps, settings, root) -> None:
  # Seed by seed: an early stop leaves whole seeds.
  left = [(arm, seed) for seed in seeds for arm in _left(chosen, seed, root)]
  start = time.monotonic()
  for done, (arm, seed) in enumerate(left):
    minutes = (time.monotonic() - start) / max(done, 1) / 60
    eta = f', {minutes * (len(left) - done):.0f} min left' if done else ''
    logging.info(
      '== %s, seed %d: run %d of %d%s',
      arm.name,
      seed,
      done + 1,
      len(left),
      eta,
    )
    _train(arm, seed, steps, settings, root)


def _left(chosen, seed, root):
  """Returns the arms to train: neither finished here nor in the seed's file.

  And what labels for them, if it is not here.
  """
  here = {
    a.name
    for a in chosen
    if (root / a.name / f'seed_{seed}' / 'results.json').exists()
  }
  known = here.union(*(x['test'] for x in seed_file.read(root, [seed])))
  teachers = {t for a in chosen if a.name not in known for t in a.teachers}
  return [
    a
    for a in chosen
    if a.name not in known or (a.name in teachers and a.name not in here)
  ]


def _train(arm, seed, steps, settings, root) -> None:
  config = arms_lib.build(arm, settings, steps)
  config.seed = seed
  if arm.teachers:
    path = root / arm.name / f'seed_{seed}.parquet'
    teachers = [str(root / t / f'seed_{seed}') for t in arm.teachers]
    label_table.ensure(path, config, teachers, batch_size=256)
    config.data.weak_labels = (str(path),)
  train.train_and_evaluate(config, str(root / arm.name / f'seed_{seed}'))


if __name__ == '__main__':
  command.run(main, required=['workdir'])
