"""The files of configs/, and miniatures of the corpora that they name."""

import importlib.util

import numpy as np
from PIL import Image

from affect_jax.corpora import meld
from affect_jax.tasks import action_units
from toys import meld as toy_meld
from toys import mosi as toy_mosi
from toys import mustard as toy_mustard
from toys.paths import ROOT
from toys.paths import TINY_BERT


def load_config(name):
  """The config of a file, without the second program of `log_gradients`."""
  spec = importlib.util.spec_from_file_location(
    name, ROOT / 'configs' / f'{name}.py'
  )
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  c = module.get_config()
  c.log_gradients = False
  return c


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
