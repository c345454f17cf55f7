"""Draws what somebody feels and says in a dialogue, and derives the labels.

Four variables determine an utterance. With `n`, `m`, `g`, `u` for independent
noise (standard normal twice, Gumbel, uniform) of turn t:

  valence[t], arousal[t] = tanh(x[t]), tanh(y[t]), in (-1, 1)
    x[t] = drift x[t-1] + sqrt(1 - drift^2) n[t];  y alike, with m
  emotion[t] = argmax over k of
    g[k] - |(valence, arousal) - ANCHORS[k]|^2 / (2 SPREAD^2)
  flipped[t] = u < sarcasm_share

Voice and face show what is meant, words may say the opposite:

  shown = polarity(valence) = sign(valence) (MARGIN + (1 - MARGIN) |valence|)
  said  = -shown if flipped else shown

The labels:

  emotion    as above
  sentiment  3 valence (3 + arousal) / 4, in (-3, 3): what is meant
  sarcasm    1 if said and shown have opposite signs and differ by at least
             2 MARGIN, else 0

Valence is symmetric around 0 and `flipped` is independent of it, so what is
said has the same distribution in sarcastic and in sincere utterances, and so
has what is shown: no single modality tells sarcasm, only a comparison of words
with voice or face does. MARGIN keeps either polarity away from 0.
"""

import dataclasses

import numpy as np

from affect_jax.synthetic import affect as affect_lib

# The emotions of utterance corpora do not include contempt.
EMOTIONS = affect_lib.EXPRESSIONS[:7]
ANCHORS = np.array([affect_lib.ANCHORS[e] for e in EMOTIONS])
# How far an emotion reaches in the plane of valence and arousal.
SPREAD = 0.25
MARGIN = 0.3


@dataclasses.dataclass(frozen=True, eq=False)
class Affect:
  """The turns of one dialogue, T of them.

  Attributes:
    valence, arousal: [T] in (-1, 1), what is meant.
    emotion: [T] index into EMOTIONS.
    flipped: bool [T], whether the words say the opposite.
  """

  valence: np.ndarray
  arousal: np.ndarray
  emotion: np.ndarray
  flipped: np.ndarray


def draw(
  rng: np.random.Generator, turns: int, drift: float, sarcasm_share: float
) -> Affect:
  """Draws a dialogue of `turns` turns.

  The noise does not depend on the drift and the share.

  Args:
    rng: Draws the noise.
    turns: Number of turns, at least 1.
    drift: Correlation of x from turn to turn, in [0, 1).
    sarcasm_share: Share of sarcastic turns, in [0, 1].
  """
  noise = rng.standard_normal((turns, 2))
  gumbel = rng.gumbel(size=(turns, len(EMOTIONS)))
  flipped = rng.random(turns) < sarcasm_share
  noise[1:] *= np.sqrt(1 - drift * drift)
  for t in range(1, turns):
    noise[t] += drift * noise[t - 1]
  state = np.tanh(noise)
  distance = np.square(state[:, None] - ANCHORS[None]).sum(2)
  emotion = np.argmax(gumbel - distance / (2 * SPREAD**2), axis=1)
  return Affect(state[:, 0], state[:, 1], emotion, flipped)


def polarity(valence: np.ndarray) -> np.ndarray:
  """Returns the polarity that shows a valence: its sign times MARGIN to 1."""
  sign = np.where(valence < 0, -1.0, 1.0)
  return sign * (MARGIN + (1 - MARGIN) * np.abs(valence))


def said(drawn: Affect) -> np.ndarray:
  """Returns the polarity [T] of the words, flipped in sarcastic turns."""
  return polarity(drawn.valence) * np.where(drawn.flipped, -1, 1)


def sentiment(valence: np.ndarray, arousal: np.ndarray) -> np.ndarray:
  """Returns the sentiment in [-3, 3]: valence, amplified by arousal."""
  return 3 * valence * (3 + arousal) / 4


def sarcasm(said: np.ndarray, shown: np.ndarray) -> np.ndarray:
  """Returns 1 if polarities contradict by 2 MARGIN or more, else 0."""
  # Rounding must not reject a difference that is exactly 2 MARGIN.
  apart = np.abs(said - shown) >= 2 * MARGIN - 1e-9
  return ((said * shown < 0) & apart).astype(np.float64)
