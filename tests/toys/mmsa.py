"""MMSA's pickles in miniature."""

import numpy as np

from affect_jax.corpora import mmsa
from toys import files as toy_files

RNG = np.random.default_rng(0)


def text_bert(lengths, total):
  mask = np.arange(total) < np.array(lengths)[:, None]
  ids = np.where(mask, 101, 0)
  return np.stack([ids, mask, np.zeros_like(ids)], axis=1).astype(np.float32)


def unaligned(ids, labels, words=None):
  """A split of an unaligned file; T of text 5, audio 7, vision 6."""
  n = len(ids)
  words = words or [3] * n
  data = {
    'id': list(ids),
    'raw_text': np.array([f'text of {name}' for name in ids]),
    'text': RNG.normal(size=(n, 5, 4)).astype(np.float32),
    'text_bert': text_bert(words, 5),
    'audio': RNG.normal(size=(n, 7, 2)),
    'vision': RNG.normal(size=(n, 6, 3)),
    'audio_lengths': [4] * n,
    'vision_lengths': [6] * n,
    'annotations': [
      'Negative' if v < 0 else 'Positive' if v > 0 else 'Neutral'
      for v in labels
    ],
    'classification_labels': np.sign(labels) + 1,
    'regression_labels': np.array(labels, np.float64),
  }
  data['audio'][:, 4:] = 0
  return data


def three():
  return {
    'train': unaligned(['a$_$10', 'b$_$0', 'a$_$2'], [2.4, -3.0, 0.0]),
    'valid': unaligned(['c$_$1'], [1.0]),
    'test': unaligned(['d$_$5', 'd$_$4'], [-0.5, 1.5]),
  }


def listed(tmp_path, content, **options):
  path = toy_files.write_pickle(tmp_path / 'x.pkl', content)
  return mmsa.listing(path, **options)
