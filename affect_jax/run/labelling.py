"""Labels training samples with trained runs, as `affect_jax.label` asks."""

import collections
from collections.abc import Sequence
from typing import Any

from absl import logging
import numpy as np

from affect_jax.corpora.builders import records
from affect_jax.data import gold_share
from affect_jax.data import load
from affect_jax.data import sample_ids
from affect_jax.data import streams
from affect_jax.errors import UserError
from affect_jax.models import foreign as foreign_lib
from affect_jax.run import check
from affect_jax.run import foreign_teachers
from affect_jax.run import label_report
from affect_jax.run import rule_labels
from affect_jax.run import teachers as teachers_lib
from affect_jax.run import trained_on
from affect_jax.weak import table


def label(
  config: Any,
  workdirs: Sequence[str],
  *,
  rules: Sequence[str] = (),
  foreign: Sequence[str] = (),
  batch_size: int = 64,
  label_seen: bool = False,
  label_held_out: bool = False,
  label_gold: bool = False,
) -> tuple[list[table.WeakLabels], list[label_report.Report]]:
  """Labels the training samples of a config's corpora.

  Args:
    config: See `configs/`; its corpora, splits and tasks are read.
    workdirs: Folders of runs, or of seeds.
    rules: Names of `rule_labels.NAMES`, which label from gold of other tasks,
      or from words.
    foreign: Networks of other packages, see `models.foreign.load`.
    batch_size: Samples at a time.
    label_seen: Label also what a teacher has learned with gold of the task.
    label_held_out: Label also what is in the config's val or test, too.
    label_gold: Label also what has gold of the task.

  Raises:
    UserError: No teacher knows a task of the config, a teacher cannot read a
      corpus, teachers of a task have other outputs, a teacher has learned from
      the config's val or test, or nothing tells what it learned from.
  """
  check.check(config)
  networks = [foreign_lib.load(x) for x in dict.fromkeys(foreign)]
  corpora = load.build(config)
  teachers = teachers_lib.load(teachers_lib.folders(workdirs))
  if networks:
    for teacher in foreign_teachers.build(networks, load.window(config)):
      teachers.append(foreign_teachers.judge(teacher, corpora, batch_size))
  knowing_by_task = by_task(teachers, config.tasks)
  if not label_seen:
    check_teachers(teachers, corpora)
  held_out = np.zeros(0, np.uint64) if label_held_out else _held_out(corpora)
  labels, reports = [], []
  for corpus in corpora:
    if 'train' not in corpus.splits:
      continue
    split = corpus.splits['train']
    for part, report in rule_labels.label(
      corpus, rules, config.tasks, held_out, label_gold
    ):
      labels.append(part)
      reports.append(report)
    predicted = {}
    for teacher in teachers:
      if any(teacher in of_task for of_task in knowing_by_task.values()):
        logging.info('%s labels %s[%s].', teacher.workdir, corpus.name, split)
        predicted[teacher.workdir] = teachers_lib.predict(
          teacher, corpus, split, batch_size
        )
    if not predicted:
      continue
    ids = next(iter(predicted.values()))['id']
    hashes = trained_on.hashes_of(corpus.builder, ids)
    is_held_out = np.isin(hashes, held_out)
    for task, knowing in knowing_by_task.items():
      found, report = _label_task(
        corpus,
        task,
        knowing,
        predicted,
        hashes,
        is_held_out,
        label_seen,
        label_gold,
      )
      labels += found
      reports.append(report)
  if not any(len(part.ids) for part in labels):
    reasons = '; '.join(
      f'{r.corpus}, {r.task}: '
      + ', '.join(f'{n} {why}' for why, n in r.left_out.items())
      for r in reports
    )
    raise UserError(f'No sample is left to label: {reasons}.{_hint(config)}')
  return [part for part in labels if len(part.ids)], reports


def _hint(config: Any) -> str:
  """Names the flags that keep rows without any label, where they are not."""
  several = bool(config.data.corpora)
  flags = [
    f'--config.data.{f"corpora.{name}." if several else ""}unlabelled=keep'
    for name, options in load.describe(config).items()
    if options.get('corpus') in ('faces_csv', 'utterances_csv')
    and options.get('unlabelled') != 'keep'
  ]
  if not flags:
    return ''
  return f' Rows without any label are there with {" ".join(flags)}.'


def by_task(
  teachers: Sequence[teachers_lib.Teacher], tasks: Sequence[str]
) -> dict[str, list[teachers_lib.Teacher]]:
  """Returns the teachers that know each task; without tasks nobody knows.

  Raises:
    UserError: Nobody knows any task, or teachers of one have other outputs.
  """
  found = {}
  for task in tasks:
    knowing = [t for t in teachers if task in {x.name for x in t.trained.tasks}]
    if knowing:
      _check_alike(task, knowing)
      found[task] = knowing
  if teachers and not found:
    known = sorted({x.name for t in teachers for x in t.trained.tasks})
    raise UserError(
      f'The teachers know {known}, and the tasks are {list(tasks)}: none of '
      'these can be labelled.'
    )
  return found


def check_teachers(
  teachers: Sequence[teachers_lib.Teacher], corpora: Sequence[streams.Corpus]
) -> None:
  """Raises UserError if a teacher learned from val or test, or may have."""
  _check_known(teachers)
  _check_held_out(teachers, _held_out(corpora))


