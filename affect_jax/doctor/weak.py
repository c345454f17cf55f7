"""What tables of weak labels have to say, and how it fits the samples."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from affect_jax.doctor import findings
from affect_jax.doctor import layout
from affect_jax.doctor import survey as survey_lib
from affect_jax.weak import quality
from affect_jax.weak import table

# {corpus: [(path of a table, labels)]}.
Weak = Mapping[str, Sequence[tuple[str, table.WeakLabels]]]
EDGES = np.linspace(0, 1, 11)
# Below this share of agreement with gold, a table is worth a warning.
LEAST_AGREEMENT = 0.5


def tables(
  survey: survey_lib.Survey, weak: Weak, sampled: bool = False
) -> list[dict[str, Any]]:
  """Describes weak labels, for JSON.

  Args:
    survey: The samples that were read.
    weak: The labels.
    sampled: Whether there are more samples: these may be those of the labels
      that fit none.

  Returns:
    For each corpus, table and task: 'corpus', 'table', 'task', 'kind' (see
    `table.WeakLabels`), 'labels'; how
    many are of 'train', of 'val or test', or of no sample ('strangers', with an
    'example'; None if sampled); 'without_gold': training samples that have no
    gold, and 'covered': those of them that have a weak label; 'outputs':
    {output: labels of it, where it is likeliest or present; of values their
    mean}; 'confidence': 10 counts of [0, .1) ... [.9, 1]; 'with_gold': labels
    of samples that also have gold, and 'agreement': the share of them that says
    the same, of values the correlation; None without any.
  """
  rows_of: dict[str, dict[str, int]] = {}
  several = len({p.corpus for p in survey.parts}) > 1
  for row in range(len(survey.part)):
    corpus = survey.parts[survey.part[row]].corpus
    name = survey.id(row)
    name = name.removeprefix(f'{corpus}:') if several else name
    rows_of.setdefault(corpus, {})[name] = row
  result = []
  everywhere = {name for known in rows_of.values() for name in known}
  for number, (corpus, labels) in enumerate(weak.items()):
    known = rows_of.get(corpus, {})
    groups: dict[tuple[str, str], list[table.WeakLabels]] = {}
    for path, part in labels:
      own = part
      if not part.corpus:
        # It names no corpus. Those of no sample are counted with the first.
        stays = [
          x in known or (number == 0 and x not in everywhere) for x in part.ids
        ]
        own = part.where(np.array(stays, bool))
      if len(own.ids):
        groups.setdefault((path, part.task), []).append(own)
    for (path, task), parts in groups.items():
      result.append(
        {
          'corpus': corpus,
          'table': path,
          'task': task,
          **_describe(survey, known, corpus, task, parts),
          **({'strangers': None, 'example': ''} if sampled else {}),
        }
      )
  return result


def _describe(survey, known, corpus, task, parts) -> dict[str, Any]:
  ids = np.concatenate([p.ids for p in parts])
  rows = np.array([known.get(x, -1) for x in ids], int)
  train = np.zeros(len(rows), bool)
  if 'train' in survey.splits:
    train = (rows >= 0) & (survey.split[rows] == survey.splits.index('train'))
  columns = survey.column(task)
  gold = ~np.isnan(survey.labels[:, columns]).all(1)
  if not len(columns):
    gold = np.zeros(len(survey.labels), bool)
  of_corpus = np.array([p.corpus == corpus for p in survey.parts])[survey.part]
  in_train = np.zeros(len(gold), bool)
  if 'train' in survey.splits:
    in_train = of_corpus & (survey.split == survey.splits.index('train'))
  gaps = in_train & ~gold
  filled = np.zeros(len(gold), bool)
  filled[rows[train]] = True
  confidence = np.concatenate([p.confidence.ravel() for p in parts])
  counts, _ = np.histogram(np.clip(confidence, 0, 1), EDGES)
  strangers = ids[rows < 0]
  agreed, compared = _agreement(survey, rows, task, parts)
  return {
    'kind': parts[0].kind,
    'labels': len(ids),
    'train': int(train.sum()),
    'val or test': int(((rows >= 0) & ~train).sum()),
    'strangers': len(strangers),
    'example': str(strangers[0]) if len(strangers) else '',
    'without_gold': int(gaps.sum()),
    'covered': int((gaps & filled).sum()),
    'outputs': _outputs(parts),
    'confidence': counts.tolist(),
    'with_gold': compared,
    'agreement': agreed,
  }


def _outputs(parts: Sequence[table.WeakLabels]) -> dict[str, float]:
  found: dict[str, float] = {}
  if parts[0].kind == 'value':
    for k, name in enumerate(parts[0].outputs):
      values = np.concatenate([p.labels[:, k] for p in parts])
      found[name] = float(values.mean())
    return found
  for part in parts:
    if part.kind == 'class':
      counts = np.bincount(part.labels.argmax(-1), minlength=len(part.outputs))
    else:
      counts = (part.labels > 0.5).sum(0)
    for name, n in zip(part.outputs, counts, strict=True):
      found[name] = found.get(name, 0) + int(n)
  return found


def _agreement(survey, rows, task, parts) -> tuple[float | None, int]:
  """Compares with gold, also that of val and test, output by output."""
  names = [name for t, name in survey.columns if t == task]
  columns = survey.column(task)
  found, start = [np.zeros((0, 2))], 0
  for part in parts:
    own = rows[start : start + len(part.ids)]
    start += len(part.ids)
    gold = survey.labels[own][:, columns].astype(np.float64)
    gold = np.where(own[:, np.newaxis] >= 0, gold, np.nan)
    labels = part.labels
    if part.kind != 'class':  # Without any confidence, it says nothing.
      labels = np.where(part.confidence > 0, labels, np.nan)
    beside = quality.pairs(part.kind, part.outputs, labels, names, gold)
    found += beside.values()
  both = np.concatenate(found)
  both = both[~np.isnan(both).any(-1)]
  if not len(both):
    return None, 0
  if parts[0].kind == 'value':
    if len(both) < 2 or both.std(0).min() == 0:
      return None, len(both)
    matrix = np.asarray(np.corrcoef(both.T))
    return float(matrix[0, 1]), len(both)
  return float((both[:, 0] == both[:, 1]).mean()), len(both)


def find(described: Sequence[Mapping[str, Any]]) -> list[findings.Finding]:
  """Returns what is suspicious about `tables`."""
  found = []
  for x in described:
    where = f'{x["table"]}: weak labels of {x["task"]} for {x["corpus"]}'
    if x['strangers']:
      level = findings.ERROR if not x['train'] else findings.WARNING
      found.append(
        findings.Finding(
          level,
          'weak_without_sample',
          f'{where}: {x["strangers"]:,} of {x["labels"]:,} are of no sample, '
          f'as {x["example"]!r}.',
          'Compare the ids with those of the corpus; they must be equal.',
          {'count': x['strangers']},
        )
      )
    agreement = x['agreement']
    if agreement is not None and agreement < LEAST_AGREEMENT:
      what = f'agree with gold in {agreement:.0%} of {x["with_gold"]:,} cases'
      if x['kind'] == 'value':
        what = f'correlate with gold by {agreement:.2f}'
      found.append(
        findings.Finding(
          findings.WARNING,
          'weak_against_gold',
          f'{where} {what}.',
          'Do classes have the same names and meaning? A table as bad as this '
          'teaches mistakes.',
          {'agreement': agreement, 'with_gold': x['with_gold']},
        )
      )
  return found


def lines(described: Sequence[Mapping[str, Any]]) -> list[str]:
  """Makes lines of `tables` for people."""
  if not described:
    return []
  rows = [
    ['corpus', 'task', 'labels', 'in train', 'no sample', 'gaps filled']
    + ['same as gold', 'of']
  ]
  for x in described:
    agreement = x['agreement']
    rows.append(
      [
        x['corpus'],
        x['task'],
        f'{x["labels"]:,}',
        f'{x["train"]:,}',
        '-' if x['strangers'] is None else f'{x["strangers"]:,}',
        layout.share(x['covered'], x['without_gold']),
        '-' if agreement is None else f'{agreement:.2f}',
        f'{x["with_gold"]:,}',
      ]
    )
  result = ['', 'Weak labels (of values, "same" is a correlation)']
  result += layout.table(rows, left=2)
  if any(x['strangers'] is None for x in described):
    result.append(
      '  -: not all samples were read (--sample), so that labels of the others '
      'look like labels of none.'
    )
  rows = [['corpus', 'task', *(f'{e:.1f}' for e in EDGES[:-1])]]
  rows += [
    [x['corpus'], x['task'], *(f'{n:,}' for n in x['confidence'])]
    for x in described
  ]
  result += ['', 'Weak labels by confidence, from ... on']
  result += layout.table(rows, left=2)
  for x in described:
    shown = ', '.join(
      f'{k} {v:,}' if isinstance(v, int) else f'{k} {v:.2f}'
      for k, v in x['outputs'].items()
    )
    result.append(f'  {x["corpus"]}, {x["task"]}: {shown}')
  return result
