"""Every file of configs/ trains two steps, and says how it is run."""

import pathlib

import numpy as np
from PIL import Image
import pytest
from test_end_to_end import load_config
from test_end_to_end import ROOT
import test_meld
import test_mosi
import toy
import toy_mustard

from affect_jax import train
from affect_jax.corpora import meld
from affect_jax.tasks import action_units

pytestmark = pytest.mark.usefixtures('quick_runs')
CONFIGS = sorted(p.stem for p in (ROOT / 'configs').glob('*.py'))


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
      test_meld.row(
        f'Tea is cup {k}.', k // 4, k % 4, emotions[k % 7], 'positive'
      )
      for k in range(12)
    ]
    c.data.path = str(test_meld.write(folder, rows, rows[:4], rows[:3]))
  elif name == 'mustard':
    c.data.path = str(toy_mustard.write(folder))
  elif name == 'mosi_text':
    c.data.path = str(test_mosi.write(folder))
  else:
    # Names of videos have a hash that puts some of 40 into val.
    c.data.path = str(test_mosi.write(folder, test_mosi.arrays(videos=40)))
  if 'text_model' in c.data:
    c.data.text_model = str(ROOT / 'tests' / 'golden' / 'bert_tiny')
    c.data.max_tokens = 24
    c.utterance.boundaries = (24,)
    c.utterance.together = (40,) if c.utterance.together else ()


@pytest.mark.parametrize('name', CONFIGS)
def test_config_trains_two_steps(name, tmp_path):
  c = load_config(name)
  if name == 'fer2013':
    c.data.path = write_fer2013(tmp_path / 'fer2013.csv')
    c.data.splits.train = 'train[:80%]'
    c.data.splits.val = 'train[80%:]'
  elif name == 'aff_wild2':
    c.data.path = write_aff_wild2(tmp_path)
    c.data.num_workers = 1
  elif name == 'faces_csv':
    c.data.path = str(toy.write_faces_csv(tmp_path))
  elif name == 'quickstart':
    c.data.image_size = 32
    c.data.num_train, c.data.num_val, c.data.num_test = 32, 16, 16
  elif name == 'quickstart_multimodal':
    for part, options in c.data.corpora.items():
      for key, count in (('num_train', 40), ('num_val', 16), ('num_test', 16)):
        options[key] = {part: count}
    # Fewer programs to compile.
    c.utterance.boundaries = (32,)
    c.eval_subsets = False
  else:
    write_utterances(name, c, tmp_path)
  c.data.data_dir = str(tmp_path / 'data')
  c.image_size = 32
  c.crop_size = min(c.crop_size, 24)
  c.image_size_schedule = ()
  c.batch_size = 8
  c.num_train_steps = 2
  c.schedule.warmup_steps = 1
  results = train.train_and_evaluate(c, str(tmp_path / 'run'))
  splits = {k for k, v in c.data.splits.items() if v} - {'train'}
  assert {k.partition('/')[0] for k in results} == splits
  assert all(
    0 <= v <= 1
    for scores in results.values()
    for k, v in scores.items()
    if '/f1/' in k and v is not None
  )


@pytest.mark.parametrize('name', CONFIGS)
def test_a_configs_docstring_is_its_command(name):
  text = pathlib.Path(ROOT / 'configs' / f'{name}.py').read_text()
  assert f'--config=configs/{name}.py' in text.split('"""')[1]


def test_every_named_augmentation_and_loss_has_defaults(tmp_path):
  from affect_jax import augment
  from affect_jax import defaults
  from affect_jax import faces
  from affect_jax import input_pipeline
  from affect_jax import tasks

  c = defaults.get_config()
  assert set(c.augmentations) == set(augment.AUGMENTATIONS)
  c.augment = tuple(augment.AUGMENTATIONS)
  input_pipeline._check_augmentations(faces.augmentations(c), 32)
  for name, module in (
    ('expression', tasks.expression),
    ('action_units', tasks.action_units),
    ('valence_arousal', tasks.valence_arousal),
  ):
    for loss in module.LOSSES:
      options = {
        k: v for k, v in c[name].to_dict().items() if v not in ('', ())
      }
      assert tasks.get_task(name, **{**options, 'loss': loss}).name == name
