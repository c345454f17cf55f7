"""Trains a config from start to end; reads top to bottom."""

from collections.abc import Mapping, Sequence
import math
import os
from typing import Any

from absl import logging
from clu import metric_writers
from clu import parameter_overview
from clu import periodic_actions
import jax
import numpy as np

from affect_jax import defaults
from affect_jax import errors
from affect_jax import evaluate
from affect_jax import user_path
from affect_jax.errors import UserError
from affect_jax.evaluation import table
from affect_jax.run import build
from affect_jax.run import environment
from affect_jax.run import folder as run_folder
from affect_jax.run import program as program_lib
from affect_jax.run import same_data
from affect_jax.run import signature as signature_lib
from affect_jax.run import tasks as run_tasks
from affect_jax.training import checkpoint
from affect_jax.training import initialize
from affect_jax.training import interrupt
from affect_jax.training import parallel as parallel_lib
from affect_jax.training import processes


def train_and_evaluate(
  config: Any, workdir: str
) -> dict[str, dict[str, float]]:
  """Trains, or resumes if the folder has a checkpoint, and then evaluates.

  `config.seeds` and `config.sweep` are not read here; see `seeds` and `sweep`.

  Args:
    config: See `configs/`.
    workdir: Folder of the run: config.json, signature.json, environment.json,
      metrics.jsonl, TensorBoard events, checkpoints, results.json,
      predictions/.

  Returns:
    {split: {'task/metric[/output]': value}} of the best checkpoint.

  Raises:
    UserError: Something in the config or the data is wrong.
    errors.Diverged: A loss is not finite; the message names step, task and
      samples.
    interrupt.Interrupted: SIGTERM or Ctrl-C stopped it; the state was saved.
  """
  return train(config, workdir)[0]


def train(
  config: Any,
  workdir: str,
  program: program_lib.Program | None = None,
  splits: Sequence[str] = evaluate.SPLITS,
) -> tuple[dict[str, dict[str, float]], program_lib.Program | None]:
  """As `train_and_evaluate`, with a program of a run with another seed.

  Args:
    config, workdir: See `train_and_evaluate`.
    program: From a config that differs in `seed` alone, to prepare and compile
      nothing again.
    splits: Which splits to evaluate at the end.

  Returns:
    The scores, and the program for further seeds: the given one if the run was
    finished already.
  """
  if not run_folder.is_finished(workdir, config.num_train_steps):
    checkpoint.check_name(workdir)
  run_folder.claim(workdir, config, defaults.get_config())
  results = processes.from_first(
    'results', lambda: _results(workdir, config.num_train_steps)
  )
  if results:
    logging.info('%s is finished.', workdir)
    if processes.is_first():
      table.show(results, workdir)
    return results, program

  # A run that began before this check existed may continue.
  if not run_folder.is_started(workdir):
    run_tasks.check_balance(config)
  run, begun_at = _build(config, workdir, program and program.run)
  processes.check_same('data', run.data)
  if processes.is_first():
    if signature_lib.read(workdir) is None or begun_at is None:
      signature_lib.write(workdir, run.signature)
    run_folder.add_start(workdir, begun_at or 0, environment.describe(run.data))
  parameter_overview.log_parameter_overview(
    build.abstract_state(run, config).params,
    include_stats=False,
    msg='Parameters:',
  )
  program = program or program_lib.compile_program(config, run)
  with checkpoint.build_manager(workdir, config.eval_every) as manager:
    first_step = processes.from_first('first step', manager.latest_step)
    if first_step is not None:
      state = build.abstract_state(run, config)
      state, _ = checkpoint.restore(manager, first_step, state)
      logging.info('Resuming from step %d of %s.', first_step, workdir)
    else:
      first_step = 0
      state = program.init(jax.random.key(config.seed))
      state = initialize.from_elsewhere(
        state, pretrained=run.samples.pretrained, **_init(config)
      )
    _train(config, workdir, program, state, manager, first_step)
  results = evaluate.evaluate_best(
    config, workdir, run, program.predict, splits
  )
  return results, program


def _init(config):
  """Returns config.init; of a folder of seeds, the run with the same seed."""
  init = config.init.to_dict()
  if other := init['checkpoint_workdir']:
    other = str(user_path.expand(other))
    init['checkpoint_workdir'] = run_folder.of_seed(other, config.seed)
  return init


def _results(workdir, num_train_steps):
  """Returns the content of results.json; None if the run is not finished."""
  if not run_folder.is_finished(workdir, num_train_steps):
    return None
  return run_folder.read_json(os.path.join(workdir, 'results.json'))


