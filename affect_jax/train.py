"""Training, read top to bottom."""

from collections.abc import Mapping
import math
import os
from typing import Any

from absl import logging
from clu import metric_writers
from clu import parameter_overview
from clu import periodic_actions
import jax
import numpy as np

from affect_jax import build
from affect_jax import checkpoint
from affect_jax import environment
from affect_jax import evaluate
from affect_jax import initialize
from affect_jax import input_pipeline
from affect_jax import interrupt
from affect_jax import parallel as parallel_lib
from affect_jax import predictions
from affect_jax import run_folder
from affect_jax import table
from affect_jax import train_state
from affect_jax import train_step
from affect_jax.corpora import records


def train_and_evaluate(
  config: Any, workdir: str
) -> dict[str, dict[str, float]]:
  """Trains, resuming where the folder has a checkpoint; then evaluates.

  Args:
    config: See `configs/`.
    workdir: Folder of the run: config.json, environment.json, metrics.jsonl,
      TensorBoard events, checkpoints, results.json, predictions/.

  Returns:
    {split: {'task/metric[/output]': value}} of the best checkpoint.

  Raises:
    ValueError: Something in the config or the data is wrong; says what.
    FloatingPointError: A loss is not finite; names step, task and samples.
    interrupt.Interrupted: SIGTERM or Ctrl-C; the state was saved.
  """
  run_folder.claim(workdir, config)
  results = run_folder.read_json(os.path.join(workdir, 'results.json'))
  if results:
    logging.info('%s is finished.', workdir)
    table.show(results, workdir)
    return results

  run = build.build(config)
  data = {
    'name': run.builder.info.full_name,
    'sources': records.metadata(run.builder)['sources'],
    'skipped': records.metadata(run.builder)['skipped'],
  }
  run_folder.write_json(
    os.path.join(workdir, 'environment.json'),
    environment.describe({run.corpus: data}),
  )
  state = build.initial_state(
    run,
    image_size=config.image_size,
    seed=config.seed,
    with_ema=config.ema_decay > 0,
  )
  parameter_overview.log_parameter_overview(
    state.params, include_stats=False, msg='Parameters:'
  )
  with checkpoint.build_manager(workdir, config.eval_every) as manager:
    first_step = manager.latest_step()
    if first_step is not None:
      state, _ = checkpoint.restore(manager, first_step, state)
      logging.info('Resuming from step %d of %s.', first_step, workdir)
    else:
      first_step = 0
      state = initialize.from_elsewhere(state, **config.init)
    _train(config, workdir, run, state, manager, first_step)
  return evaluate_best(config, workdir, run)


