"""Evaluation of a run: of a state on the way, and of its best checkpoint."""

from collections.abc import Callable
import os
from typing import Any

import jax

from affect_jax import build
from affect_jax import checkpoint
from affect_jax import evaluate
from affect_jax import input_pipeline
from affect_jax import predictions
from affect_jax import run_folder
from affect_jax import table
from affect_jax import train_state


def make_predict(config: Any, run: build.Run) -> Callable:
  """Compiles the prediction of a run: `evaluate.make_predict`."""
  return evaluate.make_predict(
    run.eval_model,
    run.tasks,
    run.parallel,
    views=config.eval_views,
    crop_size=config.crop_size,
  )


def validate(
  config: Any, run: build.Run, predict: Callable, state: Any
) -> tuple[dict[str, float], dict[str, Any]]:
  """Scores and thresholds of the validation split; {} where there is none."""
  if 'val' not in run.splits:
    return {}, {}
  rows = _predict_split(config, run, predict, state, 'val')
  thresholds = evaluate.tune(run.tasks, rows)
  scores = evaluate.score(run.tasks, rows, thresholds)
  table.log_headlines(run.tasks, scores)
  return scores, thresholds


def _predict_split(config, run, predict, state, split):
  batches = input_pipeline.eval_batches(
    run.builder,
    run.splits[split],
    run.tasks,
    batch_size=config.batch_size,
    image_size=config.image_size,
  )
  variables = train_state.eval_variables(state)
  return evaluate.predict_split(predict, variables, batches, run.parallel)


def evaluate_best(
  config: Any,
  workdir: str,
  run: build.Run | None = None,
  predict: Callable | None = None,
) -> dict[str, dict[str, float]]:
  """Rebuilds results.json and predictions/ from the best checkpoint.

  The best is that of the highest headline on validation, or the latest where
  there is no validation. Thresholds are those stored with it.

  Raises:
    FileNotFoundError: There is no checkpoint.
  """
  run = run or build.build(config)
  predict = predict or make_predict(config, run)
  with checkpoint.build_manager(workdir, config.eval_every) as manager:
    step = manager.best_step()
    step = manager.latest_step() if step is None else step
    if step is None:
      raise FileNotFoundError(f'No checkpoint in {workdir}/checkpoints.')
    state = build.abstract_state(run, config)
    state, thresholds = checkpoint.restore(manager, step, state)
  results = {}
  for split in ('val', 'test'):
    if split in run.splits:
      rows = _predict_split(config, run, predict, state, split)
      scores = evaluate.score(run.tasks, rows, thresholds)
      results[split] = {'step': float(step), **scores}
      if jax.process_index() == 0:
        path = os.path.join(workdir, 'predictions', f'{split}.csv')
        predictions.write(path, run.tasks, rows, run.corpus)
  if jax.process_index() == 0:
    run_folder.write_json(os.path.join(workdir, 'results.json'), results)
  # As it reads back: NaN is None.
  results = run_folder.read_json(os.path.join(workdir, 'results.json'))
  table.show(results, workdir)
  return results
