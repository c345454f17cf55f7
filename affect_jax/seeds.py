"""Trains a config once for each of its seeds, and sums up the scores.

Each seed leaves an ordinary run in WORKDIR/seed_N. Data are prepared once, and
programs compiled once, for all of them. They train one after another, each to
the bits of the same run by itself; on accelerators side by side, which differs
in rounding.
"""

from collections.abc import Sequence
import itertools
import os
import time
from typing import Any

from absl import logging
import jax

from affect_jax import defaults
from affect_jax import evaluate
from affect_jax import train
from affect_jax.errors import UserError
from affect_jax.evaluation import seed_summary
from affect_jax.run import check
from affect_jax.run import early_stop
from affect_jax.run import folder as run_folder
from affect_jax.run import settled
from affect_jax.training import processes


def train_and_evaluate(
  config: Any,
  workdir: str,
  splits: Sequence[str] = evaluate.SPLITS,
) -> dict[str, Any]:
  """Trains all seeds that are not finished.

  Args:
    config: See `configs/`; `config.seeds` are the seeds, and may be more than
      those that the folder was begun with.
    workdir: Folder of all seeds: config.json, results.json, seed_N/.
    splits: Which splits to evaluate.

  Returns:
    The content of results.json, see `seed_summary.summarise`.

  Raises:
    UserError, errors.Diverged, interrupt.Interrupted: See `train`. What is done
      so far is kept, and the same command goes on.
  """
  check.check(config)
  together = are_together(config)
  config = settled.settle(config, workdir)
  claim(config, workdir)
  results: dict[int, Any] = {}
  program = None
  groups = _groups(config, workdir, together)
  start, trained, left = time.monotonic(), 0, sum(map(len, groups))
  for group in groups:
    minutes = (time.monotonic() - start) / max(trained, 1) / 60
    eta = f', {minutes * (left - trained):.0f} min left for all'
    logging.info(
      '== seed %s, %s of %d to train%s',
      ', '.join(map(str, group)),
      '–'.join(str(trained + i) for i in sorted({1, len(group)})),
      left,
      eta if trained else '',
    )
    runs = {folder(workdir, s): of_seed(config, s) for s in group}
    found, program = _train(runs, program, splits)
    results |= {s: found[folder(workdir, s)] for s in group}
    trained += len(group)
  for seed in config.seeds:
    if seed not in results:  # It was finished before.
      results[seed], _ = train.train(
        of_seed(config, seed), folder(workdir, seed), splits=splits
      )
  return _write(workdir, {s: results[s] for s in config.seeds})


def _train(runs, program, splits):
  """Trains a group of seeds; says what to do if memory is too small for it."""
  try:
    return train.train_together(runs, program, splits)
  except jax.errors.JaxRuntimeError as error:
    if len(runs) == 1 or 'RESOURCE_EXHAUSTED' not in str(error):
      raise
    raise UserError(
      f'{len(runs)} seeds side by side need more memory than there is. '
      '--config.seeds_together=False trains them one after another; what was '
      f'saved is kept.\n{str(error)[:500]}'
    ) from error


def _groups(config, workdir, together):
  """Returns the seeds to train: those of a group side by side."""
  left = [s for s in config.seeds if not _is_finished(config, workdir, s)]
  if not together:
    return [[s] for s in left]

  def steps(seed):
    return run_folder.saved_steps(folder(workdir, seed))[-1:]

  # Seeds that were added, or stopped earlier, have done fewer steps.
  by_steps = itertools.groupby(sorted(left, key=steps), steps)
  return processes.from_first(
    'groups of seeds', lambda: [list(group) for _, group in by_steps]
  )


def are_together(config: Any) -> bool:
  """Returns whether seeds train side by side, see `config.seeds_together`.

  On the cores of a CPU that is slower than one after another.

  Raises:
    UserError: They shall, but cannot.
  """
  maps_devices = config.parallel == 'pmap'
  if config.seeds_together and maps_devices:
    raise UserError(
      "config.seeds_together=True needs config.parallel='jit': pmap has one "
      'run on each device.'
    )
  if config.seeds_together is None:
    alone = maps_devices or early_stop.patience(config)
    return jax.default_backend() != 'cpu' and not alone
  return config.seeds_together


def evaluate_best(config: Any, workdir: str) -> dict[str, Any]:
  """Evaluates every seed again, as `evaluate.evaluate_best`."""
  config = settled.settle(config, workdir)
  for seed in config.seeds:  # Before the folder is said to have them.
    run_folder.require(folder(workdir, seed))
  claim(config, workdir)
  results = {}
  for seed in config.seeds:
    results[seed] = evaluate.evaluate_best(
      of_seed(config, seed), folder(workdir, seed)
    )
  return _write(workdir, results)


def evaluate_once(config: Any, workdir: str) -> dict[str, Any]:
  """Evaluates all splits of a run, or of seeds, unless test has scores already.

  Returns:
    The content of WORKDIR/results.json.
  """
  # A stop between two seeds, or seeds added later, leave some without test.
  folders = [folder(workdir, s) for s in config.seeds] or [workdir]
  if processes.from_first(
    'results of test', lambda: all(map(_has_test, folders))
  ):
    path = os.path.join(workdir, 'results.json')
    return processes.from_first('results', lambda: run_folder.read_json(path))
  if config.seeds:
    return evaluate_best(config, workdir)
  return evaluate.evaluate_best(settled.settle(config, workdir), workdir)


def _has_test(workdir: str) -> bool:
  splits = run_folder.read_json(os.path.join(workdir, 'results.json')) or {}
  return any(split.split('/')[0] == 'test' for split in splits)


def folder(workdir: str, seed: int) -> str:
  """Returns the folder of a seed's run."""
  return os.path.join(workdir, f'seed_{seed}')


def of_seed(config: Any, seed: int) -> Any:
  """Returns the config of one seed's run."""
  return settled.changed(
    config, {'seed': seed, 'seeds': (), 'seeds_together': None}
  )


def claim(config: Any, workdir: str) -> None:
  """Claims the folder, see `run_folder.claim`; seeds may be added later."""
  path = os.path.join(workdir, 'config.json')
  old = processes.from_first('seeds', lambda: run_folder.read_json(path))
  before = tuple((old or {}).get('seeds', ()))
  if before and set(before) < set(config.seeds):
    more = [s for s in config.seeds if s not in before]
    run_folder.claim(
      workdir, settled.changed(config, {'seeds': before}), defaults.get_config()
    )
    logging.info('%s gets more seeds: %s.', workdir, more)
    if processes.is_first():
      run_folder.write_json(path, config.to_dict())
  else:
    run_folder.claim(workdir, config, defaults.get_config())


def _is_finished(config: Any, workdir: str, seed: int) -> bool:
  return run_folder.is_finished(folder(workdir, seed), config.num_train_steps)


def _write(workdir: str, results: dict[int, Any]) -> dict[str, Any]:
  summary = seed_summary.summarise(results)
  if processes.is_first():
    run_folder.write_json(os.path.join(workdir, 'results.json'), summary)
    seed_summary.show(summary, workdir)
  return summary
