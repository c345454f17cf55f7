"""The corpus of drawn faces: pictures, bytes, splits and options."""

import hashlib
import itertools

import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from affect_jax.corpora import synthetic_faces
from affect_jax.synthetic import affect
from affect_jax.synthetic import annotate
from affect_jax.synthetic import gallery
from affect_jax.synthetic import person
from affect_jax.synthetic import render


def build(folder, **options):
  options = {'num_train': 40, 'num_val': 16, 'num_test': 16} | options
  builder = synthetic_faces.SyntheticFaces(
    data_dir=folder, image_size=24, **options
  )
  builder.download_and_prepare()
  return builder


def read(builder, split):
  examples = builder.as_dataset(
    split=split, decoders={'image': tfds.decode.SkipDecoding()}
  )
  found = {e['id'].decode(): e for e in examples.as_numpy_iterator()}
  return [found[name] for name in sorted(found)]


@pytest.fixture(scope='module')
def corpus(tmp_path_factory):
  return build(tmp_path_factory.mktemp('corpus'))


def test_a_face_depends_on_seed_split_and_index_only():
  alone = gallery.pictures([gallery.draw(3, 'val', 5, 4)[1]], 24)[0]
  faces = [gallery.draw(3, 'val', i, 4)[1] for i in (9, 5, 0)]
  np.testing.assert_array_equal(gallery.pictures(faces, 24)[1], alone)
  for other in ((4, 'val', 5), (3, 'test', 5), (3, 'val', 6)):
    picture = gallery.pictures([gallery.draw(*other, 4)[1]], 24)[0]
    assert np.any(picture != alone), other


def test_bytes_do_not_depend_on_batches_or_threads():
  def digest(count, workers):
    found = gallery.stream(0, 'train', count, 24, 8, workers=workers)
    return [hashlib.sha256(data).hexdigest() for _, _, data in found]

  many = digest(40, 3)
  assert len(set(many)) == 40
  assert digest(40, 1) == many
  assert digest(7, 2) == many[:7]


def test_the_face_fills_the_picture():
  """Share of pixels that change with the skin, in plain portraits."""
  who = person.draw_person(np.random.default_rng(0))
  still = affect.affect({}, {}, expression='neutral')
  face = person.face(who, still, None)
  light = face | {'back': np.full((2, 3), 9.0, np.float32)}
  a, b = gallery.pictures([face, light], 48).astype(int)
  covered = np.abs(a - b).sum(-1) == 0
  assert 0.4 < covered.mean() < 0.85
  assert covered[24, 24]
  assert not covered[24, 0]


def test_no_triangle_is_lost_for_want_of_slots():
  full = round(64 * render.SUPERSAMPLE)
  for i in range(12):
    face = gallery.draw(1, 'train', i * 8, 8)[1] | {'zoom': np.float32(1.12)}
    face = {k: jnp.asarray(v) for k, v in face.items()}
    _, place = render._project(render._deform(face), face, full)
    assert render._tiles(place, full).sum() < 0.95 * render._slots(full)


def test_the_corpus(corpus):
  assert corpus.info.metadata['outputs'] == {
    k: list(v) for k, v in annotate.OUTPUTS.items()
  }
  subjects = {}
  for split, count in (('train', 40), ('val', 16), ('test', 16)):
    examples = read(corpus, split)
    assert [e['id'].decode() for e in examples] == [
      f'{split}/{i:08d}' for i in range(count)
    ]
    subjects[split] = {e['subject'] for e in examples}
    assert len(subjects[split]) == count // 8
    for e in examples:
      assert tf.io.decode_image(e['image']).shape == (24, 24, 3)
      for task in annotate.OUTPUTS:
        weights = e[task + '_weights']
        assert set(np.unique(weights)) <= {0.0, 1.0}
        assert np.all(e[task] * (1 - weights) == 0)
  everybody = set.union(*subjects.values())
  assert len(everybody) == sum(len(s) for s in subjects.values())


