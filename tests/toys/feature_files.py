"""Corpora of features in miniature, in the files of those who publish them."""

import numpy as np

from toys import files as toy_files

RNG = np.random.default_rng(0)
WORDS = {
  'a[10]': ['not', 'now'],
  'a[2]': ['so', 'it', 'begins'],
  'b[0]': ['yes'],
}
LABELS = {'a[10]': -1.4, 'a[2]': 0.0, 'b[0]': 3.0}


def mult_features(n, length=5, padding=2):
  """Arrays [N, T, D], the first rows of zeros."""
  found = {
    'text': RNG.normal(size=(n, length, 4)).astype(np.float32),
    'audio': RNG.normal(size=(n, length, 2)),
    'vision': RNG.normal(size=(n, length, 3)),
  }
  for array in found.values():
    array[:, :padding] = 0
  return found


def mult_part(labels, ids=None, **options):
  data = mult_features(len(labels), **options)
  data['labels'] = np.array(labels, np.float64)
  if ids is not None:
    data['id'] = ids
  return data


def sentiments(*values):
  return np.array(values, np.float64).reshape(-1, 1, 1)


def misa_examples(kind):
  """A list of MISA ('misa') or MAG-BERT ('mag')."""
  found = []
  for segment, words in WORDS.items():
    vision = RNG.normal(size=(len(words), 3))
    audio = RNG.normal(size=(len(words), 2)).astype(np.float32)
    if kind == 'misa':
      numbers = np.arange(len(words))
      parts = (numbers, vision, audio, words)
      label = np.array([[LABELS[segment]]], np.float32)
    else:
      parts, label = (words, vision, audio), LABELS[segment]
    found.append((parts, label, segment))
  return found


def write_csd(folder):
  """MOSEI's labels, the SDK's folds, and voices, as options of the reader."""
  videos = {'train': ('a', 'b'), 'valid': ('c',), 'test': ('d',)}
  folds = [f'standard_{k}_fold={list(v)}' for k, v in videos.items()]
  (folder / 'folds.py').write_text('\n'.join(folds) + '\n')
  labels, audio = {}, {}
  for video in 'abcd':
    labels[video] = toy_files.mosei_rows(
      *((i, i + 1, i - 3, *np.eye(6)[i]) for i in range(6))
    )
    starts = np.arange(0, 6, 0.25)
    audio[video] = (
      RNG.normal(size=(len(starts), 2)),
      np.stack([starts, starts + 0.25], 1),
    )
  toy_files.write_csd(folder / 'labels.csd', {'All Labels': labels})
  toy_files.write_csd(folder / 'audio.csd', {'COVAREP': audio})
  return {
    'labels': str(folder / 'labels.csd'),
    'folds': str(folder / 'folds.py'),
    'audio': str(folder / 'audio.csd'),
  }


def write_utterances_csv(folder, counts=(12, 6, 6)):
  """utterances.csv with voices, and labels of all tasks."""
  lines = ['id,split,audio,emotion,sentiment,sentiment_class,sarcasm']
  for split, count in zip(('train', 'val', 'test'), counts, strict=True):
    for i in range(count):
      name = f'{split}{i}'
      np.save(folder / f'{name}.npy', RNG.normal(size=(3 + i % 3, 4)))
      emotion = ('joy', 'anger')[i % 2]
      kind = ('negative', 'neutral', 'positive')[i % 3]
      lines.append(
        f'{name},{split},{name}.npy,{emotion},{i % 3 - 1},{kind},{i % 2}'
      )
  (folder / 'utterances.csv').write_text('\n'.join(lines) + '\n')
  return str(folder / 'utterances.csv')
