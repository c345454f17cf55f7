"""MUStARD in miniature: its table and its folds."""

import collections
import json
import pickle

import numpy as np
import pytest

from affect_jax.corpora import mustard
from affect_jax.corpora.files import mojibake

# Rows of each show: (sarcastic, not sarcastic).
SHOWS = {'FRIENDS': (4, 6), 'BBT': (10, 10), 'GOLDENGIRLS': (9, 1)}


def clips():
  found = {}
  for show, counts in SHOWS.items():
    for sarcasm, count in zip((True, False), counts, strict=True):
      for k in range(count):
        found[f'{show[0]}_{sarcasm:d}{k}'] = {
          'utterance': f'What a {k} day.',
          'speaker': 'PERSON',
          'context': ['First.', 'Then.'],
          'context_speakers': ['PERSON', 'OTHER'],
          'show': show,
          'sarcasm': sarcasm,
        }
  # Shows and labels take turns.
  names = np.random.default_rng(0).permutation(list(found)).tolist()
  return {name: found[name] for name in names}


def split(size=40, folds=5):
  order = np.random.default_rng(1).permutation(size)
  parts = np.array_split(order, folds)
  return [
    (np.concatenate([p for j, p in enumerate(parts) if j != k]), test)
    for k, test in enumerate(parts)
  ]


def write(folder, table=None, folds=None):
  (folder / 'sarcasm_data.json').write_text(
    json.dumps(clips() if table is None else table, indent=2)
  )
  with open(folder / 'split_indices.p', 'wb') as f:
    pickle.dump(split() if folds is None else folds, f, protocol=2)
  return folder


def read(folder, **options):
  listing = mustard.listing(folder, **options)
  return {
    split: [i for i in stream() if getattr(i, 'reason', '') != mojibake.MENDED]
    for split, stream in listing.splits.items()
  }


def refusal(folder, **options):
  with pytest.raises(ValueError, match=r'.') as e:
    read(folder, **options)
  return str(e.value)


def counts(items):
  return collections.Counter(
    (i.speaker.partition('/')[0], i.labels['sarcasm']) for i in items
  )
