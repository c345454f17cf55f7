"""The metrics that are compared, of any predictions of a split's samples."""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
from typing import Any

import numpy as np

from affect_jax import by_name
from affect_jax.evaluation import score

# No metrics, though they stand among them.
COUNTS = ('num_gold', 'confusion')

# {(task, whether decided by tuned thresholds): [N, K]}.
Predictions = dict[tuple[str, bool], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Metric:
  """A metric of a task, and which of its values are wanted.

  Attributes:
    task: Name of the task.
    tuned: Whether it reads predictions decided by thresholds of validation.
    function: (predictions, labels, weights) -> a float, or {output: float}.
    name: 'task/metric'.
    outputs: Of the task, in the order of labels.
    wanted: Names 'task/metric[/output]' in the order of their values.
  """

  task: str
  tuned: bool
  function: Callable[..., Any]
  name: str
  outputs: tuple[str, ...] = ()
  wanted: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Measures:
  """M metrics of a split, on its gold labels.

  Attributes:
    metrics: Where they come from.
    labels: {task: [N, K]}.
    weights: {task: 1 for a gold label, else 0; [N] or [N, K]}.
  """

  metrics: Sequence[Metric]
  labels: Mapping[str, np.ndarray]
  weights: Mapping[str, np.ndarray]

  @property
  def names(self) -> tuple[str, ...]:
    """Names of the M metrics, 'task/metric[/output]'."""
    return tuple(name for m in self.metrics for name in m.wanted)

  def __call__(
    self, predictions: Predictions, times: np.ndarray | None = None
  ) -> np.ndarray:
    """Returns M scores; NaN where a metric is undefined.

    Args:
      predictions: From `predictions`.
      times: How often each sample counts, [N]; None: once.
    """
    values: list[float] = []
    for metric in self.metrics:
      weights = self.weights[metric.task]
      if times is not None:
        weights = weights * (times if weights.ndim == 1 else times[:, None])
      value = metric.function(
        predictions[metric.task, metric.tuned],
        self.labels[metric.task],
        weights,
      )
      found = score.flat(metric.name, value)
      values += [found[name] for name in metric.wanted]
    return np.array(values)

  def labelled(self) -> 'Measures':
    """Returns only metrics of tasks with any gold label; all if none has."""
    kept = [m for m in self.metrics if self.weights[m.task].any()]
    return dataclasses.replace(self, metrics=kept or self.metrics)

  def gold(self) -> np.ndarray:
    """Returns how many gold labels each sample has for each metric, [N, M]."""
    columns = []
    for metric in self.metrics:
      weights = self.weights[metric.task]
      for name in metric.wanted:
        output = name.removeprefix(f'{metric.name}/')
        if weights.ndim == 1:
          columns.append(weights)
        elif output in metric.outputs:  # Others may be labelled elsewhere.
          columns.append(weights[:, metric.outputs.index(output)])
        else:
          columns.append(weights.sum(-1))
    return np.stack(columns, -1)


def build(
  tasks: Sequence[Any],
  rows: Mapping[str, Any],
  *,
  thresholds: Mapping[str, Any],
  names: Sequence[str] = (),
) -> Measures:
  """Chooses metrics of tasks.

  Args:
    tasks: The tasks.
    rows: Of any run, for the gold labels; see `prediction_csv.read`.
    thresholds: Of any run: which outputs are tuned, of which there are tuned
      metrics.
    names: Wanted: 'task/metric', with all its outputs, 'task/metric/output',
      or 'task', with all of these. (): all metrics with one value per task.

  Raises:
    UserError: A name is unknown.
  """
  weights = {t.name: score.gold(t, rows) for t in tasks}
  metrics, known = [], []
  for metric in _all(tasks, thresholds):
    # Values do not matter here, only which there are.
    labels = rows['labels'][metric.task]
    value = metric.function(labels, labels, weights[metric.task])
    there = list(score.flat(metric.name, value))
    known += there
    if names:
      wanted = [x for x in there if any(_within(x, name) for name in names)]
    else:
      wanted = there if there == [metric.name] else []
    if wanted:
      metrics.append(dataclasses.replace(metric, wanted=tuple(wanted)))
  for name in names:
    if not any(_within(x, name) for x in known):
      short = dict.fromkeys('/'.join(x.split('/')[:2]) for x in known)
      raise by_name.unknown('metric', name, short)
  return Measures(metrics, rows['labels'], weights)


def predictions(
  tasks: Sequence[Any], rows: Mapping[str, Any], thresholds: Mapping[str, Any]
) -> Predictions:
  """Returns predictions of a run as `Measures` reads them.

  Runs have thresholds of their own, which cannot be swapped sample by sample
  unless they are applied first.
  """
  found: Predictions = {}
  for task in tasks:
    values = rows['predictions'][task.name]
    found[task.name, False] = values
    if cut := thresholds.get(task.name):
      # What is not tuned has no tuned metric.
      cuts = np.array([0.5 if cut[o] is None else cut[o] for o in task.outputs])
      found[task.name, True] = (values > cuts[None, :]).astype(np.float32)
  return found


def is_lower_better(name: str) -> bool:
  """Says whether a lower value of 'task/metric[/output]' is better."""
  return name.split('/')[1] in score.LOWER_IS_BETTER


def _all(tasks: Sequence[Any], thresholds: Mapping[str, Any]) -> list[Metric]:
  found = []
  for task in tasks:
    outputs = tuple(task.outputs)
    for name, function in task.metrics.items():
      if name not in COUNTS:
        full = f'{task.name}/{name}'
        found.append(Metric(task.name, False, function, full, outputs))
    tuned = thresholds.get(task.name, {})
    for name, function in task.tuned_metrics.items() if tuned else ():
      # Runs' thresholds are applied already, see `predictions`.
      halves = {k: None if v is None else 0.5 for k, v in tuned.items()}
      found.append(
        Metric(
          task.name,
          True,
          lambda p, y, w, f=function, cut=halves: f(p, y, w, cut),
          f'{task.name}/{name}',
          outputs,
        )
      )
  return found


def _within(name: str, group: str) -> bool:
  return name == group or name.startswith(f'{group}/')
