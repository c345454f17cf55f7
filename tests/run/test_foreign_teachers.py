"""Networks of other packages label faces, as other teachers do."""

import hashlib

from flax import linen as nn
import jax
import numpy as np
from PIL import Image
import pytest
from toys import foreign as toy
from toys import voices

from affect_jax import defaults
from affect_jax import tasks as tasks_lib
from affect_jax.data import weak_labels
from affect_jax.errors import UserError
from affect_jax.models import foreign as foreign_lib
from affect_jax.run import foreign_teachers
from affect_jax.run import label_report
from affect_jax.run import labelling
from affect_jax.tasks import expression
from affect_jax.weak import calibration

CLASSES = expression.AFFECTNET_8


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  """Pictures: 8 in train, of which t0 and t1 have gold; 6 in val."""
  path = tmp_path_factory.mktemp('foreign')
  toy.write_mini_xception(path / 'emotion_model.hdf5')
  toy.write_face_api(path / 'model', toy.face_api_weights())
  r = np.random.default_rng(0)
  gold = {'t0': 'happiness', 't1': 'contempt'}
  rows = ['image,split,valence,expression']
  for i in range(8):
    rows.append(f't{i}.png,train,0.5,{gold.get(f"t{i}", "")}')
  for i in range(6):
    rows.append(f'v{i}.png,val,0.5,{CLASSES[i]}')
  for row in rows[1:]:
    pixels = r.integers(0, 256, (48, 48, 3), np.uint8)
    Image.fromarray(pixels).save(path / row.split(',')[0])
  (path / 'faces.csv').write_text('\n'.join(rows) + '\n')
  return path


def config(folder, *tasks, **changes):
  c = defaults.get_config()
  c.data.corpus = 'faces_csv'
  c.data.path = str(folder / 'faces.csv')
  c.data.data_dir = str(folder / 'data')
  c.data.splits.test = ''
  c.tasks = tasks or ('expression',)
  c.expression.outputs = CLASSES
  c.update_from_flattened_dict(changes)
  return c


def predict(path, folder, names):
  """Probabilities of BASIC_7, from the pictures themselves."""
  found = foreign_lib.load(str(path))
  size = (found.kind.image_size,) * 2
  images = [
    Image.open(folder / f'{x}.png').resize(size, Image.Resampling.BILINEAR)
    for x in names
  ]
  image = np.stack([np.asarray(x) for x in images]) / np.float32(255)
  logits = jax.jit(found.kind.network.apply)(found.variables, image)
  theirs = np.asarray(jax.nn.softmax(logits))
  # Their names begin as ours do.
  order = [
    next(i for i, x in enumerate(found.kind.classes) if x[:3] == ours[:3])
    for ours in expression.BASIC_7
  ]
  return theirs[:, order]


@pytest.fixture(scope='module')
def labelled(folder):
  """What one network labels, at the temperature of val."""
  (labels,), (report,) = labelling.label(
    config(folder),
    [],
    foreign=[str(folder / 'emotion_model.hdf5')],
    batch_size=4,
  )
  return labels, report


def names_of(labels):
  return [x.removesuffix('.png') for x in labels.ids]


def test_it_labels_what_has_no_gold_and_says_who_it_is(folder, labelled):
  labels, report = labelled
  # Gold of contempt is gold, though the network does not know it.
  assert report.left_out == {label_report.HAS_GOLD: 2}
  assert sorted(names_of(labels)) == [f't{i}' for i in range(2, 8)]
  assert labels.outputs == expression.BASIC_7
  path = folder / 'emotion_model.hdf5'
  assert (labels.teacher, labels.step) == ('fer', '')
  assert labels.config == hashlib.sha256(path.read_bytes()).hexdigest()
  theirs = predict(path, folder, names_of(labels))
  want = calibration.temper('class', theirs, labels.temperature)
  # Pictures are resized by another library.
  np.testing.assert_allclose(labels.labels, want, atol=0.02)


def test_its_temperature_is_that_of_val(folder, labelled):
  labels, report = labelled
  theirs = predict(
    folder / 'emotion_model.hdf5', folder, [f'v{i}' for i in range(6)]
  )
  want = calibration.fit('class', theirs, np.eye(7)[:6], np.ones(6))
  assert abs(want - 1) > 0.1
  np.testing.assert_allclose(labels.temperature, want, rtol=0.05)
  caution, measured = report.notes
  assert 'learned from the Training part of FER2013' in caution
  right = (theirs.argmax(-1) == np.arange(6)).mean()
  assert f'6 gold samples of val, of which it has {right:.1%}' in measured


def test_several_are_averaged_and_without_val_taken_as_they_are(folder):
  paths = [folder / 'emotion_model.hdf5', folder / 'model']
  (labels,), (report,) = labelling.label(
    config(folder, **{'data.splits.val': ''}),
    [],
    foreign=[str(p) for p in paths],
    batch_size=4,
  )
  assert labels.teacher == 'fer+face_api'
  assert labels.temperature == 1
  assert sum('no gold of expression in val' in x for x in report.notes) == 2
  one, other = (predict(p, folder, names_of(labels)) for p in paths)
  assert np.abs(one - other).max() > 0.1
  np.testing.assert_allclose(labels.labels, (one + other) / 2, atol=0.02)


def test_its_labels_join_a_student_of_other_classes(labelled):
  labels, _ = labelled
  part = weak_labels.Weighed(
    labels.outputs, labels.kind, labels.ids, labels.labels, labels.confidence
  )
  outputs = ('contempt', 'sadness', 'happiness', *CLASSES[:4])
  task = tasks_lib.get_task('expression', outputs=outputs)
  joined, weights = weak_labels.to_task(part, task)
  kept = weights > 0
  assert kept.any()
  np.testing.assert_array_equal(joined[:, 0], 0)
  happy = expression.BASIC_7.index('happiness')
  sad = expression.BASIC_7.index('sadness')
  np.testing.assert_allclose(
    joined[kept, 2] * labels.labels[kept, sad],
    joined[kept, 1] * labels.labels[kept, happy],
    rtol=1e-4,
  )


class Means(nn.Module):
  """Of red, green and blue."""

  def __call__(self, image):
    return image.mean((1, 2))


def test_frames_of_windows_are_pictures():
  model = foreign_teachers.Model(network=Means(), order=(2, 0))
  image = np.random.default_rng(0).random((2, 3, 4, 4, 3), np.float32)
  found = model.apply({}, {'image': image})['expression']
  np.testing.assert_allclose(found, image.mean((2, 3))[..., [2, 0]], rtol=1e-5)


def test_what_it_cannot_label_is_refused(folder, tmp_path):
  path = str(folder / 'emotion_model.hdf5')
  with pytest.raises(UserError, match=r"know \['expression'\].*\['valence"):
    labelling.label(config(folder, 'valence_arousal'), [], foreign=[path])
  csv = voices.write(tmp_path, 'heard', {'train': ['a', 'b']}, 'sarcasm')
  c = voices.config(csv, tmp_path, 'expression')
  c.data.splits.val = c.data.splits.test = ''
  with pytest.raises(UserError, match='from faces, and these are utterances'):
    labelling.label(c, [], foreign=[path])
  again = tmp_path / 'again.hdf5'
  toy.write_mini_xception(again, seed=1)
  with pytest.raises(UserError, match='names fer twice'):
    labelling.label(config(folder), [], foreign=[path, str(again)])
