"""What runs left: scores, curves, predictions, by seed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
import dataclasses
import pathlib
from typing import Any

from affect_jax.report import predictions

# {'split' or 'split/CORPUS': {'task/metric[/output]': score or None}}.
Scores = Mapping[str, Mapping[str, float | None]]
# {name: [(step, value)]}.
Curves = Mapping[str, Sequence[tuple[int, float]]]


@dataclasses.dataclass(frozen=True)
class Trained:
  """What one training left; what is missing or damaged is empty.

  Attributes:
    folder: Its folder.
    config: config.json.
    signature: signature.json.
    starts: Of environment.json, in order.
    results: results.json.
    subsets: subsets.json: {split: {'text+audio': scores}}.
    curves: metrics.jsonl.
    splits: {'val', 'test': predictions}.
  """

  folder: pathlib.Path
  config: Mapping[str, Any]
  signature: Mapping[str, Any]
  starts: Sequence[Mapping[str, Any]]
  results: Scores
  subsets: Mapping[str, Mapping[str, Mapping[str, float | None]]]
  curves: Curves
  splits: Mapping[str, predictions.Split]


@dataclasses.dataclass(frozen=True)
class Run:
  """A way of training, with one or several seeds.

  Attributes:
    letter: 'A' for the first, and so on.
    path: As the user names it.
    name: What figures call it.
    suffix: ', NAME' where there are several runs, to tell it from others.
    seeds: {number: what it left}; the number of a single run is None.
    notes: What is missing or damaged.
    quality: {file: what `label.quality --json` wrote into the folder}.
  """

  letter: str
  path: str
  name: str
  suffix: str
  seeds: Mapping[int | None, Trained]
  notes: Sequence[str]
  quality: Mapping[str, Mapping[str, Any]]

  @property
  def first(self) -> Trained:
    """What the first seed left."""
    return next(iter(self.seeds.values()))

  @property
  def seeds_in_words(self) -> str:
    """'one run', or how many seeds."""
    return 'one run' if len(self.seeds) == 1 else f'{len(self.seeds)} seeds'

  def labelled(self, split: str) -> list[tuple[str, str]]:
    """Returns each (corpus, task) that some seed predicted and has gold of."""
    return list(
      dict.fromkeys(
        (corpus, task)
        for seed in self.seeds.values()
        for corpus, tasks in seed.splits.get(split, {}).items()
        for task in tasks
      )
    )

  def predicted(
    self, split: str, corpus: str, task: str
  ) -> list[predictions.Predicted]:
    """Returns what each seed that knows a task predicted for it."""
    return [
      found
      for seed in self.seeds.values()
      if (found := seed.splits.get(split, {}).get(corpus, {}).get(task))
    ]

  def scores(self, split: str, corpus: str, metric: str) -> list[float]:
    """Returns a score of each seed that has it."""
    found = []
    for seed in self.seeds.values():
      several = seed.results.get(f'{split}/{corpus}')
      value = (several or seed.results.get(split, {})).get(metric)
      if value is not None:
        found.append(float(value))
    return found

  @property
  def tasks(self) -> list[str]:
    """Names of its tasks."""
    of = self.first
    if tasks := of.signature.get('tasks'):
      return list(tasks)
    return list(dict.fromkeys(name.split('/')[0] for name in _metrics(of)))

  def headline(self, task: str) -> str | None:
    """Returns the metric by which a task's checkpoints are compared.

    It is the first that a task lists; a test holds all tasks to that. None if
    there is no score of the task.
    """
    for seed in self.seeds.values():
      for name in _metrics(seed):
        of, _, metric = name.partition('/')
        if of == task and '/' not in metric and metric != 'num_gold':
          return metric
    return None


def _metrics(of: Trained) -> Iterable[str]:
  """Yields 'task/metric[/output]' of all scores."""
  for scores in of.results.values():
    yield from (x for x in scores if '/' in x)
  # A run that is not finished has curves only.
  prefix = len(of.signature.get('data', {})) > 1
  for name in of.curves:
    parts = name.split('/')[1 + prefix :]
    if name.startswith('val/') and len(parts) > 1:
      yield '/'.join(parts)


def each(
  runs: Sequence[Run], split: str
) -> Iterator[tuple[Run, str, str, list[predictions.Predicted]]]:
  """Yields (run, corpus, task, predictions of each seed) of all there are.

  Runs of the same corpus and task come one after another, to be compared.
  """
  for corpus, task in dict.fromkeys(x for r in runs for x in r.labelled(split)):
    for run in runs:
      if seeds := run.predicted(split, corpus, task):
        yield run, corpus, task, seeds
