"""Finds dialogues in two splits, repeated turns and missing transcripts."""

import numpy as np

from affect_jax.doctor import findings
from affect_jax.doctor import leakage
from affect_jax.doctor import survey as survey_lib


def shared_dialogues(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Finds dialogues, or videos, with utterances in two splits."""
  return leakage.shared(
    survey,
    survey.dialogue,
    survey.dialogues,
    what='dialogues',
    level=findings.ERROR,
    advice='Scores are too good on utterances from dialogues of training: put '
    "each dialogue into one split. Slices such as 'train[:90%]' cut through "
    'dialogues.',
  )


def doubled_turns(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Finds utterances with the same turn of the same dialogue.

  Whether turns ascend cannot be checked, as prepared records are shuffled.
  """
  rows = np.flatnonzero((survey.dialogue >= 0) & survey.first)
  turns = np.stack(
    [survey.dialogue[rows], survey.looks['turn'][rows]], 1
  ).astype(np.int64)
  distinct, inverse, times = np.unique(
    turns, axis=0, return_inverse=True, return_counts=True
  )
  repeated = np.flatnonzero(times > 1)
  if not len(repeated):
    return []
  names = [
    f'{survey.dialogues[d]} turn {t}' for d, t in distinct[repeated].tolist()
  ]
  count = int(np.sum(np.isin(inverse.reshape(-1), repeated)))
  return [
    findings.Finding(
      findings.WARNING,
      'doubled_turns',
      f'{count:,} utterances share {len(names):,} turns of dialogues '
      f'({findings.some_of(names, 3)}).',
      'Models of dialogues read them in an arbitrary order: number the turns '
      'anew.',
      {'utterances': count, 'turns': names[:1000]},
    )
  ]


def without_transcript(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Finds utterances without a transcript."""
  without = ~survey.looks['transcribed']
  if not without.any():
    return []
  by_split = np.bincount(survey.split[without], minlength=len(survey.splits))
  numbers = dict(zip(survey.splits, by_split.tolist(), strict=True))
  rows = np.flatnonzero(without)[:100].tolist()
  names = [f'{survey.where(r)} {survey.id(r)}' for r in rows]
  return [
    findings.Finding(
      findings.NOTE,
      'no_transcript',
      f'{int(without.sum()):,} of {len(without):,} utterances have no '
      'transcript: '
      + ', '.join(f'{s} {n:,}' for s, n in numbers.items() if n)
      + f' ({findings.some_of(names, 3, int(without.sum()))}).',
      'Fill in what was said, if anything was. If they have a sequence of '
      'text, it is compared instead.',
      {'utterances': numbers, 'ids': names},
    )
  ]
