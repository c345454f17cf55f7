"""Labels training samples by rules: from gold of other tasks, or from words."""

from collections.abc import Iterator, Sequence
import math

import numpy as np

from affect_jax import by_name
from affect_jax import tasks as tasks_lib
from affect_jax.corpora.builders import records
from affect_jax.data import sample_ids
from affect_jax.data import streams
from affect_jax.run import label_report
from affect_jax.run import trained_on
from affect_jax.weak import lexicon
from affect_jax.weak import regions
from affect_jax.weak import rules as rules_lib
from affect_jax.weak import table

NAMES = (*rules_lib.RULES, regions.NAME, lexicon.NAME)


def label(
  corpus: streams.Corpus,
  rules: Sequence[str],
  tasks: Sequence[str],
  held_out: np.ndarray,
  label_gold: bool = False,
) -> list[tuple[table.WeakLabels, label_report.Report]]:
  """Labels the training samples of a corpus that lack gold of a rule's target.

  Args:
    corpus: It has a split to train on.
    rules: Names of rules; those whose target is no task, or whose source the
      corpus does not have, do nothing.
    tasks: Names of the config's tasks.
    held_out: Hashes, see `trained_on.hashes_of`, of samples not to label.
    label_gold: Label also samples with gold of the target.

  Raises:
    UserError: Unknown rule; see also `rules.apply`.
    MissingExtra: A rule needs a library that is not installed.
  """
  builder, split = corpus.builder, corpus.splits['train']
  found = []
  for name in rules:
    by_name.check('rule', name, NAMES)
    for part, asked in _apply(name, corpus, split, tasks):
      has_gold = (
        set()
        if label_gold
        else sample_ids.with_gold(builder, split, part.task, corpus.gold_share)
      )
      lacks = np.array([x not in has_gold for x in part.ids], bool)
      is_held_out = np.isin(trained_on.hashes_of(builder, part.ids), held_out)
      kept = lacks & ~is_held_out
      silent = f'of which {name} says nothing'
      left_out = {
        label_report.HAS_GOLD: int((~lacks).sum()),
        label_report.HELD_OUT: int((is_held_out & lacks).sum()),
        silent: asked - len(kept),
      }
      part = part.where(kept)
      shares = label_report.shares(part.kind, part.labels)
      report = label_report.Report(
        corpus=corpus.name,
        task=part.task,
        labelled=len(part.ids),
        left_out={k: n for k, n in left_out.items() if n},
        confidence=float(part.confidence.mean()) if kept.any() else math.nan,
        share=dict(zip(part.outputs, shares, strict=True)),
        temperature=[],
      )
      found.append((part, report))
  return found


def _apply(
  name: str, corpus: streams.Corpus, split: str, tasks: Sequence[str]
) -> Iterator[tuple[table.WeakLabels, int]]:
  """Yields what a rule says of each of its targets, and of how many samples."""
  builder = corpus.builder
  of_corpus = {'corpus': builder.name, 'version': builder.info.full_name}
  if name == lexicon.NAME:
    wanted = [t for t in lexicon.TARGETS if t in tasks]
    if wanted and sample_ids.has_transcripts(builder):
      ids, transcripts = sample_ids.transcripts_of(builder, split)
      for target in wanted:
        yield lexicon.apply(target, ids, transcripts, **of_corpus), len(ids)
    return
  if name == regions.NAME:
    source_name, target = regions.SOURCE, regions.TARGET
  else:
    rule = rules_lib.RULES[name]()
    source_name, target = rule.source, rule.target
  outputs = records.metadata(builder)['outputs']
  if target not in tasks or source_name not in outputs:
    return
  source = tasks_lib.get_task(source_name, outputs=outputs[source_name])
  ids, labels, weights = sample_ids.gold_of(
    builder, split, source, corpus.gold_share
  )
  if name == regions.NAME:
    part = regions.apply(ids, source.outputs, labels, weights, **of_corpus)
  else:
    part = rules_lib.apply(
      name, ids, source.outputs, labels, weights, **of_corpus
    )
  yield part, len(ids)
