"""From samples to findings: the doctor without command line and corpora."""

from collections.abc import Collection, Mapping, Sequence
import dataclasses
import time
from typing import Any

from absl import logging

from affect_jax.corpora.builders import records
from affect_jax.corpora.builders import utterances
from affect_jax.corpora.files import identity
from affect_jax.doctor import counts
from affect_jax.doctor import damage
from affect_jax.doctor import dialogues
from affect_jax.doctor import duplicates
from affect_jax.doctor import findings
from affect_jax.doctor import gaps
from affect_jax.doctor import hidden_labels
from affect_jax.doctor import identities
from affect_jax.doctor import leakage
from affect_jax.doctor import parts as parts_lib
from affect_jax.doctor import recordings
from affect_jax.doctor import report
from affect_jax.doctor import sameness
from affect_jax.doctor import scales
from affect_jax.doctor import sequences
from affect_jax.doctor import survey as survey_lib
from affect_jax.doctor import transcripts
from affect_jax.doctor import values
from affect_jax.doctor import weak as weak_lib

# Findings of what no sample has: unknown where not all were read.
OF_ALL_SAMPLES = (
  'unlabelled_task',
  'never_in_train',
  'gap_of_val',
  'gap_of_test',
  'missing_modality',
  'constant_features',
)


@dataclasses.dataclass(frozen=True)
class Result:
  """The result of an examination.

  Attributes:
    report: `report.data`.
    survey: The samples.
    groups: {kind in duplicates.csv: groups of equal samples}: 'exact' for
      pictures; 'features' and 'transcript' for utterances.
    near: Near duplicates of pictures; None for utterances.
  """

  report: dict[str, Any]
  survey: survey_lib.Survey
  groups: Mapping[str, duplicates.Exact]
  near: duplicates.Near | None


@dataclasses.dataclass(frozen=True)
class _Special:
  """The part of a `Result` that is special to pictures, or to utterances."""

  leaks: Sequence[findings.Finding]
  damage: Sequence[findings.Finding]
  tables: Mapping[str, Any]
  groups: Mapping[str, duplicates.Exact]
  near: duplicates.Near | None = None


def examine(
  parts: Sequence[parts_lib.Part],
  *,
  near_distance: int = duplicates.NEAR_DISTANCE,
  strict: bool = False,
  remedies: Mapping[str, str] | None = None,
  skipped: Mapping[str, Mapping[str, int]] | None = None,
  examples: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
  standardized: bool = False,
  sample: int = 0,
  weak: weak_lib.Weak | None = None,
  tasks: Mapping[str, Sequence[str]] | None = None,
  tuned: Collection[str] = (),
  limits: Mapping[str, tuple[str, int]] | None = None,
) -> Result:
  """Reads all parts and judges them as the docstring of the package says.

  Args:
    parts: The parts to read, all of pictures or all of utterances.
    near_distance: Bits of the dHash that may differ, 0 to 8.
    strict: Make errors of warnings about duplicates across splits.
    remedies: {corpus: flag that leaves duplicates out}.
    skipped: {corpus: {reason: samples that preparing it left out}}.
    examples: {corpus: {reason: names of some of these samples}}.
    standardized: Whether the run itself scales the features of utterances.
    sample: The limit that `parts_of` was given: what is not read cannot be
      judged.
    weak: Weak labels of each corpus.
    tasks: {task that the run learns: its outputs; (): all that are annotated}.
      None, or if none of them is annotated: all tasks.
    tuned: Those of which validation tunes thresholds.
    limits: {corpus: flag that sets how many steps are kept, and its value}.

  Raises:
    UserError: near_distance is out of range, a part is damaged, or some parts
      hold pictures and some utterances.
  """
  duplicates.masks(near_distance)  # Checks it before minutes of reading.
  survey = survey_lib.read(parts)
  remedies, skipped = remedies or {}, skipped or {}
  if all(p.size < sample for p in parts):
    sample = 0  # All samples were read.
  settings: dict[str, Any] = {'strict': strict, 'sample': sample}
  if survey.things == 'pictures':
    settings['near_distance'] = near_distance
    settings['correlation'] = duplicates.CORRELATION
    special = _pictures(survey, near_distance, remedies, strict)
  else:
    settings['min_words'] = transcripts.MIN_WORDS
    special = _utterances(
      survey,
      remedies,
      skipped,
      examples or {},
      strict,
      standardized,
      limits or {},
    )
  counted = counts.tables(survey)
  learned = _learned(counted['outputs'], tasks or {})
  weak_tables = weak_lib.tables(survey, weak or {}, bool(sample))
  judged = [
    *leakage.shared_samples(survey),
    *special.leaks,
    *leakage.shared_subjects(survey),
    *damage.bad_labels(survey),
    *scales.find(survey),
    *special.damage,
    *values.find(survey),
    *counts.missing(survey, counted, learned),
    *gaps.find(survey, learned, tuned),
    *recordings.find(skipped, examples or {}),
    *identities.find(survey, skipped, examples or {}),
    *_left_out(skipped, examples or {}),
    *weak_lib.find(weak_tables),
  ]
  if sample:
    judged = [f for f in judged if f.kind not in OF_ALL_SAMPLES]
  extra = {'weak_labels': weak_tables} if weak_tables else {}
  data = report.data(
    survey,
    judged,
    counted,
    {**special.tables, 'values': values.tables(survey), **extra},
    settings,
  )
  return Result(data, survey, special.groups, special.near)


