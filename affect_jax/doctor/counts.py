"""Counts labels, and labels that occur together."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from affect_jax.doctor import damage
from affect_jax.doctor import findings
from affect_jax.doctor import label_checks
from affect_jax.doctor import survey as survey_lib

# Units that a neutral face should not show together.
MANY_UNITS = 2
# Sentiments are counted in the seven classes of papers.
BINS = tuple(range(-3, 4))


def tables(survey: survey_lib.Survey) -> dict[str, Any]:
  """Counts the labels of a survey, for JSON.

  Returns:
    'samples': {split: n}; 'tasks': {task: {split: samples with any label}};
    'outputs': {task: {output: {split: {...}}}} with 'labelled', for classes
    and units 'count' (samples where it is likeliest, or present), for values
    'mean', 'std', 'min', 'max', for sentiment also 'bins' {'-3' ... '+3':
    samples}, rounded; 'combinations': {split: {'task + task': n}}; 'together':
    {split: {row: {unit: share}}}: among the samples that show the class or unit
    `row` and are annotated for `unit`, the share in which `unit` is present, or
    None if there are no such samples.
  """
  result: dict[str, Any] = {
    'samples': {},
    'tasks': {t: {} for t, _ in survey.columns},
    'outputs': {},
    'combinations': {},
    'together': {},
  }
  for task, name in survey.columns:
    result['outputs'].setdefault(task, {})[name] = {}
  for s, split in enumerate(survey.splits):
    labels = survey.labels[survey.split == s]
    result['samples'][split] = len(labels)
    for task in result['tasks']:
      columns = survey.column(task)
      labelled = ~np.isnan(labels[:, columns])
      result['tasks'][task][split] = int(labelled.any(1).sum())
      for k, name in zip(columns, result['outputs'][task], strict=True):
        result['outputs'][task][name][split] = _of_output(
          labels, task, columns, int(k)
        )
    result['combinations'][split] = _combinations(labels, survey)
    result['together'][split] = _together(labels, survey)
  return result


def _of_output(
  labels: np.ndarray, task: str, columns: np.ndarray, k: int
) -> dict[str, Any]:
  values = labels[:, k]
  values = values[~np.isnan(values)].astype(np.float64)
  result: dict[str, Any] = {'labelled': len(values)}
  if label_checks.kind(task) == 'class':
    best = damage.dominant(labels[:, columns])
    result['count'] = int(np.sum(best == np.searchsorted(columns, k)))
  elif label_checks.kind(task) == 'presence':
    result['count'] = int(np.sum(values > label_checks.PRESENT))
  elif len(values):
    result |= {
      'mean': float(values.mean()),
      'std': float(values.std()),
      'min': float(values.min()),
      'max': float(values.max()),
    }
    if task == 'sentiment':
      rounded = np.clip(np.rint(values), BINS[0], BINS[-1])
      result['bins'] = {
        f'{b:+d}' if b else '0': int(np.sum(rounded == b)) for b in BINS
      }
  return result


def _combinations(
  labels: np.ndarray, survey: survey_lib.Survey
) -> dict[str, int]:
  """Counts {'expression + action_units': samples with labels of just these}."""
  names = list(dict.fromkeys(t for t, _ in survey.columns))
  code = np.zeros(len(labels), np.int64)
  for bit, task in enumerate(names):
    labelled = ~np.isnan(labels[:, survey.column(task)])
    code |= labelled.any(1).astype(np.int64) << bit
  counts = {
    ' + '.join(n for bit, n in enumerate(names) if c >> bit & 1) or 'none': int(
      n_samples
    )
    for c, n_samples in zip(*np.unique(code, return_counts=True), strict=True)
  }
  return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _together(
  labels: np.ndarray, survey: survey_lib.Survey
) -> dict[str, dict[str, float | None]]:
  tasks = list(dict.fromkeys(t for t, _ in survey.columns))
  present_tasks = [t for t in tasks if label_checks.kind(t) == 'presence']
  several = [t for t in present_tasks if len(survey.column(t)) > 1]
  if not several:
    return {}
  units = survey.column(several[0])
  known = (~np.isnan(labels[:, units])).astype(np.float32)
  present = (labels[:, units] > label_checks.PRESENT).astype(np.float32)
  rows, keys = [], []
  classes = [t for t in tasks if label_checks.kind(t) == 'class']
  for task in classes + present_tasks:
    columns = survey.column(task)
    task_labels = labels[:, columns]
    if task in classes:
      best = damage.dominant(task_labels)
      rows.append(best[:, None] == np.arange(len(columns))[None])
    else:
      rows.append(task_labels > label_checks.PRESENT)
    keys += [survey.columns[k] for k in columns]
  shown = np.concatenate(rows, 1).astype(np.float32)
  names = [name for _, name in keys]
  both, total = shown.T @ present, shown.T @ known
  return {
    # An emotion and a sentiment can both be 'neutral'.
    (f'{name} ({task})' if names.count(name) > 1 else name): {
      survey.columns[k][1]: float(both[i, j] / total[i, j])
      if total[i, j]
      else None
      for j, k in enumerate(units)
    }
    for i, (task, name) in enumerate(keys)
  }


def sizes(survey: survey_lib.Survey) -> dict[str, int]:
  """Counts {'48x48': pictures} of the 20 commonest sizes, commonest first."""
  shapes, times = np.unique(
    survey.looks['size'][survey.looks['readable']], axis=0, return_counts=True
  )
  most = np.argsort(-times)[:20]
  return {f'{shapes[i][0]}x{shapes[i][1]}': int(times[i]) for i in most}


def missing(
  survey: survey_lib.Survey,
  counted: dict[str, Any],
  learned: Mapping[str, Sequence[str]],
) -> list[findings.Finding]:
  """Finds tasks, classes and units of {task: outputs} that train lacks."""
  if 'train' not in survey.splits:
    return [
      findings.Finding(
        findings.NOTE,
        'no_train',
        'There is no train split: nothing to train.',
        'config.data.splits.train names the part to train on.',
      )
    ]
  result = []
  for task, names in learned.items():
    outputs = {n: counted['outputs'][task][n] for n in names}
    if not counted['tasks'][task]['train']:
      result.append(
        findings.Finding(
          findings.WARNING,
          'unlabelled_task',
          f'train has no label of {task}{_elsewhere(counted["tasks"][task])}.',
          'Take it out of config.tasks, or add --config.drop_unlabelled_tasks.',
          {'task': task},
        )
      )
      continue
    if label_checks.kind(task) == 'value':
      continue
    never = [n for n, x in outputs.items() if not x['train'].get('count')]
    if never:
      result.append(
        findings.Finding(
          findings.WARNING,
          'never_in_train',
          f'{task}: train has no positive sample of '
          + ', '.join(n + _elsewhere(_positives(outputs[n])) for n in never)
          + '.',
          'They cannot be learnt, and val and test score them as failures: '
          f'leave them out of --config.{task}.outputs.',
          {'task': task, 'outputs': never},
        )
      )
  return result


def _positives(by_split: Mapping[str, Any]) -> dict[str, int]:
  return {split: x.get('count', 0) for split, x in by_split.items()}


def _elsewhere(counts: Mapping[str, int]) -> str:
  """Says ' (val has 12, test 5)'; '' if other splits have none, either."""
  some = [f'{split} has {n:,}' for split, n in counts.items() if n]
  return f' ({", ".join(some)})' if some else ''


def neutral_with_units(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Finds neutral faces that show several action units."""
  classes = survey.column('expression')
  names = [survey.columns[k][1] for k in classes]
  units = survey.column('action_units')
  if 'neutral' not in names or not len(units):
    return []
  neutral = damage.dominant(survey.labels[:, classes]) == names.index('neutral')
  values = survey.labels[neutral][:, units]
  known = (~np.isnan(values)).any(1)
  strong = (values > label_checks.PRESENT).sum(1) >= MANY_UNITS
  if not strong.any():
    return []
  rows = np.flatnonzero(neutral)[strong].tolist()
  samples = [f'{survey.where(r)} {survey.id(r)}' for r in rows[:1000]]
  return [
    findings.Finding(
      findings.NOTE,
      'neutral_with_units',
      f'{int(strong.sum()):,} of {int(known.sum()):,} neutral samples with '
      f'labels of action units show {MANY_UNITS} units or more '
      f'({findings.some_of(samples, 3, len(rows))}).',
      'Look at some: python -m affect_jax.contact_sheet. Is the order of the '
      'classes or of the units another one?',
      {'samples': len(rows), 'of': int(known.sum()), 'ids': samples},
    )
  ]
