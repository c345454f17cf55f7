"""A tiny corpus of utterances for tests of the loop, not of learning."""

import numpy as np

from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.builders import utterances as utterances_lib

DIMS = {'text': 5, 'audio': 3, 'vision': 2}
COUNTS = {'train': 40, 'val': 14, 'test': 9}


def utterances(split, count, *, longest=20, seed=0, dims=DIMS):
  """Dialogues of five; every fourth lacks audio, every seventh its labels."""
  r = np.random.default_rng([seed, *split.encode()])
  for i in range(count):
    score = r.uniform(-3, 3)
    sequences = {
      name: (r.normal(size=(r.integers(1, longest), dim)) + score).astype('f4')
      for name, dim in dims.items()
      if not (name == 'audio' and i % 4 == 3)
    }
    labels = {
      'sentiment': score,
      'sentiment_class': 'positive' if score > 0 else 'negative',
      'sarcasm': float(i % 2),
      **{name: float(name == 'anger') for name in ('neutral', 'anger')},
    }
    yield utterance_listing.Utterance(
      id=f'{split}{i}',
      labels={} if i % 7 == 6 else labels,
      sequences=sequences,
      transcript=f'utterance number {i}',
      dialogue=f'{split}-dialogue{i // 5}',
      turn=i % 5,
      speaker=f'{split}-speaker{i % 3}',
    )


def listing(*, longest=20, seed=0, wider=0, without=()):
  """As many features per step as DIMS says, and `wider`."""
  dims = {m: d + wider for m, d in DIMS.items() if m not in without}
  options = {'longest': longest, 'seed': seed, 'dims': dims}
  splits = {
    s: lambda s=s, n=n: utterances(s, n, **options) for s, n in COUNTS.items()
  }
  return utterance_listing.Listing(
    outputs={
      'emotion': ('neutral', 'anger'),
      'sentiment': ('sentiment',),
      'sentiment_class': ('negative', 'neutral', 'positive'),
      'sarcasm': ('sarcasm',),
    },
    dims=dims,
    splits=splits,
    sources={k: str(v) for k, v in options.items()},
  )


class Toy(utterances_lib.UtteranceCorpus):
  """Utterances of a test."""

  LISTING = listing