def test_evaluation_labels_are_complete_and_exact(corpus):
  for e in read(corpus, 'val') + read(corpus, 'test'):
    assert e['expression_weights'] == 1
    assert e['action_units_weights'].min() == 1
    np.testing.assert_array_equal(
      e['action_units'], e['action_unit_intensities'] >= 0.3
    )
    np.testing.assert_allclose(
      e['valence_arousal'],
      affect.valence_arousal(e['expression_mix'], e['action_unit_intensities']),
      atol=1e-6,
    )
    if e['expression_mix'][1:].any():
      assert e['expression'].argmax() == 1 + e['expression_mix'][1:].argmax()


def test_the_same_options_give_the_same_bytes(corpus, tmp_path):
  again = build(tmp_path)
  assert again.builder_config.name == corpus.builder_config.name
  for a, b in zip(read(corpus, 'train'), read(again, 'train'), strict=True):
    for key in a:
      np.testing.assert_array_equal(a[key], b[key])


def test_every_option_names_another_folder(tmp_path):
  options = [
    {},
    {'image_size': 32},
    {'num_train': 41},
    {'num_val': 3},
    {'num_test': 3},
    {'images_per_subject': 4},
    {'seed': 1},
    {'missing_task': {}},
    {'missing_class': {}},
    {'missing_au': {}},
    {'missing_in_eval': True},
    {'label_noise': 0.5},
  ]
  names = {
    synthetic_faces.SyntheticFaces(data_dir=tmp_path, **o).builder_config.name
    for o in options
  }
  assert len(names) == len(options)


def test_pictures_do_not_change_with_the_flaws(corpus, tmp_path):
  other = build(
    tmp_path, missing_task={}, missing_in_eval=True, label_noise=0.9
  )
  for a, b in zip(read(corpus, 'train'), read(other, 'train'), strict=True):
    assert a['image'] == b['image']
    np.testing.assert_array_equal(
      a['action_unit_intensities'], b['action_unit_intensities']
    )


def test_noise_is_in_train_only_and_eval_may_miss_labels(tmp_path):
  builder = build(tmp_path, label_noise=1.0, missing_in_eval=True)
  for e in read(builder, 'train'):
    known = e['action_units_weights'] > 0
    truth = e['action_unit_intensities'] >= 0.3
    assert np.all(e['action_units'][known] != truth[known])
  held_out = read(builder, 'val') + read(builder, 'test')
  missing = 0
  for e in held_out:
    known = e['action_units_weights'] > 0
    truth = e['action_unit_intensities'] >= 0.3
    assert np.all(e['action_units'][known] == truth[known])
    missing += e['expression_weights'] == 0
  assert 0 < missing < len(held_out)


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'missing_task': {'emotion': 0.1}}, "'emotion' of missing_task"),
    ({'missing_class': {'joy': 0.1}}, "'joy' of missing_class.*happiness"),
    ({'missing_au': {'AU9': 0.1}}, "'AU9' of missing_au.*AU10"),
    ({'missing_au': {'AU4': 1.5}}, 'a share lies in'),
    ({'label_noise': -0.1}, 'label_noise is -0.1'),
    ({'image_size': 8}, 'image_size is 8'),
    ({'num_train': 0}, 'num_train is 0'),
    ({'seed': -1}, 'seed is -1'),
  ],
)
def test_bad_options(tmp_path, options, message):
  with pytest.raises(ValueError, match=message):
    synthetic_faces.SyntheticFaces(data_dir=tmp_path, **options)


def test_rendered_faces_differ_by_expression():
  who = person.draw_person(np.random.default_rng(3))
  faces = []
  for name in affect.EXPRESSIONS:
    drawn = affect.affect(
      {name: 1.0} if name != 'neutral' else {},
      affect.RECIPES[name][0],
      expression=name,
    )
    faces.append(person.face(who, drawn, None))
  pictures = gallery.pictures(faces, 48).astype(np.float32)
  for a, b in itertools.combinations(range(len(faces)), 2):
    assert np.abs(pictures[a] - pictures[b]).mean() > 1, (a, b)
