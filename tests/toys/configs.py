"""The files of configs/, and miniatures of the corpora that they name."""

import importlib.util

import numpy as np
from PIL import Image

from affect_jax.corpora import meld
from affect_jax.run import settled
from affect_jax.tasks import action_units
from toys import face_corpora
from toys import feature_files
from toys import files as toy_files
from toys import meld as toy_meld
from toys import mmsa as toy_mmsa
from toys import mosi as toy_mosi
from toys import mustard as toy_mustard
from toys.paths import ROOT
from toys.paths import TINY_BERT


def load_config(name):
  """The config of a file, for tests: small, and of a given number of steps.

  It is without the second program of `log_gradients`, and settled.
  """
  spec = importlib.util.spec_from_file_location(
    name, ROOT / 'configs' / f'{name}.py'
  )
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  c = module.get_config()
  c.log_gradients = False
  c.num_epochs = 0.0  # Tests say how many steps.
  return settled.by_device(c)


def two_steps_of_faces(folder, **changes):
  """Two steps of a tiny model on faces.csv of `toys.training`."""
  c = load_config('faces_csv')
  c.data.path = str(folder / 'faces.csv')
  c.data.data_dir = str(folder / 'data')
  c.image_size = 16
  c.augment = ('flip',)
  c.model.stem = 'small'
  c.batch_size = 8
  c.num_train_steps = c.eval_every = c.log_every = 2
  c.schedule.warmup_steps = 1
  c.update_from_flattened_dict(changes)
  return c


def write_fer2013(path):
  r = np.random.default_rng(0)
  lines = ['emotion,pixels,Usage']
  for usage, count in (('Training', 40), ('PublicTest', 16)):
    for i in range(count):
      pixels = ' '.join(map(str, r.integers(0, 256, 48 * 48)))
      lines.append(f'{i % 7},{pixels},{usage}')
  path.write_text('\n'.join(lines) + '\n')
  return str(path)


def write_aff_wild2(folder):
  """The lists of s-Aff-Wild2, of three videos with eight frames each."""
  r = np.random.default_rng(0)
  units = ','.join(action_units.AFFWILD2_12)
  lists = {'training_set': ('1-30', '2-30'), 'validation_set': ('3-30',)}
  for name, videos in lists.items():
    lines = [f'image,valence,arousal,expression,{units}']
    for video in videos:
      (folder / 'cropped_aligned' / video).mkdir(parents=True)
      for i in range(1, 9):
        frame = f'{video}/{i:05d}.jpg'
        pixels = r.integers(0, 256, (12, 12, 3), np.uint8)
        Image.fromarray(pixels).save(folder / 'cropped_aligned' / frame)
        aus = ','.join(map(str, r.integers(0, 2, 12)))
        lines.append(f'{frame},0.{i},-5,{i % 9 - 1},{aus}')
    text = '\n'.join(lines) + '\n'
    (folder / f'{name}_annotations.txt').write_text(text)
  return str(folder)


def write_faces(name, folder):
  """A miniature of a corpus of faces; returns its path."""
  if name == 'affectnet':
    rows = [
      face_corpora.affectnet_row(f'1/{i}.jpg', i % 8, i % 5 / 5, i % 3 / 3)
      for i in range(40)
    ]
    face_corpora.write_affectnet(
      folder, rows, [x.replace('1/', '2/', 1) for x in rows[:16]]
    )
  elif name == 'raf_db':
    lines = [f'train_{i:05d}.jpg {i % 7 + 1}' for i in range(28)]
    lines += [f'test_{i:04d}.jpg {i % 7 + 1}' for i in range(14)]
    face_corpora.write_raf_db(folder, lines)
  elif name == 'disfa':
    for person in ('SN013', 'SN003'):  # Of the folds 1 and 0.
      names = [f'{i:05d}.jpg' for i in range(1, 13)]
      face_corpora.write_disfa_frames(folder, person, names)
      face_corpora.write_disfa_labels(
        folder, person, 12, lambda unit, frame: (unit + frame) % 4
      )
  else:
    lines = ["URL,'AU 1','AU 12',split"]
    for i in range(24):
      split = 'val' if i % 3 == 2 else 'train'
      lines.append(f"'http://x/{i}.jpg',{i % 2},{i // 2 % 2},{split}")
    images = [f'{i}.jpg' for i in range(24)]
    face_corpora.write_emotionet(folder, '\n'.join(lines), images=images)
  return str(folder)


def write_features(name, c, folder):
  """A miniature of a corpus of feature files, for its config."""
  c.utterance.boundaries = (16,)
  scores = [(i % 7 - 3) * 0.9 for i in range(12)]
  if name == 'csd':
    c.data.update(feature_files.write_csd(folder))
    return
  if name == 'utterances_csv':
    c.data.path = feature_files.write_utterances_csv(folder)
    return
  if name == 'misa':
    c.data.text_model, c.data.max_tokens = str(TINY_BERT), 16
    content = {
      s: feature_files.misa_examples('mag') for s in ('train', 'dev', 'test')
    }
  elif name == 'mult':
    content = {
      s: feature_files.mult_part(feature_files.sentiments(*scores))
      for s in ('train', 'valid', 'test')
    }
  else:
    content = {
      s: toy_mmsa.unaligned([f'{s}$_${i}' for i in range(12)], scores)
      for s in ('train', 'valid', 'test')
    }
  c.data.path = str(toy_files.write_pickle(folder / 'x.pkl', content))


def write_utterances(name, c, folder):
  """A miniature of the config's corpus, and a tiny BERT to read it."""
  if name == 'meld':
    emotions = list(meld.EMOTIONS)
    rows = [
      toy_meld.row(
        f'Tea is cup {k}.', k // 4, k % 4, emotions[k % 7], 'positive'
      )
      for k in range(12)
    ]
    c.data.path = str(toy_meld.write(folder, rows, rows[:4], rows[:3]))
  elif name == 'mustard':
    c.data.path = str(toy_mustard.write(folder))
  elif name == 'mosi_text':
    c.data.path = str(toy_mosi.write(folder))
  else:
    # Names of videos have a hash that puts some of 40 into val.
    c.data.path = str(toy_mosi.write(folder, toy_mosi.arrays(videos=40)))
  if 'text_model' in c.data:
    c.data.text_model = str(TINY_BERT)
    c.data.max_tokens = 24
    c.utterance.boundaries = (24,)
    c.utterance.together = (40,) if c.utterance.together else ()
