"""Finds samples, people, dialogues and pictures that two splits share."""

from collections.abc import Mapping, Sequence
import re

import numpy as np

from affect_jax.corpora.files import identity
from affect_jax.doctor import duplicates
from affect_jax.doctor import findings
from affect_jax.doctor import sameness
from affect_jax.doctor import survey as survey_lib

EXCLUDE = 'exclude_duplicates'
CUT = (
  'val is a slice of the same split as train: these only affect the choice of '
  'the checkpoint, not the scores of test. --strict makes it an error.'
)


def shared_samples(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Finds samples (ids of a corpus) that two splits both read."""
  result = []
  repeated = np.flatnonzero(~survey.first)
  for b, name in enumerate(survey.splits):
    rows = repeated[survey.split[repeated] == b]
    before = survey.split[survey.same_as[rows]]
    for a, other in enumerate(survey.splits):
      count = int(np.sum(before == a))
      if not count:
        continue
      # val = test is common practice where a corpus has no test split.
      trained_on = 'train' in (name, other)
      result.append(
        findings.Finding(
          findings.ERROR if trained_on else findings.WARNING,
          'shared_samples',
          f'{count:,} samples of {name} are also in {other}: the same rows of '
          'the corpus.',
          'Set --config.data.splits to slices that do not overlap, such as '
          "'train[:90%]' and 'train[90%:]'."
          if trained_on
          else f'The checkpoint is chosen on the same samples that {name} '
          'scores: set --config.data.splits.val to a part of train.',
          {'split': name, 'in': other, 'samples': count},
        )
      )
  return result


def shared(
  survey: survey_lib.Survey,
  member: np.ndarray,
  names: Sequence[str],
  *,
  what: str,
  level: str,
  advice: str,
) -> list[findings.Finding]:
  """Finds people, videos or dialogues in two splits, however they are spelled.

  Args:
    survey: All samples.
    member: int32 [N], index of each sample's person (or video, ...) in `names`;
      -1: unknown.
    names: Names of the people (or videos, ...).
    what: What they are, in the plural.
    level: How bad it is.
    advice: What to do about it.
  """
  joined = identity.join(names)
  place = {name: i for i, name in enumerate(names)}
  first = np.array([place[joined.get(n, n)] for n in names], np.int32)
  others: dict[str, list[str]] = {}
  for name, original in joined.items():
    others.setdefault(original, []).append(name)
  rows = np.flatnonzero((member >= 0) & survey.first)
  counts = np.zeros((len(names), len(survey.splits)), np.int64)
  np.add.at(counts, (first[member[rows]], survey.split[rows]), 1)
  result = []
  for b in range(len(survey.splits)):
    for a in range(b):
      both = np.flatnonzero((counts[:, a] > 0) & (counts[:, b] > 0))
      if not len(both):
        continue
      common = [
        ' = '.join((names[i], *others.get(names[i], ()))) for i in both.tolist()
      ]
      num_samples = int(counts[both, b].sum())
      total = int(np.sum((survey.split == b) & survey.first))
      result.append(
        findings.Finding(
          level,
          f'shared_{what}',
          f'{len(both):,} {what} are in {survey.splits[a]} and '
          f'{survey.splits[b]} ({findings.some_of(common)}): {num_samples:,} '
          f'of the {total:,} {survey.things} of {survey.splits[b]}.',
          advice,
          {
            'splits': [survey.splits[a], survey.splits[b]],
            what: common[:1000],
            'count': len(both),
            'samples': num_samples,
          },
        )
      )
  return result


def shared_subjects(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Finds subjects (people, videos) in two splits, and counts unknown ones.

  Subjects of utterances are speakers, and only a warning: the official splits
  of MELD, and the folds of MUStARD, share them.
  """
  speakers = survey.things == 'utterances'
  result = shared(
    survey,
    survey.subject,
    survey.subjects,
    what='speakers' if speakers else 'subjects',
    level=findings.WARNING if speakers else findings.ERROR,
    advice='Scores are speaker-dependent, like all scores on the official '
    'splits of MELD: they do not say how well a model works on other people.'
    if speakers
    else 'Scores on people or videos seen in training are too good: put each '
    'subject into one split.',
  )
  if without := int(np.sum(survey.subject < 0)):
    result.append(
      findings.Finding(
        findings.NOTE,
        'unknown_speakers' if speakers else 'unknown_subjects',
        f'{without:,} of {len(survey.subject):,} samples have no '
        f'{"speaker" if speakers else "subject"}, so they do not show whether '
        'splits share people.',
        'Name them in the source of the corpus, as in the column '
        f'{"speaker" if speakers else "subject"} of a CSV.',
        {'samples': without},
      )
    )
  return result


def exact_findings(
  survey: survey_lib.Survey,
  groups: duplicates.Exact,
  same: sameness.Sameness,
  *,
  remedies: Mapping[str, str],
  strict: bool,
) -> list[findings.Finding]:
  """Finds equal samples across splits, then within splits.

  Args:
    survey: All samples.
    groups: Groups of equal samples.
    same: In what they are equal.
    remedies: {corpus: flag that leaves duplicates out, '' if there is none}.
    strict: Whether they are errors even if the run itself slices the split.
  """
  result = []
  for b, name in enumerate(survey.splits):
    count = groups.also_before(b)
    if not count:
      continue
    sources = {
      survey.splits[a]: n for a in range(b) if (n := groups.also_in(b, a))
    }
    sliced = sliced_by_run(survey, name, list(sources))
    detail = ', '.join(f'{k} {n:,}' for k, n in sources.items())
    total = int(np.sum(survey.split == b))
    level = findings.WARNING if sliced else same.level
    result.append(
      findings.Finding(
        findings.ERROR if strict else level,
        same.across,
        f'{count:,} of the {total:,} {same.things} of {name} '
        f'({stored(survey, name)}) {same.verb} {same.things} of other splits '
        f'({detail}).',
        CUT if sliced else _advice(survey, name, remedies) or same.advice,
        {'split': name, same.things: count, 'in': sources},
      )
    )
  within = {
    name: n
    for s, name in enumerate(survey.splits)
    if (n := groups.also_in(s, s))
  }
  if within:
    detail = ', '.join(f'{k} {n:,}' for k, n in within.items())
    result.append(
      findings.Finding(
        findings.NOTE,
        same.within,
        f'{same.things.capitalize()} that {same.verb} another of their own '
        f'split: {detail}.',
        'They count twice in training and in scores.',
        {same.things: within},
      )
    )
  return result


def near_findings(
  survey: survey_lib.Survey,
  counts: np.ndarray,
  near: duplicates.Near,
  *,
  strict: bool,
) -> list[findings.Finding]:
  """Reports near duplicates across splits, then within splits.

  Args:
    survey: All samples.
    counts: int64 [G, S], pictures of each group of `near`.
    near: Their near duplicates.
    strict: Whether those across splits are errors.
  """
  result, within = [], {}
  for b, name in enumerate(survey.splits):
    sources = {}
    for a in range(b):
      # Exact duplicates are reported elsewhere.
      fresh = near.seen[:, a] & (counts[:, a] == 0)
      if n := int(counts[fresh, b].sum()):
        sources[survey.splits[a]] = n
    count = int(counts[near.seen[:, b], b].sum())
    if count:
      within[name] = count
    if not sources:
      continue
    detail = ', '.join(f'{n:,} in {k}' for k, n in sources.items())
    total = int(np.sum(survey.split == b))
    result.append(
      findings.Finding(
        findings.ERROR if strict else findings.WARNING,
        'near_across_splits',
        f'Of the {total:,} pictures of {name}, some have near duplicates '
        f'(other brightness, size or compression): {detail}.',
        'Look at the pairs in duplicates.csv (--out): frames of one video, or '
        'copies of one photograph, belong in one split.',
        {'split': name, 'in': sources},
      )
    )
  if within:
    detail = ', '.join(f'{k} {n:,}' for k, n in within.items())
    result.append(
      findings.Finding(
        findings.NOTE,
        'near_within_splits',
        f'Pictures with a near duplicate in their own split: {detail}.',
        'They count almost twice in training and in scores; duplicates.csv '
        '(--out) lists the pairs.',
        {'pictures': within},
      )
    )
  if near.cut:
    result.append(
      findings.Finding(
        findings.NOTE,
        'near_search_cut',
        f'{near.cut:,} pictures look like more than '
        f'{duplicates.BUCKET} others (still videos, plain pictures): not all '
        'of their pairs were compared, and near duplicates may be missing.',
        'A smaller --near_distance compares fewer pictures with each.',
        {'pictures': near.cut},
      )
    )
  return result


def sliced_by_run(
  survey: survey_lib.Survey, split: str, others: Sequence[str]
) -> bool:
  """Returns whether val and train are slices of the same stored splits."""
  if split != 'val' or 'test' not in survey.splits or list(others) != ['train']:
    return False
  return _bases(survey, 'val') == _bases(survey, 'train')


def _bases(survey: survey_lib.Survey, split: str) -> set[tuple[str, str]]:
  """Returns {(corpus, stored split)} of a split, without their slices."""
  return {
    (p.corpus, re.sub(r'\[.*', '', piece))
    for p in survey.parts
    if p.split == split
    for piece in p.stored.split('+')
  }


def stored(survey: survey_lib.Survey, split: str) -> str:
  """Says where a split of the run comes from: 'fer2013: val'."""
  return ', '.join(
    f'{p.corpus}: {p.stored}' for p in survey.parts if p.split == split
  )


def _advice(
  survey: survey_lib.Survey, split: str, remedies: Mapping[str, str]
) -> str:
  flags = dict.fromkeys(
    remedies[p.corpus]
    for p in survey.parts
    if p.split == split and remedies.get(p.corpus)
  )
  return f'Leave them out with {" ".join(flags)}.' if flags else ''
