"""Test-time views: which pixels they are, and what is averaged."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import training as toy

from affect_jax import tasks as tasks_lib
from affect_jax.evaluation import predict as predict_lib
from affect_jax.evaluation import views
from affect_jax.training import parallel

IMAGE = jnp.arange(2 * 6 * 5 * 3, dtype=jnp.float32).reshape(2, 6, 5, 3)


def seen(name, crop_size=0):
  return [(np.asarray(v), m) for v, m in views.VIEWS[name](IMAGE, crop_size)]


def test_views_of_the_whole_picture():
  ((image, mirrored),) = seen('whole')
  np.testing.assert_array_equal(image, IMAGE)
  assert not mirrored
  (_, first), (image, second) = seen('flip')
  np.testing.assert_array_equal(image[:, :, 0], IMAGE[:, :, -1])
  assert (first, second) == (False, True)


def test_windows_are_those_of_the_corners_and_the_middle():
  ((center, _),) = seen('center_crop', 4)
  np.testing.assert_array_equal(center, IMAGE[:, 1:5, 0:4])
  crops = seen('ten_crop', 4)
  plain = [image for image, mirrored in crops if not mirrored]
  turned = [image for image, mirrored in crops if mirrored]
  assert len(plain) == len(turned) == 5
  corners = [(0, 0), (0, 1), (2, 0), (2, 1), (1, 0)]
  for image, other, (top, left) in zip(plain, turned, corners, strict=True):
    window = IMAGE[:, top : top + 4, left : left + 4]
    np.testing.assert_array_equal(image, window)
    np.testing.assert_array_equal(other, window[:, :, ::-1])


def test_predictions_of_views_are_averaged_with_sides_exchanged():
  task = tasks_lib.get_task('action_units', outputs=('AU12L', 'AU12R', 'AU1'))
  model = toy.model([task], norm=False)
  inputs = {'image': np.random.default_rng(0).random((4, 6, 6, 3), np.float32)}
  variables = model.init(jax.random.key(0), inputs, train=False)
  batch = {
    'inputs': inputs,
    'labels': {'action_units': np.zeros((4, 3), np.float32)},
    'weights': {'action_units': np.ones((4, 3), np.float32)},
  }
  spread = parallel.build('jit', jax.devices()[:1])
  predict = predict_lib.make_predict(
    model, [task], spread, views='ten_crop', crop_size=5
  )
  got = predict(variables, batch)['predictions']['action_units']
  expected = []
  for top, left in ((0, 0), (0, 1), (1, 0), (1, 1), (0, 0)):
    window = inputs['image'][:, top : top + 5, left : left + 5]
    for image, order in ((window, [0, 1, 2]), (window[:, :, ::-1], [1, 0, 2])):
      logits: Any = model.apply(variables, {'image': image}, train=False)
      probabilities = 1 / (1 + np.exp(-np.asarray(logits['action_units'])))
      expected.append(probabilities[:, order])
  np.testing.assert_allclose(got, np.mean(expected, 0), rtol=1e-5)


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    (
      ('six_crop', 0, 8),
      "'six_crop' .*'ten_crop'.*; known: whole, flip",
    ),
    (('ten_crop', 0, 8), 'needs config.crop_size'),
    (('flip', 9, 8), 'crop_size=9 is not between 0'),
  ],
)
def test_impossible_views_are_refused(arguments, message):
  with pytest.raises(ValueError, match=message):
    views.check(*arguments)
