"""Draws utterances by dialogue: text, audio, vision and exact labels.

Dialogue `number` of a part and split is a function of (seed, part, split,
number) and the options of `dialogue` alone, on the same version of numpy. See
`utterance_affect` for the labels, and `utterance_streams` for the modalities.
"""

from collections.abc import Iterator, Mapping
import dataclasses
import functools
import hashlib
import pathlib

import numpy as np

from affect_jax.synthetic import utterance_affect
from affect_jax.synthetic import utterance_lexicon
from affect_jax.synthetic import utterance_streams

SPLITS = ('train', 'val', 'test')
PARTS = ('emotion', 'sentiment', 'sarcasm')
# Separate streams of random numbers: draws of one do not shift another.
SPEAKER, AFFECT, SEQUENCES, LABELS = range(10, 14)
# Number of successive dialogues with the same two speakers.
DIALOGUES_OF_A_PAIR = 4


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Turn:
  """One utterance, with the variables behind it.

  Attributes:
    dialogue: Number of its dialogue in the part and split.
    turn: Its index in the dialogue, from 0.
    alone: Whether the dialogue has no other turn.
    speaker: Such as 'emotion-train-000012'; no two parts or splits share any.
    transcript: The words, joined by blanks.
    sequences: {'text': f32 [T, 32], 'audio': f32 [T', 12], 'vision':
      f32 [T'', 21]}.
    valence, arousal: What is meant, in (-1, 1).
    said, shown: Polarities of the words, and of voice and face.
    emotion: One of `utterance_affect.EMOTIONS`.
    sentiment: Sentiment in (-3, 3).
    sarcasm: 1 or 0.
  """

  dialogue: int
  turn: int
  alone: bool
  speaker: str
  transcript: str
  sequences: Mapping[str, np.ndarray]
  valence: float
  arousal: float
  said: float
  shown: float
  emotion: str
  sentiment: float
  sarcasm: float


def version() -> str:
  """Returns a digest of all code that draws utterances."""
  folder = pathlib.Path(__file__).parent
  digest = hashlib.sha256()
  for path in sorted([*folder.glob('utterance*.py'), folder / 'affect.py']):
    digest.update(path.read_bytes())
  return digest.hexdigest()[:16]


def generator(
  stream: int, seed: int, part: str, split: str, number: int
) -> np.random.Generator:
  """Returns the random generator of one dialogue or speaker."""
  place = PARTS.index(part), SPLITS.index(split)
  return np.random.default_rng((stream, seed, *place, number))


@functools.lru_cache(maxsize=64)
def _speaker(
  seed: int, part: str, split: str, number: int
) -> utterance_streams.Speaker:
  return utterance_streams.draw_speaker(
    generator(SPEAKER, seed, part, split, number)
  )


def dialogue(
  seed: int,
  part: str,
  split: str,
  number: int,
  *,
  turns: tuple[int, int],
  drift: float,
  sarcasm_share: float,
) -> list[Turn]:
  """Draws a dialogue of two speakers, who take turns.

  Args:
    seed: Seed of the corpus, at least 0.
    part: One of PARTS.
    split: One of SPLITS.
    number: Number of the dialogue, from 0.
    turns: Fewest and most turns; their number is uniform between.
    drift: See `utterance_affect.draw`.
    sarcasm_share: Share of sarcastic utterances, in [0, 1].
  """
  rng = generator(AFFECT, seed, part, split, number)
  count = int(rng.integers(turns[0], turns[1] + 1))
  drawn = utterance_affect.draw(rng, count, drift, sarcasm_share)
  said = utterance_affect.said(drawn)
  shown = utterance_affect.polarity(drawn.valence)
  sentiment = utterance_affect.sentiment(drawn.valence, drawn.arousal)
  sarcasm = utterance_affect.sarcasm(said, shown)
  rng = generator(SEQUENCES, seed, part, split, number)
  pair = number // DIALOGUES_OF_A_PAIR
  lexicon = utterance_lexicon.load()
  found = []
  for t in range(count):
    who = 2 * pair + t % 2
    speaker = _speaker(seed, part, split, who)
    arousal, emotion = float(drawn.arousal[t]), int(drawn.emotion[t])
    words = utterance_streams.text(rng, float(said[t]), arousal)
    sequences = {
      'text': lexicon.vectors[words],
      'audio': utterance_streams.audio(
        rng, float(shown[t]), arousal, speaker, len(words)
      ),
      'vision': utterance_streams.vision(
        rng, float(shown[t]), arousal, emotion, speaker, len(words)
      ),
    }
    found.append(
      Turn(
        dialogue=number,
        turn=t,
        alone=count == 1,
        speaker=f'{part}-{split}-{who:06d}',
        transcript=' '.join([lexicon.words[w] for w in words.tolist()]),
        sequences=sequences,
        valence=float(drawn.valence[t]),
        arousal=arousal,
        said=float(said[t]),
        shown=float(shown[t]),
        emotion=utterance_affect.EMOTIONS[emotion],
        sentiment=float(sentiment[t]),
        sarcasm=float(sarcasm[t]),
      )
    )
  return found


def stream(
  seed: int,
  part: str,
  split: str,
  count: int,
  *,
  turns: tuple[int, int] = (4, 12),
  drift: float = 0.8,
  sarcasm_share: float = 0.5,
) -> Iterator[Turn]:
  """Yields the first `count` utterances of a part and split, in order.

  The last dialogue is cut to reach `count`.
  """
  number = 0
  while count > 0:
    found = dialogue(
      seed,
      part,
      split,
      number,
      turns=turns,
      drift=drift,
      sarcasm_share=sarcasm_share,
    )
    yield from found[:count]
    count -= len(found)
    number += 1
