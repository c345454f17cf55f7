"""Describes a config's tasks, with options that depend on the corpora."""

from collections.abc import Mapping, Sequence
import dataclasses
import itertools
from typing import Any

from absl import logging
import numpy as np

from affect_jax import tasks as tasks_lib
from affect_jax.corpora.builders import records
from affect_jax.data import label_counts
from affect_jax.data import label_mapping
from affect_jax.data import sample_ids
from affect_jax.data import streams
from affect_jax.data import weak_labels
from affect_jax.data import weak_tables
from affect_jax.errors import UserError
from affect_jax.tasks import class_weights


def build(
  config: Any,
  corpora: Sequence[streams.Corpus],
  shares: Mapping[str, float],
  taught: Mapping[str, Sequence[str]] | None = None,
) -> tuple[dict[str, dict[str, Any]], label_counts.Counts]:
  """Returns {task: options} of tasks with labels, and counts of their labels.

  The options are those of `tasks.get_task`, as JSON can hold them.

  Empty `outputs` in a task's options mean those of the corpora: the outputs of
  the first, then what the others add. Options that depend on counts use the
  counts of labels that training draws, given the `shares` of corpora and
  config.data.balance; the counts returned are of labels that it has.

  Args:
    config: See `configs/`.
    corpora: Its corpora.
    shares: {corpus: share of the training rows}.
    taught: {task: outputs} of tasks that training gets labels of without a
      table, see `on_line.taught`; outputs are () if nobody tells them.
  """
  taught = taught or {}
  options = {name: options_of(config, name, corpora) for name in config.tasks}
  for name, known in taught.items():
    if known:
      options[name].setdefault('outputs', tuple(known))
  # Some options need counts, but counting needs tasks: leave them out here.
  plain = [
    tasks_lib.get_task(
      name,
      **{k: v for k, v in o.items() if k not in class_weights.by_counts(o)},
    )
    for name, o in options.items()
  ]
  training = [c for c in corpora if 'train' in c.splits]
  weak = {name for c in training for name in c.weak()}
  if weak:
    ids = (sample_ids.ids_of(c.builder, c.splits['train']) for c in training)
    weak_tables.check_ids(
      {c.name: c.weak() for c in training}, itertools.chain(*ids)
    )
  counts, drawn = label_counts.of_training(
    corpora, plain, shares, config.data.balance
  )
  # Those of weight 0 teach nothing.
  counted = {
    name
    for c in training
    for name, parts in c.weak().items()
    if any(np.any(part.weights > 0) for part in parts)
  }
  if weak and config.weak.count:
    _, drawn = label_counts.of_training(
      corpora, plain, shares, config.data.balance, weak=True
    )
  kept = label_mapping.require(
    counts, plain, drop=config.drop_unlabelled_tasks, weak={*counted, *taught}
  )
  log_counts(counts, kept)
  for task in kept:
    chosen = options[task.name]
    chosen['outputs'] = task.outputs
    if class_weights.by_counts(chosen):
      mass, labelled = (
        tuple(np.asarray(drawn[task.name][k], np.float64).ravel().tolist())
        for k in ('mass', 'labelled')
      )
      chosen['counts'] = (mass, labelled) if task.weight_per_output else mass
  return (
    {t.name: options[t.name] for t in kept},
    {t.name: counts[t.name] for t in kept},
  )


def outputs(
  config: Any, corpora: Sequence[streams.Corpus]
) -> dict[str, tuple[str, ...]]:
  """Returns {task: names of its outputs} if config or corpora name some."""
  # Weak labels need not be there any more when a run is evaluated.
  gold = [dataclasses.replace(c, weak=dict) for c in corpora]
  options = {name: options_of(config, name, gold) for name in config.tasks}
  return {n: o['outputs'] for n, o in options.items() if 'outputs' in o}


def check_balance(config: Any) -> None:
  """Raises UserError if two settings compensate for rare classes."""
  name = config.data.balance
  if name not in config:
    return
  options = config[name].to_dict()
  if twice := class_weights.by_counts(options):
    others = ' and '.join(f'config.{name}.{k}={options[k]!r}' for k in twice)
    # Flags that turn these options off.
    off = {'logit_adjustment': '0'}
    without = ' '.join(f'--config.{name}.{k}={off.get(k, "")}' for k in twice)
    raise UserError(
      f'config.data.balance={name!r} draws the classes of {name} equally '
      f'often, and {others} would make up for rare ones a second time. Give '
      f'either --config.data.balance= (nothing) or {without}. Class weights '
      'that are numbers do go with config.data.balance.'
    )


def options_of(
  config: Any, name: str, corpora: Sequence[streams.Corpus]
) -> dict[str, Any]:
  """Returns a task's options that the config sets, with the corpora's outputs.

  Options that the config leaves open are left out.
  """
  options = config[name].to_dict() if name in config else {}
  if not options.get('outputs'):
    columns = [records.metadata(c.builder)['outputs'] for c in corpora]
    options['outputs'] = tuple(
      dict.fromkeys(o for by_task in columns for o in by_task.get(name, ()))
    ) or tuple(
      dict.fromkeys(
        o for c in corpora for o in weak_labels.outputs_of(c.weak(), name)
      )
    )
  for key in ('class_weights', 'pos_weight'):
    value = options.get(key, '')
    if isinstance(value, str) and value not in ('', *class_weights.METHODS):
      options[key] = _numbers(f'config.{name}.{key}', value)
  return given(options)


def given(settings: Mapping[str, Any]) -> dict[str, Any]:
  """Returns a task's settings without open ones: '', () and None."""
  return {k: v for k, v in settings.items() if v not in ('', (), None)}


def _numbers(key: str, text: str) -> tuple[float, ...]:
  """Parses numbers as flags give them, as in '1, 2.5, 3'."""
  try:
    return tuple(float(x) for x in text.strip('()[]').split(',') if x.strip())
  except ValueError as error:
    raise UserError(
      f"{key}={text!r}: give numbers, as in '1, 2.5', or one of "
      f'{", ".join(class_weights.METHODS)}.'
    ) from error


def loss_weights(config: Any, tasks: Sequence[Any]) -> dict[str, float]:
  """Returns {task: factor of its loss in the sum}, 1 by default."""
  return {t.name: config.loss_weights.get(t.name, 1.0) for t in tasks}


def log_counts(counts: dict[str, Any], tasks: Sequence[Any]) -> None:
  """Logs how many training labels each output has."""
  for task in tasks:
    mass, labelled = (counts[task.name][k] for k in ('mass', 'labelled'))
    if task.weight_per_output:
      cells = [
        f'{o} {int(n)}' for o, n in zip(task.outputs, labelled, strict=True)
      ]
    else:
      cells = [f'{o} {n:.0f}' for o, n in zip(task.outputs, mass, strict=True)]
    logging.info('labels in training, %s: %s', task.name, ', '.join(cells))
    absent = [o for o, n in zip(task.outputs, mass, strict=True) if not n > 0]
    if absent and not task.weight_per_output:
      logging.warning(
        '%s: no training sample of %s, so that it cannot be learned; where val '
        'or test have some, it counts like all others.',
        task.name,
        ', '.join(absent),
      )
