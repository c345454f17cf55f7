"""Of several labels of a sample one counts, and of each task some."""

import types

import numpy as np
import pytest

from affect_jax import tasks
from affect_jax.data import weak_labels
from affect_jax.data import weak_tables
from affect_jax.errors import UserError
from affect_jax.weak import table

BUILDER = types.SimpleNamespace(
  name='toy', info=types.SimpleNamespace(full_name='toy/1.0.0')
)


def read(*tables, **settings):
  settings = {
    **{'rule': 'all', 'threshold': 0.95, 'weight': 0.5, 'any_version': False},
    **settings,
  }
  named = [(f'{i}.parquet', parts) for i, parts in enumerate(tables)]
  return weak_tables.read(named, settings, 'toy', BUILDER)


def labels(task, kind, outputs, ids, values, confidence):
  return table.WeakLabels(
    task=task,
    kind=kind,
    outputs=outputs,
    ids=np.array(ids, object),
    labels=np.float32(values),
    confidence=np.float32(confidence),
  )


def units(outputs, ids, values, confidence):
  return labels('action_units', 'presence', outputs, ids, values, confidence)


def sentiment(ids, value, confidence=1.0):
  shape = (len(ids), 1)
  values, sure = np.full(shape, value), np.full(shape, confidence)
  return labels('sentiment', 'value', ('sentiment',), ids, values, sure)


def test_the_first_of_several_tables_counts():
  (part,) = read([sentiment(['a'], 1)], [sentiment(['a', 'b'], 2)])['sentiment']
  assert (part.ids.tolist(), part.labels.tolist()) == (['a', 'b'], [[1], [2]])
  emotions = [
    labels('emotion', 'class', ('fear', 'anger'), ids, values, [0.9] * len(ids))
    for ids, values in ((['a'], [[0.1, 0.9]]), (['a', 'b'], [[0.9, 0.1]] * 2))
  ]
  first, second = read(emotions)['emotion']
  assert (first.ids.tolist(), second.ids.tolist()) == (['a'], ['b'])


def test_who_abstains_hides_no_other_label():
  parts = [
    units(('AU1', 'AU2'), ['a'], [[0, 1]], [[0, 1]]),
    units(
      ('AU4', 'AU2', 'AU1'),
      ['b', 'a'],
      [[0.9, 0.8, 0.6], [0.7, 0.2, 0.3]],
      [[0.9, 0.8, 0.6], [0.7, 0.8, 0.7]],
    ),
    units(('AU4',), ['a'], [[0.1]], [[0.9]]),
  ]
  (part,) = read(parts)['action_units']
  assert part.ids.tolist() == ['a', 'b']
  assert part.outputs == ('AU1', 'AU2', 'AU4')
  np.testing.assert_allclose(part.labels, [[0.3, 1, 0.7], [0.6, 0.8, 0.9]])
  np.testing.assert_array_equal(part.weights, 0.5)
  # What a threshold leaves out lets no other label in.
  (part,) = read(parts, rule='fixed', threshold=0.85)['action_units']
  np.testing.assert_array_equal(part.weights, [[0, 0.5, 0], [0, 0, 0.5]])


def test_a_small_part_of_which_nothing_is_kept_refuses_no_run():
  unsure, sure = sentiment(['a'], 1, 0.5), sentiment(['b', 'c'], 2)
  few, many = read([unsure, sure], rule='fixed')['sentiment']
  assert not few.weights.any()
  assert many.weights.all()
  with pytest.raises(UserError, match=r'0\.parquet: no weak.* 1 at 0.5, of 1'):
    read([unsure], rule='fixed')


def test_a_task_of_which_nobody_says_anything_refuses_no_run(caplog):
  with caplog.at_level('WARNING'):
    (part,) = read([sentiment(['a', 'b'], 1, 0)])['sentiment']
  assert not part.weights.any()
  assert 'all 2 weak labels of sentiment have confidence 0' in caplog.text


def test_what_is_absent_is_no_class():
  task = tasks.get_task('emotion', kind='categorical')
  outputs = task.outputs[:3]
  part = weak_labels.Weighed(
    outputs,
    'presence',
    np.array(['sure of none', 'sure of one', 'rejected']),
    np.float32([[0.02, 0.03, 0.01], [0.97, 0.6, 0.5], [0.9, 0.8, 0.1]]),
    np.float32([[0.9, 0.9, 0.9], [0.9, 0, 0], [0, 0, 0]]),
  )
  found, weights = weak_labels.to_task(part, task)
  np.testing.assert_allclose(weights, [0, 0.9, 0])
  np.testing.assert_array_equal(found[1], np.eye(len(task.outputs))[0])
  assert not found[[0, 2]].any()
