"""From samples to findings: the doctor without command line and corpora."""

from collections.abc import Mapping, Sequence
import dataclasses
import time
from typing import Any

from absl import logging

from affect_jax.doctor import counts
from affect_jax.doctor import damage
from affect_jax.doctor import duplicates
from affect_jax.doctor import findings
from affect_jax.doctor import leakage
from affect_jax.doctor import report
from affect_jax.doctor import survey as survey_lib


@dataclasses.dataclass(frozen=True)
class Result:
  """What an examination found.

  Attributes:
    report: `report.data`.
    survey: The samples.
    groups: Their exact duplicates.
    near: Their near duplicates.
  """

  report: dict[str, Any]
  survey: survey_lib.Survey
  groups: duplicates.Exact
  near: duplicates.Near


def examine(
  parts: Sequence[survey_lib.Part],
  *,
  near_distance: int = duplicates.NEAR_DISTANCE,
  strict: bool = False,
  remedies: Mapping[str, str] | None = None,
  skipped: Mapping[str, Mapping[str, int]] | None = None,
  sample: int = 0,
) -> Result:
  """Reads all parts and judges them as the package's text says.

  Args:
    parts: What to read.
    near_distance: Bits of the dHash that may differ, 0 to 8.
    strict: Make errors of warnings about duplicates across splits.
    remedies: {corpus: flag that leaves duplicates out}.
    skipped: {corpus: {reason: samples that preparing it left out}}.
    sample: What `parts_of` was limited to; for the report only.

  Raises:
    ValueError: near_distance is out of range, or a part is damaged.
  """
  duplicates.masks(near_distance)  # Before minutes of reading.
  survey = survey_lib.read(parts)
  start = time.monotonic()
  # The same sample in two splits is told of as such, not as its duplicate.
  valid = survey.looks['readable'] & survey.first
  groups = duplicates.exact(
    survey.looks['digest'], survey.split, len(survey.splits), valid
  )
  # Plain pictures all look alike: no leak, and no end of pairs.
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
  counted = counts.tables(survey)
  found = [
    *leakage.shared_samples(survey),
    *leakage.exact_findings(
      survey, groups, remedies=remedies or {}, strict=strict
    ),
    *leakage.shared_subjects(survey),
    *damage.bad_pictures(survey),
    *damage.bad_labels(survey),
    *leakage.near_findings(survey, groups.counts[chosen], near, strict=strict),
    *damage.contradictions(survey, groups),
    *counts.missing(survey, counted),
    *counts.neutral_with_units(survey),
    *_left_out(skipped or {}),
  ]
  settings = {
    'near_distance': near_distance,
    'correlation': duplicates.CORRELATION,
    'strict': strict,
    'sample': sample,
  }
  return Result(
    report.data(survey, found, counted, settings), survey, groups, near
  )


def _left_out(
  skipped: Mapping[str, Mapping[str, int]],
) -> list[findings.Finding]:
  return [
    findings.Finding(
      findings.NOTE,
      'left_out',
      f'{corpus}: left out when it was prepared: '
      + ', '.join(f'{n:,} {reason}' for reason, n in reasons.items() if n)
      + '.',
      data={'corpus': corpus, 'reasons': dict(reasons)},
    )
    for corpus, reasons in skipped.items()
    if any(reasons.values())
  ]