def _train(config, workdir, run, state, manager, first_step):
  """The loop: update, log, validate, save."""
  parallel = run.parallel
  step_fn = parallel.compile_step(
    train_step.make_train_step(
      run.model,
      run.tasks,
      run.tx,
      loss_weights=config.loss_weights,
      accumulate=config.accumulate,
      ema_decay=config.ema_decay,
      axis_name=parallel.axis_name,
    )
  )
  predict = evaluate.make_predict(
    run.eval_model, run.tasks, parallel, flip=config.eval_flip
  )
  batches = input_pipeline.train_batches(
    run.builder,
    run.splits['train'],
    run.tasks,
    batch_size=config.batch_size,
    seed=config.seed,
    first_step=first_step,
    num_steps=config.num_train_steps,
    image_size=config.image_size,
    augmentations=build.augmentations(config),
    sizes=build.progressive_sizes(config),
  )

  def put(batch):
    arrays = {k: v for k, v in batch.items() if k != 'id'}
    return batch['id'], parallel.put_batch(arrays)

  log_file = os.path.join(workdir, 'metrics.jsonl')
  main_process = jax.process_index() == 0
  if main_process:
    run_folder.truncate_jsonl(log_file, first_step)
  # No LoggingWriter: what people read is logged in lines of ours.
  writer = metric_writers.AsyncMultiWriter(
    [metric_writers.SummaryWriter(workdir)] if main_process else []
  )
  progress = periodic_actions.ReportProgress(
    num_train_steps=config.num_train_steps, every_secs=config.progress_secs
  )

  def write(step, values):
    writer.write_scalars(step, values)
    if main_process:
      run_folder.append_jsonl(log_file, step, values)

  rng = jax.random.key(config.seed + 1)
  state = parallel.put_state(state)
  pending = None  # The step before: checked while the next one runs.
  with metric_writers.ensure_flushes(writer), interrupt.catch() as signals:
    for step, (ids, batch) in enumerate(
      parallel_lib.prefetch(batches, put), first_step + 1
    ):
      with jax.profiler.StepTraceAnnotation('train', step_num=step):
        state, logs = step_fn(state, batch, rng)
      if pending:
        check_finite(*pending)
      pending = (step, ids, logs)
      progress(step)
      last = step == config.num_train_steps
      validates = last or step % config.eval_every == 0
      stops = bool(signals) or manager.reached_preemption(step)
      if last or step % config.log_every == 0:
        values = {f'train/{k}': float(v) for k, v in logs.items()}
        table.log_losses(step, config.num_train_steps, logs)
        rate = float(run.schedule(step - 1))
        write(step, values | {'train/learning_rate': rate})
      if validates or stops:
        check_finite(*pending)
        whole = parallel.get_state(state)
        scores, thresholds = {}, {}
        if validates:
          with progress.timed('validation'):
            scores, thresholds = _validate(config, run, predict, whole)
          write(step, {f'val/{k}': v for k, v in _defined(scores).items()})
        checkpoint.save(
          manager,
          step,
          whole,
          thresholds=thresholds,
          headline=scores.get(evaluate.HEADLINE),
          force=True,
        )
      if stops and not last:
        manager.wait_until_finished()
        raise interrupt.Interrupted(step, (signals or [15])[0])


def _validate(config, run, predict, state):
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
) -> dict[str, dict[str, float]]:
  """Rebuilds results.json and predictions/ from the best checkpoint.

  The best is that of the highest headline on validation, or the latest where
  there is no validation. Thresholds are those stored with it.

  Raises:
    FileNotFoundError: There is no checkpoint.
  """
  run = run or build.build(config)
  state = build.initial_state(
    run,
    image_size=config.image_size,
    seed=config.seed,
    with_ema=config.ema_decay > 0,
  )
  with checkpoint.build_manager(workdir, config.eval_every) as manager:
    step = manager.best_step()
    step = manager.latest_step() if step is None else step
    if step is None:
      raise FileNotFoundError(f'No checkpoint in {workdir}/checkpoints.')
    state, thresholds = checkpoint.restore(manager, step, state)
  predict = evaluate.make_predict(
    run.eval_model, run.tasks, run.parallel, flip=config.eval_flip
  )
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


def check_finite(step: int, ids: np.ndarray, logs: Mapping[str, Any]) -> None:
  """Stops a run that diverged.

  Args:
    step: Number of the update.
    ids: [B] of its batch.
    logs: Its losses and gradient norm.

  Raises:
    FloatingPointError: Names the step, the task and the samples.
  """
  bad = [k for k, v in logs.items() if not math.isfinite(float(v))]
  if not bad:
    return
  tasks = [k.removeprefix('loss/') for k in bad if k.startswith('loss/')]
  names = ', '.join(x.decode() for x in ids)
  raise FloatingPointError(
    f'Step {step}: {", ".join(bad)} not finite (task: '
    f'{", ".join(tasks) or "none; the gradient alone"}). A lower '
    'config.learning_rate or config.clip_norm often helps; nothing of this '
    f'step was saved. Samples of the batch: {names}'
  )


def _defined(scores: Mapping[str, float]) -> dict[str, float]:
  return {k: v for k, v in scores.items() if not math.isnan(v)}
