"""What two splits of a run share: samples, subjects, pictures."""

from collections.abc import Mapping, Sequence
import re

import numpy as np

from affect_jax.doctor import duplicates
from affect_jax.doctor import findings
from affect_jax.doctor import survey as survey_lib

EXCLUDE = 'exclude_duplicates'


def shared_samples(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Samples (ids of a corpus) that two splits both read."""
  found = []
  again = np.flatnonzero(~survey.first)
  for b, name in enumerate(survey.splits):
    rows = again[survey.split[again] == b]
    before = survey.split[survey.same_as[rows]]
    for a, other in enumerate(survey.splits):
      count = int(np.sum(before == a))
      if not count:
        continue
      # val = test is common practice where a corpus has no test split.
      trained_on = 'train' in (name, other)
      found.append(
        findings.Finding(
          findings.ERROR if trained_on else findings.WARNING,
          'shared_samples',
          f'{count:,} samples of {name} are in {other} as well: the same rows '
          'of the corpus.',
          'Give --config.data.splits slices that do not overlap, as '
          "'train[:90%]' and 'train[90%:]'."
          if trained_on
          else f'The checkpoint is chosen on what {name} scores: give '
          '--config.data.splits.val a part of train.',
          {'split': name, 'in': other, 'samples': count},
        )
      )
  return found


def shared_subjects(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Subjects (people, videos) in two splits or more; known ones only."""
  rows = np.flatnonzero((survey.subject >= 0) & survey.first)
  counts = np.zeros((len(survey.subjects), len(survey.splits)), np.int64)
  np.add.at(counts, (survey.subject[rows], survey.split[rows]), 1)
  found = []
  for b in range(len(survey.splits)):
    for a in range(b):
      both = np.flatnonzero((counts[:, a] > 0) & (counts[:, b] > 0))
      if not len(both):
        continue
      names = [survey.subjects[i] for i in both.tolist()]
      here = int(counts[both, b].sum())
      total = int(np.sum((survey.split == b) & survey.first))
      found.append(
        findings.Finding(
          findings.ERROR,
          'shared_subjects',
          f'{len(both):,} subjects are in {survey.splits[a]} and '
          f'{survey.splits[b]} ({findings.listed(names)}): {here:,} of the '
          f'{total:,} pictures of {survey.splits[b]}.',
          'Scores on people or videos seen in training are too good: put each '
          'subject into one split.',
          {
            'splits': [survey.splits[a], survey.splits[b]],
            'subjects': names[:1000],
            'count': len(both),
            'samples': here,
          },
        )
      )
  without = int(np.sum(survey.subject < 0))
  if without:
    found.append(
      findings.Finding(
        findings.NOTE,
        'unknown_subjects',
        f'{without:,} of {len(survey.subject):,} samples have no subject: '
        'whether splits share people cannot be seen from them.',
        data={'samples': without},
      )
    )
  return found


def exact_findings(
  survey: survey_lib.Survey,
  groups: duplicates.Exact,
  *,
  remedies: Mapping[str, str],
  strict: bool,
) -> list[findings.Finding]:
  """Pixel-identical pictures across splits, then within.

  Args:
    survey: All samples.
    groups: Their exact duplicates.
    remedies: {corpus: flag that leaves duplicates out, '' if there is none}.
    strict: Duplicates in the run's own cut of a split are errors, too.
  """
  found = []
  for b, name in enumerate(survey.splits):
    count = groups.also_before(b)
    if not count:
      continue
    sources = {
      survey.splits[a]: n for a in range(b) if (n := groups.also_in(b, a))
    }
    own = own_cut(survey, name, list(sources))
    detail = ', '.join(f'{k} {n:,}' for k, n in sources.items())
    total = int(np.sum(survey.split == b))
    found.append(
      findings.Finding(
        findings.WARNING if own and not strict else findings.ERROR,
        'exact_across_splits',
        f'{count:,} of the {total:,} pictures of {name} '
        f'({stored(survey, name)}) are pixel-identical to pictures of other '
        f'splits ({detail}).',
        _cut_advice() if own else _advice(survey, name, remedies),
        {'split': name, 'pictures': count, 'in': sources},
      )
    )
  within = {
    name: n
    for s, name in enumerate(survey.splits)
    if (n := groups.also_in(s, s))
  }
  if within:
    detail = ', '.join(f'{k} {n:,}' for k, n in within.items())
    found.append(
      findings.Finding(
        findings.NOTE,
        'exact_within_splits',
        f'Pictures that repeat one of their own split: {detail}.',
        'They count twice in training and in scores.',
        {'pictures': within},
      )
    )
  return found


def near_findings(
  survey: survey_lib.Survey,
  counts: np.ndarray,
  found_near: duplicates.Near,
  *,
  strict: bool,
) -> list[findings.Finding]:
  """Near duplicates across splits, then within.

  Args:
    survey: All samples.
    counts: int64 [G, S], pictures of each group of `found_near`.
    found_near: Their near duplicates.
    strict: Across splits they are errors.
  """
  found, within = [], {}
  for b, name in enumerate(survey.splits):
    sources = {}
    for a in range(b):
      # Those that are there exactly have been told of already.
      fresh = found_near.seen[:, a] & (counts[:, a] == 0)
      if n := int(counts[fresh, b].sum()):
        sources[survey.splits[a]] = n
    own = int(counts[found_near.seen[:, b], b].sum())
    if own:
      within[name] = own
    if not sources:
      continue
    detail = ', '.join(f'{n:,} in {k}' for k, n in sources.items())
    total = int(np.sum(survey.split == b))
    found.append(
      findings.Finding(
        findings.ERROR if strict else findings.WARNING,
        'near_across_splits',
        f'Of the {total:,} pictures of {name}, some have near duplicates '
        f'(other brightness, size or compression): {detail}.',
        'Look at the pairs in duplicates.csv (--out): frames of one video or '
        'copies of one photograph belong into one split.',
        {'split': name, 'in': sources},
      )
    )
  if within:
    detail = ', '.join(f'{k} {n:,}' for k, n in within.items())
    found.append(
      findings.Finding(
        findings.NOTE,
        'near_within_splits',
        f'Pictures with a near duplicate in their own split: {detail}.',
        data={'pictures': within},
      )
    )
  if found_near.cut:
    found.append(
      findings.Finding(
        findings.NOTE,
        'near_search_cut',
        f'{found_near.cut:,} pictures look like more than '
        f'{duplicates.BUCKET} others (still videos, plain pictures): not all '
        'of their pairs were compared, and near duplicates may be missing.',
        data={'pictures': found_near.cut},
      )
    )
  return found


def own_cut(
  survey: survey_lib.Survey, split: str, others: Sequence[str]
) -> bool:
  """Whether val and train are slices of the same stored splits."""
  if split != 'val' or 'test' not in survey.splits or list(others) != ['train']:
    return False
  return _bases(survey, 'val') == _bases(survey, 'train')


def _bases(survey: survey_lib.Survey, split: str) -> set[tuple[str, str]]:
  """{(corpus, stored split)}, slices taken off."""
  return {
    (p.corpus, re.sub(r'\[.*', '', piece))
    for p in survey.parts
    if p.split == split
    for piece in p.stored.split('+')
  }


def stored(survey: survey_lib.Survey, split: str) -> str:
  """'fer2013[val]': where a split of the run comes from."""
  return ', '.join(
    f'{p.corpus}: {p.stored}' for p in survey.parts if p.split == split
  )


def _cut_advice() -> str:
  return (
    'val is a slice of the same split as train: only the choice of the '
    'checkpoint sees these, not the scores of test. --strict makes it an error.'
  )


def _advice(
  survey: survey_lib.Survey, split: str, remedies: Mapping[str, str]
) -> str:
  flags = dict.fromkeys(
    remedies[p.corpus]
    for p in survey.parts
    if p.split == split and remedies.get(p.corpus)
  )
  if flags:
    return f'Leave them out with {" ".join(flags)}.'
  return (
    f'Scores on them are too good: take them out of {split} or of training; '
    'the pairs are in duplicates.csv (--out).'
  )
