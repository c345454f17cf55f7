"""Reads tables of weak labels for the corpora of a config, and checks them."""

import collections
from collections.abc import Collection, Iterable, Mapping, Sequence
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
    tables: Pairs (path, what `table.read` gives). Where several label a
      sample, the first of them counts.
    settings: config.weak.
    corpus: The corpus' name in the config.
    builder: Its builder.
    others: Full names of the config's other corpora, whose rows are skipped.

  Returns:
    {task: parts}; {} if no table has rows of this corpus.

  Raises:
    UserError: A table was made for another version of the corpus, or nothing
      of it is kept.
  """
  found: dict[str, list[weak_labels.Weighed]] = {}
  known: dict[str, set[str]] = collections.defaultdict(set)
  repeated: collections.Counter[str] = collections.Counter()
  for path, all_labels in tables:
    for labels in all_labels:
      if not is_of(labels, corpus, builder, others):
        continue
      _check_version(path, labels, corpus, builder, settings)
      is_new = np.array([x not in known[labels.task] for x in labels.ids], bool)
      repeated[labels.task] += int(np.sum(~is_new))
      known[labels.task].update(labels.ids)
      options = options_of(settings, labels.task, corpus)
      values, weights = selection.weigh(labels, **options)
      found.setdefault(labels.task, []).append(
        weak_labels.Weighed(
          labels.outputs,
          labels.kind,
          labels.ids[is_new],
          values[is_new],
          weights[is_new],
        )
      )
      _check_kept(path, labels, weights, options, corpus)
  for task, count in repeated.items():
    if count:
      logging.info(
        '%s: %d weak labels of %s are in several tables; the first counts.',
        corpus,
        count,
        task,
      )
  return found


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


def _check_kept(path, labels, weights, options, corpus) -> None:
  """Raises UserError if labels that should count are all left out."""
  kept = int(np.sum(weights.reshape(len(weights), -1).any(-1)))
  logging.info(
    '%s: %d of %d weak labels of %s count, by %s (mean weight %.2f).',
    corpus,
    kept,
    len(weights),
    labels.task,
    options['rule'],
    weights[weights > 0].mean() if kept else 0.0,
  )
  if kept or not options['weight']:
    return
  least = labels.confidence.reshape(len(weights), -1).max(-1)
  lower = ', '.join(
    f'{int(np.sum(least >= t))} at {t:g}' for t in (0.9, 0.8, 0.7, 0.6, 0.5)
  )
  raise UserError(
    f'{path}: no weak label of {labels.task} for {corpus} is kept by '
    f'config.weak.rule={options["rule"]!r} with threshold '
    f'{options["threshold"]}. As confident as a lower threshold are {lower}, '
    f'of {len(weights)}.'
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