def _label_task(
  corpus, task, teachers, predicted, hashes, is_held_out, label_seen, label_gold
) -> tuple[list[table.WeakLabels], label_report.Report]:
  """Averages the teachers that may label each sample."""
  of_task = next(t for t in teachers[0].trained.tasks if t.name == task)
  kind = table.kind_of(of_task)
  rows = [predicted[t.workdir] for t in teachers]
  has_gold = _has_gold(corpus, of_task, rows[0]) & (not label_gold)
  seen = np.stack(
    [
      np.zeros(len(hashes), bool)
      if label_seen or t.trained_on is None
      else trained_on.contains(t.trained_on, task, hashes)
      for t in teachers
    ]
  )
  wanted = ~has_gold & ~is_held_out
  may = ~seen & wanted
  found, confidences = [], []
  for pattern in np.unique(may, axis=1).T:
    if not pattern.any():
      continue
    places = np.flatnonzero((may == pattern[:, np.newaxis]).all(0))
    chosen = [t for t, use in zip(teachers, pattern, strict=True) if use]
    labels = np.mean(
      [predicted[t.workdir]['predictions'][task][places] for t in chosen], 0
    ).astype(np.float32)
    judgements = [t.judgements[task] for t in chosen]
    confidence = table.confidence_of(kind, labels)
    if kind == 'value':
      known = [j.ccc for j in judgements if j.ccc is not None]
      if known:
        confidence = np.broadcast_to(np.mean(known, 0), labels.shape)
    rights = [j.right for j in judgements if j.right is not None]
    confidences.append(confidence.ravel())
    found.append(
      table.WeakLabels(
        task=task,
        kind=kind,
        outputs=of_task.outputs,
        ids=rows[0]['id'][places],
        labels=labels,
        confidence=confidence.astype(np.float32),
        corpus=corpus.builder.name,
        version=corpus.builder.info.full_name,
        teacher='+'.join(t.workdir for t in chosen),
        # A foreign network has none.
        step='+'.join(str(t.trained.step or '') for t in chosen),
        config='+'.join(t.config for t in chosen),
        temperature=float(np.mean([j.temperature for j in judgements])),
        right=np.mean(rights, 0) if rights else None,
      )
    )
  left_out = collections.Counter(
    {
      label_report.HAS_GOLD: int(has_gold.sum()),
      label_report.HELD_OUT: int((is_held_out & ~has_gold).sum()),
      label_report.SEEN: int((wanted & ~may.any(0)).sum()),
    }
  )
  every = [part.labels for part in found] or [
    np.zeros((0, len(of_task.outputs)))
  ]
  return found, label_report.Report(
    corpus=corpus.name,
    task=task,
    labelled=int(may.any(0).sum()),
    left_out={k: n for k, n in left_out.items() if n},
    confidence=float(np.concatenate(confidences).mean())
    if confidences
    else float('nan'),
    share=dict(
      zip(
        of_task.outputs,
        label_report.shares(kind, np.concatenate(every)),
        strict=True,
      )
    ),
    temperature=[t.judgements[task].temperature for t in teachers],
    notes=tuple(note for t in teachers for note in t.notes),
  )


def _has_gold(corpus, task, rows) -> np.ndarray:
  """Returns bool [N]: whether samples have all the gold that a task needs."""
  weights = rows['weights'][task.name]
  has_gold = (weights == 1).reshape(len(weights), -1).all(-1)
  shares = corpus.gold_share
  if task.name in shares:
    has_gold &= gold_share.shown(
      rows['id'].astype(str), task.name, shares[task.name]
    ).numpy()
  columns = records.metadata(corpus.builder)['outputs'].get(task.name, ())
  if table.kind_of(task) == 'class' and not set(columns) <= set(task.outputs):
    # Gold of a class that the teachers do not know has no weight here.
    known = sample_ids.with_gold(
      corpus.builder, corpus.splits['train'], task.name, shares
    )
    has_gold |= np.array([x in known for x in rows['id']], bool)
  return has_gold


def _check_alike(task: str, teachers: Sequence[teachers_lib.Teacher]) -> None:
  """Raises UserError if teachers of a task differ in its outputs."""
  outputs = {
    t.workdir: (x.outputs, table.kind_of(x))
    for t in teachers
    for x in t.trained.tasks
    if x.name == task
  }
  first, *others = outputs.items()
  for workdir, of_other in others:
    if of_other != first[1]:
      raise UserError(
        f'{workdir} tells {task} as {list(of_other[0])} ({of_other[1]}), and '
        f'{first[0]} as {list(first[1][0])} ({first[1][1]}): their predictions '
        'cannot be averaged. Make a table with each.'
      )


def _check_known(teachers: Sequence[teachers_lib.Teacher]) -> None:
  for teacher in teachers:
    if teacher.trained_on is None:
      raise UserError(
        f'{teacher.workdir} has no {trained_on.FILE}, so nothing tells which '
        'samples it learned from. Make it once: where its corpora are, repeat '
        'the command that started the run, with --mode=evaluate added. Or give '
        '--label_seen, if no sample of the config can be among them.'
      )


def _held_out(corpora: Sequence[streams.Corpus]) -> np.ndarray:
  """Returns hashes of the samples of val and test of all corpora."""
  found = [np.zeros(0, np.uint64)]
  for corpus in corpora:
    for part in ('val', 'test'):
      if part in corpus.splits:
        ids = sample_ids.ids_of(corpus.builder, corpus.splits[part])
        found.append(trained_on.hashes_of(corpus.builder, ids))
  return np.unique(np.concatenate(found))


def _check_held_out(
  teachers: Sequence[teachers_lib.Teacher], held_out: np.ndarray
) -> None:
  for teacher in teachers:
    for task, hashes in (teacher.trained_on or {}).items():
      count = int(np.isin(hashes, held_out).sum())
      if count:
        raise UserError(
          f'{teacher.workdir} has learned from {task} of {count:,} samples '
          "that are in this config's val or test: what it labels would carry "
          'their gold into training. Take another teacher, other splits, or '
          'give --label_seen if that does not matter.'
        )
