"""Batches: order by (seed, step), every sample once, labels by name."""

import itertools

import jax
import numpy as np
import pytest
import tensorflow as tf
from toys import training as toy

from affect_jax import tasks as tasks_lib
from affect_jax.data import batch as batch_lib
from affect_jax.data import face_batches
from affect_jax.data import label_counts
from affect_jax.data import label_mapping
from affect_jax.data import streams


@pytest.fixture(scope='module')
def builder(tmp_path_factory):
  folder = tmp_path_factory.mktemp('faces')
  path = toy.write_faces_csv(folder, counts=(23, 11, 4), pixels=8)
  return streams.build_corpus('faces_csv', str(folder / 'data'), path=str(path))


def train(builder, first_step=0, num_steps=12, **options):
  options = {'seed': 3, 'augmentations': [('flip', {})], **options}
  options.setdefault('shares', {'toy': 1.0})
  return list(
    face_batches.train_batches(
      [streams.Corpus('toy', builder, {'train': 'train'})],
      toy.all_tasks(),
      batch_size=4,
      first_step=first_step,
      num_steps=num_steps,
      image_size=8,
      **options,
    )
  )


def assert_equal(a, b):
  np.testing.assert_array_equal(a['id'], b['id'])
  np.testing.assert_array_equal(a['inputs']['image'], b['inputs']['image'])
  for kind in ('labels', 'weights'):
    for task in a[kind]:
      np.testing.assert_array_equal(a[kind][task], b[kind][task])


def test_a_resumed_stream_goes_on_bit_for_bit(builder):
  whole = train(builder)
  assert len(whole) == 12
  # 23 rows, batches of 4: step 7 begins in the middle of the second epoch.
  for a, b in zip(whole[7:], train(builder, first_step=7), strict=True):
    assert_equal(a, b)


def test_every_sample_once_per_epoch_in_another_order(builder):
  ids = [i for b in train(builder) for i in b['id']]
  first, second = ids[:23], ids[23:46]
  assert len(set(first)) == 23
  assert set(second) == set(first)
  assert first != second
  assert first != [i for b in train(builder, seed=4) for i in b['id']][:23]


def test_batches_keep_the_contract(builder):
  batches = [*train(builder, num_steps=3)]
  assert len(batches) == 3
  for batch in batches:
    batch_lib.check_batch(batch, toy.all_tasks())
    assert batch['inputs']['image'].shape == (4, 8, 8, 3)
    assert batch['inputs']['image'].dtype == np.float32


def test_evaluation_sees_every_sample_once_and_fills_up(builder):
  options = {'batch_size': 4, 'image_size': 8}
  batches = list(
    face_batches.eval_batches(builder, 'val', toy.all_tasks(), **options)
  )
  ids = [i for b in batches for i in b['id']]
  assert len(ids) == 12
  assert len(set(ids) - {b''}) == 11
  padding = batches[-1]
  assert padding['id'][-1] == b''
  assert all(w[-1].sum() == 0 for w in padding['weights'].values())
  batch_lib.check_batch(padding, toy.all_tasks())


def test_pictures_grow_as_scheduled_and_are_resized(builder):
  batches = train(builder, num_steps=3, sizes={0: 4, 2: 8})
  assert [b['inputs']['image'].shape[1] for b in batches] == [4, 4, 8]


def test_windows_are_parts_of_the_picture_in_every_place(builder):
  whole = train(builder, augmentations=[])
  parts = train(builder, augmentations=[], crop_size=6)
  places = set()
  for a, b in zip(whole, parts, strict=True):
    images = (a['inputs']['image'], b['inputs']['image'])
    for image, window in zip(*images, strict=True):
      found = [
        (y, x)
        for y in range(3)
        for x in range(3)
        if np.array_equal(image[y : y + 6, x : x + 6], window)
      ]
      assert len(found) == 1
      places.update(found)
  assert len(places) == 9
  for a, b in zip(
    parts[5:],
    train(builder, first_step=5, augmentations=[], crop_size=6),
    strict=True,
  ):
    assert_equal(a, b)


def test_pictures_are_decoded_to_the_unit_range(builder):
  record = next(iter(builder.as_dataset(split='train')))
  stored = record['image'].numpy()
  name = record['id'].numpy()
  batches = itertools.chain(
    *(
      zip(b['id'], b['inputs']['image'], strict=True)
      for b in train(builder, augmentations=[])
    )
  )
  image = next(x for i, x in batches if i == name)
  np.testing.assert_allclose(image, stored / 255, atol=1e-6)


