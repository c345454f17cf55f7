"""What holds for every task and its options."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys.tasks import example

from affect_jax import tasks
from affect_jax.data import batch as batch_lib
from affect_jax.tasks import sentiment
from affect_jax.tasks import valence_arousal

MANY = {'kind': 'multilabel'}
VARIANTS = {
  'expression': [
    {},
    {'loss': 'focal', 'label_smoothing': 0.1},
    {'class_weights': 'balanced', 'counts': [7, 6, 5, 4, 3, 2, 1]},
    {'logit_adjustment': 1.5, 'counts': [7, 6, 5, 4, 3, 2, 1]},
  ],
  'action_units': [
    {},
    {'loss': 'focal', 'focal_alpha': 0.25},
    {'loss': 'asymmetric', 'pos_weight': np.arange(1, 13)},
    {'pos_weight': 'balanced', 'counts': ([3] * 12, [9] * 12)},
  ],
  'valence_arousal': [
    *({'loss': name} for name in valence_arousal.LOSSES),
    {'loss': 'bins', 'soft_bins': True, 'bins': 7, 'outputs': ('valence',)},
  ],
  'emotion': [
    {},
    {'loss': 'focal', 'label_smoothing': 0.1},
    {'class_weights': 'balanced', 'counts': [7, 6, 5, 4, 3, 2, 1]},
    {'logit_adjustment': 1.0, 'counts': [7, 6, 5, 4, 3, 2, 1]},
    {**MANY},
    {**MANY, 'loss': 'focal', 'focal_alpha': 0.25},
    {**MANY, 'loss': 'asymmetric', 'pos_weight': (1, 2, 3, 4, 5, 6, 7)},
    {**MANY, 'pos_weight': 'balanced', 'counts': ([3] * 7, [9] * 7)},
  ],
  'sentiment': [{'loss': name} for name in sentiment.LOSSES],
  'sentiment_class': [
    {},
    {'loss': 'focal'},
    {'class_weights': 'effective', 'counts': [5, 9, 3]},
    {'outputs': ('positive', 'negative')},
  ],
  'sarcasm': [
    {},
    {'pos_weight': (2.0,)},
    {'pos_weight': 'balanced', 'counts': ([3], [9])},
  ],
}
every_variant = pytest.mark.parametrize(
  ('name', 'number'),
  [(n, i) for n, all_ in VARIANTS.items() for i in range(len(all_))],
)


@functools.cache
def build(name, number):
  return tasks.get_task(name, **VARIANTS[name][number])


@functools.cache
def compiled(name, number):
  """The loss and its gradient by the outputs; several tests share them."""
  return jax.jit(jax.value_and_grad(build(name, number).loss))


def test_every_task_is_here():
  assert set(VARIANTS) == set(tasks.TASKS)


@every_variant
def test_task_fits_the_contract(name, number):
  task = build(name, number)
  assert task.name == name
  assert task.headline in task.metrics
  batch = batch_lib.dummy_batch([task], 8, 2)
  batch_lib.check_batch(batch, [task])
  _, labels, weights = example(task, 2)
  batch = {
    'id': np.array([b'a', b'b'], object),
    'inputs': {
      'text': np.zeros((2, 5, 3), np.float32),
      'text_mask': np.ones((2, 5), bool),
    },
    'labels': {name: labels},
    'weights': {name: weights},
  }
  batch_lib.check_batch(batch, [task])


@pytest.mark.parametrize(
  ('name', 'options', 'k', 'per_output'),
  [
    ('emotion', {}, 7, False),
    ('emotion', MANY, 7, True),
    ('sentiment', {}, 1, True),
    ('sentiment_class', {}, 3, False),
    ('sarcasm', {}, 1, True),
  ],
)
def test_shapes(name, options, k, per_output):
  task = tasks.get_task(name, **options)
  assert len(task.outputs) == task.num_units == k
  assert task.weight_per_output == per_output


@every_variant
def test_loss_learns_its_own_labels(name, number):
  outputs, labels, weights = map(jnp.asarray, example(build(name, number)))
  step = compiled(name, number)
  first, grad = step(outputs, labels, weights)
  assert np.isfinite(first)
  assert grad.shape == outputs.shape
  for _ in range(200):
    outputs = outputs - 4.0 * step(outputs, labels, weights)[1]
  assert step(outputs, labels, weights)[0] < 0.9 * first


@every_variant
def test_empty_batch_and_garbage(name, number):
  outputs, labels, weights = example(build(name, number))
  step = compiled(name, number)
  value, grad = step(*map(jnp.asarray, (outputs, labels * np.nan, 0 * weights)))
  assert value == 0
  assert np.all(grad == 0)
  weights[5] = 0
  expected = step(*map(jnp.asarray, (outputs, labels, weights)))
  labels[5] = np.nan
  value, grad = step(*map(jnp.asarray, (outputs, labels, weights)))
  assert value == expected[0]
  np.testing.assert_array_equal(grad, expected[1])


@every_variant
def test_predictions_lie_in_label_space(name, number):
  task = build(name, number)
  outputs, labels, _ = example(task)
  p = np.asarray(task.predict(jnp.asarray(outputs * 3).astype(jnp.bfloat16)))
  assert p.dtype == np.float32
  assert p.shape == labels.shape
  if name == 'sentiment':  # Not clipped to its range.
    return
  low = -1 if name == 'valence_arousal' else 0
  assert np.all((p >= low) & (p <= 1))
  if not task.weight_per_output:
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-5)


@every_variant
def test_metrics_of_perfect_and_absent_predictions(name, number):
  task = build(name, number)
  _, labels, weights = example(task, rows=200)
  headline = task.metrics[task.headline](labels, labels, weights)
  assert isinstance(headline, float)
  assert headline == pytest.approx(1)
  # Higher is better, and chance is well below.
  rng = np.random.default_rng(1)
  noise = np.float32(rng.permutation(labels))
  assert task.metrics[task.headline](noise, labels, weights) < 0.8
  for metric in task.metrics.values():
    value = metric(labels, labels, weights * 0)
    value = list(value.values()) if isinstance(value, dict) else value
    assert np.all(np.isnan(value))
