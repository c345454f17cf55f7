"""Examines text, audio and vision of utterances: presence, lengths, values."""

from collections.abc import Mapping, Sequence
import itertools
from typing import Any

import numpy as np

from affect_jax.corpora.builders import utterances as utterances_lib
from affect_jax.doctor import findings
from affect_jax.doctor import survey as survey_lib
from affect_jax.doctor import utterances

MODALITIES = utterances.MODALITIES
# So many all-zero steps in a row count as padding; a single one can be a pause.
RUN = 2
# A feature beyond this |x| drowns the others.
LARGE = 100.0
# Share of the features of a modality that may be constant without a warning.
FEW = 0.1


def tables(survey: survey_lib.Survey) -> dict[str, Any]:
  """Counts the modalities of a survey, for JSON.

  Returns:
    'modalities': {split: {'text + audio': n, ...}}, samples that have exactly
    these, for all subsets of the present modalities, and 'none';
    'modalities_of_tasks': {task: {modality: {split: n}}}, for the samples with
    a label of the task; 'lengths': {modality: {split: {'there', 'min',
    'median', 'p95', 'max'}}}: how many samples have it, and lengths in steps if
    any has it; 'features': {corpus: {modality: {'features', 'constant', 'zero',
    'large', 'largest'}}}, except for token ids: numbers of features, of those
    that never vary, are always 0, or exceed LARGE, and the largest |x|.
  """
  length = survey.looks['length']
  known = present(survey)
  result: dict[str, Any] = {
    'modalities': {},
    'modalities_of_tasks': {},
    'lengths': {MODALITIES[m]: {} for m in known},
    'features': {},
  }
  code = sum(
    (length[:, m] > 0).astype(int) << m for m in range(len(MODALITIES))
  )
  for s, split in enumerate(survey.splits):
    in_split = survey.split == s
    result['modalities'][split] = {
      name: int(np.sum(in_split & (code == bits)))
      for name, bits in subsets(known)
    }
    for m in known:
      steps = length[in_split & (length[:, m] > 0), m]
      result['lengths'][MODALITIES[m]][split] = {
        'there': len(steps),
        **(_quantiles(steps) if len(steps) else {}),
      }
  for task in dict.fromkeys(t for t, _ in survey.columns):
    labelled = ~np.isnan(survey.labels[:, survey.column(task)]).all(1)
    result['modalities_of_tasks'][task] = {
      MODALITIES[m]: {
        split: int(np.sum(labelled & (survey.split == s) & (length[:, m] > 0)))
        for s, split in enumerate(survey.splits)
      }
      for m in known
    }
  for corpus, extents in by_corpus(survey).items():
    result['features'][corpus] = {
      m: _of_extent(extents[m]) for m in MODALITIES if m in extents
    }
  return result


def present(survey: survey_lib.Survey) -> list[int]:
  """Returns indices of the modalities that any corpus of the survey has."""
  names = {m for p in survey.parts for m in p.dims}
  return [m for m, name in enumerate(MODALITIES) if name in names]


def subsets(known: Sequence[int]) -> list[tuple[str, int]]:
  """Lists (name, bits) of all subsets of modalities, largest first."""
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
  """Returns {corpus: {modality: range of its features in all splits}}."""
  result: dict[str, dict[str, utterances.Extent]] = {}
  for part, extents in zip(survey.parts, survey.extents, strict=True):
    of_corpus = result.setdefault(part.corpus, {})
    for name, extent in extents.items():
      other = of_corpus.get(name)
      of_corpus[name] = utterances.joined(other, extent) if other else extent
  return result


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
  """Finds modalities that a split lacks altogether while another has them."""
  result = []
  for name, by_split in counted['lengths'].items():
    having = [s for s, x in by_split.items() if x['there']]
    without = [s for s in by_split if s not in having]
    if without and (having or 'train' in by_split):
      result.append(
        findings.Finding(
          findings.WARNING,
          'missing_modality',
          f'{name}: no utterance of {", ".join(without)} has it.',
          'The score cannot show what is learnt from it.'
          if 'train' in having
          else 'It cannot be learnt: leave it out of '
          '--config.utterance.modalities.',
          {'modality': name, 'splits': without},
        )
      )
  return result


