"""Aff-Wild2 in miniature, in both layouts."""

import io

import numpy as np
from PIL import Image

from affect_jax.corpora import aff_wild2
from affect_jax.corpora.builders import face_listing

EXPR_7 = 'Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise'


EXPR_8 = EXPR_7 + ',Other'


AU_8 = 'AU1,AU2,AU4,AU6,AU12,AU15,AU20,AU25'


AU_12 = 'AU1,AU2,AU4,AU6,AU7,AU10,AU12,AU15,AU23,AU24,AU25,AU26'


MTL = 'image,valence,arousal,expression,' + AU_12


VA, EXPR, AU = (
  'VA_Estimation_Challenge',
  'EXPR_Classification_Challenge',
  'AU_Detection_Challenge',
)


TRAIN, VAL = 'Train_Set', 'Validation_Set'


NAMES_7 = (
  *('neutral', 'anger', 'disgust', 'fear'),
  *('happiness', 'sadness', 'surprise'),
)


def jpg():
  encoded = io.BytesIO()
  Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(encoded, 'JPEG')
  return encoded.getvalue()


JPG = jpg()


def crops(folder, video, *frames, images='cropped_aligned'):
  (folder / images / video).mkdir(parents=True, exist_ok=True)
  for frame in frames:
    (folder / images / video / f'{frame:05d}.jpg').write_bytes(JPG)


def write(folder, name, *lines, end='\n', encoding='utf-8'):
  path = folder / name
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_bytes((end.join(lines) + end).encode(encoding))
  return path


def row(picture, valence=-5, arousal=-5, expression=-1, aus=(-1,) * 12):
  return ','.join(map(str, (picture, valence, arousal, expression, *aus)))


def stream(folder, split, **options):
  """{id: labels} and {(reason, group): count} of a split."""
  samples, left_out = {}, {}
  for item in aff_wild2.listing(folder, **options).splits[split]():
    if isinstance(item, face_listing.LeftOut):
      assert (item.reason, item.group) not in left_out
      left_out[item.reason, item.group] = item.count
    else:
      assert item.id not in samples
      samples[item.id] = item
  return samples, left_out


def labels(samples):
  return {name: dict(sample.labels) for name, sample in samples.items()}


def challenges(folder):
  """One training video with three tasks, one validation video."""
  write(
    folder,
    f'{VA}/{TRAIN}/a.txt',
    *('valence,arousal', '0.5,-0.25', '-5,0.75', '-5.0,-5.0', '1,-1', '0,0'),
  )
  write(folder, f'{EXPR}/{TRAIN}/a.txt', EXPR_8, '4', '-1', '-1', '7')
  write(
    folder,
    f'{AU}/{TRAIN}/a.txt',
    *(AU_12, '1,0,0,0,0,0,-1,0,0,0,0,1', *[','.join(['-1'] * 12)] * 3),
  )
  write(folder, f'{EXPR}/{VAL}/b.txt', EXPR_8, '6', '5')
  crops(folder, 'a', 1, 2, 3, 4, 6)
  crops(folder, 'b', 1, 2)
  return folder


def lists(folder, train='train_set.txt', val='validation_set.txt'):
  write(
    folder,
    train,
    MTL,
    row('a/00001.jpg', 0.5, -5, 7),
    row('b_left/00002.jpg', -5, 0.25, -1, (1, *[-1] * 10, 0)),
    row('a/00003.jpg'),  # Nothing is annotated.
    row('a/00002.jpg', 0, 0, 0),  # Has no crop.
    row('a/00004.jpg', expression=1),
  )
  write(folder, val, MTL, row('c/00001.jpg', expression=2))
  crops(folder, 'a', 1, 3, 4, 5)
  crops(folder, 'b_left', 2)
  crops(folder, 'c', 1)
  return folder
