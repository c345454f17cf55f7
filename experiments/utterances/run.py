r"""MOSI, MELD and MUStARD: one command, five seeds, one table.

  python experiments/utterances/run.py --workdir=runs/utterances \
      --config.mosi=mosi.npz --config.meld=MELD --config.mustard=MUSTARD \
      --config.text_model=MINILM

trains every arm of arms.py with every seed and writes results.json and
table.md. The same command continues where it stopped. Validation chooses the
checkpoint; each run reads test once. Corpora without a path are left out.
"""

import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

from absl import flags
from absl import logging
import arms as arms_lib
import ml_collections
from ml_collections import config_flags
import numpy as np
from scipy import stats

from affect_jax import seeds as seeds_lib
from affect_jax import user_path
from affect_jax import whole_file
from affect_jax.run import command
from affect_jax.run import config_flag
from affect_jax.run import environment
from affect_jax.run import folder as run_folder


def get_settings() -> ml_collections.ConfigDict:
  """Returns what flags --config.NAME=VALUE can set, with its defaults."""
  return ml_collections.ConfigDict(
    {
      'mosi': '',
      'meld': '',
      'mustard': '',
      'mustard_folds': 'split_indices.p',
      'text_model': '',  # Folder of MiniLM, or another BERT.
      'data_dir': '',
      'arms': (),  # Names; () means all arms whose corpus has a path.
      'seeds': (0, 1, 2, 3, 4),
    }
  )


_SETTINGS = config_flags.DEFINE_config_dict(
  'config', config_flag.checked('config', get_settings())
)
_WORKDIR = flags.DEFINE_string('workdir', None, 'Folder of all runs.')
_SUMMARY = flags.DEFINE_bool(
  'summary', False, 'Only summarise the finished runs; train nothing.'
)


def main() -> None:
  """Trains what is missing, then summarises."""
  root = str(user_path.expand(str(_WORKDIR.value)))
  settings = _SETTINGS.value
  paths = {k: settings[k] for k in ('mosi', 'meld', 'mustard') if settings[k]}
  chosen = [
    a
    for a in arms_lib.ARMS
    if a.name.split()[0] in paths
    and (not settings.arms or a.name in settings.arms)
  ]
  todo = [(arm, fold) for arm in chosen for fold in range(arm.folds)]
  for done, (arm, fold) in enumerate([] if _SUMMARY.value else todo):
    logging.info(
      '== %d of %d: %s, fold %d', done + 1, len(todo), arm.name, fold
    )
    config = arms_lib.build(
      arm, fold=fold, paths=paths, model=settings.text_model
    )
    config.seeds = tuple(settings.seeds)
    config.data.data_dir = settings.data_dir
    if 'folds' in config.data:
      config.data.folds = settings.mustard_folds
    seeds_lib.train_and_evaluate(config, _folder(root, arm, fold))
  _summarise(root, chosen, tuple(settings.seeds))


def _folder(root, arm, fold) -> str:
  return os.path.join(root, arm.name.replace(' ', '_'), f'fold{fold}')


def _results(root, arm, fold, seed):
  folder = seeds_lib.folder(_folder(root, arm, fold), seed)
  return run_folder.read_json(os.path.join(folder, 'results.json'))


def _summarise(root, chosen, seeds) -> None:
  """Writes mean and standard deviation (n - 1) over seeds of folds' means."""
  lines, table, workdirs = [], {}, []
  for arm in chosen:
    by_seed = []
    for seed in seeds:
      for fold in range(arm.folds):
        workdirs.append(seeds_lib.folder(_folder(root, arm, fold), seed))
      folds = [_results(root, arm, fold, seed) for fold in range(arm.folds)]
      if all(folds):
        by_seed.append(
          [np.mean([f['test'][m] for f in folds]) for m in arm.metrics]
        )
    if not by_seed:
      continue
    scores = np.array(by_seed)
    table[arm.name] = dict(zip(arm.metrics, scores.T.tolist(), strict=True))
    cells = [
      f'{what} **{values.mean():.3f}**'
      + (f' ± {values.std(ddof=1):.3f}' if len(values) > 1 else '')
      for what, values in zip(arm.metrics.values(), scores.T, strict=True)
    ]
    goal = '' if np.isnan(arm.goal) else f'{arm.goal:g}'
    against = _against(table, arm)
    lines.append(
      f'| {arm.name} | {"; ".join(cells)} | {goal} | {against} | '
      f'{len(scores)} |'
    )
  text = '\n'.join(
    [
      '| run | test scores, mean ± std over seeds | goal | first score against '
      'the reference (p) | seeds |',
      '|---|---|---|---|---|',
    ]
    + lines
  )
  about = {
    'seeds': list(seeds),
    'commits_of_runs': run_folder.commits(workdirs),
    'environment': environment.describe({}),
  }
  run_folder.write_json(
    os.path.join(root, 'results.json'), {**about, 'test': table}
  )
  whole_file.write_text(os.path.join(root, 'table.md'), text + '\n')
  print(text)


def _against(table, arm) -> str:
  """Returns the difference to the reference, with p of a paired t-test."""
  metric = next(iter(arm.metrics))
  scores = table[arm.name][metric]
  other = table.get(arm.reference, {}).get(metric, [])
  if not other or len(scores) != len(other):
    return ''
  text = f'{np.mean(scores) - np.mean(other):+.3f}'
  p = stats.ttest_rel(scores, other).pvalue if len(scores) > 1 else np.nan
  return text if np.isnan(p) else f'{text} ({p:.2g})'


if __name__ == '__main__':
  command.run(main, required=['workdir'])
