"""Evaluates a run: a state during training, and its best checkpoint."""

from collections.abc import Callable, Sequence
import math
import os
from typing import Any

from absl import logging

from affect_jax.data import clusters
from affect_jax.data import streams
from affect_jax.errors import UserError
from affect_jax.evaluation import gaps
from affect_jax.evaluation import modality_subsets
from affect_jax.evaluation import predict as predict_lib
from affect_jax.evaluation import prediction_csv
from affect_jax.evaluation import score
from affect_jax.evaluation import selection_score
from affect_jax.evaluation import table
from affect_jax.run import build
from affect_jax.run import folder as run_folder
from affect_jax.run import program
from affect_jax.run import same_data
from affect_jax.run import signature as signature_lib
from affect_jax.run import trained_on
from affect_jax.training import checkpoint
from affect_jax.training import processes
from affect_jax.training import train_state

# {'val' | 'test', with '/CORPUS' if there are several: {metric: value}}.
Scores = dict[str, dict[str, float]]
SPLITS = ('val', 'test')


def validate(
  run: build.Run, predict: Callable, state: Any
) -> tuple[Scores, dict[str, Any]]:
  """Scores validation splits; returns scores and {corpus: tuned thresholds}."""
  scores: Scores = {}
  thresholds = {}
  for corpus in run.corpora:
    if 'val' in corpus.splits:
      rows = _predict_split(run, predict, state, corpus, 'val')
      thresholds[corpus.name] = score.tune(run.tasks, rows)
      key = _key(run, 'val', corpus)
      scores[key] = score.score(run.tasks, rows, thresholds[corpus.name])
      table.log_headlines(key, run.tasks, scores[key])
  return scores, thresholds


def selection(run: build.Run, scores: Scores) -> float | None:
  """Returns the selection score of `validate`'s scores.

  See `selection_score`; None if it is not defined.
  """
  by_corpus = {
    c.name: scores[key]
    for c in run.corpora
    if (key := _key(run, 'val', c)) in scores
  }
  if not by_corpus:
    return None
  return selection_score.score(run.selection, by_corpus, run.tasks)


def stated(run: build.Run, scores: Scores) -> dict[str, float]:
  """Returns {'val/selection': score} and logs it; {} if it is the headline."""
  value = selection(run, scores)
  if value is None or not _states_selection(run):
    return {}
  formula = selection_score.stated(run.selection)
  logging.info('selection score %.4f = %s', value, formula)
  return {f'val/{selection_score.KEY}': value}


def _states_selection(run: build.Run) -> bool:
  """Returns whether the selection score is another than the headline."""
  several = len([c for c in run.corpora if 'val' in c.splits]) > 1
  return several or bool(run.selection)


def flat(scores: Scores) -> dict[str, float]:
  """Returns {'split/task/metric': value} of the scores that are defined."""
  return {
    f'{split}/{name}': value
    for split, values in scores.items()
    for name, value in values.items()
    if not math.isnan(value)
  }


def _key(run: build.Run, split: str, corpus: streams.Corpus) -> str:
  """Returns 'val', or 'val/CORPUS' if the run has several corpora."""
  return split if len(run.corpora) == 1 else f'{split}/{corpus.name}'


def _predict_split(run, predict, state, corpus, split, kept=None):
  batches = run.samples.eval_batches(corpus.builder, corpus.splits[split])
  if kept is not None:
    batches = modality_subsets.keep(batches, run.samples.modalities, kept)
  variables = train_state.eval_variables(state)
  return predict_lib.predict_split(predict, variables, batches, run.parallel)


