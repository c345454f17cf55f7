"""Labels training samples by rules, from the gold of other tasks."""

from collections.abc import Sequence
import math

import numpy as np

from affect_jax import by_name
from affect_jax import tasks as tasks_lib
from affect_jax.corpora.builders import records
from affect_jax.data import sample_ids
from affect_jax.data import streams
from affect_jax.run import label_report
from affect_jax.weak import rules as rules_lib
from affect_jax.weak import table


def label(
  corpus: streams.Corpus, rules: Sequence[str], tasks: Sequence[str]
) -> list[tuple[table.WeakLabels, label_report.Report]]:
  """Labels the training samples of a corpus that lack gold of a rule's target.

  Args:
    corpus: It has a split to train on.
    rules: Names of rules; those whose target is no task, or whose source the
      corpus does not have, do nothing.
    tasks: Names of the config's tasks.

  Raises:
    UserError: Unknown rule; see also `rules.apply`.
  """
  builder, split = corpus.builder, corpus.splits['train']
  outputs = records.metadata(builder)['outputs']
  found = []
  for name in rules:
    rule = by_name.get('rule', name, rules_lib.RULES)()
    if rule.target not in tasks or rule.source not in outputs:
      continue
    source = tasks_lib.get_task(rule.source, outputs=outputs[rule.source])
    ids, labels, weights = sample_ids.gold_of(builder, split, source)
    part = rules_lib.apply(
      name,
      ids,
      source.outputs,
      labels,
      weights,
      corpus=builder.name,
      version=builder.info.full_name,
    )
    has_gold = _with_gold(builder, split, rule.target)
    kept = np.array([x not in has_gold for x in part.ids], bool)
    silent = f'of which {name} says nothing'
    left_out = {
      label_report.HAS_GOLD: int((~kept).sum()),
      silent: len(ids) - len(kept),
    }
    part = part.where(kept)
    shares = label_report.shares(part.kind, part.labels)
    report = label_report.Report(
      corpus=corpus.name,
      task=rule.target,
      labelled=len(part.ids),
      left_out={k: n for k, n in left_out.items() if n},
      confidence=float(part.confidence.mean()) if kept.any() else math.nan,
      share=dict(zip(part.outputs, shares, strict=True)),
      temperature=[],
    )
    found.append((part, report))
  return found


def _with_gold(builder, split, task) -> set[str]:
  found = set()
  for ids, gold in sample_ids.ids_and_gold(builder, split, [task]):
    has = gold.get(task, np.zeros(len(ids), bool))
    found.update(np.array(ids, object)[has])
  return found
