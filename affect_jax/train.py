"""Trains a config from start to end; reads top to bottom."""

from collections.abc import Mapping, Sequence
import contextlib
import os
from typing import Any

from absl import logging
import jax

from affect_jax import defaults
from affect_jax import evaluate
from affect_jax import user_path
from affect_jax.errors import UserError
from affect_jax.evaluation import table
from affect_jax.run import build
from affect_jax.run import curves
from affect_jax.run import early_stop
from affect_jax.run import environment
from affect_jax.run import folder as run_folder
from affect_jax.run import hub
from affect_jax.run import parameters
from affect_jax.run import program as program_lib
from affect_jax.run import progress as progress_lib
from affect_jax.run import same_data
from affect_jax.run import settled
from affect_jax.run import signature as signature_lib
from affect_jax.run import tasks as run_tasks
from affect_jax.run import trained_on
from affect_jax.training import ahead
from affect_jax.training import checkpoint
from affect_jax.training import finite
from affect_jax.training import initialize
from affect_jax.training import interrupt
from affect_jax.training import processes
from affect_jax.training import status_line


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
  config = settled.settle(config, workdir)
  results, program = train_together({workdir: config}, program, splits)
  return results[workdir], program


def train_together(
  runs: Mapping[str, Any],
  program: program_lib.Program | None = None,
  splits: Sequence[str] = evaluate.SPLITS,
) -> tuple[dict[str, Any], program_lib.Program | None]:
  """Trains runs that differ in their seed alone, all in one program.

  Args:
    runs: {workdir: config}; all that are not finished have done equally many
      steps.
    program, splits: See `train`.

  Returns:
    {workdir: scores}, and the program, see `train`.
  """
  results = {workdir: _claim(runs[workdir], workdir) for workdir in runs}
  left = {w: config for w, config in runs.items() if results[w] is None}
  if not left:
    return results, program
  run = program and program.run
  for workdir, config in left.items():
    run = _begin(config, workdir, run)
  config = next(iter(left.values()))
  assert run is not None
  abstract_state = build.abstract_state(run, config)
  parameters.show(abstract_state.params, [*left])
  parameters.show_share(abstract_state)
  if program is None or program.lanes.number != len(left):
    program = program_lib.compile_program(config, run, len(left))
  with contextlib.ExitStack() as stack:
    managers, states, first_steps = [], [], set()
    for workdir, config in left.items():
      manager = checkpoint.build_manager(workdir, config.eval_every)
      managers.append(stack.enter_context(manager))
      state, first_step = _first_state(config, workdir, program, manager)
      states.append(state)
      first_steps.add(first_step)
    (first_step,) = first_steps
    _train(left, program, states, managers, first_step)
  for workdir, config in left.items():
    results[workdir] = evaluate.evaluate_best(
      config, workdir, run, program.predict, splits
    )
  return results, program


def _claim(config, workdir):
  """Claims the folder; returns the results of a finished run, else None."""
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
      evaluate.log_stop(workdir)
  return results or None


def _begin(config, workdir, run):
  """Writes what a run leaves at its start; returns it, built unless given."""
  # A run that began before this check existed may continue.
  if not run_folder.is_started(workdir):
    run_tasks.check_balance(config)
  tables = same_data.weak_labels(config)
  run, begun_at = _build(config, workdir, run, tables)
  processes.check_same('data', run.data)
  if processes.is_first():
    anew = begun_at is None
    if anew or signature_lib.read(workdir) is None:
      signature_lib.write(workdir, run.signature)
    trained_on.ensure(workdir, config, run.corpora, run.tasks, anew=anew)
    about = {**environment.describe(run.data), 'weak_labels': tables}
    run_folder.add_start(workdir, begun_at or 0, about)
  return run


def _first_state(config, workdir, program, manager):
  """Returns the state to go on from, and the number of its updates."""
  first_step = processes.from_first('first step', manager.latest_step)
  if first_step is not None:
    state = build.abstract_state(program.run, config)
    state, _ = checkpoint.restore(manager, first_step, state)
    logging.info('Resuming from step %d of %s.', first_step, workdir)
    return state, first_step
  state = program.init(jax.random.key(config.seed))
  pretrained = program.run.samples.pretrained
  state = initialize.from_elsewhere(
    state, pretrained=pretrained, **_init(config, program.run.tasks)
  )
  return state, 0


