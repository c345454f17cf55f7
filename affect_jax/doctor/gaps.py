"""Finds what training has labels of, and validation or test cannot judge."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from affect_jax.doctor import damage
from affect_jax.doctor import findings
from affect_jax.doctor import label_checks
from affect_jax.doctor import survey as survey_lib
from affect_jax.evaluation import gaps

_ADVICE = {
  'val': 'Cut a validation split that has {} from train with '
  "{}.train='train[:90%]' and {}.val='train[90%:]', or leave it to test.",
  'test': 'Report no score of {}, or test on a split that has it with {}.test.',
}


def find(
  survey: survey_lib.Survey,
  learned: Mapping[str, Sequence[str]],
  tuned: Collection[str] = (),
) -> list[findings.Finding]:
  """Finds tasks, classes and units of train that val or test lacks.

  Corpora are compared each with itself, as they are scored each by itself.

  Args:
    survey: All samples.
    learned: {task: outputs} to look at.
    tuned: Tasks of which validation tunes thresholds.
  """
  result = []
  for key, setting, train, other in _scopes(survey):
    for task, chosen in learned.items():
      counts = _counts(survey, task, train)
      if not counts.any():
        continue
      there = _counts(survey, task, other)
      names = [survey.columns[k][1] for k in survey.column(task)]
      lacking = [
        name
        for name, a, b in zip(names, counts, there, strict=True)
        if a and not b and name in chosen
      ]
      unknown = np.isnan(survey.labels[other][:, survey.column(task)])
      labelled = not unknown.all()
      if labelled and not lacking:
        continue
      outputs = lacking if labelled else []
      what = f'{task} {", ".join(outputs)}'.strip()
      split = key.partition('/')[0]
      result.append(
        findings.Finding(
          findings.WARNING,
          f'gap_of_{split}',
          gaps.words(
            key,
            task,
            outputs,
            kind=label_checks.kind(task),
            tuned=task in tuned,
          ),
          _ADVICE[split].format(what, setting, setting),
          {'split': key, 'task': task, 'outputs': outputs},
        )
      )
  return result


def _scopes(
  survey: survey_lib.Survey,
) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
  """Yields name of val or test, setting of splits, rows of train, its rows."""
  corpora = list(dict.fromkeys(p.corpus for p in survey.parts))
  several = len(corpora) > 1
  rows = {
    (p.corpus, p.split): survey.part == i for i, p in enumerate(survey.parts)
  }
  for corpus in corpora:
    train = rows.get((corpus, 'train'))
    for split in ('val', 'test'):
      other = rows.get((corpus, split))
      if train is None or other is None or not other.any():
        continue
      key = f'corpora.{corpus}.' if several else ''
      name = f'{split}/{corpus}' if several else split
      yield name, f'--config.data.{key}splits', train, other


def _counts(
  survey: survey_lib.Survey, task: str, rows: np.ndarray
) -> np.ndarray:
  """Counts samples of each class or unit, or labels of each value, int [K]."""
  labels = survey.labels[rows][:, survey.column(task)]
  kind = label_checks.kind(task)
  if kind == 'class':
    best = damage.dominant(labels)
    return np.bincount(best[best >= 0], minlength=labels.shape[1])
  if kind == 'presence':
    return np.sum(labels > label_checks.PRESENT, axis=0)
  return np.sum(~np.isnan(labels), axis=0)
