"""Kaggle's fer2013.csv with random pictures, prepared and read back."""

import csv

import numpy as np
import tensorflow_datasets as tfds

from affect_jax import corpora


def picture(seed):
  return np.random.default_rng(seed).integers(0, 256, 2304)


def write_fer(path, rows, header=('emotion', 'pixels', 'Usage')):
  with open(path, 'w', newline='') as f:
    table = csv.writer(f)
    table.writerow(header)
    for emotion, pixels, *usage in rows:
      text = pixels if isinstance(pixels, str) else ' '.join(map(str, pixels))
      table.writerow([emotion, text, *usage])
  return path


def small(path, test=False):
  rows = [(k, picture(k), 'Training') for k in range(7)]
  rows += [(3, picture(10), 'PublicTest'), (0, picture(2), 'PublicTest')]
  if test:
    rows += [(6, picture(11), 'PrivateTest'), (6, picture(4), 'PrivateTest')]
  return write_fer(path, rows)


def load(builder, split):
  data = builder.as_dataset(
    split=split,
    shuffle_files=False,
    decoders={'image': tfds.decode.SkipDecoding()},
  )
  return {row['id'].decode(): row for row in data.as_numpy_iterator()}


def prepared(tmp_path, path, **options):
  builder = corpora.get_corpus('fer2013')(
    data_dir=tmp_path / 'data', path=path, **options
  )
  builder.download_and_prepare()
  return builder
