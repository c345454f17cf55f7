"""Text, audio and vision of utterances: what is there, how long, how odd."""

from collections.abc import Mapping, Sequence
import itertools
from typing import Any

import numpy as np

from affect_jax.corpora.builders import utterances as utterances_lib
from affect_jax.doctor import findings
from affect_jax.doctor import survey as survey_lib
from affect_jax.doctor import utterances

MODALITIES = utterances.MODALITIES
# So many all-zero steps in a row are padding; one can be a pause.
RUN = 2
# |x| beyond which a feature drowns those beside it.
LARGE = 100.0
# Share of the features of a modality that may be constant without a warning.
FEW = 0.1


def tables(survey: survey_lib.Survey) -> dict[str, Any]:
  """Modalities of a survey, for JSON.

  Returns:
    'modalities': {split: {'text + audio': n, ...}}, samples that have just
    these, for all subsets of the modalities that there are, and 'none';
    'modalities_of_tasks': {task: {modality: {split: n}}}, of the samples with
    a label of the task; 'lengths': {modality: {split: {'there', 'min',
    'median', 'p95', 'max'}}} in steps, without the last four where no sample
    has it; 'features': {corpus: {modality: {'features', 'constant', 'zero',
    'large', 'largest'}}}, not of token ids: features that never vary, that
    are always 0, that exceed LARGE, and the largest |x|.
  """
  length = survey.looks['length']
  known = present(survey)
  found: dict[str, Any] = {
    'modalities': {},
    'modalities_of_tasks': {},
    'lengths': {MODALITIES[m]: {} for m in known},
    'features': {},
  }
  code = sum(
    (length[:, m] > 0).astype(int) << m for m in range(len(MODALITIES))
  )
  for s, split in enumerate(survey.splits):
    here = survey.split == s
    found['modalities'][split] = {
      name: int(np.sum(here & (code == bits))) for name, bits in subsets(known)
    }
    for m in known:
      steps = length[here & (length[:, m] > 0), m]
      found['lengths'][MODALITIES[m]][split] = {
        'there': len(steps),
        **(_quantiles(steps) if len(steps) else {}),
      }
  for task in dict.fromkeys(t for t, _ in survey.columns):
    labelled = ~np.isnan(survey.labels[:, survey.column(task)]).all(1)
    found['modalities_of_tasks'][task] = {
      MODALITIES[m]: {
        split: int(np.sum(labelled & (survey.split == s) & (length[:, m] > 0)))
        for s, split in enumerate(survey.splits)
      }
      for m in known
    }
  for corpus, extents in by_corpus(survey).items():
    found['features'][corpus] = {
      m: _of_extent(extents[m]) for m in MODALITIES if m in extents
    }
  return found


def present(survey: survey_lib.Survey) -> list[int]:
  """Positions of the modalities that any corpus of the survey has."""
  names = {m for p in survey.parts for m in p.dims}
  return [m for m, name in enumerate(MODALITIES) if name in names]


def subsets(known: Sequence[int]) -> list[tuple[str, int]]:
  """(name, bits) of all subsets of modalities, the whole first, none last."""
  return [
    (
      ' + '.join(MODALITIES[m] for m in chosen) or 'none',
      sum(1 << m for m in chosen),
    )
    for size in range(len(known), -1, -1)
    for chosen in itertools.combinations(known, size)
  ]


def by_corpus(
  survey: survey_lib.Survey,
) -> dict[str, dict[str, utterances.Extent]]:
  """{corpus: {modality: what its features range over, in all splits}}."""
  found: dict[str, dict[str, utterances.Extent]] = {}
  for part, extents in zip(survey.parts, survey.extents, strict=True):
    own = found.setdefault(part.corpus, {})
    for name, extent in extents.items():
      other = own.get(name)
      own[name] = utterances.joined(other, extent) if other else extent
  return found


def _quantiles(steps: np.ndarray) -> dict[str, float]:
  return {
    'min': int(steps.min()),
    'median': float(np.median(steps)),
    'p95': float(np.percentile(steps, 95)),
    'max': int(steps.max()),
  }


def _of_extent(extent: utterances.Extent) -> dict[str, Any]:
  largest = np.maximum(np.abs(extent.low), np.abs(extent.high))
  constant = extent.low == extent.high
  return {
    'features': len(largest),
    'constant': int(constant.sum()),
    'zero': int(np.sum(largest == 0)),
    'large': int(np.sum(largest > LARGE)),
    'largest': float(largest.max()),
  }


def missing_modalities(
  counted: Mapping[str, Any],
) -> list[findings.Finding]:
  """Modalities that a split lacks altogether though another has them."""
  found = []
  for name, by_split in counted['lengths'].items():
    there = [s for s, x in by_split.items() if x['there']]
    without = [s for s in by_split if s not in there]
    if without and (there or 'train' in by_split):
      found.append(
        findings.Finding(
          findings.WARNING,
          'missing_modality',
          f'{name}: no utterance of {", ".join(without)} has it.',
          'What is learnt from it cannot show in the score.'
          if 'train' in there
          else 'It cannot be learnt: leave it out of '
          '--config.utterance.modalities.',
          {'modality': name, 'splits': without},
        )
      )
  return found