def _learned(
  annotated: Mapping[str, Any], tasks: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
  """Returns {task: outputs} that are annotated and learned."""
  chosen = {
    task: [n for n in outputs if n in (tasks[task] or outputs)]
    for task, outputs in annotated.items()
    if task in tasks
  }
  return chosen or {task: [*outputs] for task, outputs in annotated.items()}


def _pictures(
  survey: survey_lib.Survey,
  near_distance: int,
  remedies: Mapping[str, str],
  strict: bool,
) -> _Special:
  start = time.monotonic()
  # The same sample in two splits is a finding of its own, not a duplicate.
  valid = survey.looks['readable'] & survey.first
  groups = duplicates.exact(
    survey.looks['digest'], survey.split, len(survey.splits), valid
  )
  # Constant pictures all look alike: endless pairs, but no leak.
  head = groups.member.max(1, initial=-1)
  chosen = ~survey.looks['constant'][head] if len(head) else head > 0
  near = duplicates.near(
    survey.looks['dhash'],
    survey.looks['thumb'],
    groups.member[chosen],
    distance=near_distance,
  )
  logging.info(
    'compared %d different pictures in %.1f s',
    len(groups.member),
    time.monotonic() - start,
  )
  return _Special(
    leaks=leakage.exact_findings(
      survey, groups, sameness.PIXELS, remedies=remedies, strict=strict
    ),
    damage=[
      *damage.bad_pictures(survey),
      *leakage.near_findings(
        survey, groups.counts[chosen], near, strict=strict
      ),
      *damage.contradictions(survey, groups, sameness.PIXELS),
      *counts.neutral_with_units(survey),
    ],
    tables={'picture_sizes': counts.sizes(survey)},
    groups={sameness.PIXELS.name: groups},
    near=near,
  )


def _utterances(
  survey: survey_lib.Survey,
  remedies: Mapping[str, str],
  skipped: Mapping[str, Mapping[str, int]],
  examples: Mapping[str, Mapping[str, Sequence[str]]],
  strict: bool,
  standardized: bool,
  limits: Mapping[str, tuple[str, int]],
) -> _Special:
  groups = duplicates.exact(
    survey.looks['features'],
    survey.split,
    len(survey.splits),
    survey.first & survey.looks['telling'],
  )
  words = transcripts.group(survey, short=False)
  counted = sequences.tables(survey)
  return _Special(
    leaks=[
      *dialogues.shared_dialogues(survey),
      *leakage.exact_findings(
        survey, groups, sameness.FEATURES, remedies=remedies, strict=strict
      ),
      *hidden_labels.find(survey),
    ],
    damage=[
      *sequences.bad_values(survey),
      *transcripts.find(survey, words, remedies=remedies, strict=strict),
      *damage.contradictions(survey, groups, sameness.FEATURES),
      *damage.class_against_sign(survey),
      *dialogues.doubled_turns(survey),
      *sequences.missing_modalities(counted),
      *sequences.padding(survey),
      *sequences.features(survey, counted, standardized),
      *sequences.cut(survey, skipped, examples, limits),
      *transcripts.garbled(survey),
      *transcripts.wordless(survey),
      *dialogues.without_transcript(survey),
    ],
    tables=counted,
    groups={
      sameness.FEATURES.name: groups,
      sameness.TRANSCRIPT.name: words,
    },
  )


def _named(names: Sequence[str], count: int) -> str:
  return f' ({findings.some_of(names, 3, count)})' if names else ''


def _left_out(
  skipped: Mapping[str, Mapping[str, int]],
  examples: Mapping[str, Mapping[str, Sequence[str]]],
) -> list[findings.Finding]:
  result = []
  for corpus, reasons in skipped.items():
    # An utterance whose sequence was cut is not left out.
    elsewhere = (utterances.CUT, identity.JOINED)
    counted = {
      reason: n
      for reason, n in reasons.items()
      if n
      and not reason.endswith(elsewhere)
      and reason not in recordings.REASONS
    }
    known = examples.get(corpus, {})
    for kind, words, noted in (
      ('left_out', 'left out', False),
      ('read_as', 'found', True),
    ):
      some = {r: n for r, n in counted.items() if records.is_note(r) == noted}
      if some:
        result.append(
          findings.Finding(
            findings.NOTE,
            kind,
            f'{corpus}: {words} when it was prepared: '
            + ', '.join(
              f'{n:,} {reason}{_named(known.get(reason, ()), n)}'
              for reason, n in some.items()
            )
            + '.',
            data={
              'corpus': corpus,
              'reasons': some,
              'examples': {r: [*known[r]] for r in some if known.get(r)},
            },
          )
        )
  return result
