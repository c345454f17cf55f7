"""Two steps of any file of configs/, on a miniature of its corpus."""

import pytest

from affect_jax import tasks
from affect_jax import train
from toys import training as toy
from toys.configs import load_config
from toys.configs import write_aff_wild2
from toys.configs import write_faces
from toys.configs import write_features
from toys.configs import write_fer2013
from toys.configs import write_utterances
from toys.paths import ROOT

CONFIGS = sorted(p.stem for p in (ROOT / 'configs').glob('*.py'))
OF_FACES = (
  'aff_wild2',
  'affectnet',
  'disfa',
  'emotionet',
  'faces_csv',
  'fer2013',
  'quickstart',
  'raf_db',
)
# Of utterances, but for these, whose fusions take long to compile.
OF_LARGE_FUSIONS = ('misa', 'mosi', 'mult', 'quickstart_weak')


def trains_two_steps(name, tmp_path):
  """Trains a miniature of a config, and checks its results."""
  c = load_config(name)
  if '%' in c.data.splits.train:
    c.data.splits.train = 'train[:80%]'
    c.data.splits.val = 'train[80%:]'
  if name == 'fer2013':
    c.data.path = write_fer2013(tmp_path / 'fer2013.csv')
  elif name == 'aff_wild2':
    c.data.path = write_aff_wild2(tmp_path)
    c.data.num_workers = 1
  elif name == 'faces_csv':
    c.data.path = str(toy.write_faces_csv(tmp_path))
  elif name in ('affectnet', 'raf_db', 'disfa', 'emotionet'):
    c.data.path = write_faces(name, tmp_path)
    c.data.num_workers = 1
  elif name in ('mmsa', 'mult', 'misa', 'csd', 'utterances_csv'):
    if name == 'csd':
      pytest.importorskip('h5py')
    write_features(name, c, tmp_path)
  elif name == 'quickstart':
    c.data.image_size = 24
    c.data.num_train, c.data.num_val, c.data.num_test = 16, 8, 8
  elif name == 'quickstart_multimodal':
    for part, options in c.data.corpora.items():
      for key, count in (('num_train', 24), ('num_val', 8), ('num_test', 8)):
        options[key] = {part: count}
    # Fewer programs to compile.
    c.utterance.boundaries = (32,)
    c.eval_subsets = False
  else:
    write_utterances(name, c, tmp_path)
  # One length to pad to, which is one program to compile.
  c.utterance.boundaries = c.utterance.boundaries[-1:]
  # Layers, modalities and recurrences alike.
  c.utterance.mult.layers = 1
  c.utterance.misa.encoder = 'mean'
  # MulT has a transformer for each pair of modalities.
  if not c.utterance.modalities or name == 'mult':
    c.utterance.modalities = ('text', 'audio')
  if name == 'mosi':
    # Videos have three utterances here.
    c.data.window = 4
  c.data.data_dir = str(tmp_path / 'data')
  c.image_size = 24
  c.crop_size = min(c.crop_size, 20)
  c.image_size_schedule = ()
  c.batch_size = 8
  c.num_train_steps = 2
  c.schedule.warmup_steps = 1
  results = train.train_and_evaluate(c, str(tmp_path / 'run'))
  splits = {k for k, v in c.data.splits.items() if v} - {'train'}
  assert {k.partition('/')[0] for k in results} == splits
  scored = set()
  # Of several corpora, 'val' has the selection score alone.
  several = bool(c.data.corpora)
  for split, scores in results.items():
    if several and '/' not in split:
      assert set(scores) == {'step', 'selection'}
      continue
    for task in c.tasks:
      if scores[f'{task}/num_gold']:
        headline = scores[f'{task}/{tasks.get_task(task).headline}']
        # Correlations may be negative.
        assert -1 <= headline <= 1, task
        scored.add(task)
    assert all(0 <= v <= 1 for k, v in scores.items() if '/f1/' in k and v)
  assert scored == set(c.tasks)