def _init(config, tasks):
  """Returns config.init; of a folder of seeds, the run with the same seed."""
  init = config.init.to_dict()
  if other := init['checkpoint_workdir']:
    other = str(user_path.expand(hub.local(other)))
    init['checkpoint_workdir'] = run_folder.of_seed(other, config.seed)
  heads = signature_lib.other_heads(init['checkpoint_workdir'], tasks)
  return {**init, 'other_heads': heads}


def _results(workdir, num_train_steps):
  """Returns the content of results.json; None if the run is not finished."""
  if not run_folder.is_finished(workdir, num_train_steps):
    return None
  return run_folder.read_json(os.path.join(workdir, 'results.json'))


def _build(config, workdir, run, tables):
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
  changes = same_data.changes(workdir, signature, run.data)
  changes += same_data.changed_weak_labels(workdir, tables)
  if changes:
    raise UserError(
      f'The data are not those that the run in {workdir} began with. Restore '
      'them, or give another --workdir.\n' + '\n'.join(changes)
    )
  return run, steps[-1]


def _train(runs, program, states, managers, first_step):
  """Loops over steps: update, log, validate, save."""
  run, lanes, configs = program.run, program.lanes, [*runs.values()]
  config = configs[0]  # They differ in their seed alone.
  batches = zip(
    *(run.samples.train_batches(c.seed, first_step) for c in configs),
    strict=True,
  )

  def put(batches):
    arrays = [{k: v for k, v in b.items() if k != 'id'} for b in batches]
    return [b['id'] for b in batches], lanes.put_batches(arrays)

  if _ends_early(runs, managers):
    return  # The run was stopped between its last step and its results.
  progress = progress_lib.Training(config.num_train_steps, config.progress_secs)
  agree = processes.make_agree(run.parallel)
  rng = lanes.put_keys([jax.random.key(c.seed + 1) for c in configs])
  state = lanes.put_states(states)
  logging.info('The first step compiles: it takes much longer than others.')
  pending = None  # The step before, checked while the next one runs.
  with contextlib.ExitStack() as stack:
    writes = [
      stack.enter_context(curves.writing(workdir, first_step))
      for workdir in runs
    ]
    signals = stack.enter_context(interrupt.catch())
    stack.callback(status_line.clear)
    for step, (ids, batch) in enumerate(
      ahead.prefetch(batches, put), first_step + 1
    ):
      last = step == config.num_train_steps
      logs_now = last or step % config.log_every == 0
      report = {}
      with jax.profiler.StepTraceAnnotation('train', step_num=step):
        if program.report and logs_now:
          report = program.report(state, batch, rng)
        state, logs = program.step(state, batch, rng)
      if pending:
        finite.check(*pending)
      pending = (step, ids, logs)
      validates = last or step % config.eval_every == 0
      signum = agree(signals[0] if signals else 0)
      stops = signum > 0
      if logs_now:
        rate = {'train/learning_rate': float(run.schedule(step - 1))}
        of_runs = lanes.split(logs | report)
        progress.losses(step, [table.losses(of_run) for of_run in of_runs])
        for write, of_run in zip(writes, of_runs, strict=True):
          values = {f'train/{k}': float(v) for k, v in of_run.items()}
          write(step, values | rate)
      progress.step(step)
      if validates or stops:
        finite.check(*pending)
        for manager, write, plain_state in zip(
          managers, writes, lanes.get_states(state), strict=True
        ):
          scores, thresholds = {}, {}
          if validates:
            scores, thresholds = evaluate.validate(
              run, program.predict, plain_state
            )
            write(step, evaluate.flat(scores) | evaluate.stated(run, scores))
          thresholds, chosen_by = processes.from_first(
            'validation',
            lambda t=thresholds, s=scores: (t, evaluate.selection(run, s)),
          )
          checkpoint.save(
            manager,
            step,
            plain_state,
            thresholds=thresholds,
            headline=chosen_by,
            force=True,
          )
      ends = last or (validates and _ends_early(runs, managers))
      if ends and not stops:  # Nor may a signal be lost in validation.
        signum = agree(signals[0] if signals else 0)
      if signum > 0:
        for manager in managers:
          manager.wait_until_finished()
        raise interrupt.Interrupted(step, signum)
      if ends:
        break


def _ends_early(runs, managers):
  """Whether config.early_stop ends each run; all have it, or it is one."""
  return all(
    early_stop.ends(config, workdir, manager)
    for (workdir, config), manager in zip(runs.items(), managers, strict=True)
  )
