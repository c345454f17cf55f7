"""Windows of video frames: cut, read, learned from, averaged."""

import csv
import functools
import pathlib

from flax import linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from PIL import Image
import pytest
from toys import training as toy
from toys.configs import load_config
from toys.configs import write_aff_wild2

from affect_jax import train
from affect_jax.augmentation import augment
from affect_jax.corpora import aff_wild2
from affect_jax.corpora.builders import face_listing
from affect_jax.data import batch as batch_lib
from affect_jax.data import face_batches
from affect_jax.data import label_counts
from affect_jax.data import streams
from affect_jax.doctor import visit
from affect_jax.evaluation import predict as predict_lib
from affect_jax.models import affect_model
from affect_jax.models import foreign as foreign_lib
from affect_jax.run import foreign_teachers
from affect_jax.run import teachers
from affect_jax.training import parallel
from affect_jax.training import train_step

pytestmark = pytest.mark.usefixtures('quick_runs')


def frames(video, numbers):
  return [
    face_listing.Sample(f'{video}/{i:05d}.jpg', f'{i}', video, {})
    for i in numbers
  ]


def cut(items, length, hop):
  found = []
  for item in face_listing.windows(items, length, hop):
    if isinstance(item, face_listing.LeftOut):
      found.append(item.reason)
    else:
      found.append([int(f.picture) for f in item.frames])
  return found


def test_windows_stay_in_their_video_and_overlap_as_asked():
  items = [*frames('a', range(5)), *frames('b', range(10, 14))]
  assert cut(items, 2, 2) == [[0, 1], [2, 3], [4], [10, 11], [12, 13]]
  assert cut(items, 4, 2) == [[0, 1, 2, 3], [2, 3, 4], [10, 11, 12, 13]]
  assert cut(items, 3, 1)[:4] == [[0, 1, 2], [1, 2, 3], [2, 3, 4], [10, 11, 12]]
  assert cut(items[:1], 4, 2) == [[0]]
  assert cut([], 4, 2) == []
  mixed = [items[0], face_listing.LeftOut('lost'), items[1]]
  assert cut(mixed, 2, 1) == ['lost', [0, 1]]


@pytest.fixture(scope='module')
def corpus(tmp_path_factory):
  folder = tmp_path_factory.mktemp('videos')
  write_aff_wild2(folder)
  builder = aff_wild2.AffWild2(
    data_dir=folder / 'data', path=folder, num_workers=1, window=3
  )
  builder.download_and_prepare()
  splits = {'train': 'train', 'val': 'val'}
  return folder, streams.Corpus('aff_wild2', builder, splits)


def all_tasks():
  from affect_jax import tasks
  from affect_jax.tasks import action_units
  from affect_jax.tasks import expression

  return [
    tasks.get_task('expression', outputs=expression.AFFWILD2_8),
    tasks.get_task('action_units', outputs=action_units.AFFWILD2_12),
    tasks.get_task('valence_arousal'),
  ]


def test_a_batch_holds_frames_labels_and_masks_in_order(corpus):
  folder, found = corpus
  batches = list(
    face_batches.eval_batches(
      found.builder,
      'val',
      all_tasks(),
      batch_size=4,
      image_size=12,
      window=3,
    )
  )
  for batch in batches:
    batch_lib.check_batch(batch, all_tasks())
    assert batch['inputs']['image'].shape == (4, 3, 12, 12, 3)
  ids = np.concatenate([b['id'] for b in batches])
  masks = np.concatenate([b['inputs']['image_mask'] for b in batches])
  # 8 frames, windows of 3, every 1: six of them; two rows fill up.
  assert (ids != b'').sum() == masks.sum() == 18
  batch = batches[0]
  name = batch['id'][0, 1].decode()
  picture = np.asarray(Image.open(folder / 'cropped_aligned' / name)) / 255
  np.testing.assert_allclose(batch['inputs']['image'][0, 1], picture, atol=0.02)
  number = int(name[-6:-4])
  valence = batch['labels']['valence_arousal'][0, 1, 0]
  assert valence == pytest.approx(number / 10)
  # -5 is not annotated, of that label alone.
  assert batch['weights']['valence_arousal'][0, 1].tolist() == [1, 0]


def test_training_windows_do_not_overlap_and_frames_change_alike(corpus):
  _, found = corpus
  options = {
    'batch_size': 2,
    'seed': 0,
    'first_step': 0,
    'num_steps': 3,
    'image_size': 12,
    'window': 3,
    'shares': {'aff_wild2': 1.0},
  }
  batches = list(face_batches.train_batches([found], all_tasks(), **options))
  ids = [i for b in batches for i in b['id'].ravel() if i]
  assert len(ids) == len(set(ids)) == 16
  image = np.random.default_rng(0).random((4, 8, 8, 3), np.float32)
  turned, _, _ = augment.apply(
    jnp.asarray(image).__array__(),
    {},
    {},
    np.array([1, 2], np.int32),
    [('rotation', {'degrees': 20.0}), ('crop', {'pad': 2})],
    outputs={},
  )
  single, _, _ = augment.apply(
    image[2],
    {},
    {},
    np.array([1, 2], np.int32),
    [('rotation', {'degrees': 20.0}), ('crop', {'pad': 2})],
    outputs={},
  )
  np.testing.assert_allclose(turned[2], single, atol=1e-6)


def test_labels_are_counted_by_frame(corpus):
  _, found = corpus
  counts = label_counts.of_training([found], all_tasks(), {found.name: 1.0})[0]
  assert counts['valence_arousal']['labelled'].tolist() == [16, 0]
  assert counts['expression']['labelled'] == 16


