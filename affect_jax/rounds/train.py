"""Trains rounds of weak labels; see the docstring of the package."""

from collections.abc import Sequence
import os
import pathlib
from typing import Any

from absl import logging

from affect_jax import seeds
from affect_jax.errors import UserError
from affect_jax.evaluation import gains
from affect_jax.evaluation import score
from affect_jax.evaluation import selection_score
from affect_jax.run import check
from affect_jax.run import folder as run_folder
from affect_jax.run import label_table
from affect_jax.run import settled
from affect_jax.run import signature as signature_lib


def train(
  config: Any,
  workdir: str,
  *,
  rounds: int = 1,
  teachers: Sequence[str] = (),
  anyway: bool = False,
) -> dict[str, Any]:
  """Trains the rounds.

  Args:
    config: See `configs/`; `config.seeds` are the seeds of every round, and
      `config.weak` says which weak labels count.
    workdir: Folder of all rounds.
    rounds: Rounds after round 0.
    teachers: Folders of runs that label for round 1; () means round 0.
    anyway: Do further rounds even if one does not gain.

  Returns:
    The content of WORKDIR/results.json: {'rounds': [rows of gains on validation
    over the round before], 'chosen': round, 'test': rows of gains of the chosen
    one over round 0}.

  Raises:
    UserError: There are no seeds or no rounds; see also `labelling.label` and
      `seeds.train_and_evaluate`.
  """
  if not config.seeds or rounds < 1:
    raise UserError(
      'Give several seeds, so that a gain can be told from luck, and at least '
      "one round: --config.seeds='(0,1,2)' --rounds=1."
    )
  summaries = [_train(config, workdir, 0, ())]
  # As round 0 learned them: headlines depend on their options.
  signature = signature_lib.read(
    seeds.folder(_folder(workdir, 0), config.seeds[0])
  )
  assert signature is not None
  tasks = signature_lib.build_tasks(signature)
  on_val: list[Any] = []
  for number in range(1, rounds + 1):
    before = (
      teachers if number == 1 and teachers else [_folder(workdir, number - 1)]
    )
    path = _label(config, workdir, number, before)
    summaries.append(_train(config, workdir, number, (str(path),)))
    rows = _gains(config, summaries[-2], summaries[-1], tasks)
    on_val.append(rows)
    names = (f'round {number - 1}', f'round {number}')
    gains.show(rows, f'Round {number} on validation', names)
    row = _deciding(config, rows)
    gained = row is not None and row['gain'] > 0
    if not gained and not anyway and number < rounds:
      logging.info('Round %d does not gain: it is the last.', number)
      break
  chosen = _best(config, summaries, tasks)
  results = {'rounds': on_val, 'chosen': chosen, 'test': []}
  if chosen:
    first, best = (
      seeds.evaluate_once(_config(config, workdir, n), _folder(workdir, n))
      for n in (0, chosen)
    )
    results['test'] = gains.of_tasks(first, best, tasks, 'test')
    title = f'Gold and weak labels (round {chosen}) against gold alone, on test'
    gains.show(results['test'], title, ('gold alone', f'round {chosen}'))
  else:
    logging.info('No round gains on validation: gold alone is as good.')
  run_folder.write_json(os.path.join(workdir, 'results.json'), results)
  return results


def _folder(workdir: str, number: int) -> str:
  return os.path.join(workdir, f'round_{number}')


def _config(config: Any, workdir: str, number: int, tables: Any = None) -> Any:
  """Returns the config of a round: with its table, if it has one."""
  if tables is None:
    path = os.path.join(workdir, f'round_{number}.parquet')
    tables = (path,) if number else ()
  given = tuple(config.data.weak_labels)
  return settled.changed(config, {'data.weak_labels': (*tables, *given)})


def _train(config, workdir, number, tables) -> dict[str, Any]:
  logging.info('== round %d', number)
  return seeds.train_and_evaluate(
    _config(config, workdir, number, tables),
    _folder(workdir, number),
    splits=('val',),
  )


def _label(config, workdir, number, teachers) -> pathlib.Path:
  """Makes the table of a round, unless it exists; returns its path."""
  path = pathlib.Path(workdir, f'round_{number}.parquet')
  label_table.ensure(path, config, teachers)
  return path


def _gains(config, before, after, tasks) -> list[dict[str, Any]]:
  """Returns gains on validation, also of what chooses."""
  rows = gains.of_tasks(before, after, tasks, 'val')
  if check.selection(config):
    rows += gains.of_selection(before, after)
  return rows


def _best(config, summaries, tasks) -> int:
  """Returns the round whose validation is the best."""
  values = []
  for summary in summaries:
    row = _deciding(config, _gains(config, summary, summary, tasks))
    values.append(float('-inf') if row is None else row['after'])
  return values.index(max(values))


def _deciding(config, rows) -> dict[str, Any] | None:
  """Returns the row of what chooses; None if it is not defined."""
  of = selection_score.KEY if check.selection(config) else score.HEADLINE
  return next((row for row in rows if row['metric'] == of), None)