def bad_values(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Finds values that are not finite, and sequences that are all zero."""
  result = []
  for m in present(survey):
    name = MODALITIES[m]
    if rows := np.flatnonzero(survey.looks['bad'][:, m]).tolist():
      values = int(survey.looks['bad'][:, m].sum())
      result.append(
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
      num_present = int(np.sum(survey.looks['length'][:, m] > 0))
      result.append(
        findings.Finding(
          findings.WARNING,
          'zero_sequences',
          f'{name}: {len(rows):,} of {num_present:,} sequences are all zero '
          f'({_examples(survey, rows)}).',
          'They count as present. If they were left out, the modality would be '
          'missing, and the model would know.',
          {'modality': name, 'utterances': len(rows), 'of': num_present},
        )
      )
  return result


def padding(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Finds runs of all-zero steps that count in the length of a sequence."""
  result = []
  for m in present(survey):
    name = MODALITIES[m]
    has = survey.looks['length'][:, m] > 0
    steps = int(survey.looks['length'][:, m].sum())
    for key in ('begin', 'end'):
      runs = survey.looks[key][:, m]
      rows = np.flatnonzero(runs >= RUN).tolist()
      if not rows:
        continue
      zeros = int(runs[rows].sum())
      result.append(
        findings.Finding(
          findings.WARNING,
          f'zeros_at_{key}',
          f'{name}: {len(rows):,} of {int(has.sum()):,} sequences {key} '
          f'with {RUN} all-zero steps or more, {int(runs.max()):,} at most '
          f'({_examples(survey, rows)}): {zeros:,} of {steps:,} steps.',
          'Padding counts as steps: cut it off, or state the lengths of the '
          'sequences.',
          {
            'modality': name,
            'utterances': len(rows),
            'of': int(has.sum()),
            'steps': zeros,
            'longest': int(runs.max()),
          },
        )
      )
  return result


def features(
  survey: survey_lib.Survey, counted: Mapping[str, Any], standardized: bool
) -> list[findings.Finding]:
  """Finds features that never vary, and features that are much too large.

  Args:
    survey: All utterances.
    counted: From `tables`.
    standardized: Whether the run itself scales features.
  """
  result = []
  sequences = by_corpus(survey)
  for corpus, by_modality in counted['features'].items():
    for name, x in by_modality.items():
      data = {'corpus': corpus, 'modality': name}
      if x['constant'] and sequences[corpus][name].sequences > 1:
        share = x['constant'] / x['features']
        extent = sequences[corpus][name]
        still = np.flatnonzero(extent.low == extent.high).tolist()
        result.append(
          findings.Finding(
            findings.WARNING if share > FEW else findings.NOTE,
            'constant_features',
            f'{corpus}: {x["constant"]:,} of {x["features"]:,} features of '
            f'{name} ({share:.0%}) never vary; {x["zero"]:,} are always 0. '
            f'From 0, they are {findings.some_of([*map(str, still)], 8)}.',
            'They carry no information. Were other columns meant?',
            data
            | {k: x[k] for k in ('features', 'constant', 'zero')}
            | {'indices': still},
          )
        )
      if x['large']:
        result.append(
          findings.Finding(
            findings.NOTE if standardized else findings.WARNING,
            'large_features',
            f'{corpus}: {x["large"]:,} of {x["features"]:,} features of '
            f'{name} exceed {LARGE:g}; the largest |x| is {x["largest"]:.4g}.',
            ''
            if standardized
            else 'They drown the others: add --config.utterance.standardize.',
            data | {k: x[k] for k in ('features', 'large', 'largest')},
          )
        )
  return result


def cut(
  survey: survey_lib.Survey,
  skipped: Mapping[str, Mapping[str, int]],
  examples: Mapping[str, Mapping[str, Sequence[str]]],
  limits: Mapping[str, tuple[str, int]],
) -> list[findings.Finding]:
  """Reports sequences that were cut at their end during preparation.

  The limit of a corpus that is not in {corpus: (flag that sets it, steps)} is
  taken to be the longest sequence that was read.
  """
  result = []
  for corpus, reasons in skipped.items():
    for m, name in enumerate(MODALITIES):
      steps = reasons.get(f'{name} {utterances_lib.CUT}', 0)
      if not steps:
        continue
      names = examples.get(corpus, {}).get(f'{name} {utterances_lib.CUT}', ())
      parts = [i for i, p in enumerate(survey.parts) if p.corpus == corpus]
      length = survey.looks['length'][np.isin(survey.part, parts), m]
      flag, longest = limits.get(
        corpus, ('--config.data.max_steps', int(length.max()))
      )
      most = int(np.sum(length == longest))
      result.append(
        findings.Finding(
          findings.NOTE,
          'cut_sequences',
          f'{corpus}: {steps:,} steps of {name} were cut off at the end of '
          f'sequences that now have {longest:,} steps: '
          + (
            f'at most {most:,} sequences of {int(np.sum(length > 0)):,}'
            if most
            else 'of none that was read'
          )
          + (f' ({findings.some_of(names, 3, most)})' if names else '')
          + '.',
          f'{flag}={2 * longest} keeps up to twice as much.',
          {
            'corpus': corpus,
            'modality': name,
            'steps': steps,
            'utterances_at_most': most,
            'longest': longest,
            **({'ids': list(names)} if names else {}),
          },
        )
      )
  return result


def _examples(survey: survey_lib.Survey, rows: Sequence[int]) -> str:
  names = [f'{survey.where(r)} {survey.id(r)}' for r in rows[:3]]
  return findings.some_of(names, 3, len(rows))
