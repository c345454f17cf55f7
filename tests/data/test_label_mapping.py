"""Emotions of corpora, joined by name to a task's seven outputs."""

import numpy as np
import pytest
import tensorflow as tf

from affect_jax import tasks as tasks_lib
from affect_jax.data import label_mapping
from affect_jax.tasks import emotion

OUTPUTS = (
  *('neutral', 'anger', 'disgust', 'fear'),
  *('happiness', 'sadness', 'surprise'),
)
MELD = (
  *('neutral', 'surprise', 'fear', 'sadness'),
  *('happiness', 'disgust', 'anger'),
)
MOSEI = ('happiness', 'sadness', 'anger', 'surprise', 'disgust', 'fear')
IEMOCAP_4 = ('neutral', 'happiness', 'sadness', 'anger')
IEMOCAP_6 = (
  *('anger', 'excitement', 'frustration'),
  *('happiness', 'neutral', 'sadness'),
)
HALF, THIRD = 1 / 2, 1 / 3
NONE = [0] * 7


def mapped(kind, columns, values, weights=None):
  """Labels and weights of the task; all columns annotated by default."""
  weights = np.ones_like(values) if weights is None else weights
  record = {
    'emotion': tf.constant(values, tf.float32),
    'emotion_weights': tf.constant(weights, tf.float32),
    'id': tf.constant('a' if np.ndim(values) == 1 else ['a'] * len(values)),
  }
  task = tasks_lib.get_task('emotion', outputs=OUTPUTS, kind=kind)
  return [x.numpy() for x in label_mapping.to_task(record, task, columns)]


def test_columns_are_those_of_the_corpora():
  assert emotion.names('meld') == MELD
  assert emotion.names('mosei') == MOSEI
  assert emotion.names('iemocap_4') == IEMOCAP_4
  assert emotion.names('iemocap_6') == IEMOCAP_6


@pytest.mark.parametrize(
  ('columns', 'values', 'expected', 'weight'),
  [
    # One of seven.
    (MELD, [1, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0], 1),
    (MELD, [0, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1], 1),
    (MELD, [0, 0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0, 0], 1),
    (MELD, [0, 0, 0, 0, 0, 0, 1], [0, 1, 0, 0, 0, 0, 0], 1),
    # One, two, three, or none.
    (MOSEI, [0, 0, 0, 0, 0, 1], [0, 0, 0, 1, 0, 0, 0], 1),
    (MOSEI, [0, 1, 1, 0, 0, 0], [0, HALF, 0, 0, 0, HALF, 0], 1),
    (MOSEI, [1, 0, 0, 1, 1, 0], [0, 0, THIRD, 0, THIRD, 0, THIRD], 1),
    (MOSEI, [0, 0, 0, 0, 0, 0], NONE, 0),
    (IEMOCAP_4, [1, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0], 1),
    (IEMOCAP_4, [0, 0, 0, 1], [0, 1, 0, 0, 0, 0, 0], 1),
    # Excitement and frustration are none of the seven.
    (IEMOCAP_6, [0, 1, 0, 0, 0, 0], NONE, 0),
    (IEMOCAP_6, [0, 0, 1, 1, 0, 0], NONE, 0),
    (IEMOCAP_6, [1, 0, 1, 0, 0, 1], [0, HALF, 0, 0, 0, HALF, 0], 1),
    ((), [], NONE, 0),
  ],
)
def test_one_of_seven(columns, values, expected, weight):
  found, weights = mapped('categorical', columns, values)
  np.testing.assert_allclose(found, expected, rtol=1e-6)
  assert weights.shape == ()
  assert weights == weight


def test_one_of_seven_of_what_is_annotated_in_part():
  found, weight = mapped(
    'categorical', MOSEI, [1, 1, 0, 0, 0, 0], [1, 0, 1, 1, 1, 1]
  )
  np.testing.assert_array_equal(found, [0, 0, 0, 0, 1, 0, 0])
  assert weight == 1
  found, weight = mapped('categorical', MELD, [0] * 7, [0] * 7)
  np.testing.assert_array_equal(found, NONE)
  assert weight == 0


@pytest.mark.parametrize(
  ('columns', 'values', 'expected', 'weights'),
  [
    (MELD, [0, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1], [1] * 7),
    # Neutral is not annotated.
    (MOSEI, [0, 1, 1, 0, 0, 0], [0, 1, 0, 0, 0, 1, 0], [0, *[1] * 6]),
    (MOSEI, [0, 0, 0, 0, 0, 0], NONE, [0, *[1] * 6]),
    (IEMOCAP_4, [0, 1, 0, 0], [0, 0, 0, 0, 1, 0, 0], [1, 1, 0, 0, 1, 1, 0]),
    (IEMOCAP_6, [0, 1, 0, 0, 0, 0], NONE, [1, 1, 0, 0, 1, 1, 0]),
    ((), [], NONE, NONE),
  ],
)
def test_each_of_seven(columns, values, expected, weights):
  found = mapped('multilabel', columns, values)
  np.testing.assert_array_equal(found[0], expected)
  np.testing.assert_array_equal(found[1], weights)


def test_each_of_seven_of_what_is_annotated_in_part():
  _, weights = mapped('multilabel', MOSEI, [0] * 6, [1, 0, 1, 1, 0, 1])
  np.testing.assert_array_equal(weights, [0, 1, 0, 1, 1, 0, 1])


def test_windows():
  values = [[1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]]
  found, weights = mapped('categorical', MOSEI, values)
  np.testing.assert_array_equal(
    found, [[0, 0, 0, 0, HALF, HALF, 0], NONE, [0, 1, 0, 0, 0, 0, 0]]
  )
  np.testing.assert_array_equal(weights, [1, 0, 1])
  found, weights = mapped('multilabel', MOSEI, values)
  np.testing.assert_array_equal(
    found, [[0, 0, 0, 0, 1, 1, 0], NONE, [0, 1, 0, 0, 0, 0, 0]]
  )
  np.testing.assert_array_equal(weights, [[0, *[1] * 6]] * 3)