def bad_values(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Values that are not finite, and sequences that are all zero."""
  found = []
  for m in present(survey):
    name = MODALITIES[m]
    if rows := np.flatnonzero(survey.looks['bad'][:, m]).tolist():
      values = int(survey.looks['bad'][:, m].sum())
      found.append(
        findings.Finding(
          findings.ERROR,
          'not_finite',
          f'{name}: {values:,} values of {len(rows):,} utterances are not '
          f'finite ({_examples(survey, rows)}).',
          'Training would stop at them: mend the features.',
          {'modality': name, 'utterances': len(rows), 'values': values},
        )
      )
    if rows := np.flatnonzero(survey.looks['zero'][:, m]).tolist():
      there = int(np.sum(survey.looks['length'][:, m] > 0))
      found.append(
        findings.Finding(
          findings.WARNING,
          'zero_sequences',
          f'{name}: {len(rows):,} of {there:,} sequences are all zero '
          f'({_examples(survey, rows)}).',
          'They count as there: without them the modality would be missing, '
          'and the model would know it.',
          {'modality': name, 'utterances': len(rows), 'of': there},
        )
      )
  return found


def padding(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Runs of all-zero steps that are counted in the length of a sequence."""
  found = []
  for m in present(survey):
    name = MODALITIES[m]
    there = survey.looks['length'][:, m] > 0
    steps = int(survey.looks['length'][:, m].sum())
    for key in ('begin', 'end'):
      runs = survey.looks[key][:, m]
      rows = np.flatnonzero(runs >= RUN).tolist()
      if not rows:
        continue
      zeros = int(runs[rows].sum())
      found.append(
        findings.Finding(
          findings.WARNING,
          f'zeros_at_{key}',
          f'{name}: {len(rows):,} of {int(there.sum()):,} sequences {key} '
          f'with {RUN} all-zero steps or more, {int(runs.max()):,} at most '
          f'({_examples(survey, rows)}): {zeros:,} of {steps:,} steps.',
          'Padding that counts as steps: cut it off, or give the lengths of '
          'the sequences.',
          {
            'modality': name,
            'utterances': len(rows),
            'of': int(there.sum()),
            'steps': zeros,
            'longest': int(runs.max()),
          },
        )
      )
  return found


def features(
  survey: survey_lib.Survey, counted: Mapping[str, Any], standardized: bool
) -> list[findings.Finding]:
  """Features that never vary, and those that are much too large.

  Args:
    survey: All utterances.
    counted: Of `tables`.
    standardized: The run scales features on its own.
  """
  found = []
  sequences = by_corpus(survey)
  for corpus, by_modality in counted['features'].items():
    for name, x in by_modality.items():
      data = {'corpus': corpus, 'modality': name}
      if x['constant'] and sequences[corpus][name].sequences > 1:
        share = x['constant'] / x['features']
        found.append(
          findings.Finding(
            findings.WARNING if share > FEW else findings.NOTE,
            'constant_features',
            f'{corpus}: {x["constant"]:,} of {x["features"]:,} features of '
            f'{name} ({share:.0%}) never vary; {x["zero"]:,} are always 0.',
            'They tell nothing. Was something else meant to stand there?',
            data | {k: x[k] for k in ('features', 'constant', 'zero')},
          )
        )
      if x['large']:
        found.append(
          findings.Finding(
            findings.NOTE if standardized else findings.WARNING,
            'large_features',
            f'{corpus}: {x["large"]:,} of {x["features"]:,} features of '
            f'{name} exceed {LARGE:g}; the largest |x| is {x["largest"]:.4g}.',
            ''
            if standardized
            else 'They drown the others: give --config.utterance.standardize.',
            data | {k: x[k] for k in ('features', 'large', 'largest')},
          )
        )
  return found


def cut(
  survey: survey_lib.Survey, skipped: Mapping[str, Mapping[str, int]]
) -> list[findings.Finding]:
  """Sequences that were cut at their end when a corpus was prepared."""
  found = []
  for corpus, reasons in skipped.items():
    for m, name in enumerate(MODALITIES):
      steps = reasons.get(f'{name} {utterances_lib.CUT}', 0)
      if not steps:
        continue
      parts = [i for i, p in enumerate(survey.parts) if p.corpus == corpus]
      length = survey.looks['length'][np.isin(survey.part, parts), m]
      longest = int(length.max())
      most = int(np.sum(length == longest))
      found.append(
        findings.Finding(
          findings.NOTE,
          'cut_sequences',
          f'{corpus}: {steps:,} steps of {name} were cut off, at the end of '
          f'those of {longest:,} steps: {most:,} at most, of '
          f'{int(np.sum(length > 0)):,}.',
          'See config.data.max_steps.',
          {
            'corpus': corpus,
            'modality': name,
            'steps': steps,
            'utterances_at_most': most,
            'longest': longest,
          },
        )
      )
  return found


def _examples(survey: survey_lib.Survey, rows: Sequence[int]) -> str:
  names = [f'{survey.where(r)} {survey.id(r)}' for r in rows[:3]]
  return findings.listed(names, 3, len(rows))
