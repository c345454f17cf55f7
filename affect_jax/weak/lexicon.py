"""Sentiment of an utterance from its words: VADER (Hutto and Gilbert, 2014).

`vaderSentiment` holds a lexicon of 7,500 English words, emoticons and emojis
with how positive people find them, and rules for negation, degree, "but",
capitals and exclamation marks; it needs no model and no download. Its last
release is of 2020. TextBlob, which is still released, was measured worse: where
they find a word, it has the sign of MOSI's utterances right in 70 %, VADER in
76 %, and of MELD's negative and positive ones in 56 % and 63 %.
"""

import functools
from typing import Any

import numpy as np

from affect_jax.errors import MissingExtra
from affect_jax.weak import table

NAME = 'words_to_sentiment'
TARGETS = ('sentiment', 'sentiment_class')
# Of the authors: below it, an utterance is neutral.
THRESHOLD = 0.05
CLASSES = ('negative', 'neutral', 'positive')


def apply(
  task: str,
  ids: np.ndarray,
  transcripts: np.ndarray,
  *,
  corpus: str = '',
  version: str = '',
) -> table.WeakLabels:
  """Labels the utterances in which a word of the lexicon is found.

  VADER's compound score c in [-1, 1] is 'sentiment' 3 c, in [-3, 3], and the
  'sentiment_class' positive from .05, negative from -.05 on. Of classes,
  confidence is |c|, and 1 - |c| of neutral: how strong the words are, not how
  often they tell the truth.

  Args:
    task: One of TARGETS.
    ids: [N] str.
    transcripts: [N] str, in English.
    corpus, version: See `table.WeakLabels`.

  Raises:
    MissingExtra: vaderSentiment is not installed.
  """
  scores = [_analyzer().polarity_scores(text) for text in transcripts]
  found = np.array([s['pos'] > 0 or s['neg'] > 0 for s in scores], bool)
  compound = np.array([s['compound'] for s in scores], np.float32)[found]
  if task == 'sentiment':
    labels = 3 * compound[:, np.newaxis]
    confidence = np.ones_like(labels)
  else:
    chosen = 1 + (compound >= THRESHOLD) - (compound <= -THRESHOLD)
    labels = np.eye(3, dtype=np.float32)[chosen]
    strength = np.abs(compound)
    confidence = np.where(chosen == 1, 1 - strength, strength)
  return table.WeakLabels(
    task=task,
    kind='value' if task == 'sentiment' else 'class',
    outputs=('sentiment',) if task == 'sentiment' else CLASSES,
    ids=np.asarray(ids, object)[found],
    labels=labels,
    confidence=confidence,
    corpus=corpus,
    version=version,
    teacher=f'{NAME} (VADER)',
  )


@functools.cache
def _analyzer() -> Any:
  try:
    from vaderSentiment import vaderSentiment
  except ImportError as error:
    raise MissingExtra(
      f"{NAME} needs a lexicon: pip install 'affect_jax[lexicon]'."
    ) from error
  return vaderSentiment.SentimentIntensityAnalyzer()
