"""An invented language: its words, their meanings and their vectors.

There is one language, whatever the seed of a corpus. Its words are

  affect       21 x 9 x 3: three synonyms for each valence of -1, -.9, ... 1
               and each arousal of -1, -.75, ... 1
  function     48 words that mean nothing
  negation     3 words that flip the valence of the next affect word
  intensifier  5 words that multiply the valence of the next affect word by
               INTENSIFY

A word's vector is its valence, arousal or kind along one of five orthogonal
directions, plus fixed noise of the word: as in pretrained word vectors, a
word's neighbours have similar meanings.
"""

import dataclasses
import functools

import numpy as np

DIM = 32
VALENCES, AROUSALS, SYNONYMS = 21, 9, 3
AFFECT = VALENCES * AROUSALS * SYNONYMS
FUNCTION, NEGATION, INTENSIFIER = 48, 3, 5
INTENSIFY = 1.5
# First word of each kind, in the order above.
KINDS = ('affect', 'function', 'negation', 'intensifier')
FIRST = np.cumsum((0, AFFECT, FUNCTION, NEGATION))
NUM_WORDS = AFFECT + FUNCTION + NEGATION + INTENSIFIER

# Standard deviation of the noise in each dimension of a word's vector.
NOISE = 0.15
# Function words are weaker than words that change the meaning of others.
STRENGTHS = {'function': 0.5, 'negation': 1.5, 'intensifier': 1.5}
SEED = 20


@dataclasses.dataclass(frozen=True, eq=False)
class Lexicon:
  """All words, in the order of their numbers.

  Attributes:
    words: Spellings, all different.
    vectors: f32 [NUM_WORDS, DIM].
    valence, arousal: [NUM_WORDS] in [-1, 1]; 0 except for affect words.
    kind: [NUM_WORDS] index into KINDS.
  """

  words: tuple[str, ...]
  vectors: np.ndarray
  valence: np.ndarray
  arousal: np.ndarray
  kind: np.ndarray


@functools.cache
def load() -> Lexicon:
  """Returns the language, which is always the same."""
  rng = np.random.default_rng(SEED)
  number = np.arange(NUM_WORDS)
  kind = np.searchsorted(FIRST, number, side='right') - 1
  affect = kind == KINDS.index('affect')
  valence = np.linspace(-1, 1, VALENCES)[
    number // (AROUSALS * SYNONYMS) % VALENCES
  ]
  arousal = np.linspace(-1, 1, AROUSALS)[number // SYNONYMS % AROUSALS]
  valence, arousal = valence * affect, arousal * affect

  # Directions are orthogonal, of length 1 and exact on any machine: rows of a
  # Walsh matrix.
  bit = np.arange(DIM)[None] >> np.arange(5)[:, None] & 1
  directions = (1 - 2 * bit) / np.sqrt(DIM)
  meaning = [valence, arousal]
  meaning += [(kind == KINDS.index(k)) * s for k, s in STRENGTHS.items()]
  vectors = np.stack(meaning, axis=1) @ directions
  vectors += NOISE * rng.standard_normal((NUM_WORDS, DIM))
  return Lexicon(
    words=_spell(rng),
    vectors=vectors.astype(np.float32),
    valence=valence,
    arousal=arousal,
    kind=kind,
  )


def affect_word(
  valence: np.ndarray, arousal: np.ndarray, synonym: np.ndarray
) -> np.ndarray:
  """Returns the numbers of the affect words nearest to valence and arousal.

  Args:
    valence, arousal: Any numbers; those outside [-1, 1] are clipped.
    synonym: Integers, 0 to SYNONYMS - 1.
  """
  v = np.rint((valence + 1) * ((VALENCES - 1) / 2)).clip(0, VALENCES - 1)
  a = np.rint((arousal + 1) * ((AROUSALS - 1) / 2)).clip(0, AROUSALS - 1)
  return ((v * AROUSALS + a) * SYNONYMS + synonym).astype(np.int64)


def _spell(rng: np.random.Generator) -> tuple[str, ...]:
  """Draws different spellings; words other than affect words are short."""
  vowels, soft = 'aeiou', 'lmnrvz'
  long = ('bdflmrtvz', vowels, 'dlmrtvz', vowels, 'lmnr')
  short = (vowels, soft, vowels)
  words: dict[str, None] = {}
  while len(words) < NUM_WORDS:
    letters = long if len(words) < AFFECT else short
    words[''.join(s[rng.integers(len(s))] for s in letters)] = None
  return tuple(words)
