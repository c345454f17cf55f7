"""A CSV of faces with random pictures, prepared and read back."""

import numpy as np
from PIL import Image
import pytest
import tensorflow_datasets as tfds

from affect_jax import corpora

HEADER = 'image,split,subject,expression,valence,arousal,AU12,AU01'


def pixels(seed=0, height=20, width=20, channels=3):
  rng = np.random.default_rng(seed)
  return rng.integers(0, 256, (height, width, channels), np.uint8)


def save(path, seed=0, **options):
  Image.fromarray(pixels(seed)).save(path, **options)
  return path


def write(folder, *rows, header=HEADER, name='faces.csv'):
  text = '\n'.join([header, *rows]) + '\n'
  (folder / name).write_text(text, encoding='utf-8')
  return folder / name


def build(folder, path=None, **options):
  return corpora.get_corpus('faces_csv')(
    data_dir=folder / 'data', path=path or folder / 'faces.csv', **options
  )


def prepared(folder, path=None, **options):
  builder = build(folder, path, **options)
  builder.download_and_prepare()
  return builder


def load(builder, split='train'):
  data = builder.as_dataset(
    split=split,
    shuffle_files=False,
    decoders={'image': tfds.decode.SkipDecoding()},
  )
  return {row['id'].decode(): row for row in data.as_numpy_iterator()}


def refusal(folder, *rows, **options):
  """The message with which a CSV is refused, with nothing written."""
  write(folder, *rows, **options)
  with pytest.raises(ValueError, match=r'faces\.csv') as e:
    prepared(folder)
  assert not list(folder.rglob('*.tfrecord*'))
  assert not list(folder.rglob('incomplete*'))
  return str(e.value)
