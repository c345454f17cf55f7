"""The one score of validation that chooses: checkpoints, settings, rounds.

config.selection says what it is: {name: weight}, and the sum of weight * score
is the selection score; higher is better. A name is

  TASK                 the headline metric of a task
  TASK/METRIC          another metric of it, as TASK/f1/OUTPUT
  CORPUS               the mean of the headline metrics of a corpus' tasks
  CORPUS/TASK, CORPUS/TASK/METRIC

as in {'toy/emotion/macro_f1': 1.0, 'mosi/sentiment/mae': -0.5}. Without a
corpus, the mean over all corpora that have the score counts. None, or {}, is
the mean over corpora of the mean of their tasks' headline metrics.
"""

from collections.abc import Mapping, Sequence
import math
from typing import Any

from absl import logging

from affect_jax import by_name
from affect_jax.errors import UserError
from affect_jax.evaluation import score as score_lib

SETTING = 'config.selection'
# The key of the score in results.json, in its entry 'val'.
KEY = 'selection'


def check(
  settings: Any,
  corpora: Sequence[str],
  metrics: Mapping[str, Sequence[str]],
  without_val: Sequence[str] = (),
) -> None:
  """Checks config.selection before data are touched.

  Args:
    settings: {name: weight}, or None.
    corpora: Names of the corpora that have a validation split.
    metrics: {task: its metrics, without those of single outputs}.
    without_val: Names of the other corpora.

  Raises:
    UserError: A name is unknown or means two things, or a weight is no number,
      0, or has the wrong sign for an error.
  """
  if settings is None:
    return
  if not isinstance(settings, Mapping):
    raise UserError(
      f"{SETTING}={settings!r} must be {{name: weight}}, as {{'emotion': 1.0, "
      "'sentiment/mae': -0.5}."
    )
  for name, weight in settings.items():
    if (
      isinstance(weight, bool)
      or not isinstance(weight, int | float)
      or not math.isfinite(weight)
      or not weight
    ):
      raise UserError(
        f'{SETTING}[{name!r}] is {weight!r}, but must be a number that is not '
        '0; leave out what shall not count.'
      )
    parts = str(name).split('/')
    if parts[0] in without_val:
      raise UserError(
        f'{SETTING} has {name!r}, but corpus {parts[0]!r} has no '
        'config.data.splits.val.'
      )
    if len(parts) == 1 and name in corpora and name in metrics:
      raise UserError(
        f'{SETTING} has {name!r}, which is a task and a corpus: write '
        f"'{name}/TASK' with a task of that corpus, or rename the corpus in "
        'config.data.corpora.'
      )
    corpus, task, metric = _split(name, corpora, metrics)
    if not corpus:
      by_name.check('score', task, [*metrics, *corpora], of=SETTING)
    elif task:
      by_name.check('task', task, metrics, of=f'{SETTING}[{name!r}]')
    if metric:
      first = metric.split('/')[0]
      of = f'{SETTING}[{name!r}]'
      by_name.check('metric', first, metrics[task], of=of)
      if first in score_lib.LOWER_IS_BETTER and weight > 0:
        raise UserError(
          f'{SETTING}[{name!r}] is {weight}, but lower {first} is better: give '
          'it a negative weight.'
        )


def check_places(
  settings: Mapping[str, float] | None,
  known: Mapping[str, Mapping[str, Sequence[str]]],
  tasks: Sequence[Any],
) -> None:
  """Checks that every score of config.selection will exist.

  Args:
    settings: See `check`.
    known: {corpus with a validation split: {task that it annotates: names of
      the outputs}}.
    tasks: The tasks of the run.

  Raises:
    UserError: A corpus does not annotate the task or the output, or the metric
      has no such output.
  """
  names = score_lib.names(tasks)
  by_task = {t.name: t for t in tasks}
  for name in settings or {}:
    corpus, task, _ = _split(name, known, by_task)
    if not corpus:
      by_name.check('score', task, [*by_task, *known], of=SETTING)
    if task:
      metric = _metric(name, known, by_task)
      if metric not in names:
        raise by_name.unknown(
          'score',
          metric,
          [n for n in names if n.split('/')[0] == task],
          of=SETTING,
        )
      output = set(metric.split('/')[2:3]) & set(by_task[task].outputs)
      having = [
        c for c, of in known.items() if task in of and output <= {*of[task]}
      ]
      if (corpus and corpus not in having) or not having:
        what = '/'.join([task, *output])
        raise UserError(
          f'{SETTING} has {name!r}, but '
          + (f'{corpus!r} does not label' if corpus else 'no corpus labels')
          + f' {what} in validation; these do: {having or "none"}.'
        )


def score(
  settings: Mapping[str, float] | None,
  scores: Mapping[str, Mapping[str, float | None]],
  tasks: Sequence[Any],
) -> float | None:
  """Returns the selection score; None if a part of it is not defined.

  The default is the mean of what is defined, and None if nothing is.

  Args:
    settings: See `check`.
    scores: {corpus: its scores on validation}, from `score.score`.
    tasks: The tasks.
  """
  if not settings:
    return _mean([s[score_lib.HEADLINE] for s in scores.values()])
  total = 0.0
  by_task = {t.name: t for t in tasks}
  for name, weight in settings.items():
    corpus, _, _ = _split(name, scores, by_task)
    metric = _metric(name, scores, by_task)
    wanted = [corpus] if corpus else scores
    value = _mean([scores[c].get(metric) for c in wanted])
    if value is None:
      logging.warning('%s: %s is not defined now.', SETTING, name)
      return None
    total += weight * value
  return total


def stated(settings: Mapping[str, float] | None) -> str:
  """Returns the formula as text."""
  if not settings:
    return 'mean headline of the corpora'
  terms = [f'{w:+g} {name}' for name, w in settings.items()]
  return ' '.join(terms).removeprefix('+')


def of_results(results: Mapping[str, Mapping[str, Any]]) -> float | None:
  """Returns the selection score of a run's results.json.

  Runs of one corpus with the default, and older ones, have only headlines.
  """
  if KEY in results.get('val', {}):
    return results['val'][KEY]
  return _mean(
    [
      scores[score_lib.HEADLINE]
      for split, scores in results.items()
      if split.split('/')[0] == 'val'
    ]
  )


def _split(
  name: str, corpora: Any, tasks: Mapping[str, Any]
) -> tuple[str, str, str]:
  """Returns corpus, task and metric of a name, '' where it has none."""
  first, *rest = name.split('/')
  is_corpus = first in corpora and (not rest or rest[0] in tasks)
  # 'mosi/sentimnt' is a corpus with a task that does not exist.
  is_corpus = is_corpus or (first in corpora and first not in tasks)
  if not is_corpus:
    return '', first, '/'.join(rest)
  return first, rest[0] if rest else '', '/'.join(rest[1:])


def _metric(name: str, corpora: Any, by_task: Mapping[str, Any]) -> str:
  """Returns a name's key in the scores of a corpus."""
  _, task, metric = _split(name, corpora, by_task)
  if not task:
    return score_lib.HEADLINE
  return f'{task}/{metric or by_task[task].headline}'


def _mean(values: Sequence[float | None]) -> float | None:
  """Returns the mean of what is defined; None if nothing is."""
  defined = [v for v in values if v is not None and not math.isnan(v)]
  return sum(defined) / len(defined) if defined else None
