"""Dialogues: in two splits, turns that are there twice, words that are not."""

import numpy as np

from affect_jax.doctor import findings
from affect_jax.doctor import leakage
from affect_jax.doctor import survey as survey_lib


def shared_dialogues(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Dialogues, or videos, with utterances in two splits."""
  return leakage.shared(
    survey,
    survey.dialogue,
    survey.dialogues,
    what='dialogues',
    level=findings.ERROR,
    advice='Scores on what was said beside the utterances of training are too '
    "good: put each dialogue into one split. Slices, as 'train[:90%]', cut "
    'through dialogues.',
  )


def doubled_turns(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Two utterances at one place of a dialogue.

  Whether turns ascend cannot be told: prepared records are shuffled.
  """
  rows = np.flatnonzero((survey.dialogue >= 0) & survey.first)
  places = np.stack(
    [survey.dialogue[rows], survey.looks['turn'][rows]], 1
  ).astype(np.int64)
  found, inverse, times = np.unique(
    places, axis=0, return_inverse=True, return_counts=True
  )
  twice = np.flatnonzero(times > 1)
  if not len(twice):
    return []
  names = [f'{survey.dialogues[d]} turn {t}' for d, t in found[twice].tolist()]
  count = int(np.sum(np.isin(inverse.reshape(-1), twice)))
  return [
    findings.Finding(
      findings.WARNING,
      'doubled_turns',
      f'{count:,} utterances share {len(names):,} places in dialogues '
      f'({findings.listed(names, 3)}).',
      'Models of dialogues read them in an order that nobody chose: number '
      'the turns anew.',
      {'utterances': count, 'turns': names[:1000]},
    )
  ]


def without_transcript(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Utterances without a transcript."""
  without = ~survey.looks['transcribed']
  if not without.any():
    return []
  by_split = np.bincount(survey.split[without], minlength=len(survey.splits))
  numbers = dict(zip(survey.splits, by_split.tolist(), strict=True))
  return [
    findings.Finding(
      findings.NOTE,
      'no_transcript',
      f'{int(without.sum()):,} of {len(without):,} utterances have no '
      'transcript: '
      + ', '.join(f'{s} {n:,}' for s, n in numbers.items() if n)
      + '.',
      'Where they have a sequence of text, that is compared instead.',
      {'utterances': numbers},
    )
  ]
