"""Draws words, voice and face of an utterance, sequences of unequal lengths.

Each modality shows the affect with its own noise (NOISE), so that each tells a
part and all together tell more:

  text    words of `utterance_lexicon`: 3 to 7 affect words near what is said,
          with function words, negations and intensifiers before them. Words
          tell valence best. [T, 32], T about 15
  audio   frames of a voice, 3 to 5 for each word: level and rhythm follow
          arousal, fall or rise of the pitch follows polarity. The voice tells
          arousal best. [3 T to 5 T, 12]
  vision  intensities of 21 action units, 1.5 to 2.5 frames for each word: the
          emotion's recipe (`affect.RECIPES`) swells and fades, over a smile or
          a frown that follows polarity. The face tells the emotion best.
          [1.5 T to 2.5 T, 21], in [0, 1]
"""

import dataclasses

import numpy as np

from affect_jax.synthetic import affect as affect_lib
from affect_jax.synthetic import utterance_affect
from affect_jax.synthetic import utterance_lexicon as lexicon_lib

AUDIO_DIM = 12
DIMS = {
  'text': lexicon_lib.DIM,
  'audio': AUDIO_DIM,
  'vision': len(affect_lib.RENDERED),
}
# Standard deviation of the noise that is added to (polarity, arousal): once for
# the whole utterance, but in text for each affect word.
NOISE = {'text': (0.35, 0.5), 'audio': (0.8, 0.3), 'vision': (0.8, 0.8)}
NEGATED, INTENSIFIED = 0.15, 0.2
FRAME_NOISE = {'audio': 0.3, 'vision': 0.12}
# Share of faces that do not show the emotion at all.
POKER_FACES = 0.5
SPEAKER_NOISE = {'audio': 0.4, 'vision': 0.08}

# What a smile, a frown and excitement add to the face at full strength.
SMILE = {'AU6': 0.3, 'AU12': 0.6}
FROWN = {'AU4': 0.4, 'AU15': 0.5, 'AU17': 0.2}
EXCITED = {'AU5': 0.25, 'AU25': 0.4, 'AU26': 0.3}


def _units(recipe: dict[str, float]) -> np.ndarray:
  return np.array([recipe.get(u, 0.0) for u in affect_lib.RENDERED])


_TINT = np.stack([_units(SMILE), _units(FROWN), _units(EXCITED)])
_RECIPES = tuple(
  np.stack([_units(r) for r in affect_lib.RECIPES[e]])
  for e in utterance_affect.EMOTIONS
)
# Weights of five curves over time in the features of a voice; all speakers
# share them.
_MIX = np.random.default_rng(21).standard_normal((5, AUDIO_DIM)) / np.sqrt(5)


@dataclasses.dataclass(frozen=True, eq=False)
class Speaker:
  """How somebody differs from others.

  Attributes:
    voice: [AUDIO_DIM], added to every frame.
    face: [21] action units of the resting face, at least 0.
    mobility: Factor of everything that the face shows.
  """

  voice: np.ndarray
  face: np.ndarray
  mobility: float


def draw_speaker(rng: np.random.Generator) -> Speaker:
  """Draws a speaker."""
  face = SPEAKER_NOISE['vision'] * rng.standard_normal(DIMS['vision'])
  return Speaker(
    voice=SPEAKER_NOISE['audio'] * rng.standard_normal(AUDIO_DIM),
    face=np.maximum(face, 0),
    mobility=float(rng.uniform(0.8, 1.2)),
  )


def text(rng: np.random.Generator, said: float, arousal: float) -> np.ndarray:
  """Draws the numbers [T] of the words, with T from 3 to 42.

  Args:
    rng: Draws the words.
    said: Polarity of the words, in [-1, 1].
    arousal: Arousal of the speaker, in [-1, 1].
  """
  clauses = int(rng.integers(3, 8))
  spread = NOISE['text']
  tone = (said, arousal) + spread * rng.standard_normal((clauses, 2))
  chance = rng.random((clauses, 9))
  negated = chance[:, 0] < NEGATED
  intensified = chance[:, 1] < INTENSIFIED
  wanted = tone[:, 0] * np.where(negated, -1, 1)
  wanted = wanted / np.where(intensified, lexicon_lib.INTENSIFY, 1)
  _, function, negation, intensifier = lexicon_lib.FIRST
  words = np.empty((clauses, 6), np.int64)
  words[:, :3] = function + chance[:, 2:5] * lexicon_lib.FUNCTION
  words[:, 3] = negation + chance[:, 5] * lexicon_lib.NEGATION
  words[:, 4] = intensifier + chance[:, 6] * lexicon_lib.INTENSIFIER
  synonym = (chance[:, 7] * lexicon_lib.SYNONYMS).astype(np.int64)
  words[:, 5] = lexicon_lib.affect_word(wanted, tone[:, 1], synonym)
  kept = np.ones((clauses, 6), bool)
  kept[:, :3] = np.arange(3)[None] < (chance[:, 8:] * 4).astype(np.int64)
  kept[:, 3], kept[:, 4] = negated, intensified
  return words[kept]


def audio(
  rng: np.random.Generator,
  shown: float,
  arousal: float,
  speaker: Speaker,
  num_words: int,
) -> np.ndarray:
  """Draws frames f32 [T, AUDIO_DIM] of a voice, T = 3 to 5 `num_words`."""
  frames = max(1, round(num_words * rng.uniform(3, 5)))
  noise, phase = rng.standard_normal(2), rng.random()
  valence = shown + NOISE['audio'][0] * noise[0]
  energy = arousal + NOISE['audio'][1] * noise[1]
  time = np.arange(frames)
  # A syllable takes 8 frames, 5 in full excitement, 11 at an arousal of -1.
  rhythm = np.sin(2 * np.pi * (time / (8 - 3 * arousal) + phase))
  courses = np.empty((frames, 5))
  courses[:, 0] = energy
  courses[:, 1] = energy * (1 + rhythm)
  courses[:, 2] = valence
  courses[:, 3] = valence * np.linspace(-1, 1, frames)
  courses[:, 4] = rhythm
  spectrum = courses @ _MIX + speaker.voice[None]
  spectrum += FRAME_NOISE['audio'] * rng.standard_normal(spectrum.shape)
  return spectrum.astype(np.float32)


def vision(
  rng: np.random.Generator,
  shown: float,
  arousal: float,
  emotion: int,
  speaker: Speaker,
  num_words: int,
) -> np.ndarray:
  """Draws action units f32 [T, 21] in [0, 1], T = 1.5 to 2.5 `num_words`."""
  frames = max(1, round(num_words * rng.uniform(1.5, 2.5)))
  noise, chance = rng.standard_normal(2), rng.random(4)
  valence = shown + NOISE['vision'][0] * noise[0]
  energy = arousal + NOISE['vision'][1] * noise[1]
  tint = np.maximum((valence, -valence, energy), 0) @ _TINT
  variants = _RECIPES[emotion]
  recipe = variants[int(chance[0] * len(variants))]
  # 0 in a share of POKER_FACES, else uniform up to 1.
  strength = max(0.0, chance[1] - POKER_FACES) / (1 - POKER_FACES)
  apex, width = chance[2] * frames, (0.2 + 0.3 * chance[3]) * frames
  swell = np.exp(-np.square((np.arange(frames) - apex) / width))
  face = strength * (0.2 + 0.8 * swell)[:, None] * recipe[None]
  face = speaker.face[None] + speaker.mobility * (face + tint[None])
  face += FRAME_NOISE['vision'] * rng.standard_normal(face.shape)
  return np.clip(face, 0, 1).astype(np.float32)
