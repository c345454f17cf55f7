"""What two splits of a run share: samples, people, dialogues, pictures."""

from collections.abc import Mapping, Sequence
import re

import numpy as np

from affect_jax.doctor import duplicates
from affect_jax.doctor import findings
from affect_jax.doctor import sameness
from affect_jax.doctor import survey as survey_lib

EXCLUDE = 'exclude_duplicates'
CUT = (
  'val is a slice of the same split as train: only the choice of the '
  'checkpoint sees these, not the scores of test. --strict makes it an error.'
)


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


def shared(
  survey: survey_lib.Survey,
  member: np.ndarray,
  names: Sequence[str],
  *,
  what: str,
  level: str,
  advice: str,
) -> list[findings.Finding]:
  """People, videos or dialogues in two splits; known ones only.

  Args:
    survey: All samples.
    member: int32 [N], position of each sample's in `names`, or -1.
    names: Of people, ...
    what: What they are, in the plural.
    level: How bad it is.
    advice: What to do about it.
  """
  rows = np.flatnonzero((member >= 0) & survey.first)
  counts = np.zeros((len(names), len(survey.splits)), np.int64)
  np.add.at(counts, (member[rows], survey.split[rows]), 1)
  found = []
  for b in range(len(survey.splits)):
    for a in range(b):
      both = np.flatnonzero((counts[:, a] > 0) & (counts[:, b] > 0))
      if not len(both):
        continue
      common = [names[i] for i in both.tolist()]
      here = int(counts[both, b].sum())
      total = int(np.sum((survey.split == b) & survey.first))
      found.append(
        findings.Finding(
          level,
          f'shared_{what}',
          f'{len(both):,} {what} are in {survey.splits[a]} and '
          f'{survey.splits[b]} ({findings.listed(common)}): {here:,} of the '
          f'{total:,} {survey.things} of {survey.splits[b]}.',
          advice,
          {
            'splits': [survey.splits[a], survey.splits[b]],
            what: common[:1000],
            'count': len(both),
            'samples': here,
          },
        )
      )
  return found


def shared_subjects(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Subjects (people, videos) in two splits, and how many are unknown.

  Of utterances they are speakers, and a warning: the official splits of MELD,
  and the folds of MUStARD, share them.
  """
  spoken = survey.things == 'utterances'
  found = shared(
    survey,
    survey.subject,
    survey.subjects,
    what='speakers' if spoken else 'subjects',
    level=findings.WARNING if spoken else findings.ERROR,
    advice='Scores are speaker-dependent, as all on the official splits of '
    'MELD: they do not tell how well it works on other people.'
    if spoken
    else 'Scores on people or videos seen in training are too good: put each '
    'subject into one split.',
  )
  if without := int(np.sum(survey.subject < 0)):
    found.append(
      findings.Finding(
        findings.NOTE,
        'unknown_speakers' if spoken else 'unknown_subjects',
        f'{without:,} of {len(survey.subject):,} samples have no '
        f'{"speaker" if spoken else "subject"}: whether splits share people '
        'cannot be seen from them.',
        data={'samples': without},
      )
    )
  return found


def exact_findings(
  survey: survey_lib.Survey,
  groups: duplicates.Exact,
  same: sameness.Sameness,
  *,
  remedies: Mapping[str, str],
  strict: bool,
) -> list[findings.Finding]:
  """Samples that are the same, across splits, then within.

  Args:
    survey: All samples.
    groups: Those that are the same.
    same: In what they are the same.
    remedies: {corpus: flag that leaves duplicates out, '' if there is none}.
    strict: They are errors, also in the run's own cut of a split.
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
    level = findings.WARNING if own else same.level
    found.append(
      findings.Finding(
        findings.ERROR if strict else level,
        same.across,
        f'{count:,} of the {total:,} {same.things} of {name} '
        f'({stored(survey, name)}) {same.verb} {same.things} of other splits '
        f'({detail}).',
        CUT if own else _advice(survey, name, remedies) or same.advice,
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
    found.append(
      findings.Finding(
        findings.NOTE,
        same.within,
        f'{same.things.capitalize()} that {same.verb} another of their own '
        f'split: {detail}.',
        'They count twice in training and in scores.',
        {same.things: within},
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


def _advice(
  survey: survey_lib.Survey, split: str, remedies: Mapping[str, str]
) -> str:
  flags = dict.fromkeys(
    remedies[p.corpus]
    for p in survey.parts
    if p.split == split and remedies.get(p.corpus)
  )
  return f'Leave them out with {" ".join(flags)}.' if flags else ''