def test_a_window_without_encoder_is_its_pictures():
  units = {'expression': 3}
  model = affect_model.AffectModel(units=units, stem='small')
  images = np.random.default_rng(0).random((2, 3, 16, 16, 3), np.float32)
  inputs = {'image': images, 'image_mask': np.ones((2, 3), bool)}
  init, apply = (
    jax.jit(functools.partial(f, train=False))
    for f in (model.init, model.apply)
  )
  variables = init(jax.random.key(0), inputs)
  windows = apply(variables, inputs)['expression']
  flat = {'image': images.reshape(6, 16, 16, 3)}
  single = apply(variables, flat)['expression']
  np.testing.assert_allclose(windows.reshape(6, 3), single, atol=1e-5)
  with pytest.raises(ValueError, match="temporal='gru' needs windows"):
    affect_model.AffectModel(units=units, temporal='gru').init(
      jax.random.key(0), flat, train=False
    )


def test_a_loss_sees_frames_as_rows():
  tasks = toy.all_tasks()
  data = toy.batch(12)
  model = toy.model(tasks, norm=False)
  tx = optax.sgd(0.1)
  options = {'loss_weights': {t.name: 1.0 for t in tasks}}
  plain = train_step.make_train_step(model, tasks, tx, **options)
  state = toy.state(model, tx, data)
  after, logs = plain(state, data, jax.random.key(0))

  class Windows:
    """The toy model on windows."""

    def apply(self, variables, inputs, **kwargs):
      image = inputs['image']
      flat = {'image': image.reshape(-1, *image.shape[2:])}
      outputs, state = model.apply(variables, flat, **kwargs)
      lead = image.shape[:2]
      shape = lambda x: x.reshape(*lead, -1)
      return jax.tree.map(shape, outputs), state

  windows = jax.tree.map(lambda x: x.reshape(3, 4, *x.shape[1:]), data)
  step = train_step.make_train_step(
    Windows(), tasks, tx, windows=True, **options
  )
  other, other_logs = step(state, windows, jax.random.key(0))
  np.testing.assert_allclose(logs['loss'], other_logs['loss'], rtol=1e-6)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6),
    after.params,
    other.params,
  )


def test_overlapping_predictions_are_averaged():
  ids = [[b'a', b'b', b''], [b'b', b'c', b'd']]
  values = np.arange(12, dtype=np.float32).reshape(2, 3, 2) / 12

  def predict(variables, batch):
    del variables
    return {
      'predictions': {'valence_arousal': values},
      'labels': batch['labels'],
      'weights': batch['weights'],
      'row': batch['row'],
    }

  batch = {
    'id': np.array(ids, object),
    'labels': {'valence_arousal': values},
    'weights': {'valence_arousal': np.ones((2, 3, 2), np.float32)},
  }
  spread = parallel.build('jit', jax.devices()[:1])
  rows = predict_lib.predict_split(predict, {}, [batch], spread)
  assert list(rows['id']) == ['a', 'b', 'c', 'd']
  expected = [values[0, 0], (values[0, 1] + values[1, 0]) / 2, *values[1, 1:]]
  np.testing.assert_allclose(
    rows['predictions']['valence_arousal'], expected, rtol=1e-6
  )
  assert len(rows['weights']['valence_arousal']) == 4


class Red(nn.Module):
  """Two classes: how red a picture is, and how green."""

  def __call__(self, image):
    return image.mean((1, 2))[:, :2]


def test_a_teacher_of_shorter_windows_labels_all_frames(corpus):
  _, found = corpus  # Windows of three.
  kind = foreign_lib.Kind(Red(), ('neutral', 'anger'), 12, *[None] * 5)
  network = foreign_lib.Foreign('red', kind, {}, '')
  (teacher,) = foreign_teachers.build([network], 2)
  rows = teachers.predict(teacher, found, 'train', 2)
  assert len(rows['id']) == 16


def test_a_run_on_windows(corpus, tmp_path):
  folder, _ = corpus
  c = load_config('aff_wild2')
  c.data.path = str(folder)
  c.data.data_dir = str(tmp_path / 'data')
  c.data.num_workers = 1
  c.data.window = 3
  c.model.temporal = 'gru'
  c.model.stem = 'small'
  c.model.frozen_stages = 3  # All of `quick_runs`.
  c.image_size = 16
  c.augment = ('flip',)
  c.batch_size = 4
  c.num_train_steps = 2
  c.schedule.warmup_steps = 1
  results = train.train_and_evaluate(c, str(tmp_path / 'run'))
  assert results['val']['valence_arousal/num_gold'] == 8
  path = pathlib.Path(tmp_path, 'run', 'predictions', 'val.csv')
  with open(path) as file:
    rows = list(csv.DictReader(file))
  assert len(rows) == 8
  assert all(row['id'].startswith(f'{row["cluster"]}/') for row in rows)


def test_the_doctor_looks_at_the_frames_of_windows(corpus, tmp_path):
  folder, _ = corpus
  c = load_config('aff_wild2')
  c.data.path = str(folder)
  c.data.data_dir = str(tmp_path)
  c.data.num_workers = 1
  c.data.window = 3
  found = visit.visit(c).survey
  # Overlapping windows would be 18 samples of val.
  assert {p.split: p.size for p in found.parts}['val'] == 8
  assert c.data.window == 3


def test_settings_for_pictures_only_are_refused(tmp_path):
  from affect_jax.data import load

  c = load_config('aff_wild2')
  c.model.temporal = 'gru'
  with pytest.raises(ValueError, match='needs windows of frames'):
    load.window(c)
  c.data.window = 8
  assert load.window(c) == 8
  c.mixing.kind = 'mixup'
  with pytest.raises(ValueError, match='for pictures'):
    load.window(c)
