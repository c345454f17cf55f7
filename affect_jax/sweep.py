"""Trains a grid of settings, or random draws of it, and chooses on validation.

Each point leaves WORKDIR/point_N, which is an ordinary folder of a run, or of
seeds. Only the point with the best selection score, which is one of validation,
is evaluated on test.
"""

from collections.abc import Mapping, Sequence
import itertools
import math
import os
from typing import Any

from absl import logging
import ml_collections
import numpy as np

from affect_jax import by_name
from affect_jax import defaults
from affect_jax import errors
from affect_jax import seeds
from affect_jax import train
from affect_jax.data import load
from affect_jax.errors import UserError
from affect_jax.evaluation import selection_score
from affect_jax.evaluation import sweep_table
from affect_jax.run import build
from affect_jax.run import folder as run_folder
from affect_jax.run import settled
from affect_jax.training import processes

# What a point cannot change.
OURS = ('seed', 'seeds', 'selection', 'sweep', 'sweep_draws')


def train_and_evaluate(config: Any, workdir: str) -> dict[str, Any]:
  """Trains every point, and evaluates the best on test.

  A point that diverges, or whose checkpoint is damaged, is reported and does
  not stop the others.

  Args:
    config: See `configs/`; `config.sweep` is {setting: values to try}, with
      settings as flags name them.
    workdir: Folder of all points: config.json, results.json, point_N/.

  Returns:
    The content of results.json: {'points': [{'settings', 'folder', 'val':
    selection score, its mean over seeds, None if it is not defined for each of
    them, 'error'}], 'chosen':
    index of the best or None, 'scores': those of the best, also on test}.

  Raises:
    UserError: A setting or value of the sweep is wrong, or another config has
      begun the folder; see also `train`.
    interrupt.Interrupted: See `train`. The same command goes on.
  """
  points = points_of(config)
  for point in points:
    build.check_settings(settled.by_device(of_point(config, point)))
  run_folder.claim(workdir, config, defaults.get_config())
  rows = []
  for i, point in enumerate(points):
    logging.info('== point %d of %d: %s', i + 1, len(points), named(point))
    rows.append(
      {'settings': point, 'folder': f'point_{i}', 'val': None, 'error': ''}
    )
    try:
      rows[i]['val'] = _train(
        of_point(config, point), os.path.join(workdir, f'point_{i}')
      )
    except (errors.Diverged, errors.DamagedCheckpoint) as error:
      rows[i]['error'] = str(error)
      logging.warning('Point %d is left out: %s', i + 1, error)
  chosen = best([row['val'] for row in rows])
  scores: Any = {}
  if chosen is not None:
    scores = seeds.evaluate_once(
      of_point(config, points[chosen]), os.path.join(workdir, f'point_{chosen}')
    )
  results = {'points': rows, 'chosen': chosen, 'scores': scores}
  if processes.is_first():
    run_folder.write_json(os.path.join(workdir, 'results.json'), results)
    sweep_table.show(results, workdir)
  return results


def points_of(config: Any) -> list[dict[str, Any]]:
  """Returns {setting: value} of all points, or of `config.sweep_draws` of them.

  Draws are random and without repetition, a function of config.seed.

  Raises:
    UserError: A setting does not exist or cannot be swept, has no values, or
      has a value of another type; or there is no validation to choose by.
  """
  sweep, draws = config.sweep, config.sweep_draws
  if not isinstance(sweep, Mapping) or not sweep:
    raise UserError(
      f'config.sweep={sweep!r} must be {{setting: values}}, as in '
      "{'learning_rate': (1e-3, 3e-4)}."
    )
  for setting, values in sweep.items():
    _check_setting(config, setting, values)
  if 'num_train_steps' in sweep and settled.num_epochs(config):
    raise UserError(
      f'config.sweep has num_train_steps, but config.num_epochs='
      f'{config.num_epochs:g} decides the length of each point: sweep '
      "'num_epochs' instead, or give --config.num_epochs=0."
    )
  for name, options in load.describe(config).items():
    if not options['splits'].get('val'):
      raise UserError(
        f'config.sweep chooses on validation, but corpus {name!r} has no '
        'config.data.splits.val.'
      )
  points = [
    dict(zip(sweep, values, strict=True))
    for values in itertools.product(*sweep.values())
  ]
  if not 0 <= draws <= len(points):
    raise UserError(
      f'config.sweep_draws={draws}, but config.sweep has {len(points)} '
      'combinations to draw from; 0 trains all.'
    )
  if draws:
    order = np.random.default_rng(config.seed).permutation(len(points))
    points = [points[i] for i in order[:draws]]
  return points


def _check_setting(config: Any, setting: str, values: Any) -> None:
  node: Any = config
  known = [k for k in config if k not in OURS]
  for depth, key in enumerate(str(setting).split('.')):
    of = '.'.join(['config.sweep', *str(setting).split('.')[:depth]])
    by_name.check('setting', key, known, of=of)
    node = node[key]
    known = list(node) if isinstance(node, ml_collections.ConfigDict) else []
  if isinstance(values, str) or not isinstance(values, Sequence) or not values:
    raise UserError(
      f'config.sweep[{setting!r}] is {values!r}, but must be a tuple of values.'
    )
  for value in values:
    try:
      settled.changed(config, {setting: value})
    except (TypeError, ValueError) as error:
      raise UserError(
        f'config.sweep[{setting!r}] has {value!r}: {error}'
      ) from error


def of_point(config: Any, point: Mapping[str, Any]) -> Any:
  """Returns the config of a point, which sweeps nothing."""
  return settled.changed(config, {**point, 'sweep': None, 'sweep_draws': 0})


def named(point: Mapping[str, Any]) -> str:
  """Returns a point as 'learning_rate=0.001 balancing.name=fixed'."""
  return ' '.join(f'{k}={v}' for k, v in point.items())


def best(scores: Sequence[float | None]) -> int | None:
  """Returns the index of the highest, the first of equals; None if none is."""
  values = [-math.inf if h is None else h for h in scores]
  if not values or max(values) == -math.inf:
    return None
  return values.index(max(values))


def _train(config: Any, workdir: str) -> float | None:
  """Trains a point; returns its selection score, the mean over seeds.

  None if a seed has none.
  """
  if config.seeds:
    summary = seeds.train_and_evaluate(config, workdir, splits=('val',))
    # The mean of some seeds would hide that others collapsed.
    of_splits = {
      k: {
        name: None if v['seeds_without'] else v['mean']
        for name, v in metrics.items()
      }
      for k, metrics in summary['splits'].items()
    }
  else:
    of_splits, _ = train.train(config, workdir, splits=('val',))
  return selection_score.of_results(of_splits)
