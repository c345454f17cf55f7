"""Joins weak labels to the gold of a config's corpora, by id."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from affect_jax import tasks as tasks_lib
from affect_jax.corpora.builders import records
from affect_jax.data import load
from affect_jax.data import sample_ids
from affect_jax.data import streams
from affect_jax.data import weak_tables
from affect_jax.errors import UserError
from affect_jax.weak import combination
from affect_jax.weak import quality


def compare(
  config: Any,
  groups: Sequence[combination.Group],
  combined: Sequence[Mapping[str, combination.Combined]],
  split: str,
  any_version: bool = False,
) -> list[dict[str, Any]]:
  """Returns `quality.describe` of every corpus and task that has gold.

  Args:
    config: See `configs/`; its corpora and splits are read.
    groups, combined: What labellers say, alone and together.
    split: 'train' or 'val'.
    any_version: Whether labels may be of other versions of a corpus.

  Raises:
    UserError: Labels are of another version of a corpus, or none of them is of
      a sample that has gold.
  """
  corpora = [c for c in load.build(config) if split in c.splits]
  if not corpora:
    raise UserError(
      f'No corpus has a split {split!r}: set config.data.splits.{split}.'
    )
  results = []
  for corpus in corpora:
    now = corpus.builder.info.full_name
    others = {c.builder.info.full_name for c in corpora} - {now}
    outputs = records.metadata(corpus.builder)['outputs']
    for of, made in zip(groups, combined, strict=True):
      if any_version and of.corpus in ('', corpus.builder.name):
        pass
      elif not weak_tables.is_of(of, corpus.name, corpus.builder, others):
        continue
      elif of.version not in ('', now):
        raise UserError(
          f'The labels of {of.task} are of {of.version}, but {corpus.name} is '
          f'{now} now. If the samples are the same, and only their features '
          'were made differently, give --any_version; else make the tables '
          'again.'
        )
      if of.task not in outputs:
        continue
      gold_outputs, gold_of = _gold(corpus, split, of.task, outputs[of.task])
      described = quality.describe(of, made, gold_outputs, gold_of)
      results += [{**one, 'corpus': corpus.name} for one in described]
  scored = sum(x['scored'] for one in results for x in one['labellers'])
  if not scored:
    known = {c.name: sorted(_outputs(c)) for c in corpora}
    raise UserError(
      f'None of the labels, of {sorted({g.task for g in groups})}, is of a '
      f'sample with gold in {split}; gold is there for {known}. Samples with '
      'gold are labelled by affect_jax.label with --label_gold.'
    )
  return results


def _outputs(corpus: streams.Corpus) -> Mapping[str, Sequence[str]]:
  return records.metadata(corpus.builder)['outputs']


def _gold(
  corpus: streams.Corpus, split: str, name: str, outputs: Sequence[str]
) -> tuple[Sequence[str], dict[str, np.ndarray]]:
  """Returns the outputs of a task, and {id: gold}; NaN where there is none."""
  task = tasks_lib.get_task(name, outputs=outputs)
  ids, labels, weights = sample_ids.gold_of(
    corpus.builder, corpus.splits[split], task
  )
  has = (weights == 1).reshape(len(ids), -1)
  gold = np.where(has, labels, np.nan)
  kept = has.any(-1)
  return task.outputs, dict(zip(ids[kept], gold[kept], strict=True))