def test_unknown_splits_and_augmentations_name_the_known(builder):
  with pytest.raises(ValueError, match=r"no split 'dev'.*'train'"):
    streams.split_size(builder, 'dev')
  with pytest.raises(ValueError, match='is empty'):
    streams.split_size(builder, 'test[:1%]')
  with pytest.raises(ValueError, match=r'augment.*blur.*flip'):
    train(builder, augmentations=[('blur', {})])
  with pytest.raises(ValueError, match=r'augment.*by_how_much'):
    train(builder, augmentations=[('crop', {'by_how_much': 3})])


def to_task(task, columns, values, weights):
  record = {
    task.name: tf.constant(values, tf.float32),
    task.name + '_weights': tf.constant(weights, tf.float32),
    'id': tf.constant('a'),
  }
  return [
    x.numpy().tolist() for x in label_mapping.to_task(record, task, columns)
  ]


def test_action_units_are_joined_by_name():
  task = tasks_lib.get_task('action_units', outputs=('AU12', 'AU4', 'AU1'))
  values, weights = to_task(task, ('AU1', 'AU2', 'AU12'), [1, 1, 0], [1, 1, 1])
  assert values == [0, 0, 1]
  assert weights == [1, 0, 1]  # AU4 is not annotated there.


def test_classes_are_joined_by_name_and_lost_ones_have_no_weight():
  task = tasks_lib.get_task('expression', outputs=('neutral', 'anger', 'fear'))
  columns = ('anger', 'neutral', 'contempt')
  assert to_task(task, columns, [1, 0, 0], 1.0) == [[0, 1, 0], 1]
  assert to_task(task, columns, [0, 0, 1], 1.0) == [[0, 0, 0], 0]
  # Votes: renormalised while the known classes hold most of them.
  values, weight = to_task(task, columns, [0.3, 0.3, 0.4], 1.0)
  np.testing.assert_allclose(values, [0.5, 0.5, 0])
  assert weight == 1
  assert to_task(task, columns, [0.2, 0.2, 0.6], 1.0)[1] == 0
  assert to_task(task, (), [], 0.0) == [[0, 0, 0], 0]


def test_labels_are_counted(builder):
  tasks = toy.all_tasks()
  corpus = streams.Corpus('toy', builder, {'train': 'train'})
  counts, drawn = label_counts.of_training([corpus], tasks, {'toy': 1.0})
  rows = [b for b in train(builder, num_steps=23, augmentations=[])][:23]
  # 23 batches of 4 hold every sample four times.
  mass = sum(
    (b['labels']['expression'] * b['weights']['expression'][:, None]).sum(0)
    for b in rows
  )
  np.testing.assert_allclose(counts['expression']['mass'], mass / 4)
  labelled = sum(b['weights']['action_units'].sum(0) for b in rows)
  np.testing.assert_allclose(counts['action_units']['labelled'], labelled / 4)
  # Rows are drawn as they come: counts are those that are drawn.
  jax.tree.map(np.testing.assert_array_equal, drawn, counts)


def test_a_task_without_labels_is_an_error_or_dropped():
  tasks = toy.all_tasks()
  counts = {t.name: {'labelled': np.ones(1)} for t in tasks}
  counts['action_units'] = {'labelled': np.zeros(2)}
  with pytest.raises(ValueError, match='no label of action_units'):
    label_mapping.require(counts, tasks, drop=False)
  kept = label_mapping.require(counts, tasks, drop=True)
  assert [t.name for t in kept] == ['expression', 'valence_arousal']
  with pytest.raises(ValueError, match='any task'):
    label_mapping.require(counts, tasks[1:2], drop=True)


@pytest.mark.parametrize('split', ['train', 'val'])
def test_rows_of_two_processes_are_those_of_one(builder, monkeypatch, split):
  def batches():
    if split == 'train':
      return train(builder, num_steps=5)
    return list(
      face_batches.eval_batches(
        builder, split, toy.all_tasks(), batch_size=4, image_size=8
      )
    )

  expected = batches()
  monkeypatch.setattr(streams.jax, 'process_count', lambda: 2)
  parts = []
  for index in range(2):
    monkeypatch.setattr(streams.jax, 'process_index', lambda i=index: i)
    parts.append(batches())
  assert all(len(b['id']) == 2 for part in parts for b in part)
  # Pictures too: a row is augmented alike wherever it is.
  for whole, *own in zip(expected, *parts, strict=True):
    jax.tree.map(
      lambda x, *y: np.testing.assert_array_equal(x, np.concatenate(y)),
      whole,
      *own,
    )