def _build(config, workdir, run):
  """Returns the run, built unless it is given, and its step, or None.

  Raises:
    UserError: A run that resumes has other data than it began with.
  """
  steps = processes.from_first(
    'saved steps', lambda: run_folder.saved_steps(workdir)
  )
  if not steps:
    return run or build.build(config), None
  signature = signature_lib.read(workdir)
  run = run or build.build(config, signature)
  if changes := same_data.changes(workdir, signature, run.data):
    raise UserError(
      f'The data are not those that the run in {workdir} began with. Restore '
      'them, or give another --workdir.\n' + '\n'.join(changes)
    )
  return run, steps[-1]


def _train(config, workdir, program, state, manager, first_step):
  """Loops over steps: update, log, validate, save."""
  run, parallel = program.run, program.run.parallel
  batches = run.samples.train_batches(config.seed, first_step)

  def put(batch):
    arrays = {k: v for k, v in batch.items() if k != 'id'}
    return batch['id'], parallel.put_batch(arrays)

  log_file = os.path.join(workdir, 'metrics.jsonl')
  if processes.is_first():
    run_folder.truncate_jsonl(log_file, first_step)
  # No LoggingWriter: `table` logs the lines that people read.
  writer = metric_writers.AsyncMultiWriter(
    [metric_writers.SummaryWriter(workdir)] if processes.is_first() else []
  )
  progress = periodic_actions.ReportProgress(
    num_train_steps=config.num_train_steps, every_secs=config.progress_secs
  )

  def write(step, values):
    writer.write_scalars(step, values)
    if processes.is_first():
      run_folder.append_jsonl(log_file, step, values)

  agree = processes.make_agree(parallel)
  rng = jax.random.key(config.seed + 1)
  state = parallel.put_state(state)
  pending = None  # The step before, checked while the next one runs.
  with metric_writers.ensure_flushes(writer), interrupt.catch() as signals:
    for step, (ids, batch) in enumerate(
      parallel_lib.prefetch(batches, put), first_step + 1
    ):
      last = step == config.num_train_steps
      logs_now = last or step % config.log_every == 0
      report = {}
      with jax.profiler.StepTraceAnnotation('train', step_num=step):
        if program.report and logs_now:
          report = program.report(state, batch, rng)
        state, logs = program.step(state, batch, rng)
      if pending:
        check_finite(*pending)
      pending = (step, ids, logs)
      progress(step)
      validates = last or step % config.eval_every == 0
      signum = agree(signals[0] if signals else 0)
      stops = signum > 0
      if logs_now:
        values = {f'train/{k}': float(v) for k, v in (logs | report).items()}
        table.log_losses(step, config.num_train_steps, logs)
        rate = float(run.schedule(step - 1))
        write(step, values | {'train/learning_rate': rate})
      if validates or stops:
        check_finite(*pending)
        plain_state = parallel.get_state(state)
        scores, thresholds = {}, {}
        if validates:
          with progress.timed('validation'):
            scores, thresholds = evaluate.validate(
              run, program.predict, plain_state
            )
          write(step, evaluate.flat(scores))
        thresholds, headline = processes.from_first(
          'validation',
          lambda t=thresholds, s=scores: (t, evaluate.headline(s)),
        )
        checkpoint.save(
          manager,
          step,
          plain_state,
          thresholds=thresholds,
          headline=headline,
          force=True,
        )
      if stops and not last:
        manager.wait_until_finished()
        raise interrupt.Interrupted(step, signum)


def check_finite(step: int, ids: np.ndarray, logs: Mapping[str, Any]) -> None:
  """Stops a run that diverged.

  Args:
    step: Number of the update.
    ids: Ids [B] of its batch.
    logs: Its losses and gradient norm. Only 'loss' and 'grad_norm', into which
      all others go, are fetched if they are finite.

  Raises:
    errors.Diverged: A loss or the gradient norm is not finite; the message
      names the step, the task and the samples.
  """
  totals = jax.device_get((logs['loss'], logs['grad_norm']))
  if np.isfinite(totals).all():
    return
  # The cosine with an absent task is no number, and no sign of anything.
  bad = [
    k
    for k, v in logs.items()
    if not (math.isfinite(float(v)) or k.startswith('cosine/'))
  ]
  tasks = [k.removeprefix('loss/') for k in bad if k.startswith('loss/')]
  names = ', '.join(x.decode() for x in ids.ravel())
  raise errors.Diverged(
    f'Step {step}: {", ".join(bad)} not finite (task: '
    f'{", ".join(tasks) or "none; the gradient alone"}). A lower '
    'config.learning_rate or config.clip_norm often helps; this step was not '
    f'saved. Samples of the batch: {names}'
  )
