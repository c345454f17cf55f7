"""The ways in which samples can be equal, and how bad each is."""

import dataclasses

from affect_jax.doctor import findings


@dataclasses.dataclass(frozen=True)
class Sameness:
  """A way of being equal.

  Attributes:
    name: Its name in the column 'kind' of duplicates.csv.
    across: Kind of the findings about two splits.
    within: Kind of the findings about one split.
    contradictions: Kind of the findings about labels of equal samples.
    things: What the samples are, in the plural.
    verb: As in 'pictures {verb} pictures of another split'.
    noun: As in '3 sets of {noun}'.
    level: How bad it is in two splits.
    advice: Advice about two splits.
    contradicting: Advice about contradicting labels.
  """

  name: str
  across: str
  within: str
  contradictions: str
  things: str
  verb: str
  noun: str
  level: str
  advice: str
  contradicting: str


_LEAK = (
  'Scores on them are too good: remove them from one of the splits; '
  'duplicates.csv (--out) lists the pairs.'
)
PIXELS = Sameness(
  name='exact',
  across='exact_across_splits',
  within='exact_within_splits',
  contradictions='contradictions',
  things='pictures',
  verb='are pixel-identical to',
  noun='pixel-identical pictures',
  level=findings.ERROR,
  advice=_LEAK,
  contradicting='At least one label of each is wrong; duplicates.csv (--out) '
  'lists the pictures. Soft labels or several annotators would tell which.',
)
FEATURES = Sameness(
  name='features',
  across='same_features_across_splits',
  within='same_features_within_splits',
  contradictions='same_features_contradictions',
  things='utterances',
  verb='have the audio and vision of',
  noun='utterances with the same audio and vision',
  level=findings.ERROR,
  advice=_LEAK,
  contradicting='At least one label of each is wrong; duplicates.csv (--out) '
  'lists them.',
)
# People do say the same thing twice, so this does not prove a leak.
TRANSCRIPT = Sameness(
  name='transcript',
  across='same_transcript_across_splits',
  within='same_transcript_within_splits',
  contradictions='same_transcript_contradictions',
  things='utterances',
  verb='have the words of',
  noun='utterances with the same words',
  level=findings.WARNING,
  advice='Look at the pairs in duplicates.csv (--out): is it one recording '
  'under two ids, or a sentence that was said twice?',
  contradicting='They were said in two ways, or one label is wrong: '
  'duplicates.csv (--out) lists them.',
)