def evaluate_best(
  config: Any,
  workdir: str,
  run: build.Run | None = None,
  predict: Callable | None = None,
  splits: Sequence[str] = SPLITS,
) -> dict[str, dict[str, float]]:
  """Rebuilds results.json and predictions/ from the best checkpoint.

  The best has the highest selection score; without validation it is the latest.
  Thresholds are those stored with it for the same corpus. Tasks and model are
  those of the run's signature, which is made now if the run is older than
  signatures. If the run has not reached its last step, all files go to its
  folder `evaluated_at_step_N`, so that training can continue. With several
  corpora, or config.selection, the entry 'val' states the selection score.

  Args:
    config: See `configs/`.
    workdir: Folder of the run.
    run, predict: What the config describes, and its `program.make_predict`, if
      they exist already.
    splits: Which splits to evaluate.

  Raises:
    FileNotFoundError: There is no checkpoint.
    UserError: The corpora mean something else to the model than in training,
      or they have changed and the run has no signature.
  """
  run = run or _build(config, workdir)
  predict = predict or program.make_predict(run)
  with checkpoint.build_manager(workdir, config.eval_every) as manager:
    best, latest = processes.from_first(
      'best step', lambda: (manager.best_step(), manager.latest_step())
    )
    step = latest if best is None else best
    if step is None or latest is None:
      raise FileNotFoundError(f'No checkpoint in {workdir}/checkpoints.')
    state = build.abstract_state(run, config)
    state, thresholds = checkpoint.restore(manager, step, state)
  out = workdir
  end = processes.from_first(
    'last step', lambda: run_folder.last_step(workdir, config.num_train_steps)
  )
  if latest < end:
    out = os.path.join(workdir, f'evaluated_at_step_{latest}')
    os.makedirs(out, exist_ok=True)
    logging.info(
      'This run has done %d of %d steps; the scores below are of step %d. To '
      'continue training, repeat the command without --mode=evaluate.',
      latest,
      config.num_train_steps,
      step,
    )
  results: dict[str, Any] = {}
  judged: dict[str, list[str]] = {}  # By corpus.
  grid = {}
  for split in splits:
    rows = {
      c.name: _predict_split(run, predict, state, c, split)
      for c in run.corpora
      if split in c.splits
    }
    for corpus in run.corpora:
      if corpus.name in rows:
        tuned = thresholds.get(corpus.name, {})
        key = _key(run, split, corpus)
        if split == 'val':
          judged[corpus.name] = gaps.judged(run.tasks, rows[corpus.name])
          gaps.log(key, run.tasks, rows[corpus.name])
        of = judged.get(corpus.name)
        scores = score.score(run.tasks, rows[corpus.name], tuned, of)
        results[key] = {'step': float(step), **scores}
        if config.eval_subsets and run.samples.modalities:
          subsets = _score_subsets(
            run, predict, state, corpus, split, tuned, of
          )
          subsets[run.samples.modalities] = scores
          dropout = config.utterance.modality_dropout
          if processes.is_first():
            modality_subsets.show(key, run.tasks, subsets, dropout)
          grid[key] = {'+'.join(k): dict(v) for k, v in subsets.items()}
    if split == 'val' and rows and _states_selection(run):
      entry = results.setdefault('val', {'step': float(step)})
      # Undefined is said, lest the headline chooses in its place.
      name = selection_score.KEY
      entry[name] = stated(run, results).get(f'val/{name}', math.nan)
    if rows and processes.is_first():
      for corpus in run.corpora:
        if corpus.name in rows:
          known = clusters.read(corpus.builder, corpus.splits[split])
          corpus_rows = rows[corpus.name]
          corpus_rows['cluster'] = [known[x] for x in corpus_rows['id']]
      path = os.path.join(out, 'predictions', f'{split}.csv')
      prediction_csv.write(path, run.tasks, rows)
  path = os.path.join(out, 'results.json')
  if processes.is_first():
    if grid:
      run_folder.write_json(os.path.join(out, 'subsets.json'), grid)
    run_folder.write_json(path, results)
  # Read back, NaN is None.
  results = processes.from_first('results', lambda: run_folder.read_json(path))
  if processes.is_first():
    table.show(results, out)
    log_stop(workdir)
  return results


def log_stop(workdir: str) -> None:
  """Logs why the run ended early, if it did."""
  if stop := run_folder.stopped(workdir):
    logging.info('Training ended at step %d: %s.', stop['step'], stop['why'])


def _build(config, workdir):
  """Builds the run from its signature, and reports changes of its data."""
  signature = signature_lib.read(workdir)
  run = build.build(config, signature)
  processes.check_same('data', run.data)
  if changes := same_data.changes(workdir, signature, run.data):
    if signature is None:
      raise UserError(
        f'{workdir} has no {signature_lib.FILE}, as an older version began it. '
        'Only the data that the run began with can make it, and they have '
        'changed: restore them.\n' + '\n'.join(changes)
      )
    logging.warning(
      'The data have changed since this run began:\n%s', '\n'.join(changes)
    )
  if signature is None and processes.is_first():
    signature_lib.write(workdir, run.signature)
    logging.info('Wrote %s/%s.', workdir, signature_lib.FILE)
  if processes.is_first() and not changes:
    trained_on.ensure(workdir, config, run.corpora, run.tasks)
  return run


def _score_subsets(run, predict, state, corpus, split, thresholds, judged):
  """Returns {modalities: scores} of all subsets but the whole set."""
  return {
    kept: score.score(
      run.tasks,
      _predict_split(run, predict, state, corpus, split, kept),
      thresholds,
      judged,
    )
    for kept in modality_subsets.names(run.samples.modalities)[:-1]
  }
