"""Reads tables of weak labels for the corpora of a config, and checks them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
import dataclasses
from typing import Any

from absl import logging
import numpy as np

from affect_jax import by_name
from affect_jax.data import weak_labels
from affect_jax.errors import UserError
from affect_jax.weak import combination
from affect_jax.weak import selection
from affect_jax.weak import table

# Options of `selection.check`, which need no labels.
CHECKED = ('rule', 'threshold', 'weight', 'temperature')


def check_settings(
  settings: Mapping[str, Any], tasks: Sequence[str], corpora: Sequence[str]
) -> None:
  """Raises UserError if config.weak names or sets something wrong."""
  if settings['warmup_steps'] < 0:
    raise UserError(
      f'config.weak.warmup_steps={settings["warmup_steps"]} must be at least 0.'
    )
  known = options_of({**settings, 'by_task': {}, 'by_corpus': {}}, '', '')
  for group, names in (('by_task', tasks), ('by_corpus', corpora)):
    for name, own in settings[group].items():
      by_name.check(f'config.weak.{group}', name, names)
      for option in own:
        by_name.check('option', option, known, of=f'config.weak.{group}.{name}')
  for corpus in ('', *corpora):
    for task in ('', *tasks):
      options = options_of(settings, task, corpus)
      selection.check(**{k: v for k, v in options.items() if k in CHECKED})


def check_tables(paths: Sequence[str]) -> None:
  """Raises an error if a table is missing or cut short; reads none whole."""
  for path in paths:
    table.check_file(path)


def read(
  tables: Sequence[tuple[str, Sequence[table.WeakLabels]]],
  settings: Mapping[str, Any],
  corpus: str,
  builder: Any,
  others: Collection[str] = (),
) -> dict[str, list[weak_labels.Weighed]]:
  """Reads, chooses and weighs the weak labels of a corpus.

  Args:
    tables: Pairs (path, what `table.read` gives). Where several labels are of
      a sample, the first of them counts: where each output has a confidence of
      its own, the first that says something of it; a threshold that leaves it
      out lets no other in.
    settings: config.weak.
    corpus: The corpus' name in the config.
    builder: Its builder.
    others: Full names of the config's other corpora, whose rows are skipped.

  Returns:
    {task: parts}; {} if no table has rows of this corpus.

  Raises:
    UserError: A table was made for another version of the corpus, or no label
      of a task is kept.
  """
  by_task: dict[str, list[table.WeakLabels]] = {}
  paths: dict[str, list[str]] = {}
  for path, all_labels in tables:
    for labels in all_labels:
      if not is_of(labels, corpus, builder, others):
        continue
      _check_version(path, labels, corpus, builder, settings)
      by_task.setdefault(labels.task, []).append(labels)
      paths.setdefault(labels.task, []).append(path)
  found: dict[str, list[weak_labels.Weighed]] = {}
  for task, parts in by_task.items():
    options = options_of(settings, task, corpus)
    weighed = [
      weak_labels.Weighed(
        part.outputs, part.kind, part.ids, *selection.weigh(part, **options)
      )
      for part in parts
    ]
    found[task] = _each_once(weighed, [p.confidence > 0 for p in parts])
    repeated = sum(len(p.ids) for p in parts)
    repeated -= sum(len(p.ids) for p in found[task])
    if repeated:
      logging.info(
        '%s: %d weak labels of %s are of samples that others label before '
        'them: the first that says something counts.',
        corpus,
        repeated,
        task,
      )
    _check_kept(paths[task], parts, found[task], options, corpus)
  return found


def _each_once(
  parts: Sequence[weak_labels.Weighed], speaks: Sequence[np.ndarray]
) -> list[weak_labels.Weighed]:
  """Lets the first label of a sample count, output by output where it can.

  Args:
    parts: Weighed labels of one task.
    speaks: Whether they say something: bool, of the shape of weights.
  """
  first = dict.fromkeys(x for part in parts for x in part.ids)
  if len(first) == sum(len(part.ids) for part in parts):
    return [*parts]
  if {part.kind for part in parts} not in ({'presence'}, {'value'}):
    # A distribution over classes is one label: its outputs go together.
    known: set[str] = set()
    found = []
    for part in parts:
      new = np.array([x not in known for x in part.ids], bool)
      known.update(part.ids)
      found.append(
        dataclasses.replace(
          part,
          ids=part.ids[new],
          labels=part.labels[new],
          weights=part.weights[new],
        )
      )
    return found
  rows = {x: i for i, x in enumerate(first)}
  outputs = tuple(dict.fromkeys(o for part in parts for o in part.outputs))
  labels = np.zeros((len(rows), len(outputs)), np.float32)
  weights, said = np.zeros_like(labels), np.zeros(labels.shape, bool)
  for part, says in zip(parts, speaks, strict=True):
    cells = np.ix_(
      [rows[x] for x in part.ids], [outputs.index(o) for o in part.outputs]
    )
    new = says & ~said[cells]
    labels[cells] = np.where(new, part.labels, labels[cells])
    weights[cells] = np.where(new, part.weights, weights[cells])
    said[cells] |= new
  ids = np.array([*rows], object)
  joined = weak_labels.Weighed(outputs, parts[0].kind, ids, labels, weights)
  return [joined]


def is_of(
  labels: table.WeakLabels | combination.Group,
  corpus: str,
  builder: Any,
  others: Collection[str],
) -> bool:
  """Returns whether labels are of a corpus; for the arguments see `read`."""
  if labels.corpus not in ('', builder.name, corpus):
    return False
  now = builder.info.full_name
  return labels.version == now or labels.version not in others


def options_of(
  settings: Mapping[str, Any], task: str, corpus: str
) -> dict[str, Any]:
  """Returns options of `selection.weigh` for a task of a corpus.

  The setting of the task comes before the general one, that of the corpus
  before that of the task.
  """
  general = {
    k: v
    for k, v in settings.items()
    if k not in ('by_task', 'by_corpus', 'warmup_steps', 'count', 'any_version')
  }
  of_task = settings.get('by_task', {}).get(task, {})
  of_corpus = settings.get('by_corpus', {}).get(corpus, {})
  return {**general, **of_task, **of_corpus}


def _check_version(path, labels, corpus, builder, settings) -> None:
  now = builder.info.full_name
  if labels.version in ('', now) or settings['any_version']:
    return
  raise UserError(
    f'{path} has labels of {labels.version}, but {corpus} is {now} now. If the '
    'samples are the same, and only their features were made differently, give '
    '--config.weak.any_version; else make the table again.'
  )


def _check_kept(paths, parts, weighed, options, corpus) -> None:
  """Raises UserError if labels that should count are all left out.

  Args:
    paths: Of the tables that parts are of.
    parts: All labels of a task for the corpus.
    weighed: What became of them, each sample once.
    options: See `options_of`.
    corpus: Its name.
  """
  best = lambda x: x if x.ndim == 1 else x.max(-1)  # Of the outputs.
  weights = np.concatenate([best(part.weights) for part in weighed])
  least = np.concatenate([best(part.confidence) for part in parts])
  task = parts[0].task
  kept = int(np.sum(weights > 0))
  logging.info(
    '%s: %d of %d weak labels of %s count, by %s (mean weight %.2f).',
    corpus,
    kept,
    len(weights),
    task,
    options['rule'],
    np.concatenate([p.weights[p.weights > 0] for p in weighed]).mean()
    if kept
    else 0.0,
  )
  if kept or not options['weight']:
    return
  if not least.any():
    # No setting is to blame, so that other tasks may go on without it.
    logging.warning(
      '%s: all %d weak labels of %s have confidence 0 and do not count: who '
      'made them abstains, as a network does whose CCC on its own validation '
      'is not above 0.',
      corpus,
      len(least),
      task,
    )
    return
  lower = ', '.join(
    f'{int(np.sum(least >= t))} at {t:g}' for t in (0.9, 0.8, 0.7, 0.6, 0.5)
  )
  raise UserError(
    f'{", ".join(dict.fromkeys(paths))}: no weak label of {task} for {corpus} '
    'is kept by '
    f'config.weak.rule={options["rule"]!r} with threshold '
    f'{options["threshold"]}. As confident as a lower threshold are {lower}, '
    f'of {len(least)}.'
  )


def check_ids(
  parts: Mapping[str, weak_labels.Parts], ids: Iterable[str]
) -> dict[str, tuple[int, int]]:
  """Counts the labels whose samples training has.

  Args:
    parts: {corpus: from `read`}.
    ids: Those of the training splits of all corpora.

  Returns:
    {task: (labels of samples of the splits, labels of others)}.

  Raises:
    UserError: No label of a task is of a sample that training has.
  """
  known = set(ids)
  counts = {}
  for task in dict.fromkeys(
    t for of_corpus in parts.values() for t in of_corpus
  ):
    # A table that names no corpus is read for each of them.
    names = {
      x
      for of_corpus in parts.values()
      for part in of_corpus.get(task, ())
      for x in part.ids
    }
    strangers = sorted(names - known)
    counts[task] = (len(names) - len(strangers), len(strangers))
    if names and len(strangers) == len(names):
      raise UserError(
        f'None of the {len(names)} weak labels of {task} is of a training '
        f'sample. They have ids as {strangers[0]!r}, the samples as '
        f'{next(iter(known), "(none)")!r}.'
      )
    if strangers:
      logging.warning(
        '%d of %d weak labels of %s are of no training sample, as %r.',
        len(strangers),
        len(names),
        task,
        strangers[0],
      )
  return counts
